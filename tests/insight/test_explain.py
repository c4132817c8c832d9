"""Why somebody is, or is not, in a list: each reason, against a directory over HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.insight.explain import Explanation, Good
from captrid_core.lists.model import Field, FieldType, SyncConfiguration
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace
from pages.parts.watch import PageWatch
from tests.rules.rules_school import form_for

ACTOR = "Alex Admin"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(users=0, groups=False, seed=3).running() as sandbox:
        yield sandbox


class School:
    """A group of students with a group inside it, and a list on it."""

    def __init__(self, sandbox: Sandbox, workspace: Workspace) -> None:
        self.directory, self.workspace, self.faults = sandbox.directory, workspace, sandbox.faults
        self.group = self.directory.add_group("All Students")
        self.inner = self.directory.add_group("Year 7")
        self.directory.add_member(self.group, self.inner)
        connection = workspace.connections.add(form_for(sandbox), test=None, actor=ACTOR)
        sync = SyncConfiguration(
            connection.id,
            "employeeId",
            {"employeeId": "code", "givenName": "first_name", "postalCode": "locker"},
            scope=Scope(ScopeKind.GROUP, self.group),
            group_name="All Students",
        )
        fields = [Field("code"), Field("first_name"), Field("locker", FieldType.NUMBER), Field("note")]
        self.id = workspace.lists.create(
            "Students", uid_field="code", fields=fields, sync=sync, actor=ACTOR
        ).id

    def enrol(self, uid: str | None, name: str, *, group: str | None = "", **more: object) -> str:
        user = self.directory.add_user(
            employeeId=uid,
            displayName=name,
            **{
                "givenName": name.split()[0],
                "userPrincipalName": f"{name.split()[0].lower()}@banksia.example",
                **more,
            },
        )
        if group is not None:
            self.directory.add_member(group or self.group, user)
        return user

    def sync(self) -> None:
        assert self.workspace.runner.sync(self.id, actor=ACTOR).status == "succeeded"

    def configure(self, **changes: object) -> None:
        sync = self.workspace.lists.get(self.id).sync
        assert sync is not None
        self.workspace.lists.configure(self.id, replace(sync, **changes), actor=ACTOR)  # type: ignore[arg-type]

    def why(self, who: str) -> Explanation:
        return self.workspace.explain.why(self.id, who, PageWatch(1))


@pytest.fixture
def school(running: Sandbox, tmp_path: Path) -> Iterator[School]:
    with Workspace(Settings(home=tmp_path)) as workspace:
        yield School(running, workspace)
    running.faults.clear()
    for user in list(running.directory.users()):
        running.directory.purge_user(user["id"])
    for group_id in running.directory.group_ids():
        running.directory.delete_group(group_id)


def crosses(found: Explanation) -> str:
    return " ".join(one.words for one in found.steps if one.good is Good.NO)


@pytest.mark.parametrize("who", ["Ada Lovelace", "ada@banksia.example", "1001", "ada"])
def test_somebody_who_is_in_the_list_is_found_by_whatever_is_known_of_them(school: School, who: str):
    school.enrol("1001", "Ada Lovelace")
    school.sync()

    found = school.why(who)

    assert found.verdict.endswith("is in “Students”, as the directory says.")
    assert crosses(found) == ""
    assert any("A member of the group “All Students”." in one.words for one in found.steps)


def test_a_newcomer_joins_with_the_next_sync(school: School):
    user = school.enrol("1001", "Ada Lovelace")
    assert school.why(user).verdict == "Ada Lovelace is not in “Students” yet; the next sync adds them."


def test_nobody_of_that_name(school: School):
    found = school.why("Nobody At All")
    assert "Nobody in the directory goes by “Nobody At All”." in crosses(found)
    assert found.steps[0].cure


def test_several_of_that_name_are_to_be_chosen_from(school: School):
    school.enrol("1001", "Ada Lovelace")
    other = school.enrol("1002", "Ada Byron", userPrincipalName="byron@banksia.example")
    found = school.why("Ada")
    assert [one.name for one in found.candidates] == ["Ada Lovelace", "Ada Byron"]
    assert found.candidates[1].object_id == other


def test_a_disabled_account_and_a_guest_are_left_out_by_the_filters(school: School):
    school.enrol("1001", "Ada Lovelace", accountEnabled=False)
    school.enrol("1002", "Bo Diaz", userType="Guest")
    assert "adds them" in school.why("Ada").verdict
    school.configure(exclude_disabled=True, exclude_guests=True)

    assert "leaves disabled accounts out" in school.why("Ada").verdict
    assert "leaves guests out" in school.why("Bo").verdict


def test_who_is_in_the_group_only_through_another_is_told_so_with_the_cure(school: School):
    school.enrol("1001", "Ada Lovelace", group=school.inner)
    found = school.why("Ada")
    assert "Only a member of “Year 7”, which lies inside the group “All Students”" in found.verdict
    assert any("Include members of groups inside this group" in one.cure for one in found.steps)

    school.configure(scope=Scope(ScopeKind.GROUP, school.group, nested=True))
    assert "adds them" in school.why("Ada").verdict


def test_who_is_in_no_such_group(school: School):
    school.enrol("1001", "Ada Lovelace", group=None)
    assert "Not a member of the group “All Students”" in school.why("Ada").verdict


def test_a_missing_uid_and_a_shared_one(school: School):
    school.enrol(None, "Ada Lovelace")
    school.enrol("1002", "Bo Diaz")
    school.enrol("1002", "Cy Okoro")
    school.sync()

    assert "has no employeeId" in school.why("Ada").verdict
    found = school.why("Bo")
    assert "Its UID 1002 belongs to other accounts too: cy@banksia.example" in crosses(found)
    assert "Run 1 said of this account" in crosses(found)


def test_a_value_that_does_not_fit_is_named(school: School):
    school.enrol("1001", "Ada Lovelace", postalCode="B12")
    assert "“B12” is not a number" in crosses(school.why("Ada"))


def test_a_leaver_is_told_from_a_deleted_account(school: School):
    left = school.enrol("1001", "Ada Lovelace")
    gone = school.enrol("1002", "Bo Diaz")
    purged = school.enrol("1003", "Cy Okoro")
    school.enrol("1004", "Di Stays")
    school.sync()
    school.directory.remove_member(school.group, left)
    school.directory.delete_user(gone)
    school.directory.purge_user(purged)
    assert "still Active" in school.why("1001").verdict
    school.sync()

    assert "Not a member of the group" in school.why("1001").verdict
    assert "recycle bin" in school.why("1002").verdict
    assert "The account was deleted." in school.why("1003").verdict
    assert "deactivated (recycle bin)" in " ".join(one.words for one in school.why("1002").steps)


def test_a_status_set_by_hand_is_the_reason(school: School):
    school.enrol("1001", "Ada Lovelace")
    school.sync()
    school.workspace.people.set_status(
        school.workspace.lists.get(school.id), "1001", active=False, actor="Sam Staff"
    )
    found = school.why("1001")
    assert "because somebody set that by hand" in found.verdict
    assert any("Release to the directory" in one.cure for one in found.steps)


def test_each_value_says_where_it_comes_from(school: School):
    user = school.enrol("1001", "Ada Lovelace")
    school.sync()
    school.workspace.people.set_values(
        school.workspace.lists.get(school.id), "1001", {"note": "tall"}, actor="Sam Staff"
    )
    school.directory.update_user(user, givenName="Augusta")

    told = {one.key: one for one in school.why("1001").fields}

    assert told["code"].words == "From employeeId, as it is in the directory now."
    assert told["first_name"].words == (
        "From givenName; the directory has “Augusta” now, which the next sync brings."
    )
    assert (told["first_name"].run_id, told["note"].set_by) == (1, "Sam Staff")
    assert told["note"].words == "Kept by hand."


def test_without_the_directory_the_list_tells_what_it_knows(school: School):
    school.enrol("1001", "Ada Lovelace")
    school.sync()
    school.faults.add("wrong_secret", times=None)

    found = school.why("1001")

    assert found.steps[0].good is Good.UNKNOWN
    assert any("In “Students” as 1001: Active" in one.words for one in found.steps)


def test_a_list_that_is_kept_by_hand_says_so(school: School):
    made = school.workspace.lists.create("Guests", uid_field="code", fields=[Field("code")], actor=ACTOR)
    school.workspace.people.add(made, {"code": "g1"}, actor=ACTOR)
    assert "g1 is in it" in school.workspace.explain.why("Guests", "g1", PageWatch(1)).verdict
    assert "nobody in it fits" in school.workspace.explain.why("Guests", "g2", PageWatch(1)).verdict


@pytest.mark.parametrize(
    "who", ["", "'", '"', 'O\'Neil \\ "x"', "a" * 500, "🙂", "00000000-0000-0000-0000-000000000000"]
)
def test_odd_questions_have_an_answer(school: School, who: str):
    assert school.why(who).verdict
