"""Drafts: what was entered in a wizard stays until it is finished or discarded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from captrid_core.errors import NotFound
from captrid_core.lists.drafts import KEPT_FOR
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace


class Hands:
    """A clock whose hands a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def home(tmp_path: Path, clock: Hands) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path), clock=clock) as opened:
        yield opened


def test_a_draft_is_read_as_it_was_saved(home: Workspace, clock: Hands):
    draft = home.drafts.begin("create", {"name": "Staff"})
    clock.at += timedelta(minutes=5)

    home.drafts.save(draft.id, {"name": "Staff", "mapping": {"mail": "email"}})

    found = home.drafts.get(draft.id)
    assert found.content == {"name": "Staff", "mapping": {"mail": "email"}}
    assert (found.kind, found.updated_at) == ("create", clock.at)


def test_drafts_of_a_kind_come_newest_first(home: Workspace, clock: Hands):
    older = home.drafts.begin("create", {})
    home.drafts.begin("configure", {})
    clock.at += timedelta(minutes=5)
    newer = home.drafts.begin("create", {})

    assert [one.id for one in home.drafts.all("create")] == [newer.id, older.id]


def test_a_discarded_draft_is_gone_and_cannot_be_saved(home: Workspace):
    draft = home.drafts.begin("create", {})

    home.drafts.discard(draft.id)
    home.drafts.discard(draft.id)

    with pytest.raises(NotFound):
        home.drafts.get(draft.id)
    with pytest.raises(NotFound):
        home.drafts.save(draft.id, {})
    assert home.drafts.all("create") == []


def test_drafts_that_nobody_goes_on_with_are_cleared_away(home: Workspace, clock: Hands):
    home.drafts.begin("create", {"name": "forgotten"})
    clock.at += KEPT_FOR + timedelta(days=1)

    kept = home.drafts.begin("create", {})

    assert [one.id for one in home.drafts.all("create")] == [kept.id]
