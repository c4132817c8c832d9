"""What is done to lists, and to many people at once, after they were created."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from captrid_core.errors import AlreadyExists, BadValue, CaptridError, Invalid, NotFound
from captrid_core.insight.audit import AuditFilter
from captrid_core.lists.model import Field, FieldType, Guards, MasterList, OnUidChange, StatusFilter
from captrid_core.lists.people import Edit
from captrid_core.lists.upkeep import NotArchived
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace

ACTOR = "Sam Staff"
FIELDS = (
    Field("code"),
    Field("name"),
    Field("locker"),
    Field("house", FieldType.DROPDOWN, options=("Red", "Blue")),
    Field("born", FieldType.DATE),
)


@pytest.fixture
def workspace(tmp_path: Path):
    with Workspace(Settings(home=tmp_path)) as opened:
        yield opened


@pytest.fixture
def guests(workspace: Workspace) -> MasterList:
    made = workspace.lists.create("Guests", uid_field="code", fields=FIELDS, actor=ACTOR)
    for number in range(1, 6):
        workspace.people.add(made, {"code": f"g{number}", "locker": str(number), "house": "Red"}, actor=ACTOR)
    return made


def values_of(workspace: Workspace, made: MasterList, key: str) -> dict[str | None, object]:
    found = workspace.people.find(workspace.lists.get(made.id), status=StatusFilter.ALL)
    return {one.uid: one.values[key] for one in found.people}


def ids_of(workspace: Workspace, made: MasterList) -> dict[str | None, int]:
    return {one.uid: one.id for one in workspace.people.find(made, status=StatusFilter.ALL).people}


def test_many_people_are_deactivated_at_once_and_each_is_on_record(workspace: Workspace, guests: MasterList):
    ids = ids_of(workspace, guests)
    chosen = [ids["g1"], ids["g2"], ids["g3"]]
    workspace.people.set_status(guests, "g3", active=False, actor=ACTOR)

    assert workspace.people.set_status_of(guests, chosen, active=False, actor=ACTOR) == 2

    assert [one.uid for one in workspace.people.find(guests).people] == ["g4", "g5"]
    assert [one.action for one in workspace.people.history(guests, ids["g1"])] == ["deactivated", "created"]
    left = workspace.people.leavings(guests, [*chosen, ids["g4"]])
    assert {one: (how.actor, how.run_id) for one, how in left.items()} == dict.fromkeys(chosen, (ACTOR, None))
    told = workspace.audit.find(AuditFilter(action="person.deactivated"))
    assert sorted(one.entity_name for one in told) == ["g1", "g2", "g3"]
    assert workspace.people.set_status_of(guests, chosen, active=True, actor=ACTOR) == 3
    assert workspace.lists.counts(guests).active == 5


def test_a_table_of_edits_is_written_whole_or_not_at_all(workspace: Workspace, guests: MasterList):
    ids = ids_of(workspace, guests)
    edits = {
        ids["g1"]: {"locker": Edit("1", "A1"), "born": Edit(None, "2012-03-04")},
        ids["g2"]: {"house": Edit("Red", "Green")},
    }
    with pytest.raises(BadValue):
        workspace.people.edit(guests, edits, actor=ACTOR)
    assert values_of(workspace, guests, "locker")["g1"] == "1"

    edits[ids["g2"]] = {"house": Edit("Red", "Blue")}
    assert workspace.people.edit(guests, edits, actor=ACTOR) == []
    assert workspace.people.get(guests, "g1").values["born"] == date(2012, 3, 4)
    assert workspace.people.get(guests, "g2").values["house"] == "Blue"


def test_a_value_that_was_changed_meanwhile_is_not_overwritten(workspace: Workspace, guests: MasterList):
    ids = ids_of(workspace, guests)
    workspace.people.set_values(guests, "g1", {"locker": "B7"}, actor="Somebody else")

    edits = {ids["g1"]: {"locker": Edit("1", "A1")}, ids["g2"]: {"locker": Edit("2", "A2")}}
    (conflict,) = workspace.people.edit(guests, edits, actor=ACTOR)

    assert (conflict.uid, conflict.field, conflict.given, conflict.present) == ("g1", "locker", "A1", "B7")
    assert values_of(workspace, guests, "locker") == {"g1": "B7", "g2": "2", "g3": "3", "g4": "4", "g5": "5"}


def test_a_list_gets_another_name_that_nobody_has(workspace: Workspace, guests: MasterList):
    workspace.lists.create("Staff", uid_field="code", fields=FIELDS, actor=ACTOR)
    with pytest.raises(AlreadyExists):
        workspace.upkeep.rename("Guests", " staff ", actor=ACTOR)
    with pytest.raises(Invalid):
        workspace.upkeep.rename("Guests", "  ", actor=ACTOR)
    assert workspace.upkeep.rename("Guests", "guests", actor=ACTOR).name == "guests"
    assert workspace.upkeep.rename("guests", "Visitors", actor=ACTOR).id == guests.id
    assert len(workspace.people.find(workspace.lists.get("Visitors")).people) == 5


def test_a_fields_label_and_duty_change_and_its_key_stays(workspace: Workspace, guests: MasterList):
    changed = Field("locker", label="Locker number", required=True)
    after = workspace.upkeep.change_field("Guests", changed, actor=ACTOR)
    assert after.field("locker") == changed == workspace.lists.get("Guests").field("locker")
    with pytest.raises(Invalid):
        workspace.upkeep.change_field("Guests", Field("nothing"), actor=ACTOR)
    (told,) = workspace.audit.find(AuditFilter(action="field.changed"))
    assert json.loads(told.details or "")["label"] == "Locker → Locker number"


def test_a_type_changes_only_to_what_every_value_fits(workspace: Workspace, guests: MasterList):
    number = Field("locker", FieldType.NUMBER)
    workspace.people.set_values(guests, "g5", {"locker": "A5"}, actor=ACTOR)
    with pytest.raises(BadValue, match="1 people are not a number, such as “A5”"):
        workspace.upkeep.change_field("Guests", number, actor=ACTOR)
    workspace.people.set_values(guests, "g5", {"locker": "5"}, actor=ACTOR)

    workspace.upkeep.change_field("Guests", number, actor=ACTOR)

    assert values_of(workspace, guests, "locker") == {f"g{n}": float(n) for n in range(1, 6)}
    workspace.upkeep.change_field("Guests", Field("locker"), actor=ACTOR)
    assert values_of(workspace, guests, "locker") == {f"g{n}": str(n) for n in range(1, 6)}
    with pytest.raises(Invalid):
        workspace.upkeep.change_field("Guests", Field("code", FieldType.NUMBER), actor=ACTOR)


def test_an_option_that_somebody_has_stays(workspace: Workspace, guests: MasterList):
    with pytest.raises(BadValue):
        workspace.upkeep.change_field(
            "Guests", Field("house", FieldType.DROPDOWN, options=("Blue", "Green")), actor=ACTOR
        )
    wider = Field("house", FieldType.DROPDOWN, options=("Red", "Blue", "Green"))
    workspace.upkeep.change_field("Guests", wider, actor=ACTOR)
    after = workspace.lists.get("Guests")
    assert (
        workspace.people.set_values(after, "g1", {"house": "Green"}, actor=ACTOR).values["house"] == "Green"
    )


def test_an_archived_list_is_out_of_sight_and_comes_back(workspace: Workspace, guests: MasterList):
    workspace.upkeep.archive("Guests", actor=ACTOR)
    assert workspace.lists.all() == []
    assert [one.name for one in workspace.lists.all(archived=True)] == ["Guests"]
    assert workspace.lists.counts(workspace.lists.get("Guests")).active == 5
    with pytest.raises(Invalid):
        workspace.upkeep.archive("Guests", actor=ACTOR)
    assert workspace.upkeep.reinstate("Guests", actor=ACTOR).archived_at is None
    assert [one.name for one in workspace.lists.all()] == ["Guests"]


def test_only_an_archived_list_whose_name_was_typed_is_deleted(workspace: Workspace, guests: MasterList):
    with pytest.raises(NotArchived):
        workspace.upkeep.delete("Guests", typed_name="Guests", actor=ACTOR)
    workspace.upkeep.archive("Guests", actor=ACTOR)
    with pytest.raises(Invalid, match="nothing was deleted"):
        workspace.upkeep.delete("Guests", typed_name="guest", actor=ACTOR)

    assert workspace.upkeep.delete("Guests", typed_name="Guests", actor=ACTOR) == 5

    with pytest.raises(NotFound):
        workspace.lists.get("Guests")
    (told,) = workspace.audit.find(AuditFilter(action="list.deleted"))
    assert '"people": 5' in (told.details or "")
    with workspace.database.read() as cursor:
        left = cursor.execute(
            "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE '%_1' AND NOT temporary"
        ).fetchall()
        assert (left, cursor.execute("SELECT count(*) FROM change").fetchone()) == ([], (0,))
    assert workspace.lists.create("Guests", uid_field="code", fields=FIELDS, actor=ACTOR).id != guests.id


@pytest.mark.parametrize("guards", [Guards(deactivate_count=0), Guards(blank_percent=101)])
def test_rules_that_make_no_sense_are_refused(workspace: Workspace, guests: MasterList, guards: Guards):
    with pytest.raises(CaptridError):
        workspace.upkeep.set_rules("Guests", guards, OnUidChange.NEW_PERSON, actor=ACTOR)
