"""Connections to directories: adding, testing, editing and removing them, and opening one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from captrid_core.clock import Clock, from_column, iso, to_column
from captrid_core.directory.port import Directory, Facts, Watch
from captrid_core.errors import AlreadyExists, CaptridError, Invalid, NotFound, PlanLimit, Refused
from captrid_core.store.database import Cursor, Database, row, rows, scalar
from captrid_core.store.records import read_setting, take_ids, write_audit
from captrid_core.store.vault import Vault

PLANS: dict[str, int | None] = {"starter": 0, "pro": 1, "business": 10, "enterprise": None}
"""How many connections each plan allows; None: any number (S5)."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection. Its secret is in the vault and never here."""

    id: int
    name: str
    tenant_id: str
    client_id: str
    credential: str
    """`secret` or `certificate`."""
    cloud: str
    authority_url: str | None
    graph_url: str | None
    ca_file: str | None
    secret_expires_on: date | None = None
    tested_at: datetime | None = None
    test_result: dict[str, Any] | None = None
    """What the last test answered: its facts, or `error`."""

    @property
    def badge(self) -> str:
        """Connected, Failed or Not tested."""
        if self.test_result is None:
            return "Not tested"
        return "Failed" if "error" in self.test_result else "Connected"


@dataclass(frozen=True, slots=True)
class ConnectionForm:
    """What somebody enters for a connection. The secret never shows in a repr."""

    name: str
    tenant_id: str
    client_id: str
    secret: str | None = None
    """The client secret, or the PEM text of key and certificate; None keeps what is stored."""
    credential: str = "secret"
    cloud: str = "global"
    authority_url: str | None = None
    graph_url: str | None = None
    ca_file: str | None = None
    secret_expires_on: date | None = None

    def __repr__(self) -> str:
        """Show what may be shown."""
        return (
            f"ConnectionForm(name={self.name!r}, tenant_id={self.tenant_id!r}, client_id={self.client_id!r})"
        )


Opener = Callable[[Connection, str, Watch], Directory]
"""Opens a directory with a connection and its secret."""


def open_entra(connection: Connection, secret: str, watch: Watch, *, read_timeout: float = 60.0) -> Directory:
    """Open Microsoft Entra ID with a connection. Nothing is asked of it yet.

    Args:
        connection: The connection.
        secret: Its client secret or certificate.
        watch: Shows waiting and stops the work.
        read_timeout: Seconds without a byte after which an answer is given up.

    Raises:
        CertificateRejected: The stored certificate is unusable.
    """
    from captrid_core.directory.entra import ClientCertificate, ClientSecret, EntraDirectory, EntraSettings

    credential = ClientCertificate(secret) if connection.credential == "certificate" else ClientSecret(secret)
    settings = EntraSettings.for_cloud(
        connection.cloud if connection.cloud != "custom" else "global",
        tenant_id=connection.tenant_id,
        client_id=connection.client_id,
        credential=credential,
        authority_url=connection.authority_url,
        graph_url=connection.graph_url,
        ca_file=Path(connection.ca_file) if connection.ca_file else None,
    )
    return EntraDirectory(settings, watch, read_timeout=read_timeout)


class Connections:
    """The connections of one home."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, *, opener: Opener = open_entra
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._opener = opener

    def add(self, form: ConnectionForm, *, test: Watch | None, actor: str) -> Connection:
        """Store a new connection.

        Args:
            form: What was entered; the secret is required.
            test: Test it first with this watch, and store nothing that fails; None stores it untested.
            actor: Who adds it.

        Raises:
            AlreadyExists: The name is taken.
            PlanLimit: The plan does not allow another connection.
            Invalid: Something is missing.
            SignInError, DirectoryError: The test failed.
        """
        form = _trimmed(form)
        if not form.secret:
            raise Invalid("A connection needs its client secret or certificate.")
        with self._database.read() as cursor:
            self._check_free(cursor, form.name, None)
            self._check_plan(cursor)
        connection = _connection(0, form)
        result = self._probe(connection, form.secret, test) if test is not None else None
        with self._database.write() as cursor:
            self._check_free(cursor, form.name, None)
            self._check_plan(cursor)
            connection = replace(
                connection,
                id=take_ids(cursor, "connection"),
                tested_at=self._clock() if result else None,
                test_result=result,
            )
            # the secret goes first: a connection without one would be of no use, a spare secret does no harm
            self._vault.put(_owner(connection.id), form.secret)
            cursor.execute(
                "INSERT INTO connection (connection_id, created_at) VALUES (?, ?)",
                [connection.id, to_column(self._clock())],
            )
            _store(cursor, connection)
            self._audit(cursor, "connection.added", connection, actor)
        return connection

    def edit(
        self, name_or_id: str | int, form: ConnectionForm, *, test: Watch | None, actor: str
    ) -> Connection:
        """Change a connection; a form without a secret keeps the stored one.

        Raises:
            NotFound, AlreadyExists, Invalid, SignInError, DirectoryError: As for `add`.
        """
        form = _trimmed(form)
        before = self.get(name_or_id)
        if form.credential != before.credential and not form.secret:
            raise Invalid("Another kind of credential needs its value.")
        connection = _connection(before.id, form)
        with self._database.read() as cursor:
            self._check_free(cursor, form.name, before.id)
        result = (
            self._probe(connection, form.secret or self._secret(before), test) if test is not None else None
        )
        with self._database.write() as cursor:
            self._check_free(cursor, form.name, before.id)
            connection = replace(connection, tested_at=self._clock() if result else None, test_result=result)
            if form.secret:
                self._vault.put(_owner(before.id), form.secret)
            _store(cursor, connection)
            self._audit(cursor, "connection.edited", connection, actor)
        return connection

    def test(self, name_or_id: str | int, watch: Watch) -> Facts:
        """Sign in with a stored connection, count users and groups, and remember the outcome (S2).

        Raises:
            NotFound: There is no such connection.
            SignInError, DirectoryError: The test failed, with its cause and what to do.
        """
        connection = self.get(name_or_id)
        try:
            result = self._probe(connection, self._secret(connection), watch)
        except CaptridError as error:
            self._remember(connection, {"error": error.as_dict()})
            raise
        self._remember(connection, result)
        return facts_of(result)

    def try_out(self, form: ConnectionForm, watch: Watch, *, stored: str | int | None = None) -> Facts:
        """Test what is in a form without storing anything; `stored` lends its secret where the form has none.

        Raises:
            SignInError, DirectoryError: The test failed, with its cause and what to do.
        """
        form = _trimmed(form)
        secret = form.secret or (self._secret(self.get(stored)) if stored is not None else None)
        if not secret:
            raise Invalid("Enter the client secret or certificate first.")
        return facts_of(self._probe(_connection(0, form), secret, watch))

    def remove(self, name_or_id: str | int, *, disconnect_lists: bool = False, actor: str) -> None:
        """Remove a connection and its secret (rule R38).

        Raises:
            NotFound: There is no such connection.
            ConnectionInUse: Lists still use it and are not to be disconnected.
        """
        connection = self.get(name_or_id)
        with self._database.write() as cursor:
            using = _lists_using(cursor, connection.id)
            if using and not disconnect_lists:
                raise ConnectionInUse(connection.name, using)
            if using:
                cursor.execute(
                    "UPDATE master_list SET connected = false WHERE connection_id = ? AND connected",
                    [connection.id],
                )
                for name in using:
                    self._audit(cursor, "directory.disconnected", connection, actor, list=name)
            cursor.execute("DELETE FROM connection WHERE connection_id = ?", [connection.id])
            self._audit(cursor, "connection.removed", connection, actor)
        self._vault.remove(_owner(connection.id))

    def get(self, name_or_id: str | int) -> Connection:
        """Return the connection with that name or id.

        Raises:
            NotFound: There is none.
        """
        with self._database.read() as cursor:
            found = None
            if isinstance(name_or_id, str):
                found = row(
                    cursor, "SELECT * FROM connection WHERE lower(name) = lower(?)", [name_or_id.strip()]
                )
            if found is None and str(name_or_id).isascii() and str(name_or_id).isdigit():
                found = row(cursor, "SELECT * FROM connection WHERE connection_id = ?", [int(name_or_id)])
        if found is None:
            raise NotFound(
                f"There is no connection “{name_or_id}”.",
                hint="`captrid connections list` shows what there is.",
            )
        return _loaded(found)

    def all(self) -> list[Connection]:
        """Return every connection, by name."""
        with self._database.read() as cursor:
            return [_loaded(found) for found in rows(cursor, "SELECT * FROM connection ORDER BY lower(name)")]

    def lists_using(self, connection_id: int) -> list[str]:
        """Return the names of the connected lists that a connection feeds."""
        with self._database.read() as cursor:
            return _lists_using(cursor, connection_id)

    def open(self, name_or_id: str | int, watch: Watch) -> Directory:
        """Open the directory of a connection; close it after use.

        Raises:
            NotFound, KeyMissing, KeyWrong: The connection or its secret cannot be had.
        """
        connection = self.get(name_or_id)
        return self._opener(connection, self._secret(connection), watch)

    def _secret(self, connection: Connection) -> str:
        return self._vault.get(_owner(connection.id))

    def _probe(self, connection: Connection, secret: str, watch: Watch) -> dict[str, Any]:
        directory = self._opener(connection, secret, watch)
        try:
            facts = directory.probe()
        finally:
            directory.close()
        return {
            "users": facts.users,
            "groups": facts.groups,
            "tenant": facts.tenant_name,
            "tenant_id": facts.tenant_id,
            "permissions": list(facts.permissions),
        }

    def _remember(self, connection: Connection, result: dict[str, Any]) -> None:
        with self._database.write() as cursor:
            cursor.execute(
                "UPDATE connection SET tested_at = ?, test_result = ? WHERE connection_id = ?",
                [to_column(self._clock()), json.dumps(result), connection.id],
            )

    def _check_free(self, cursor: Cursor, name: str, own_id: int | None) -> None:
        if not name:
            raise Invalid("A connection needs a name.")
        taken = scalar(cursor, "SELECT connection_id FROM connection WHERE lower(name) = lower(?)", [name])
        if taken is not None and taken != own_id:
            raise AlreadyExists(f"There is a connection “{name}” already.")

    def plan(self) -> tuple[str, int | None]:
        """Return the organisation's plan, and how many connections it allows (None: any number)."""
        with self._database.read() as cursor:
            return _plan(cursor)

    def _check_plan(self, cursor: Cursor) -> None:
        plan, allowed = _plan(cursor)
        count = int(scalar(cursor, "SELECT count(*) FROM connection"))
        if allowed is not None and count >= allowed:
            more = next(
                (name for name, limit in PLANS.items() if limit is None or limit > allowed), "enterprise"
            )
            connections = {0: "no directory connections", 1: "1 directory connection"}.get(
                allowed, f"{allowed} directory connections"
            )
            raise PlanLimit(
                f"The {plan.capitalize()} plan allows {connections}.",
                hint=f"The {more.capitalize()} plan allows more: change the plan in Organisation Settings "
                f"(`captrid plan {more}`), or remove a connection.",
            )

    def _audit(self, cursor: Cursor, action: str, connection: Connection, actor: str, **details: Any) -> None:
        write_audit(
            cursor,
            action,
            actor=actor,
            at=self._clock(),
            entity="connection",
            entity_id=connection.id,
            entity_name=connection.name,
            **details,
        )


class ConnectionInUse(Refused):
    """Master Lists still use the connection (rule R38)."""

    code = "connection_in_use"

    def __init__(self, name: str, lists: list[str]) -> None:
        named = ", ".join(f"“{one}”" for one in lists)
        super().__init__(
            f"The connection “{name}” is used by {named}.",
            hint="Disconnect these Master Lists first, or let them be disconnected together with the removal.",
            lists=lists,
        )


def facts_of(result: dict[str, Any]) -> Facts:
    """Return a stored test result as facts."""
    return Facts(
        tenant_id=result["tenant_id"],
        tenant_name=result["tenant"],
        users=result["users"],
        groups=result["groups"],
        permissions=tuple(result["permissions"]),
    )


def describe(connection: Connection) -> dict[str, Any]:
    """Return a connection for machines, without anything secret."""
    return {
        "id": str(connection.id),
        "name": connection.name,
        "tenant_id": connection.tenant_id,
        "client_id": connection.client_id,
        "credential": connection.credential,
        "cloud": connection.cloud,
        "authority_url": connection.authority_url,
        "graph_url": connection.graph_url,
        "ca_file": connection.ca_file,
        "secret_expires_on": connection.secret_expires_on.isoformat()
        if connection.secret_expires_on
        else None,
        "status": connection.badge,
        "tested_at": iso(connection.tested_at),
        "test": connection.test_result,
    }


def _owner(connection_id: int) -> str:
    return f"connection:{connection_id}"


def _lists_using(cursor: Cursor, connection_id: int) -> list[str]:
    found = cursor.execute(
        "SELECT name FROM master_list WHERE connection_id = ? AND connected ORDER BY lower(name)",
        [connection_id],
    ).fetchall()
    return [name for (name,) in found]


def _trimmed(form: ConnectionForm) -> ConnectionForm:
    return replace(
        form,
        name=form.name.strip(),
        tenant_id=form.tenant_id.strip(),
        client_id=form.client_id.strip(),
        secret=form.secret.strip() if form.secret else None,
        cloud="custom" if form.authority_url or form.graph_url else form.cloud,
    )


def _connection(connection_id: int, form: ConnectionForm) -> Connection:
    if bool(form.authority_url) != bool(form.graph_url):
        raise Invalid("Give both the sign-in address and the Graph address, or neither.")
    return Connection(
        id=connection_id,
        name=form.name,
        tenant_id=form.tenant_id,
        client_id=form.client_id,
        credential=form.credential,
        cloud=form.cloud,
        authority_url=form.authority_url,
        graph_url=form.graph_url,
        ca_file=str(Path(form.ca_file).absolute()) if form.ca_file else None,
        secret_expires_on=form.secret_expires_on,
    )


def _loaded(found: dict[str, Any]) -> Connection:
    return Connection(
        id=found["connection_id"],
        name=found["name"],
        tenant_id=found["tenant_id"],
        client_id=found["client_id"],
        credential=found["credential"],
        cloud=found["cloud"],
        authority_url=found["authority_url"],
        graph_url=found["graph_url"],
        ca_file=found["ca_file"],
        secret_expires_on=found["secret_expires_on"],
        tested_at=from_column(found["tested_at"]),
        test_result=json.loads(found["test_result"]) if found["test_result"] else None,
    )


def _store(cursor: Cursor, connection: Connection) -> None:
    cursor.execute(
        """UPDATE connection SET name = ?, tenant_id = ?, client_id = ?, credential = ?, cloud = ?, authority_url = ?,
               graph_url = ?, ca_file = ?, secret_expires_on = ?, tested_at = ?, test_result = ?
           WHERE connection_id = ?""",
        [
            connection.name,
            connection.tenant_id,
            connection.client_id,
            connection.credential,
            connection.cloud,
            connection.authority_url,
            connection.graph_url,
            connection.ca_file,
            connection.secret_expires_on,
            to_column(connection.tested_at) if connection.tested_at else None,
            json.dumps(connection.test_result) if connection.test_result else None,
            connection.id,
        ],
    )


def _plan(cursor: Cursor) -> tuple[str, int | None]:
    plan = str(read_setting(cursor, "plan", "business"))
    return plan, PLANS[plan]
