"""A list's Schema and Settings: fields that change, names, rules, the archive."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from captrid_core.errors import NotFound
from captrid_core.lists.model import FieldType
from captrid_core.sandbox import Sandbox
from pages import strings
from tests.browser.conftest import ACTOR, Beside
from tests.browser.screen import Screen

pytestmark = pytest.mark.browser


def test_a_local_field_gets_another_label_and_type(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Schema", "Homeroom 10B")
    uid = beside.workspace.people.find(made).people[0].uid or ""
    beside.workspace.people.set_values(made, uid, {"locker": "A1"}, actor=ACTOR)
    screen.go(f"/list?list={made.id}&tab=Schema")
    screen.select_row("schema", 3)
    screen.choose("field_change_type", "Number")
    screen.click("field_change_save")
    expect(screen.dialog()).to_contain_text("such as “A1”")
    screen.shot("schema-misfit")
    screen.choose("field_change_type", "Text")
    screen.type("field_change_label", "Locker number")
    screen.click("field_change_save")

    screen.sees(strings.FIELD_CHANGED.format(label="Locker number"))
    field = beside.workspace.lists.get(made.id).field("locker")
    assert (field.label, field.type) == ("Locker number", FieldType.TEXT)
    assert [row[0] for row in screen.cells("schema", count=5)][3] == "Locker number"


def test_the_uid_field_keeps_its_type(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Fixed", "Homeroom 11B")
    screen.go(f"/list?list={made.id}&tab=Schema")
    screen.select_row("schema", 0)

    expect(screen.by_key("field_change_type").get_by_role("combobox")).to_be_disabled()


def test_a_list_is_renamed_and_its_rules_are_changed(screen: Screen, quiet: Sandbox, beside: Beside):
    made = beside.synced_list("Before", "Homeroom 12B")
    screen.go(f"/list?list={made.id}&tab=Settings")
    screen.shot("list-settings")
    screen.type("settings_name", "Afterwards")
    screen.click("settings_name_save")
    screen.sees(strings.LIST_RENAMED.format(name="Afterwards"))
    screen.pick("settings_uid_change", strings.SAME_PERSON)
    screen.type("settings_deactivate_count", "2")
    screen.click("settings_rules_save")

    screen.sees(strings.RULES_SAVED)
    after = beside.workspace.lists.get("Afterwards").sync
    assert after is not None
    assert (after.guards.deactivate_count, after.on_uid_change) == (2, "same_person")
    assert after.full_needed is None


def test_a_list_is_archived_taken_out_and_deleted_by_its_typed_name(
    screen: Screen, quiet: Sandbox, beside: Beside
):
    made = beside.synced_list("Old hands", "Homeroom 7A")
    screen.go(f"/list?list={made.id}&tab=Settings")
    screen.click("list_archive")
    expect(screen.dialog()).to_contain_text("Sync stops")
    screen.click("list_archive_confirm")
    screen.sees("This list is in the archive")
    screen.shot("list-archived")
    assert not beside.workspace.lists.get(made.id).connected
    screen.click("list_reinstate")
    screen.sees(strings.LIST_REINSTATED.format(name="Old hands"))
    screen.click("list_archive")
    screen.click("list_archive_confirm")

    screen.go("/lists")
    screen.by_key("lists_archive").get_by_text("Archive (").click()
    screen.page.get_by_role("link", name="Old hands").click()
    screen.settle()
    screen.tab(strings.TAB_SETTINGS)
    screen.click("list_delete")
    screen.by_key("list_delete_name").locator("input").fill("old")
    screen.click("list_delete_confirm")
    expect(screen.dialog()).to_contain_text("nothing was deleted")
    screen.by_key("list_delete_name").locator("input").fill("Old hands")
    screen.click("list_delete_confirm")

    screen.sees(strings.LIST_DELETED.format(name="Old hands"))
    with pytest.raises(NotFound):
        beside.workspace.lists.get("Old hands")
