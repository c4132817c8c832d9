"""What the dashboard can look like: every page, and what opens on it. A new page or dialog is one more line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from captrid_core.lists.model import Field, MasterList
from captrid_core.sandbox import Sandbox
from captrid_core.sync.runs import RunStatus
from pages import strings
from tests.browser.conftest import ACTOR, Beside
from tests.browser.screen import Screen

Opening = Callable[[Screen], None]


@dataclass(frozen=True)
class State:
    """One state of the dashboard.

    Args:
        name: What tests and pictures call it.
        path: Its address; the names in braces are those of `Things`.
        opening: What is done on the page then.
        sees: Words by which it is known to be there.
    """

    name: str
    path: str
    opening: tuple[Opening, ...] = ()
    sees: tuple[str, ...] = ()


@dataclass
class Things:
    """What the addresses name: ids by the names in their braces."""

    ids: dict[str, object] = field(default_factory=dict)

    def show(self, screen: Screen, state: State) -> None:
        """Bring a window into a state."""
        screen.go(state.path.format(**self.ids))
        for one in state.opening:
            one(screen)
        screen.sees(*state.sees)
        screen.settle()


def click(key: str) -> Opening:
    return lambda screen: screen.click(key)


def unfold(key: str) -> Opening:
    def open_it(screen: Screen) -> None:
        screen.by_key(key).locator("summary").first.click()
        screen.settle()

    return open_it


def pick(key: str, label: str) -> Opening:
    return lambda screen: screen.pick(key, label)


def row(key: str, number: int = 0) -> Opening:
    return lambda screen: screen.select_row(key, number)


def write(key: str, text: str) -> Opening:
    return lambda screen: screen.type(key, text)


def upload(key: str, text: str) -> Opening:
    def give(screen: Screen) -> None:
        file = {"name": "people.csv", "mimeType": "text/csv", "buffer": text.encode()}
        screen.by_key(key).locator("input[type=file]").set_input_files(file)
        screen.settle()

    return give


EMPTY = (
    State("empty-home", "/", sees=(strings.WELCOME,)),
    State("empty-connections", "/connections", sees=(strings.NO_CONNECTIONS,)),
    State("empty-lists", "/lists"),
    State("empty-audit", "/audit"),
    State("empty-wizard", "/new_list", sees=(strings.LIST_NAME,)),
)
"""What a new home shows."""

FILLED = (
    State("home", "/", sees=(strings.NEEDS_ATTENTION,)),
    State("lists", "/lists"),
    State("settings", "/settings", sees=(strings.GENERAL,)),
    State("audit", "/audit", sees=(strings.AUDIT_INTRO,)),
    State("connections", "/connections", sees=(strings.YOUR_CONNECTIONS,)),
    State("connection-add", "/connections", (click("connection_add"), unfold("connection_form_network"))),
    State("connection-edit", "/connections", (click("connection_edit_1"),)),
    State("connection-remove", "/connections", (click("connection_remove_1"),)),
    State("list-none", "/list", sees=(strings.NO_LIST,)),
    State("list-unknown", "/list?list=no-such", sees=("There is no Master List",)),
    State("people", "/list?list={list}"),
    State("people-nobody", "/list?list={list}", (write("people_search", "qqq"),), (strings.NOBODY_FITS,)),
    State("people-empty", "/list?list={empty}", sees=(strings.NOBODY_YET,)),
    State("people-edit", "/list?list={list}", (pick("people_mode", strings.MODE_EDIT),)),
    State("people-select", "/list?list={list}", (pick("people_mode", strings.MODE_SELECT),)),
    State("person", "/list?list={list}", (row("people_table"),), (strings.FROM_DIRECTORY,)),
    State(
        "person-more",
        "/list?list={list}",
        (row("people_table"), unfold("person_history_panel"), unfold("person_join_panel")),
    ),
    State("person-add", "/list?list={list}", (click("person_add"),)),
    State("import", "/list?list={list}", (click("people_import"),)),
    State(
        "import-ready",
        "/list?list={list}",
        (click("people_import"), upload("import_file", "employee_id,locker\nV-1,A1\n,A2\n")),
    ),
    State("export", "/list?list={list}", (click("export"),)),
    State("columns", "/list?list={list}", (click("people_columns"),)),
    State("sync", "/list?list={list}&tab=Sync", (unfold("sync_configuration"),), (strings.RESULTS,)),
    State("sync-local", "/list?list={empty}&tab=Sync", sees=(strings.NOT_CONNECTED,)),
    State("sync-held", "/list?list={held}&tab=Sync", sees=(strings.HELD_TITLE,)),
    State("held-apply", "/list?list={held}&tab=Sync", (click("held_apply"),)),
    State("held-discard", "/list?list={held}&tab=Sync", (click("held_discard"),)),
    State("disconnect", "/list?list={list}&tab=Sync", (click("sync_disconnect"),)),
    State("schedule", "/list?list={list}&tab=Sync", (click("schedule_change"),)),
    State("preview", "/list?list={list}&tab=Sync", (click("sync_preview"),), (strings.WOULD_BE,)),
    State("schema", "/list?list={list}&tab=Schema"),
    State("field-add", "/list?list={list}&tab=Schema", (click("field_add"),)),
    State("field-change", "/list?list={list}&tab=Schema", (row("schema", 3),)),
    State("list-settings", "/list?list={list}&tab=Settings"),
    State("archive", "/list?list={list}&tab=Settings", (click("list_archive"),)),
    State("run", "/run?run={run}", sees=("Succeeded",)),
    State("run-none", "/run", sees=(strings.NO_RUN,)),
    State("run-undo", "/run?run={run}", (click("run_undo"),)),
    State("run-failed", "/run?run={failed}", sees=("Failed",)),
    State("why", "/list?list={list}", (click("why_open"),)),
    State("wizard-connection", "/new_list?draft={connection}", sees=(strings.CHOOSE_CONNECTION,)),
    State("wizard-scope", "/new_list?draft={scope}"),
    State("wizard-mapping", "/new_list?draft={mapping}", sees=(strings.UID_QUESTION, strings.RULES)),
    State("wizard-review", "/new_list?draft={review}", sees=(strings.REVIEW_PEOPLE,)),
    State("wizard-fields", "/new_list?draft={fields}", sees=(strings.MANUAL_FIELDS,)),
)
"""What a home shows that has been worked with."""


def furnish(beside: Beside, sandbox: Sandbox) -> Things:
    """Make in a home what the addresses name."""
    workspace, directory = beside.workspace, sandbox.directory
    synced = beside.synced_list("Year 7", "Year 7 Students")
    run = workspace.runs.last(synced.id)
    assert run is not None
    workspace.people.set_status(synced, _uid(beside, synced, 2), active=False, actor=ACTOR)
    empty = workspace.lists.create(
        "Guests", uid_field="code", fields=[Field("code"), Field("name")], actor=ACTOR
    )
    held = beside.synced_list("Year 9", "Year 9 Students")
    group = directory.group_id("Year 9 Students")
    members = sorted(directory.members(group))
    for one in members[: len(members) // 2]:
        directory.remove_member(group, one)
    assert workspace.runner.sync(held.id, actor=ACTOR).status is RunStatus.HELD
    failing = beside.synced_list("Year 8", "Year 8 Students")
    sandbox.faults.add("wrong_secret")
    failed = workspace.runner.sync(failing.id, actor=ACTOR)
    sandbox.faults.clear()
    assert failed.status is RunStatus.FAILED
    return Things(
        {
            "list": synced.id,
            "run": run.id,
            "empty": empty.id,
            "held": held.id,
            "failed": failed.id,
            **_drafts(beside, sandbox),
        }
    )


def _uid(beside: Beside, master_list: MasterList, number: int) -> str:
    return beside.workspace.people.find(master_list).people[number].uid or ""


def _drafts(beside: Beside, sandbox: Sandbox) -> dict[str, str]:
    """Return a draft of the wizard for each of its steps."""
    group = "All Staff"
    entered = {
        "name": "Staff",
        "connection_id": beside.workspace.connections.all()[0].id,
        "group_id": sandbox.directory.group_id(group),
        "group_name": group,
        "group_members": len(sandbox.directory.members(sandbox.directory.group_id(group))),
        "reached": 4,
    }
    mapped = {
        "mapping": {"employeeId": "employee_id", "givenName": "first_name", "surname": "last_name"},
        "new_fields": [
            {"key": key, "label": key.replace("_", " ").capitalize()}
            for key in ("employee_id", "first_name", "last_name")
        ],
        "auto_mapped": 3,
        "uid_property": "employeeId",
    }
    by_hand = {
        "name": "Visitors",
        "source": "manual",
        "step": "fields",
        "reached": 1,
        **mapped,
        "mapping": {},
    }
    contents = {
        **{step: {**entered, "step": step} for step in ("connection", "scope", "mapping")},
        "review": {**entered, **mapped, "step": "review"},
        "fields": {**by_hand, "uid_property": None, "auto_mapped": None, "uid_key": "employee_id"},
    }
    return {name: beside.workspace.drafts.begin("create", content).id for name, content in contents.items()}
