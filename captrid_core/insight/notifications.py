"""Notifications (P8): tell once what is the matter, and once more when it is over.

What is to be sent lies in the database until it was accepted, so that a mail server's bad day
loses nothing; sending never holds up or fails a sync.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from captrid_core.clock import Clock, from_column, iso, to_column
from captrid_core.errors import CaptridError, Invalid
from captrid_core.insight.channels import Channel, Email, Webhook
from captrid_core.insight.matters import Concern, Matter, Matters
from captrid_core.store.database import Cursor, Database, rows
from captrid_core.store.records import read_setting, write_audit, write_setting
from captrid_core.store.vault import Vault

log = logging.getLogger(__name__)

CHANNELS: Final = {"webhook": Webhook, "email": Email}
"""The channels by name."""
VERSION: Final = 1
"""The version of the JSON that is sent."""
_GIVEN_UP_AFTER: Final = 8
_FIRST_RETRY: Final = timedelta(minutes=1)

_SUBJECTS: Final[Mapping[Concern, tuple[str, str | None]]] = {
    Concern.FAILED: ("The sync of “{name}” failed", "The sync of “{name}” works again"),
    Concern.HELD: ("A sync of “{name}” waits for your decision", None),
    Concern.STALE: ("“{name}” was not synced in time", "“{name}” is up to date again"),
    Concern.CONNECTION_FAILED: ("The connection “{name}” failed", "The connection “{name}” works again"),
    Concern.SECRET_EXPIRING: ("The client secret of “{name}” expires in {days} days", None),
    Concern.SECRET_EXPIRED: ("The client secret of “{name}” has expired", None),
}
"""What is told of each concern when it begins, and when it is over; the rest is for the dashboard alone."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification on its way, or sent."""

    channel: str
    subject: str
    created_at: datetime | None
    sent_at: datetime | None
    tries: int
    error: str | None


class Notifications:
    """The notifications of one home."""

    def __init__(self, database: Database, vault: Vault, matters: Matters, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._matters = matters
        self._clock = clock

    def channel(self, name: str) -> Channel | None:
        """Return a channel as it is set up; None: it is off.

        Raises:
            Invalid: There is no such channel.
        """
        with self._database.read() as cursor:
            return _channel(cursor, name)

    def has_secret(self, name: str) -> bool:
        """Tell whether a secret is stored for a channel."""
        return _owner(name) in self._vault.owners()

    def set_up(
        self, name: str, values: Mapping[str, Any] | None, *, secret: str | None = None, actor: str
    ) -> None:
        """Set a channel up, or switch it off.

        Args:
            name: One of `CHANNELS`.
            values: Its parts, by the names of `Webhook` or `Email`; None switches it off and forgets its secret.
            secret: The webhook's signing secret, or the password; None keeps what is stored, "" forgets it.
            actor: Who does it.

        Raises:
            Invalid: There is no such channel, or its parts do not do.
        """
        kind = _kind(name)
        made = None if values is None else kind(**values)
        with self._database.write() as cursor:
            write_setting(cursor, f"channel.{name}", None if made is None else asdict(made))
            write_audit(
                cursor,
                "notifications.changed",
                actor=actor,
                at=self._clock(),
                entity="organisation",
                entity_id="",
                entity_name=name,
                on=made is not None,
            )
        if secret:
            self._vault.put(_owner(name), secret)
        elif (secret == "" or made is None) and self.has_secret(name):
            self._vault.remove(_owner(name))

    def test(self, name: str) -> None:
        """Send a test over a channel.

        Raises:
            Invalid: The channel is off.
            NotDelivered: It was not accepted.
        """
        channel = self.channel(name)
        if channel is None:
            raise Invalid("This way of notifying is off.", hint="Set it up first.")
        payload = {"version": VERSION, "event": "test", "at": iso(self._clock())}
        subject = "CaptrID: a test"
        self._send(name, channel, subject, "This is a test. Notifications arrive here.", payload)

    def look(self) -> None:
        """See what is the matter now, and send what is new, what is over, and what could not be sent before."""
        try:
            with self._database.read() as cursor:
                channels = {name: one for name in CHANNELS if (one := _channel(cursor, name)) is not None}
            if not channels:
                return
            present = {one.key: one for one in self._matters.all() if one.concern in _SUBJECTS}
            with self._database.write() as cursor:
                for name in channels:
                    self._note(cursor, name, present)
            for name, channel in channels.items():
                self._deliver(name, channel)
        except CaptridError as error:  # the home is busy or full: the next look may find it better
            log.warning("Notifications were not looked after: %s", error.message)

    def latest(self, limit: int = 20) -> list[Delivery]:
        """Return the latest notifications, newest first."""
        with self._database.read() as cursor:
            found = rows(
                cursor, f"SELECT * FROM notification ORDER BY notification_id DESC LIMIT {limit:d}", []
            )
        return [
            Delivery(
                one["channel"],
                json.loads(one["payload"])["subject"],
                from_column(one["created_at"]),
                from_column(one["sent_at"]),
                one["tries"],
                one["error"],
            )
            for one in found
        ]

    def _note(self, cursor: Cursor, channel: str, present: Mapping[str, Matter]) -> None:
        """Write down what begins and what is over, for one channel."""
        open_before = rows(
            cursor,
            """SELECT key, last(payload ORDER BY notification_id) AS payload FROM notification
               WHERE channel = ? GROUP BY key HAVING last(event ORDER BY notification_id) = 'begins'""",
            [channel],
        )
        known = {one["key"]: json.loads(one["payload"]) for one in open_before}
        for key, matter in present.items():
            if key not in known:
                self._add(cursor, channel, key, "begins", _payload(matter, self._clock()), told=False)
        for key, payload in known.items():
            if key not in present:
                over = _SUBJECTS[Concern(payload["concern"])][1]
                subject = over.format(**payload) if over else payload["subject"]
                ended = {**payload, "event": "ends", "subject": subject, "text": "", "at": iso(self._clock())}
                self._add(cursor, channel, key, "ends", ended, told=over is None)

    def _add(
        self, cursor: Cursor, channel: str, key: str, event: str, payload: dict[str, Any], *, told: bool
    ) -> None:
        now = to_column(self._clock())
        cursor.execute(
            """INSERT INTO notification
               SELECT coalesce(max(notification_id), 0) + 1, ?, ?, ?, ?, ?, ?, 0, ?, NULL FROM notification""",
            [key, event, channel, json.dumps(payload), now, now if told else None, now],
        )

    def _deliver(self, name: str, channel: Channel) -> None:
        now = self._clock()
        with self._database.read() as cursor:
            waiting = rows(
                cursor,
                """SELECT * FROM notification WHERE channel = ? AND sent_at IS NULL AND tries < ? AND next_try <= ?
                   ORDER BY notification_id""",
                [name, _GIVEN_UP_AFTER, to_column(now)],
            )
        for one in waiting:
            payload = json.loads(one["payload"])
            error: str | None = None
            try:
                self._send(name, channel, payload["subject"], payload["text"], payload)
            except CaptridError as failed:
                error = failed.message
                log.warning("A notification was not sent by %s: %s", name, failed.message)
            with self._database.write() as cursor:
                cursor.execute(
                    """UPDATE notification SET tries = tries + 1, error = ?, sent_at = ?, next_try = ?
                       WHERE notification_id = ?""",
                    [
                        error,
                        to_column(now) if error is None else None,
                        to_column(now + _FIRST_RETRY * 2 ** one["tries"]),
                        one["notification_id"],
                    ],
                )
            if error is not None:
                return  # what follows would meet the same

    def _send(self, name: str, channel: Channel, subject: str, text: str, payload: dict[str, Any]) -> None:
        secret = self._vault.get(_owner(name)) if self.has_secret(name) else None
        channel.send(subject, f"{subject}.\n\n{text}".strip(), json.dumps(payload).encode(), secret)


def _payload(matter: Matter, now: datetime) -> dict[str, Any]:
    begins, _ = _SUBJECTS[matter.concern]
    return {
        "version": VERSION,
        "event": "begins",
        "concern": matter.concern,
        "subject": begins.format(name=matter.name, days=matter.days),
        "text": "\n\n".join(part for part in (matter.message, matter.hint) if part),
        "name": matter.name,
        "list_id": matter.list_id,
        "run_id": matter.run_id,
        "connection_id": matter.connection_id,
        "days": matter.days,
        "at": iso(now),
    }


def _channel(cursor: Cursor, name: str) -> Channel | None:
    kind, values = _kind(name), read_setting(cursor, f"channel.{name}", None)
    if values is None:
        return None
    made: Channel = kind(**{key: _whole(value) for key, value in values.items()})
    return made


def _whole(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _kind(name: str) -> Any:
    if name not in CHANNELS:
        raise Invalid(f"“{name}” is no way to notify.", hint=f"There are {' and '.join(CHANNELS)}.")
    return CHANNELS[name]


def _owner(name: str) -> str:
    return f"notification:{name}"
