"""Every page in every state that a home can be in: it draws, and says what it has to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import captrid_core
from captrid_core.directory.connections import ConnectionForm
from captrid_core.errors import SecretWrong
from captrid_core.lists.model import Field, MasterList
from captrid_core.sync.runs import RunStatus
from captrid_core.workspace import Workspace
from pages import strings
from tests.pages.conftest import Show, words
from tests.pages.school import ACTOR, MemoryDirectory, connect, person

PAGES = (
    None,
    "master_lists.py",
    "sql.py",
    "directory_integrations.py",
    "create_master_list.py",
    "audit_log.py",
    "organisation_settings.py",
    "master_list.py",
    "run.py",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_draws_in_an_empty_home(show: Show, page):
    at = show(page)

    assert not at.exception
    assert not at.error
    assert at.title


def test_no_words_are_defined_twice():
    names = re.findall(r"^([A-Z_]+) = ", Path(strings.__file__).read_text(), re.MULTILINE)

    assert sorted(names) == sorted(set(names))


def test_the_audit_log_is_narrowed_down(show: Show, workspace: Workspace, staff: MasterList):
    workspace.runner.sync(staff.id, actor=ACTOR)
    uid = workspace.people.find(staff).people[0].uid or ""
    workspace.people.set_status(staff, uid, active=False, actor="=Eve()")

    at = show("audit_log.py")
    table = at.dataframe[0].value
    assert table[strings.AUDIT_WHAT].iloc[0] == "Person deactivated"
    assert {"Connection added", "Master List created"} <= set(table[strings.AUDIT_WHAT])
    at.selectbox(key="audit_action").set_value("person.").run()
    assert list(at.dataframe[0].value[strings.BY]) == ["=Eve()"]
    at.selectbox(key="audit_action").set_value("run.").run()
    assert strings.AUDIT_NOTHING_FITS in words(at)
    assert b",'=Eve()," in workspace.audit.csv()


def test_every_action_of_the_audit_log_has_words():
    core = Path(captrid_core.__file__).parent
    sources = "\n".join(one.read_text() for one in core.rglob("*.py"))
    actions = set(
        re.findall(
            r'"((?:connection|directory|field|list|organisation|people|person|run)\.[a-z_]+)"', sources
        )
    )

    assert len(actions) > 10
    assert actions <= set(strings.AUDIT_WORDS)
    assert {one.partition(".")[0] + "." for one in strings.AUDIT_WORDS} == set(strings.AUDIT_FAMILIES) - {""}


def test_an_empty_home_leads_by_hand(show: Show):
    at = show()

    said = words(at)
    assert strings.WELCOME in said
    for step in (strings.STEP_CONNECT, strings.STEP_CREATE, strings.STEP_SYNC):
        assert step in said
    assert at.button(key="first_step_1").label == strings.DIRECTORY_INTEGRATIONS


def test_the_home_leads_on_to_the_first_sync(show: Show, staff: MasterList):
    at = show()

    assert at.button(key="first_step_3").label == strings.TAB_SYNC
    assert words(at).count(strings.DONE) == 2


def test_the_home_shows_lists_and_how_fresh_they_are(show: Show, workspace: Workspace, staff: MasterList):
    workspace.runner.sync(staff.id, actor=ACTOR)

    said = words(show())

    assert strings.HOME_STATUS_FINE in said
    assert "Staff" in said
    assert strings.CORRECT_AS_OF.format(ago="just now") in said


def test_the_home_says_what_needs_attention(
    show: Show, workspace: Workspace, staff: MasterList, directory: MemoryDirectory
):
    workspace.runner.sync(staff.id, actor=ACTOR)
    directory.failure = SecretWrong("The client secret is wrong.")
    workspace.runner.sync(staff.id, actor=ACTOR)
    directory.failure = SecretWrong("The client secret is wrong.")
    with pytest.raises(SecretWrong):
        workspace.connections.test("School Entra", None)  # type: ignore[arg-type]

    said = words(show())

    assert f"{strings.NEEDS_ATTENTION} (2)" in said
    assert "the last sync failed" in said
    assert "the last test of this connection failed" in said


@pytest.mark.parametrize("tab", [strings.TAB_PEOPLE, strings.TAB_SYNC, strings.TAB_SCHEMA])
@pytest.mark.parametrize("state", ["new", "synced", "held", "failed", "disconnected", "empty scope"])
def test_a_list_draws_in_every_state(
    show: Show, workspace: Workspace, staff: MasterList, directory: MemoryDirectory, tab, state
):
    bring_into(state, workspace, staff, directory)

    at = show("master_list.py", list=str(staff.id), tab=tab)

    assert not at.exception
    assert "Staff" in words(at)
    assert bool(at.error) == (state == "failed" and tab == strings.TAB_SYNC)


def bring_into(state: str, workspace: Workspace, staff: MasterList, directory: MemoryDirectory) -> None:
    if state == "new":
        return
    if state == "empty scope":
        directory.people.clear()
    workspace.runner.sync(staff.id, actor=ACTOR)
    if state == "held":
        directory.people.clear()
        assert workspace.runner.sync(staff.id, actor=ACTOR).status is RunStatus.HELD
    elif state == "failed":
        directory.failure = SecretWrong("The client secret is wrong.")
        assert workspace.runner.sync(staff.id, actor=ACTOR).status is RunStatus.FAILED
    elif state == "disconnected":
        workspace.lists.disconnect(staff.id, actor=ACTOR)


@pytest.mark.parametrize("state", ["synced", "held", "failed"])
def test_a_run_draws_in_every_state(
    show: Show, workspace: Workspace, staff: MasterList, directory: MemoryDirectory, state
):
    bring_into(state, workspace, staff, directory)
    last = workspace.runs.last(staff.id)
    assert last is not None

    at = show("run.py", run=str(last.id))

    assert not at.exception
    assert f"Run {last.id}" in words(at)


def test_a_failed_run_says_cause_cure_and_code(
    show: Show, workspace: Workspace, staff: MasterList, directory: MemoryDirectory
):
    bring_into("failed", workspace, staff, directory)

    at = show("master_list.py", list=str(staff.id), tab=strings.TAB_SYNC)

    (shown,) = at.error
    assert "The client secret is wrong" in shown.value
    assert "Secret ID" in shown.value
    assert f"`{SecretWrong.code}`" in shown.value


def test_a_scope_with_nobody_explains_itself(
    show: Show, workspace: Workspace, staff: MasterList, directory: MemoryDirectory
):
    bring_into("empty scope", workspace, staff, directory)

    assert strings.ZERO_SYNCED in words(show("master_list.py", list=str(staff.id), tab=strings.TAB_SYNC))
    assert strings.ZERO_SYNCED in words(show("master_list.py", list=str(staff.id)))


@pytest.mark.parametrize(
    ("page", "query", "code"),
    [
        ("master_list.py", {"list": "99"}, "not_found"),
        ("master_list.py", {"list": "'; DROP TABLE"}, "not_found"),
        ("run.py", {"run": "99"}, "not_found"),
        ("create_master_list.py", {"draft": "gone"}, "not_found"),
    ],
)
def test_what_is_not_there_is_said_so(show: Show, page, query, code):
    at = show(page, **query)

    assert not at.exception
    assert f"`{code}`" in at.error[0].value


def test_people_are_shown_fifty_at_a_time(
    show: Show, workspace: Workspace, staff: MasterList, directory: MemoryDirectory
):
    directory.people = [person(number) for number in range(120)]
    workspace.runner.sync(staff.id, actor=ACTOR)

    at = show("master_list.py", list=str(staff.id))

    assert "120 people" in words(at)
    assert len(at.dataframe[0].value) == 50
    at.text_input(key="people_search").set_value("given119").run()
    assert "1 person" in words(at)
    assert list(at.dataframe[0].value.iloc[0])[:2] == ["10119", "Given119"]


def test_managed_columns_carry_a_lock(show: Show, workspace: Workspace, staff: MasterList):
    workspace.runner.sync(staff.id, actor=ACTOR)

    columns = list(show("master_list.py", list=str(staff.id)).dataframe[0].value.columns)

    assert [name for name in columns if name.startswith("🔒")] == [
        "🔒 Employee ID",
        "🔒 First name",
        "🔒 Last name",
        "🔒 Email",
        "🔒 Department",
    ]
    assert {"Locker", "House", "Born", "Year"} <= set(columns)


def test_the_status_filter_shows_inactive_people(show: Show, workspace: Workspace, staff: MasterList):
    workspace.runner.sync(staff.id, actor=ACTOR)
    workspace.people.set_status(staff, "10003", active=False, actor=ACTOR)
    at = show("master_list.py", list=str(staff.id))
    assert "7 people" in words(at)

    at.selectbox(key="people_status").select("inactive").run()

    shown = at.dataframe[0].value
    assert list(shown["🔒 Employee ID"]) == ["10003"]
    assert list(shown[strings.STATUS]) == [strings.INACTIVE]


def test_a_run_is_filtered_by_action_and_searched(
    show: Show, workspace: Workspace, staff: MasterList, directory: MemoryDirectory
):
    workspace.runner.sync(staff.id, actor=ACTOR)
    directory.people = [person(0, department="Music"), *directory.people[1:7], person(20)]
    run = workspace.runner.sync(staff.id, actor=ACTOR)

    at = show("run.py", run=str(run.id))
    changes = list(at.dataframe[0].value[strings.CHANGE])
    assert {one: changes.count(one) for one in changes} == {
        "Created": 1,
        "Deactivated": 1,
        "Updated": 1,
    }
    at.selectbox(key=f"changes_action_{run.id}").select("updated").run()

    shown = at.dataframe[0].value
    assert shown.to_dict("records") == [
        {
            strings.CHANGE: "Updated",
            strings.UID_SHORT: "10000",
            strings.PERSON: "Given0 Sur0",
            strings.FIELD: "Department",
            strings.BEFORE: "Arts",
            strings.AFTER: "Music",
        }
    ]
    at.selectbox(key=f"changes_action_{run.id}").select("").run()
    at.text_input(key=f"changes_search_{run.id}").set_value("sur20").run()
    assert list(at.dataframe[0].value[strings.UID_SHORT]) == ["10020"]


def test_sync_now_starts_a_run_and_a_second_start_is_refused_in_words(
    show: Show, workspace: Workspace, staff: MasterList
):
    at = show("master_list.py", list=str(staff.id), tab=strings.TAB_SYNC)
    with workspace.runs.deciding(staff, 1, actor="Sam Staff"):
        at.button(key="sync_now").click().run()
        assert not at.exception

    assert "`sync_running`" in at.error[0].value


def test_a_delta_says_beforehand_that_a_full_sync_is_run(show: Show, staff: MasterList):
    at = show("master_list.py", list=str(staff.id), tab=strings.TAB_SYNC)

    at.radio(key="sync_kind_full").set_value("delta").run()

    assert strings.FULL_NEEDED.format(why="this is its first sync") in words(at)


def test_a_discarded_draft_is_gone_and_others_can_be_continued(show: Show, workspace: Workspace):
    kept = workspace.drafts.begin("create", {"name": "Students"})
    other = workspace.drafts.begin("create", {"name": "Nobody"})
    at = show("master_lists.py")
    assert strings.UNFINISHED in words(at)

    at.button(key=f"draft_discard_{other.id}").click().run()

    assert [one.id for one in workspace.drafts.all("create")] == [kept.id]
    assert "Nobody" not in words(at)


def test_a_connection_card_shows_facts_and_failures(
    show: Show, workspace: Workspace, directory: MemoryDirectory
):
    connection = connect(workspace)
    at = show("directory_integrations.py")
    assert strings.NOT_TESTED in words(at)

    at.button(key=f"connection_test_{connection.id}").click().run()
    said = words(at)
    assert "**8** users" in said
    assert "Banksia College" in said
    assert "User\\.Read\\.All" in said

    directory.failure = SecretWrong("The client secret is wrong.")
    at.button(key=f"connection_test_{connection.id}").click().run()
    assert "The client secret is wrong" in at.error[0].value


def test_the_home_has_no_secret_on_any_page(show: Show, workspace: Workspace, staff: MasterList):
    for page in PAGES:
        assert "right-secret" not in str(show(page, list=str(staff.id)).main)


def test_text_of_the_directory_draws_no_links_and_loads_nothing(
    show: Show, workspace: Workspace, staff: MasterList, directory: MemoryDirectory
):
    evil = "![x](http://evil.example/x.png) [y](http://evil.example) :red[z] $a$ :material/home:"
    form = ConnectionForm(evil[:79], "t", "c")
    workspace.connections.edit("School Entra", form, test=None, actor=ACTOR)

    for page in (None, "directory_integrations.py", "master_list.py"):
        said = words(show(page, list=str(staff.id), tab=strings.TAB_SYNC))
        assert "![x](http" not in said
        assert "](http://evil" not in said


def test_a_list_without_a_directory_offers_to_connect_one(show: Show, workspace: Workspace):
    made = workspace.lists.create("Visitors", uid_field="badge", fields=(Field("badge"),), actor=ACTOR)

    at = show("master_list.py", list=str(made.id), tab=strings.TAB_SYNC)

    assert strings.NOT_CONFIGURED in words(at)
    assert at.button(key="sync_configure")


def test_what_changed_behind_the_page_is_said_and_not_thrown(
    show: Show, workspace: Workspace, staff: MasterList
):
    at = show("master_list.py", list=str(staff.id), tab=strings.TAB_SYNC)
    workspace.lists.disconnect(staff.id, actor=ACTOR)

    at.button(key="sync_now").click().run()

    assert not at.exception
    assert strings.NOT_CONFIGURED in words(at)
