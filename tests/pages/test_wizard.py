"""The wizard: each source's way to a list, what it refuses, and that a draft outlives the page."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from captrid_core.directory.port import ScopeKind
from captrid_core.errors import DirectoryUnreachable
from captrid_core.lists.model import Field, FieldType, MasterList, OnUidChange
from captrid_core.workspace import Workspace
from pages import strings
from pages.parts.wizard import begin_configuring, key_for
from tests.pages.conftest import Show, words
from tests.pages.school import ACTOR, MemoryDirectory, connect


def next_step(at: AppTest) -> AppTest:
    return at.button(key="wizard_next").click().run()


def configuring(show: Show, master_list: MasterList) -> AppTest:
    """Open the wizard on an existing list, as the button Configure Sync does."""
    return show("create_master_list.py", draft=begin_configuring(master_list))


def to_mapping(show: Show, workspace: Workspace) -> AppTest:
    """Go as far as the mapping of a new list on the group Teaching staff."""
    connect(workspace)
    at = show("create_master_list.py")
    at.text_input(key="list_name").set_value("Staff").run()
    next_step(next_step(at))
    at.radio(key="scope_group").set_value("group-staff").run()
    return next_step(at)


def test_a_directory_list_is_created_with_what_was_chosen(show: Show, workspace: Workspace):
    at = to_mapping(show, workspace)
    at.radio(key="uid_property").set_value("employeeId").run()
    next_step(at)
    assert not at.exception
    assert list(at.dataframe[0].value["Employee ID"])[:2] == ["10000", "10001"]

    at.button(key="wizard_finish").click().run()

    (made,) = workspace.lists.all()
    sync = made.sync
    assert sync is not None
    assert (made.name, made.uid_field) == ("Staff", "employee_id")
    assert (sync.scope.kind, sync.scope.group_id, sync.group_name) == (
        ScopeKind.GROUP,
        "group-staff",
        "Teaching staff",
    )
    assert sync.mapping == {
        "employeeId": "employee_id",
        "givenName": "first_name",
        "surname": "last_name",
        "mail": "email",
        "jobTitle": "job_title",
        "department": "department",
    }
    assert workspace.drafts.all("create") == []


def test_nothing_is_saved_before_the_end(show: Show, workspace: Workspace):
    at = to_mapping(show, workspace)
    at.radio(key="uid_property").set_value("employeeId").run()
    next_step(at)

    assert workspace.lists.all() == []


def test_a_uid_has_to_be_chosen(show: Show, workspace: Workspace):
    at = to_mapping(show, workspace)

    next_step(at)

    assert strings.UID_CHOOSE in at.error[0].value
    assert strings.UID_QUESTION in words(at)


def test_the_uid_doctor_recommends_what_is_there_for_all_and_stays(
    show: Show, workspace: Workspace, directory: MemoryDirectory
):
    directory.people[3]["mail"] = directory.people[2]["mail"]
    at = to_mapping(show, workspace)

    shown = at.radio(key="uid_property")
    assert strings.UID_RECOMMENDED in shown.options[0]
    assert shown.options[0].startswith("Employee ID")
    captions = dict(zip(shown.options, shown.proto.captions, strict=True))
    mail = next(caption for option, caption in captions.items() if option.startswith("Email"))
    assert "2 people share theirs" in mail
    assert strings.UID_UNSTABLE in mail


def test_a_field_is_created_in_place(show: Show, workspace: Workspace, directory: MemoryDirectory):
    for one in directory.people:
        one["companyName"] = "Banksia College"
    at = to_mapping(show, workspace)
    at.radio(key="uid_property").set_value("employeeId").run()
    at.selectbox(key="mapping_show").set_value(strings.SHOW_UNMAPPED).run()
    offered = at.selectbox(key="map_companyName")
    offered.select_index(offered.options.index(strings.CREATE_FIELD.format(label="Company name"))).run()
    assert not at.exception
    next_step(at)

    at.button(key="wizard_finish").click().run()

    (made,) = workspace.lists.all()
    assert made.sync is not None
    assert made.sync.mapping["companyName"] == "company_name"
    assert made.field("company_name").label == "Company name"


def test_a_field_that_is_not_wanted_is_taken_out(show: Show, workspace: Workspace):
    at = to_mapping(show, workspace)
    at.radio(key="uid_property").set_value("employeeId").run()
    at.button(key="newfield_job_title_remove").click().run()
    next_step(at)

    at.button(key="wizard_finish").click().run()

    (made,) = workspace.lists.all()
    assert "job_title" not in [one.key for one in made.fields]


def test_unmapping_the_uid_takes_the_choice_back(show: Show, workspace: Workspace):
    at = to_mapping(show, workspace)
    at.radio(key="uid_property").set_value("employeeId").run()

    at.selectbox(key="map_employeeId").set_value("").run()

    assert at.radio(key="uid_property").value is None


def test_bad_values_show_in_the_review(show: Show, workspace: Workspace, directory: MemoryDirectory):
    directory.people[1]["employeeId"] = None
    directory.people[2]["mail"] = "no address"
    at = to_mapping(show, workspace)
    at.radio(key="uid_property").set_value("employeeId").run()

    next_step(at)

    (warning,) = at.warning
    assert "2 of these 8 people" in warning.value
    assert "would be skipped" in warning.value
    assert "is not an e\\-mail address" in warning.value


def test_a_draft_outlives_the_page(show: Show, workspace: Workspace):
    to_mapping(show, workspace)
    (draft,) = workspace.drafts.all("create")

    at = show("create_master_list.py", draft=draft.id)

    assert not at.exception
    assert strings.UID_QUESTION in words(at)
    at.button(key="wizard_back").click().run()
    assert at.radio(key="scope_group").value == "group-staff"


def test_a_group_with_nobody_explains_itself(show: Show, workspace: Workspace):
    connect(workspace)
    at = show("create_master_list.py")
    at.text_input(key="list_name").set_value("Alumni").run()
    next_step(next_step(at))
    assert "8 users" in str(at.radio(key="scope_kind").proto.captions)

    at.radio(key="scope_group").set_value("group-none").run()

    assert strings.ZERO_USERS in at.warning[0].value


def test_groups_are_searched_by_name(show: Show, workspace: Workspace):
    connect(workspace)
    at = show("create_master_list.py")
    at.text_input(key="list_name").set_value("Staff").run()
    next_step(next_step(at))

    at.text_input(key="scope_search").set_value("alumni").run()
    assert at.radio(key="scope_group").options == ["Alumni"]

    at.text_input(key="scope_search").set_value("nobody's club").run()
    assert "contains" in at.info[0].value


def test_a_directory_that_cannot_be_reached_is_said_and_blocks_the_step(
    show: Show, workspace: Workspace, directory: MemoryDirectory
):
    connect(workspace)
    at = show("create_master_list.py")
    at.text_input(key="list_name").set_value("Staff").run()
    next_step(next_step(at))
    at.radio(key="scope_group").set_value("group-staff").run()
    directory.failure = DirectoryUnreachable("No connection came about.")

    next_step(at)

    assert not at.exception
    assert "No connection came about" in at.error[0].value


@pytest.mark.parametrize(("source", "tab"), [("manual", strings.TAB_PEOPLE), ("csv", strings.TAB_PEOPLE)])
def test_a_list_without_a_directory_is_created(show: Show, workspace: Workspace, source, tab):
    at = show("create_master_list.py")
    at.text_input(key="list_name").set_value("Visitors").run()
    at.radio(key="source").set_value(source).run()
    next_step(at)
    at.button(key="newfield_add").click().run()
    at.selectbox(key="newfield_field_5_type").set_value("dropdown").run()
    next_step(at)
    assert "no options" in at.error[0].value
    at.text_input(key="newfield_field_5_options").set_value("Red, Blue, Red").run()
    next_step(at)

    at.button(key="wizard_finish").click().run()

    (made,) = workspace.lists.all()
    assert not at.exception
    assert (made.name, made.uid_field, made.sync) == ("Visitors", "employee_id", None)
    assert made.field("field_5").type is FieldType.DROPDOWN
    assert made.field("field_5").options == ("Red", "Blue")


def test_a_name_is_needed_and_not_given_twice(show: Show, workspace: Workspace, staff: MasterList):
    at = show("create_master_list.py")
    next_step(at)
    assert strings.LIST_NAME_MISSING in at.error[0].value

    at.text_input(key="list_name").set_value("staff").run()
    next_step(at)

    assert "already" in at.error[0].value


def test_configure_sync_starts_from_what_is_there_and_changes_it(
    show: Show, workspace: Workspace, staff: MasterList
):
    workspace.runner.sync(staff.id, actor=ACTOR)
    at = configuring(show, staff)
    assert f"{strings.CONFIGURE_SYNC} · Staff" in words(at)
    next_step(at)
    assert at.radio(key="scope_group").value == "group-staff"
    at.checkbox(key="scope_guests").check().run()
    next_step(at)
    assert at.radio(key="uid_property").value == "employeeId"
    assert at.selectbox(key="map_employeeId").disabled
    at.radio(key="on_uid_change").set_value("same_person").run()
    at.number_input(key="guard_deactivate_count").set_value(9).run()
    next_step(at)

    at.button(key="wizard_finish").click().run()

    sync = workspace.lists.get(staff.id).sync
    assert sync is not None
    assert (sync.exclude_guests, sync.on_uid_change) == (True, OnUidChange.SAME_PERSON)
    assert sync.guards.deactivate_count == 9
    assert sync.mapping == staff.sync.mapping  # type: ignore[union-attr]
    assert sync.full_needed is not None
    assert workspace.drafts.all("configure") == []


def test_suggestions_for_an_existing_list_are_applied_at_once(show: Show, workspace: Workspace):
    connect(workspace)
    fields = (Field("employee_id"), Field("first_name"), Field("surname"), Field("faculty"))
    made = workspace.lists.create("Old", uid_field="employee_id", fields=fields, actor=ACTOR)
    at = configuring(show, made)
    next_step(at)
    at.radio(key="scope_kind").set_value(ScopeKind.ALL_USERS).run()
    next_step(at)
    assert "3 fields mapped automatically" in words(at)
    assert at.radio(key="uid_property").value is None
    at.selectbox(key="map_department").set_value("").run()
    assert strings.SUGGESTIONS in words(at)

    at.button(key="suggestions_apply").click().run()

    assert at.selectbox(key="map_department").value == "faculty"


def test_a_connection_that_was_removed_has_to_be_chosen_again(
    show: Show, workspace: Workspace, staff: MasterList
):
    connect(workspace, "Other")
    at = configuring(show, staff)
    next_step(at)
    workspace.connections.remove("School Entra", disconnect_lists=True, actor=ACTOR)

    at.run()

    assert not at.exception
    assert at.selectbox(key="connection").value is None


@pytest.mark.parametrize(
    ("label", "taken", "key"),
    [
        ("House colour", set(), "house_colour"),
        ("House colour", {"house_colour"}, "house_colour_2"),
        ("  7th Form!", set(), "th_form"),
        ("Größe", set(), "gr_e"),
        ("名前", set(), "field"),
    ],
)
def test_a_key_is_made_of_a_label(label, taken, key):
    assert key_for(label, taken) == key


@pytest.mark.parametrize("key", ["mapping_import", "mapping_import_all"])
def test_fields_are_imported_together(show: Show, workspace: Workspace, key: str):
    at = to_mapping(show, workspace)
    at.radio(key="uid_property").set_value("employeeId").run()
    before = set(workspace.drafts.all("create")[0].content["mapping"])
    at.button(key=key).click().run()
    assert not at.exception

    content = workspace.drafts.all("create")[0].content
    assert set(content["mapping"]) > before
    fields = [one["key"] for one in content["new_fields"]]
    assert sorted(set(fields)) == sorted(fields)
    assert set(content["mapping"].values()) == set(fields)
    assert at.button(key=key).disabled
