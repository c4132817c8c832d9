"""Preview: R35."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rules_school import ACTOR, numbers, rows_of
from test_rules_counts import eventful

from captrid_core.directory.connections import Connections
from captrid_core.errors import Cancelled, SecretWrong
from captrid_core.lists.model import Field
from captrid_core.sync.runs import RunKind


def dump(school):
    """Return every row of every table of the home."""
    with school.workspace.database.read() as cursor:
        tables = [name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: cursor.execute(f'FROM "{name}" ORDER BY ALL').fetchall() for name in tables}


def shown(preview):
    return sorted((rows_of(one) for one in preview.changes), key=str)


def test_r35_a_preview_writes_nothing(school):
    account = school.enrol("1")
    school.enrol("2")
    school.synced()
    school.directory.delete_user(account)
    school.enrol("3")
    before = dump(school)

    preview = school.preview()

    assert dump(school) == before
    assert list(school.workspace.runs.folder.glob("run-*")) == []
    assert (preview.run.id, preview.run.dry_run, preview.run.status) == (None, True, "succeeded")
    assert numbers(preview.run) == {"read": 2, "created": 1, "unchanged": 1, "deactivated": 1}


def test_r35_a_preview_works_before_the_first_sync(school):
    school.add("1", first_name="By hand")
    account = school.enrol("1", "Ada")
    school.enrol("2", "Bo")

    preview = school.preview()

    assert school.runs() == []
    assert school.table("first_name") == [("1", "By hand", "active")]
    assert shown(preview) == [
        ("created", "2", None, None, None),
        ("linked", "1", None, None, account),
        ("updated", "1", "first_name", "By hand", "Ada"),
    ]


@pytest.mark.parametrize("asked", [RunKind.FULL, RunKind.DELTA])
def test_r35_what_it_shows_is_what_the_run_then_does(school, monkeypatch, asked):
    previews = []
    synced = school.synced

    def previewed_then_synced():
        previews.append(school.preview(asked=asked))
        return synced(asked=asked)

    monkeypatch.setattr(school, "synced", previewed_then_synced)
    run = eventful(school)
    preview = previews[-1]

    assert preview.run.counts == run.counts
    assert (preview.run.kind, preview.run.status) == (run.kind, run.status)
    assert shown(preview) == sorted(school.changes(run), key=str)
    assert sorted(preview.errors, key=str) == sorted(school.errors(run), key=str)
    assert sorted(preview.warnings, key=str) == sorted(school.warnings(run), key=str)


def test_r35_it_shows_that_a_run_would_be_held_and_why(school):
    accounts = school.enrol_many(10)
    school.synced()
    for account in accounts[:5]:
        school.directory.delete_user(account)

    preview = school.preview()
    run = school.sync()

    assert (preview.run.status, preview.run.holds, preview.run.message) == (
        run.status,
        run.holds,
        run.message,
    )
    assert preview.run.status == "held"
    assert shown(preview) == sorted(school.changes(run), key=str)


def test_r35_a_held_run_goes_on_waiting_after_a_preview(school):
    accounts = school.enrol_many(10)
    school.synced()
    for account in accounts[:5]:
        school.directory.delete_user(account)
    held = school.sync()

    school.preview()

    assert school.workspace.runs.get(held.id).status == "held"


def test_r35_a_preview_whose_read_fails_says_so(school, sandbox):
    assert isinstance(school.workspace.connections, Connections)
    sandbox.faults.add("wrong_secret")

    with pytest.raises(SecretWrong):
        school.preview()
    assert school.runs() == []


def test_r35_a_new_list_is_rehearsed_before_it_is_saved(school, workspace):
    school.enrol("1", "Ada")
    school.enrol("2", "Bo")
    school.enrol(None, "Nobody")
    before = dump(school)
    draft = replace(school.list, id=0, name="Not there yet")

    preview = workspace.runner.rehearse(draft, None, actor=ACTOR)

    assert dump(school) == before
    assert numbers(preview.run) == {"read": 3, "created": 2, "skipped": 1}
    assert [one.code for one in preview.errors] == ["missing_uid"]
    assert [(one.action, one.uid) for one in preview.changes] == [("created", "1"), ("created", "2")]


def test_r35_another_configuration_is_rehearsed_on_the_people_that_are_there(school, workspace):
    school.enrol("1", "Ada", department="Maths")
    guest = school.enrol("2", "Bo", userType="Guest")
    school.enrol("3", "Cy")
    school.synced()
    school.directory.update_user(guest, givenName="Bob")
    before, there = dump(school), school.list
    assert there.sync is not None
    sync = replace(
        there.sync,
        exclude_guests=True,
        mapping={**there.sync.mapping, "displayName": "shown_name"},
    )
    draft = replace(there, fields=(*there.fields, Field("shown_name")), sync=sync)

    preview = workspace.runner.rehearse(draft, there, actor=ACTOR)

    assert dump(school) == before
    workspace.lists.configure(there.id, sync, new_fields=[Field("shown_name")], actor=ACTOR)
    run = school.synced()
    assert preview.run.counts == run.counts
    assert shown(preview) == sorted(school.changes(run), key=str)
    assert {one.reason for one in preview.changes if one.action == "deactivated"} == {"guest"}


def test_r35_a_rehearsal_in_the_background_ends_or_is_cancelled(school, workspace):
    school.enrol("1")
    draft = replace(school.list, id=0, name="Not there yet")
    job = workspace.runner.start_rehearsal(draft, None, actor=ACTOR)
    assert job.wait(20)
    assert job.outcome.run.counts.created == 1

    school.sandbox.faults.add("throttle", match="users", times=1, retry_after=60)
    job = workspace.runner.start_rehearsal(draft, None, actor=ACTOR)
    job.cancel()
    assert job.wait(20)
    assert isinstance(job.outcome, Cancelled)
