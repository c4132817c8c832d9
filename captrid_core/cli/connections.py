"""Connections to directories, and what can be looked up through one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, Group, pass_app
from captrid_core.cli.output import count_of, pairs, table

if TYPE_CHECKING:
    from captrid_core.directory.connections import Connection, ConnectionForm
    from captrid_core.directory.port import Directory, Scope

_CLOUDS = ("global", "usgov", "usgov-dod", "china")

F = TypeVar("F", bound=Callable[..., Any])


@click.group(cls=Group, name="connections")
def connections() -> None:
    """Connections to Microsoft Entra ID."""


def _form_options(*, required: bool) -> Callable[[F], F]:
    """Return a decorator with the options of what is entered for a connection."""
    options = [
        click.option("--name", required=required, help="What to call the connection."),
        click.option(
            "--tenant-id",
            required=required,
            metavar="T",
            help="The Tenant ID: a GUID, or one of its domains.",
        ),
        click.option("--client-id", required=required, metavar="C", help="The Application (client) ID."),
        click.option(
            "--client-secret-env",
            metavar="VAR",
            help="Take the client secret from this environment variable.",
        ),
        click.option(
            "--client-secret-stdin", is_flag=True, help="Take the client secret from standard input."
        ),
        click.option(
            "--certificate-file",
            type=click.Path(path_type=Path),
            metavar="PEM",
            help="Sign in with the private key and certificate in this file.",
        ),
        click.option(
            "--cloud", type=click.Choice(_CLOUDS), help="Which of Microsoft's clouds. Default: global."
        ),
        click.option("--authority-url", metavar="URL", help="The sign-in host, without the tenant."),
        click.option("--graph-url", metavar="URL", help="The root of Graph, with its version."),
        click.option(
            "--ca-file",
            metavar="PEM",
            help="Trust this certificate authority, and no other. An empty one: the usual.",
        ),
        click.option(
            "--secret-expires-on",
            type=click.DateTime(["%Y-%m-%d"]),
            metavar="DATE",
            help="The day on which the client secret expires, such as 2027-01-31.",
        ),
        click.option("--no-test", is_flag=True, help="Save without testing."),
    ]

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@connections.command()
@_form_options(required=True)
@pass_app
def add(app: App, /, *, no_test: bool, **given: Any) -> None:
    """Add a connection.

    It is tested first, and one that fails is not saved.
    """
    from captrid_core.directory.connections import ConnectionForm, describe

    _check_addresses(given)
    secret, credential = _credential(app, given)
    if secret is None:
        raise click.UsageError(
            "Give one of --client-secret-env, --client-secret-stdin and --certificate-file."
        )
    form = ConnectionForm(
        name=given["name"],
        tenant_id=given["tenant_id"],
        client_id=given["client_id"],
        secret=secret,
        credential=credential or "secret",
        cloud=given["cloud"] or "global",
        authority_url=given["authority_url"],
        graph_url=given["graph_url"],
        ca_file=given["ca_file"] or None,
        secret_expires_on=_day(given["secret_expires_on"]),
    )
    added = app.workspace.connections.add(form, test=None if no_test else app.watch(), actor=app.actor)
    app.output.show(describe(added), lambda: f"Added “{added.name}”.\n{_text(added)}")


@connections.command()
@click.argument("name_or_id", metavar="NAME")
@_form_options(required=False)
@pass_app
def edit(app: App, /, name_or_id: str, *, no_test: bool, **given: Any) -> None:
    """Change a connection; what is not given stays.

    It is tested first, and one that fails is not saved.
    """
    from captrid_core.directory.connections import describe

    _check_addresses(given, editing=True)
    secret, credential = _credential(app, given)
    if secret is None and not no_test and all(value is None for value in given.values()):
        raise click.UsageError("Give at least one of the options to change.")
    service = app.workspace.connections
    before = service.get(name_or_id)
    form = _merged(before, given, secret, credential)
    edited = service.edit(before.id, form, test=None if no_test else app.watch(), actor=app.actor)
    warnings = _warnings(app, before, edited)
    for warning in warnings:
        app.output.note(f"Warning: {warning['message']}")
    app.output.show(
        {**describe(edited), "warnings": warnings}, lambda: f"Changed “{edited.name}”.\n{_text(edited)}"
    )


@connections.command(name="list")
@pass_app
def list_(app: App) -> None:
    """List the connections."""
    from captrid_core.directory.connections import describe

    found = app.workspace.connections.all()
    app.output.show(
        [describe(one) for one in found],
        lambda: (
            table(
                ("ID", "Name", "Tenant ID", "Credential", "Cloud", "Status"),
                [
                    (str(one.id), one.name, one.tenant_id, one.credential, one.cloud, one.badge)
                    for one in found
                ],
            )
            if found
            else "There is no connection yet. `captrid connections add` adds one."
        ),
    )


@connections.command()
@click.argument("name_or_id", metavar="NAME")
@pass_app
def test(app: App, name_or_id: str) -> None:
    """Sign in, and count users and groups."""
    facts = app.workspace.connections.test(name_or_id, app.watch())
    app.output.show(
        {
            "ok": True,
            "users": facts.users,
            "groups": facts.groups,
            "tenant": facts.tenant_name,
            "tenant_id": facts.tenant_id,
            "permissions": list(facts.permissions),
        },
        lambda: pairs(
            [
                ("Connected to", facts.tenant_name),
                ("Tenant ID", facts.tenant_id),
                ("Users", facts.users),
                ("Groups", facts.groups),
                ("Permissions", ", ".join(facts.permissions) or None),
            ]
        ),
    )


@connections.command()
@click.argument("name_or_id", metavar="NAME")
@click.option("--disconnect-lists", is_flag=True, help="Disconnect the Master Lists that use it, too.")
@pass_app
def remove(app: App, name_or_id: str, *, disconnect_lists: bool) -> None:
    """Remove a connection and its secret.

    It is refused while Master Lists use the connection, unless they are disconnected with it.
    """
    service = app.workspace.connections
    connection = service.get(name_or_id)
    using = service.lists_using(connection.id)
    service.remove(connection.id, disconnect_lists=disconnect_lists, actor=app.actor)
    disconnected = f" Disconnected: {', '.join(using)}." if using else ""
    app.output.show(
        {"removed": connection.name, "id": str(connection.id), "disconnected": using},
        f"Removed “{connection.name}”.{disconnected}",
    )


@click.command(cls=Command, name="groups")
@click.argument("name_or_id", metavar="NAME")
@click.option("--search", metavar="TEXT", help="Only groups whose name fits.")
@click.option(
    "--limit",
    type=click.IntRange(1, 5000),
    metavar="N",
    default=200,
    show_default=True,
    help="At most so many.",
)
@pass_app
def groups(app: App, name_or_id: str, *, search: str | None, limit: int) -> None:
    """List the groups of a directory with their members."""
    with closing(app.workspace.connections.open(name_or_id, app.watch())) as directory:
        found = directory.groups(search, limit=limit)
    app.output.show(
        [{"id": one.id, "name": one.name, "members": one.members} for one in found],
        lambda: (
            table(("Name", "Members", "ID"), [(one.name, one.members, one.id) for one in found])
            if found
            else "No group fits."
        ),
    )


@click.command(cls=Command, name="sample")
@click.argument("name_or_id", metavar="NAME")
@click.option("--group", metavar="GROUP", help="Only members of this group: its object id or exact name.")
@click.option("--nested", is_flag=True, help="With --group: members of groups inside it, too.")
@click.option(
    "--limit",
    type=click.IntRange(1, 999),
    metavar="N",
    default=10,
    show_default=True,
    help="At most so many users.",
)
@click.option("--property", "properties", multiple=True, metavar="PROPERTY", help="Only these properties.")
@pass_app
def sample(
    app: App, name_or_id: str, *, group: str | None, nested: bool, limit: int, properties: tuple[str, ...]
) -> None:
    """Show some users of a directory, for mapping."""
    from captrid_core.directory.port import Scope
    from captrid_core.directory.properties import PROPERTIES, parse_property

    if nested and group is None:
        raise click.UsageError("--nested goes with --group.")
    paths = [parse_property(path).path for path in properties] or [one.path for one in PROPERTIES]
    with closing(app.workspace.connections.open(name_or_id, app.watch())) as directory:
        scope = scope_of(directory, group, nested=nested)[0] if group is not None else Scope()
        found = directory.sample(scope, properties=paths, limit=limit)
    app.output.show(found, lambda: _sample_text(found, paths))


def scope_of(directory: Directory, group: str, *, nested: bool) -> tuple[Scope, str]:
    """Return the scope that a group's id or exact name means, and the group's name.

    Raises:
        GroupNotFound: No group has it, or several do.
    """
    from captrid_core.directory.port import Scope, ScopeKind

    found = directory.find_group(group)
    return Scope(kind=ScopeKind.GROUP, group_id=found.id, nested=nested), found.name


def _credential(app: App, given: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the secret that the options lead to, and its kind; (None, None) where none is given.

    Raises:
        Invalid: The variable or the standard input is empty.
        NotFound, CertificateRejected: The file is not there, or no text.
    """
    from captrid_core.errors import CertificateRejected, Invalid, NotFound

    variable, from_stdin, file = (
        given.pop(name) for name in ("client_secret_env", "client_secret_stdin", "certificate_file")
    )
    if sum((variable is not None, from_stdin, file is not None)) > 1:
        raise click.UsageError(
            "Give only one of --client-secret-env, --client-secret-stdin and --certificate-file."
        )
    secret: str | None = None
    if variable is not None:
        secret = os.environ.get(variable, "").strip()
        if not secret:
            raise Invalid(f"The environment variable {variable} is not set, or empty.")
    elif from_stdin:
        secret = (
            click.prompt("Client secret", hide_input=True, err=True)
            if sys.stdin.isatty()
            else sys.stdin.read()
        ).strip()
        if not secret:
            raise Invalid("Standard input held no client secret.")
    elif file is not None:
        try:
            secret = file.read_text(encoding="ascii")
        except FileNotFoundError:
            raise NotFound(f"There is no file {file}.", hint="Check the file's path.") from None
        except UnicodeDecodeError:
            raise CertificateRejected(f"{file} is no PEM file.") from None
        except OSError as error:
            raise Invalid(f"{file} cannot be read: {error.strerror}.") from None
    app.redactor.add(secret)
    return secret, None if secret is None else "certificate" if file is not None else "secret"


def _check_addresses(given: dict[str, Any], *, editing: bool = False) -> None:
    addresses = [given["authority_url"], given["graph_url"]]
    if given["cloud"] and any(addresses):
        raise click.UsageError("--cloud does not go with --authority-url and --graph-url.")
    if any(addresses) and not all(addresses) and not editing:
        raise click.UsageError("--authority-url and --graph-url go together.")


def _merged(
    before: Connection, given: dict[str, Any], secret: str | None, credential: str | None
) -> ConnectionForm:
    """Return the form of what is stored with what is given in its place."""
    from captrid_core.directory.connections import ConnectionForm

    def or_stored(name: str) -> Any:
        return given[name] if given[name] is not None else getattr(before, name)

    to_cloud = given["cloud"] is not None
    return ConnectionForm(
        name=or_stored("name"),
        tenant_id=or_stored("tenant_id"),
        client_id=or_stored("client_id"),
        secret=secret,
        credential=credential or before.credential,
        cloud=or_stored("cloud"),
        authority_url=None if to_cloud else or_stored("authority_url"),
        graph_url=None if to_cloud else or_stored("graph_url"),
        ca_file=or_stored("ca_file") or None,
        # another secret has another end, which is not known until somebody says it
        secret_expires_on=_day(given["secret_expires_on"])
        or (before.secret_expires_on if secret is None else None),
    )


def _warnings(app: App, before: Connection, after: Connection) -> list[dict[str, Any]]:
    """Return warnings of lists that were synced from another tenant and will refuse to sync (rule R27)."""
    tested = after.test_result["tenant_id"] if after.test_result is not None else None
    tenant = (tested or after.tenant_id).lower()
    if tested is None and after.tenant_id.lower() == before.tenant_id.lower():
        return []
    refusing = [
        one.name
        for one in app.workspace.lists.all()
        if one.connected
        and one.sync is not None
        and one.sync.connection_id == after.id
        and one.sync.synced_tenant_id is not None
        and one.sync.synced_tenant_id.lower() != tenant
    ]
    if not refusing:
        return []
    named = ", ".join(f"“{name}”" for name in refusing)
    return [
        {
            "code": "tenant_changed",
            "message": f"{count_of(len(refusing), 'Master List was', 'Master Lists were')} synced from another tenant "
            f"and will refuse to sync until reconnected: {named}.",
            "lists": refusing,
        }
    ]


def _day(moment: datetime | None) -> Any:
    return moment.date() if moment is not None else None


def _text(connection: Connection) -> str:
    result = connection.test_result or {}
    return pairs(
        [
            ("ID", str(connection.id)),
            ("Tenant ID", connection.tenant_id),
            ("Client ID", connection.client_id),
            ("Credential", connection.credential),
            ("Cloud", connection.cloud),
            ("Status", connection.badge),
            *([("Users", result["users"]), ("Groups", result["groups"])] if "users" in result else []),
        ]
    )


def _sample_text(found: list[dict[str, Any]], paths: list[str]) -> str:
    """Return a line for each property that anybody has, with some values."""
    from captrid_core.sync.mapping import Sample, as_text

    if not found:
        return "Nobody is in that scope."
    people = Sample(tuple({path: as_text(value) for path, value in one.items()} for one in found))
    looks = [people.property(path) for path in paths]
    return table(
        ("Property", "Filled", "Examples"),
        [
            (one.property.path, f"{one.filled}/{one.sampled}", " · ".join(one.examples))
            for one in looks
            if one.filled
        ],
    )
