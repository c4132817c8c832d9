"""Why somebody is, or is not, in a list (X3): the directory and the list asked step by step, with the cure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from captrid_core.directory.connections import Connections
from captrid_core.directory.port import Directory, ScopeKind, Watch
from captrid_core.errors import CaptridError, NotFound
from captrid_core.lists.master_lists import MasterLists
from captrid_core.lists.model import MasterList, Person, StatusFilter, SyncConfiguration
from captrid_core.lists.people import Happening, People, describe
from captrid_core.store.database import Database, row
from captrid_core.sync.mapping import Sample, as_text, preview

_IDENTIFIERS = ("userPrincipalName", "mail", "employeeId")
_ABOUT = ("displayName", "userPrincipalName", "mail", "userType", "accountEnabled")
_MOST = 10


class Good(StrEnum):
    """How a step came out."""

    YES = "yes"
    NO = "no"
    KNOWN = "known"
    """A fact that decides nothing."""
    UNKNOWN = "unknown"
    """It could not be found out."""


@dataclass(frozen=True, slots=True)
class Step:
    """One question and its answer."""

    good: Good
    words: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several people who could be meant."""

    name: str
    detail: str
    object_id: str | None = None
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class FieldStory:
    """Why a value is what it is."""

    key: str
    value: str | None
    source: str | None
    """The directory property that feeds the field; None: it is kept by hand."""
    directory_value: str | None
    set_at: datetime | None
    set_by: str | None
    run_id: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer: a verdict with its steps, or the people to choose from."""

    who: str
    verdict: str = ""
    steps: tuple[Step, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    fields: tuple[FieldStory, ...] = ()
    person: Person | None = None


class Explain:
    """Explains the lists of one home."""

    def __init__(
        self, database: Database, lists: MasterLists, people: People, connections: Connections
    ) -> None:
        self._database = database
        self._lists = lists
        self._people = people
        self._connections = connections

    def why(self, name_or_id: str | int, who: str, watch: Watch) -> Explanation:
        """Say why somebody is or is not in a list.

        Args:
            name_or_id: The list.
            who: A name, mail, user principal name, object id, or UID.
            watch: Waits where the directory asks for it.

        Raises:
            NotFound: There is no such list.
        """
        who = " ".join(who.split())
        master_list = self._lists.get(name_or_id)
        found = self._in_list(master_list, who)
        if len(found) > 1:
            return Explanation(
                who, candidates=tuple(self._candidate(master_list, one) for one in found[:_MOST])
            )
        person = found[0] if found else None
        if not master_list.connected:
            return self._by_hand(master_list, who, person)
        try:
            directory = self._connections.open(_sync(master_list).connection_id, watch)
            try:
                return self._asked(master_list, who, person, directory)
            finally:
                directory.close()
        except CaptridError as error:
            steps = (
                Step(Good.UNKNOWN, f"The directory could not be asked. {error.message}", error.hint),
                *self._standing(master_list, person, None),
            )
            return Explanation(
                who,
                "The directory could not be asked, so only what the list knows is told here.",
                steps,
                fields=tuple(self._stories(master_list, person, None)),
                person=person,
            )

    def _in_list(self, master_list: MasterList, who: str) -> list[Person]:
        try:
            return [self._people.get(master_list, who)]
        except NotFound:
            found = self._people.find(master_list, status=StatusFilter.ALL, search=who, limit=_MOST + 1)
            return found.people if who else []

    def _candidate(self, master_list: MasterList, person: Person) -> Candidate:
        values = [str(value) for value in describe(person)["fields"].values() if value]
        return Candidate(" · ".join(values[1:4]), "Active" if person.active else "Inactive", uid=person.uid)

    def _by_hand(self, master_list: MasterList, who: str, person: Person | None) -> Explanation:
        verdict = (
            f"“{master_list.name}” is kept by hand, and nobody in it fits “{who}”."
            if person is None
            else f"“{master_list.name}” is kept by hand, and {person.uid} is in it."
        )
        steps = tuple(self._standing(master_list, person, None))
        cure = Step(
            Good.NO,
            "No directory feeds this list.",
            "Add the person by hand, or connect the list under Configure Sync.",
        )
        return Explanation(
            who,
            verdict,
            (cure, *steps) if person is None else steps,
            fields=tuple(self._stories(master_list, person, None)),
            person=person,
        )

    def _asked(
        self, master_list: MasterList, who: str, person: Person | None, directory: Directory
    ) -> Explanation:
        sync = _sync(master_list)
        paths = list(dict.fromkeys((*_ABOUT, sync.uid_property, *(p for p in sync.mapping if p != "id"))))
        anchor = self._anchor(master_list, person)
        text = anchor or who
        users = directory.find(text, properties=paths, exact=(*_IDENTIFIERS, sync.uid_property), limit=_MOST)
        if len(users) > 1:
            return Explanation(
                who,
                candidates=tuple(
                    Candidate(
                        str(one.get("displayName") or one["id"]),
                        str(one.get("userPrincipalName") or ""),
                        object_id=one["id"],
                    )
                    for one in users
                ),
            )
        if not users:
            steps = (self._not_found(anchor, who, directory), *self._standing(master_list, person, None))
            return Explanation(
                who,
                _verdict(master_list, person, None, steps),
                steps,
                fields=tuple(self._stories(master_list, person, None)),
                person=person,
            )
        user = users[0]
        if person is None:
            person = self._by_anchor(master_list, user["id"]) or self._by_uid(master_list, user)
        steps = (
            *self._in_directory(master_list, user, directory),
            *self._standing(master_list, person, user["id"]),
        )
        return Explanation(
            str(user.get("displayName") or who),
            _verdict(master_list, person, user, steps),
            steps,
            fields=tuple(self._stories(master_list, person, user)),
            person=person,
        )

    def _not_found(self, anchor: str | None, who: str, directory: Directory) -> Step:
        if anchor is None:
            return Step(
                Good.NO,
                f"Nobody in the directory goes by “{who}”.",
                "Check the spelling, or try the mail address or the user principal name.",
            )
        if anchor in directory.deleted([anchor]):
            return Step(
                Good.NO,
                "The account was deleted and lies in the recycle bin.",
                "An administrator can restore it in Entra for 30 days; the next sync then reactivates the person.",
            )
        return Step(
            Good.NO, "The account was deleted.", "If that was a mistake, it has to be created anew in Entra."
        )

    def _in_directory(
        self, master_list: MasterList, user: Mapping[str, Any], directory: Directory
    ) -> Iterator[Step]:
        sync = _sync(master_list)
        yield Step(
            Good.YES, f"Found in the directory: {user.get('displayName')} ({user.get('userPrincipalName')})."
        )
        yield _filtered(
            user.get("accountEnabled") is False,
            sync.exclude_disabled,
            ("The account is enabled.", "The account is disabled, and this list takes disabled accounts."),
            "The account is disabled, and this list leaves disabled accounts out.",
            "Enable the account in Entra, or take the filter away under Configure Sync.",
        )
        yield _filtered(
            str(user.get("userType")).lower() == "guest",
            sync.exclude_guests,
            ("The account is no guest.", "The account is a guest, and this list takes guests."),
            "The account is a guest, and this list leaves guests out.",
            "Take the filter away under Configure Sync if guests belong here.",
        )
        yield _scope_step(sync, user["id"], directory)
        yield from _uid_steps(sync, user, directory)
        yield from _value_steps(master_list, user)

    def _standing(
        self, master_list: MasterList, person: Person | None, object_id: str | None
    ) -> Iterator[Step]:
        """Say how somebody stands in the list, and what the last runs said of them."""
        if person is None:
            yield Step(Good.KNOWN, f"“{master_list.name}” has no record of this person.")
        else:
            status = "Active" if person.active else "Inactive"
            how = "managed by the directory" if person.managed else "not linked to a directory account"
            yield Step(Good.KNOWN, f"In “{master_list.name}” as {person.uid}: {status}, {how}.")
            if person.exception:
                yield Step(
                    Good.NO,
                    "Somebody set this status by hand, against the directory; syncs leave it alone.",
                    "Release to the directory, in the person’s panel, gives it back.",
                )
            yield from self._last_touch(master_list, person)
        note = self._note(master_list, object_id, person)
        if note is not None:
            yield Step(Good.NO, f"Run {note[0]} said of this account: {note[1]}")

    def _last_touch(self, master_list: MasterList, person: Person) -> Iterator[Step]:
        latest = self._people.history(master_list, person.id, limit=1)
        if latest:
            one = latest[0]
            by = f"run {one.run_id}" if one.run_id is not None else f"{one.actor}, by hand"
            reason = f" ({one.reason.replace('_', ' ')})" if one.reason else ""
            yield Step(Good.KNOWN, f"Last touched by {by}, on {one.at:%-d %B %Y}: {one.action}{reason}.")

    def _note(
        self, master_list: MasterList, object_id: str | None, person: Person | None
    ) -> tuple[int, str] | None:
        anchor = object_id or self._anchor(master_list, person)
        if anchor is None:
            return None
        with self._database.read() as cursor:
            found = row(
                cursor,
                """SELECT n.run_id, n.message FROM run_note n
                   WHERE n.run_id = (SELECT max(run_id) FROM run WHERE list_id = ? AND status IN ('succeeded', 'held'))
                     AND n.object_id = ? AND n.level = 'error' LIMIT 1""",
                [master_list.id, anchor],
            )
        return (found["run_id"], found["message"]) if found else None

    def _anchor(self, master_list: MasterList, person: Person | None) -> str | None:
        if person is None:
            return None
        with self._database.read() as cursor:
            found = row(
                cursor, f"SELECT _anchor FROM {master_list.people_table} WHERE _person_id = ?", [person.id]
            )
        return found["_anchor"] if found else None

    def _by_anchor(self, master_list: MasterList, object_id: str) -> Person | None:
        with self._database.read() as cursor:
            found = row(
                cursor,
                f"SELECT _person_id FROM {master_list.people_table} WHERE _anchor = ?",
                [object_id],
            )
        return (
            self._people.by_ids(master_list, [found["_person_id"]]).get(found["_person_id"])
            if found
            else None
        )

    def _by_uid(self, master_list: MasterList, user: Mapping[str, Any]) -> Person | None:
        uid = as_text(user.get(_sync(master_list).uid_property))
        try:
            return self._people.get(master_list, uid) if uid else None
        except NotFound:
            return None

    def _stories(
        self, master_list: MasterList, person: Person | None, user: Mapping[str, Any] | None
    ) -> Iterator[FieldStory]:
        """Say of each field where its value comes from, and when it was set."""
        if person is None:
            return
        history = self._people.history(master_list, person.id)
        sources = {}
        if person.managed and master_list.sync is not None:
            sources = {key: path for path, key in master_list.sync.mapping.items()}
        present = _present(master_list, user) if user is not None else {}
        shown = describe(person)["fields"]
        for field in master_list.fields:
            value = None if shown[field.key] is None else str(shown[field.key])
            happened = _last_set(history, field.key)
            source = sources.get(field.key)
            yield FieldStory(
                field.key,
                value,
                source,
                present.get(field.key),
                happened.at if happened else None,
                happened.actor if happened else None,
                happened.run_id if happened else None,
                _why_value(value, source, present.get(field.key), asked=user is not None),
            )


def _sync(master_list: MasterList) -> SyncConfiguration:
    assert master_list.sync is not None
    return master_list.sync


def _filtered(is_so: bool, excluded: bool, fine: tuple[str, str], bad: str, cure: str) -> Step:  # noqa: FBT001
    if is_so and excluded:
        return Step(Good.NO, bad, cure)
    return Step(Good.YES, fine[1] if is_so else fine[0])


def _scope_step(sync: SyncConfiguration, user_id: str, directory: Directory) -> Step:
    if sync.scope.kind is ScopeKind.ALL_USERS:
        return Step(Good.YES, "The list takes all users of the directory.")
    assert sync.scope.group_id is not None
    name = sync.group_name or sync.scope.group_id
    membership = directory.membership(sync.scope.group_id, user_id)
    if membership.direct:
        return Step(Good.YES, f"A member of the group “{name}”.")
    if not membership.through:
        return Step(
            Good.NO,
            f"Not a member of the group “{name}”, neither directly nor through another group.",
            "Add the account to the group in Entra.",
        )
    way = " and ".join(f"“{one}”" for one in membership.through)
    if sync.scope.nested:
        return Step(Good.YES, f"A member of {way}, which lies inside the group “{name}”.")
    return Step(
        Good.NO,
        f"Only a member of {way}, which lies inside the group “{name}”; this list takes direct members alone.",
        "Include members of groups inside this group, under Configure Sync, or add the account to the group itself.",
    )


def _uid_steps(sync: SyncConfiguration, user: Mapping[str, Any], directory: Directory) -> Iterator[Step]:
    uid = as_text(user.get(sync.uid_property))
    if uid is None:
        yield Step(
            Good.NO,
            f"The account has no {sync.uid_property}, by which this list tells people apart; syncs skip it.",
            f"Enter {sync.uid_property} in Entra.",
        )
        return
    if sync.uid_property != "id":
        others = [
            one
            for one in directory.find(
                uid, properties=("userPrincipalName", sync.uid_property), exact=(sync.uid_property,)
            )
            if one["id"] != user["id"] and as_text(one.get(sync.uid_property)) == uid
        ]
        if others:
            names = ", ".join(str(one.get("userPrincipalName")) for one in others)
            yield Step(
                Good.NO,
                f"Its UID {uid} belongs to other accounts too: {names}. If they are in the scope, syncs skip all of them.",
                f"Give each account a {sync.uid_property} of its own in Entra.",
            )
            return
    yield Step(Good.YES, f"Its UID is {uid}.")


def _value_steps(master_list: MasterList, user: Mapping[str, Any]) -> Iterator[Step]:
    sync = _sync(master_list)
    (shown,) = preview(_sample(user), sync.mapping, master_list.fields, uid_property=sync.uid_property)
    problems = [one for one in shown.problems if "would be skipped" not in one]
    if not problems:
        yield Step(Good.YES, "All mapped values fit their fields.")
    for one in problems:
        yield Step(
            Good.NO,
            f"{one} The field keeps the value it has.",
            "Correct it in Entra, or change the field’s type.",
        )


def _present(master_list: MasterList, user: Mapping[str, Any]) -> dict[str, str | None]:
    sync = _sync(master_list)
    (shown,) = preview(_sample(user), sync.mapping, master_list.fields, uid_property=sync.uid_property)
    return shown.values


def _sample(user: Mapping[str, Any]) -> Sample:
    return Sample(({path: as_text(value) for path, value in user.items()},))


def _verdict(
    master_list: MasterList, person: Person | None, user: Mapping[str, Any] | None, steps: tuple[Step, ...]
) -> str:
    name = master_list.name
    crosses = [one for one in steps if one.good is Good.NO]
    who = str((user or {}).get("displayName") or (person.uid if person else "") or "This person")
    if person is not None and person.exception:
        return f"{who} is {'Active' if person.active else 'Inactive'} in “{name}” because somebody set that by hand."
    if person is not None and person.active:
        if not crosses:
            return f"{who} is in “{name}”, as the directory says."
        if not person.managed:
            return f"{who} is in “{name}” because somebody added them by hand; the directory does not manage them."
        return (
            f"{who} is still Active in “{name}”, but the next Full Sync may change that. {crosses[0].words}"
        )
    if crosses:
        stands = "is Inactive in" if person is not None else "is not in"
        return f"{who} {stands} “{name}”. {crosses[0].words}"
    if person is not None:
        return f"{who} is Inactive in “{name}”; the next sync reactivates them."
    return f"{who} is not in “{name}” yet; the next sync adds them."


def _last_set(history: list[Happening], key: str) -> Happening | None:
    return next((one for one in history if one.field == key or one.action == "created"), None)


def _why_value(value: str | None, source: str | None, present: str | None, *, asked: bool) -> str:
    if source is None:
        return "Kept by hand."
    if not asked:
        return f"From {source}."
    if present == value:
        return f"From {source}, as it is in the directory now."
    if present is None:
        return f"From {source}; the directory has no usable value now."
    return f"From {source}; the directory has “{present}” now, which the next sync brings."
