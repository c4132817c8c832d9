"""Master Lists: creating, configuring and disconnecting them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Group, pass_app
from captrid_core.cli.fields import describe_field, fields_text
from captrid_core.cli.output import pairs, table

if TYPE_CHECKING:
    from captrid_core.directory.port import Scope
    from captrid_core.lists.model import Field, Guards, MasterList, SyncConfiguration
    from captrid_core.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


@click.group(cls=Group, name="lists")
def lists() -> None:
    """Master Lists, and how directories feed them."""


def _sync_options(function: F) -> F:
    """Add the options that say how a directory feeds a list."""
    options = [
        click.option("--connection", metavar="NAME", help="The connection whose directory feeds the list."),
        click.option(
            "--group", metavar="GROUP", help="Only members of this group: its object id or exact name."
        ),
        click.option(
            "--nested/--direct", default=None, help="Members of groups inside the group, too; or not."
        ),
        click.option(
            "--uid",
            metavar="PROPERTY",
            help="The directory property that identifies a person, such as employeeId.",
        ),
        click.option(
            "--map",
            "mappings",
            multiple=True,
            metavar="PROPERTY=FIELD",
            help="Feed a field from a property; a missing field is created. Without any: the auto-mapping.",
        ),
        click.option(
            "--exclude-guests/--include-guests",
            default=None,
            help="Leave guest accounts out; or not (the default).",
        ),
        click.option(
            "--exclude-disabled/--include-disabled",
            default=None,
            help="Leave disabled accounts out; or not (the default).",
        ),
        click.option(
            "--on-uid-change",
            type=click.Choice(["new-person", "same-person"]),
            help="What a changed UID means. Default: new-person.",
        ),
        click.option(
            "--max-deactivate-percent",
            type=click.FloatRange(0, 100),
            metavar="P",
            help="Hold a run that would deactivate more than P %. Default: 10.",
        ),
        click.option(
            "--max-deactivate-count",
            type=click.IntRange(1),
            metavar="N",
            help="… and at least N people. Default: 5.",
        ),
        click.option(
            "--max-blank-percent",
            type=click.FloatRange(0, 100),
            metavar="P",
            help="Hold a run that would blank a field of more than P %. Default: 25.",
        ),
        click.option(
            "--max-blank-count",
            type=click.IntRange(1),
            metavar="N",
            help="… and at least N people. Default: 5.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@lists.command()
@click.argument("name", metavar="LIST")
@click.option("--uid-field", metavar="KEY", help="The UID field of a list without a directory.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="KEY[:TYPE]",
    help="A field. TYPE is text, number, email, date, or dropdown=Red,Blue,Green.",
)
@_sync_options
@pass_app
def create(app: App, /, name: str, *, uid_field: str | None, fields: tuple[str, ...], **given: Any) -> None:
    """Create a Master List.

    A directory feeds it (--connection and --uid), or none does (--uid-field).
    """
    from captrid_core.cli.schema import parse_fields

    schema = parse_fields(fields)
    if given["connection"] is None:
        _refuse_sync_options(given)
        if uid_field is None:
            raise click.UsageError(
                "Give --connection and --uid, or --uid-field for a list without a directory."
            )
        made = _create_without_directory(app, name, uid_field, schema)
    else:
        if given["uid"] is None:
            raise click.UsageError("--connection needs --uid.")
        if uid_field is not None:
            raise click.UsageError("--uid-field is for a list without a directory; use --uid.")
        sync, new_fields = _new_sync(app, given, schema, uid_field=None)
        made = app.workspace.lists.create(
            name,
            uid_field=sync.mapping[sync.uid_property],
            fields=(*new_fields, *schema) if schema else new_fields,
            sync=sync,
            actor=app.actor,
        )
    _show(app, made, f"Created “{made.name}”.")


@lists.command()
@click.argument("name_or_id", metavar="LIST")
@click.option("--unmap", "unmapped", multiple=True, metavar="PROPERTY", help="Take a mapping away.")
@click.option("--all-users", is_flag=True, help="All users of the directory, in place of a group.")
@_sync_options
@pass_app
def configure(
    app: App, /, name_or_id: str, *, unmapped: tuple[str, ...], all_users: bool, **given: Any
) -> None:
    """Change how a directory feeds a Master List.

    What is not given stays. A list that no directory feeds yet is connected
    (--connection and --uid); one that was disconnected is connected again.
    """
    before = app.workspace.lists.get(name_or_id)
    if all_users and given["group"] is not None:
        raise click.UsageError("--all-users does not go with --group.")
    if before.sync is None:
        if given["connection"] is None or given["uid"] is None:
            raise click.UsageError(f"“{before.name}” has no directory yet: give --connection and --uid.")
        if unmapped:
            raise click.UsageError(f"“{before.name}” has no mapping yet that could be taken away.")
        sync, new_fields = _new_sync(app, given, before.fields, uid_field=before.uid_field)
    else:
        if before.connected and not (all_users or unmapped or _given(given)):
            raise click.UsageError("Give at least one of the options to change.")
        sync, new_fields = _changed_sync(app, before, given, unmapped, all_users=all_users)
    after = app.workspace.lists.configure(before.id, sync, new_fields=new_fields, actor=app.actor)
    _show(app, after, f"Configured “{after.name}”.")


@lists.command(name="list")
@click.option("--archived", is_flag=True, help="Those in the archive, in place of those in use.")
@pass_app
def list_(app: App, *, archived: bool) -> None:
    """List the Master Lists."""
    workspace = app.workspace
    described = [describe(workspace, one) for one in workspace.lists.all(archived=archived)]
    app.output.show(
        described,
        lambda: (
            table(
                ("ID", "Name", "Total", "Active", "Synced", "Directory", "Last sync"),
                [
                    (
                        one["id"],
                        one["name"],
                        one["total"],
                        one["active"],
                        one["synced"],
                        (one["sync"] or {}).get("connection") if one["connected"] else "not connected",
                        f"{one['last_run']['status']}, {one['last_run']['started_at']}"
                        if one["last_run"]
                        else "never",
                    )
                    for one in described
                ],
            )
            if described
            else "The archive is empty."
            if archived
            else "There is no Master List yet. `captrid lists create` creates one."
        ),
    )


@lists.command()
@click.argument("name_or_id", metavar="LIST")
@pass_app
def show(app: App, name_or_id: str) -> None:
    """Show counts, fields and directory of a Master List."""
    _show(app, app.workspace.lists.get(name_or_id))


@lists.command()
@click.argument("name_or_id", metavar="LIST")
@pass_app
def disconnect(app: App, name_or_id: str) -> None:
    """Stop syncing; people stay, and fields unlock."""
    after = app.workspace.lists.disconnect(name_or_id, actor=app.actor)
    _show(app, after, f"Disconnected “{after.name}”.")


@lists.command()
@click.argument("name_or_id", metavar="LIST")
@click.argument("name", metavar="NAME")
@pass_app
def rename(app: App, name_or_id: str, name: str) -> None:
    """Give a Master List another name."""
    after = app.workspace.upkeep.rename(name_or_id, name, actor=app.actor)
    _show(app, after, f"It is called “{after.name}” now.")


@lists.command()
@click.argument("name_or_id", metavar="LIST")
@pass_app
def archive(app: App, name_or_id: str) -> None:
    """Put a Master List away: it is disconnected and no longer listed; people stay."""
    after = app.workspace.upkeep.archive(name_or_id, actor=app.actor)
    _show(app, after, f"Archived “{after.name}”.")


@lists.command()
@click.argument("name_or_id", metavar="LIST")
@pass_app
def reinstate(app: App, name_or_id: str) -> None:
    """Take a Master List out of the archive."""
    after = app.workspace.upkeep.reinstate(name_or_id, actor=app.actor)
    _show(app, after, f"“{after.name}” is in use again.")


@lists.command()
@click.argument("name_or_id", metavar="LIST")
@click.option("--confirm", required=True, metavar="NAME", help="The list's name, to show that it is meant.")
@pass_app
def delete(app: App, name_or_id: str, *, confirm: str) -> None:
    """Delete an archived Master List with its people, runs and history, for good."""
    people = app.workspace.upkeep.delete(name_or_id, typed_name=confirm, actor=app.actor)
    app.output.show({"deleted": confirm.strip(), "people": people}, f"Deleted “{confirm.strip()}”.")


def describe(workspace: Workspace, master_list: MasterList) -> dict[str, Any]:
    """Return a Master List for machines."""
    from captrid_core.clock import iso

    counts = workspace.lists.counts(master_list)
    last = workspace.runs.last(master_list.id)
    return {
        "id": str(master_list.id),
        "name": master_list.name,
        "uid_field": master_list.uid_field,
        "connected": master_list.connected,
        "total": counts.total,
        "active": counts.active,
        "synced": counts.synced,
        "created_at": iso(master_list.created_at),
        "archived_at": iso(master_list.archived_at),
        "fields": [describe_field(field) for field in master_list.fields],
        "sync": _describe_sync(workspace, master_list.sync),
        "last_run": {"run_id": str(last.id), "status": last.status, "started_at": iso(last.started_at)}
        if last is not None
        else None,
    }


def _describe_sync(workspace: Workspace, sync: SyncConfiguration | None) -> dict[str, Any] | None:
    from captrid_core.clock import iso

    if sync is None:
        return None
    names = {one.id: one.name for one in workspace.connections.all()}
    return {
        "connection": names.get(sync.connection_id),
        "connection_id": str(sync.connection_id),
        "scope": sync.scope.kind,
        "group_id": sync.scope.group_id,
        "group": sync.group_name,
        "nested": sync.scope.nested,
        "uid": sync.uid_property,
        "mapping": dict(sync.mapping),
        "exclude_guests": sync.exclude_guests,
        "exclude_disabled": sync.exclude_disabled,
        "on_uid_change": sync.on_uid_change.replace("_", "-"),
        "max_deactivate_percent": sync.guards.deactivate_percent,
        "max_deactivate_count": sync.guards.deactivate_count,
        "max_blank_percent": sync.guards.blank_percent,
        "max_blank_count": sync.guards.blank_count,
        "tenant_id": sync.synced_tenant_id,
        "full_needed": sync.full_needed,
        "delta_link_at": iso(sync.delta_link_at),
    }


def _show(app: App, master_list: MasterList, first: str = "") -> None:
    described = describe(app.workspace, master_list)
    app.output.show(
        described, lambda: "\n".join(filter(None, (first, _text(described), "", fields_text(master_list))))
    )


def _text(described: dict[str, Any]) -> str:
    sync = described["sync"]
    rows: list[tuple[str, object]] = [
        ("Master List", described["name"]),
        ("ID", described["id"]),
        ("Total", described["total"]),
        ("Active", described["active"]),
        ("Synced", described["synced"]),
    ]
    if sync is None or not described["connected"]:
        rows.append(("Directory", "not connected"))
    else:
        group = f"{sync['group'] or sync['group_id']}{', nested' if sync['nested'] else ''}"
        left_out = [name for name in ("guests", "disabled") if sync[f"exclude_{name}"]]
        rows += [
            ("Directory", sync["connection"]),
            ("Scope", group if sync["group_id"] else "All users"),
            ("Left out", ", ".join(left_out) or None),
            ("When a UID changes", sync["on_uid_change"].replace("-", " ")),
            (
                "Held from",
                f"{sync['max_deactivate_count']} deactivations and above {sync['max_deactivate_percent']:g} %",
            ),
            ("Delta link from", sync["delta_link_at"]),
        ]
    last = described["last_run"]
    rows.append(
        ("Last run", f"{last['run_id']}: {last['status']}, {last['started_at']}" if last else "never")
    )
    return pairs(rows)


def _create_without_directory(app: App, name: str, uid_field: str, schema: tuple[Field, ...]) -> MasterList:
    from captrid_core.lists.model import Field

    if all(field.key != uid_field for field in schema):
        schema = (Field(uid_field), *schema)
    return app.workspace.lists.create(name, uid_field=uid_field, fields=schema, actor=app.actor)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None and value != ()}


def _refuse_sync_options(options: dict[str, Any]) -> None:
    if given := _given(options):
        name = "map" if "mappings" in given else next(iter(given)).replace("_", "-")
        raise click.UsageError(f"--{name} goes with --connection.")


def _new_sync(
    app: App, given: dict[str, Any], schema: tuple[Field, ...], *, uid_field: str | None
) -> tuple[SyncConfiguration, tuple[Field, ...]]:
    """Return how a directory is to feed a list that none feeds yet, and the fields that it lacks.

    Args:
        app: The call.
        given: The options.
        schema: The fields that there are.
        uid_field: The UID field of a list that exists.
    """
    from captrid_core.cli.schema import parse_mapping
    from captrid_core.directory.port import Scope
    from captrid_core.directory.properties import parse_property
    from captrid_core.lists.model import OnUidChange, SyncConfiguration

    uid = parse_property(given["uid"]).path
    asked = parse_mapping(given["mappings"])
    mapping = asked or _automatic(uid, schema, existing=uid_field is not None)
    uid_key = asked.get(uid) or uid_field or new_key(uid)
    mapping = {uid: uid_key, **{path: key for path, key in mapping.items() if path != uid}}
    if not asked:
        mapping = {path: key for path, key in mapping.items() if path == uid or key != uid_key}
    connection = app.workspace.connections.get(given["connection"])
    scope, group_name = _scope(app, connection.id, given, Scope(), None)
    new = app.workspace.organisation.get().new_lists
    return SyncConfiguration(
        connection_id=connection.id,
        uid_property=uid,
        mapping=mapping,
        scope=scope,
        group_name=group_name,
        exclude_guests=_or(given["exclude_guests"], new.exclude_guests),
        exclude_disabled=_or(given["exclude_disabled"], new.exclude_disabled),
        on_uid_change=OnUidChange((given["on_uid_change"] or new.on_uid_change).replace("-", "_")),
        guards=_guards(given, new.guards),
    ), _missing_fields(mapping, schema, uid)


def _changed_sync(
    app: App, before: MasterList, given: dict[str, Any], unmapped: tuple[str, ...], *, all_users: bool
) -> tuple[SyncConfiguration, tuple[Field, ...]]:
    """Return how a directory is to feed a list that one feeds or fed, and the fields that it lacks.

    Raises:
        NotFound: The connection that fed it was removed, and none is given.
        Invalid: A mapping that is to be taken away is none.
    """
    from captrid_core.cli.schema import parse_mapping
    from captrid_core.directory.port import Scope
    from captrid_core.directory.properties import parse_property
    from captrid_core.errors import Invalid
    from captrid_core.lists.model import OnUidChange

    old = before.sync
    assert old is not None
    connection = app.workspace.connections.get(given["connection"] or old.connection_id)
    uid = parse_property(given["uid"]).path if given["uid"] else old.uid_property
    mapping = {path: key for path, key in old.mapping.items() if path != old.uid_property}
    for path in unmapped:
        if mapping.pop(path, None) is None:
            raise Invalid(
                f"{path} is not mapped, or it is the UID.",
                hint=f"Mapped are {', '.join(sorted(mapping)) or 'none but the UID'}; --uid changes the UID.",
            )
    asked = parse_mapping(given["mappings"])
    mapping = {uid: asked.get(uid, before.uid_field)} | {
        path: key for path, key in {**mapping, **asked}.items() if path != uid
    }
    scope, group_name = _scope(
        app, connection.id, given, Scope() if all_users else old.scope, None if all_users else old.group_name
    )
    changed = replace(
        old,
        connection_id=connection.id,
        uid_property=uid,
        mapping=mapping,
        scope=scope,
        group_name=group_name,
        guards=_guards(given, old.guards),
        connected=True,
    )
    if given["exclude_guests"] is not None:
        changed = replace(changed, exclude_guests=given["exclude_guests"])
    if given["exclude_disabled"] is not None:
        changed = replace(changed, exclude_disabled=given["exclude_disabled"])
    if given["on_uid_change"] is not None:
        changed = replace(changed, on_uid_change=OnUidChange(given["on_uid_change"].replace("-", "_")))
    return changed, _missing_fields(mapping, before.fields, uid)


def new_key(path: str) -> str:
    """Return the key of the field that is made for a property."""
    from captrid_core.lists.model import key_of_property
    from captrid_core.sync.mapping import DEFAULTS

    return DEFAULTS.get(path) or key_of_property(path)


def _automatic(uid: str, schema: tuple[Field, ...], *, existing: bool) -> dict[str, str]:
    """Return the auto-mapping: by matching names where there are fields, else the defaults (S10)."""
    from captrid_core.directory.properties import PROPERTIES
    from captrid_core.sync.mapping import DEFAULTS, suggest

    paths = [one.path for one in PROPERTIES if one.path != uid]
    mapping = {one.path: one.key for one in suggest(paths, schema)}
    if not existing:
        keys = set(mapping.values())
        mapping |= {path: key for path, key in DEFAULTS.items() if path not in mapping and key not in keys}
    return mapping


def _missing_fields(mapping: dict[str, str], schema: tuple[Field, ...], uid: str) -> tuple[Field, ...]:
    """Return the fields that a mapping needs and the schema lacks."""
    from captrid_core.lists.model import FieldType
    from captrid_core.sync.mapping import new_field

    known = {field.key for field in schema}
    missing: dict[str, Field] = {}
    for path, key in mapping.items():
        if key in known or key in missing:
            continue
        field = new_field(path, key=key)
        if path == uid and field.type not in (FieldType.TEXT, FieldType.EMAIL):
            field = replace(field, type=FieldType.TEXT)
        missing[key] = field
    return tuple(missing.values())


def _scope(
    app: App, connection_id: int, given: dict[str, Any], scope: Scope, group_name: str | None
) -> tuple[Scope, str | None]:
    """Return the scope that is asked for, by looking the group up, or else the one that there is."""
    from captrid_core.cli.connections import scope_of
    from captrid_core.directory.port import ScopeKind

    nested = scope.nested if given["nested"] is None else given["nested"]
    if given["group"] is not None:
        with closing(app.workspace.connections.open(connection_id, app.watch())) as directory:
            return scope_of(directory, given["group"], nested=nested)
    if scope.kind is not ScopeKind.GROUP and given["nested"]:
        raise click.UsageError("--nested goes with --group.")
    return replace(scope, nested=nested), group_name


def _guards(given: dict[str, Any], guards: Guards) -> Guards:
    asked = {
        "deactivate_percent": given["max_deactivate_percent"],
        "deactivate_count": given["max_deactivate_count"],
        "blank_percent": given["max_blank_percent"],
        "blank_count": given["max_blank_count"],
    }
    return replace(guards, **{name: value for name, value in asked.items() if value is not None})


def _or(given: bool | None, else_: bool) -> bool:  # noqa: FBT001
    return else_ if given is None else given
