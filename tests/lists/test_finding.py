"""Finding people: every page is a part of the whole, and the number is that of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captrid_core.lists.model import Field, FieldType, Person, StatusFilter
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace

SAM = "Sam Staff"
NAMES = ("Ada", "ada lovelace", "ADA", "Bo", "Hēmi", "HĒMI 12", "12", "", "O'Neil 1_2", "100%")


class Roster:
    """A list whose people differ in case, marks, digits and blanks, every third of them Inactive."""

    def __init__(self, home: Path) -> None:
        self.workspace = Workspace(Settings(home=home))
        fields = (Field("code"), Field("name"), Field("team"), Field("points", FieldType.NUMBER))
        self.list = self.workspace.lists.create("Roster", uid_field="code", fields=fields, actor=SAM)
        for number in range(30):
            given = {
                "code": f"c{number:02}",
                "name": NAMES[number % len(NAMES)],
                "team": "Red" if number % 2 else "blue 12",
                "points": str(number % 7) if number % 4 else "",
            }
            uid = self.workspace.people.add(self.list, given, actor=SAM).uid or ""
            if number % 3 == 0:
                self.workspace.people.set_status(self.list, uid, active=False, actor=SAM)

    def everybody(self) -> list[Person]:
        return self.workspace.people.find(self.list, status=StatusFilter.ALL).people


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roster]:
    made = Roster(tmp_path_factory.mktemp("home"))
    yield made
    made.workspace.close()


def fits(person: Person, status: StatusFilter, words: list[str]) -> bool:
    texts = [(person.values[key] or "").lower() for key in ("code", "name", "team")]
    right = status is StatusFilter.ALL or person.active == (status is StatusFilter.ACTIVE)
    return right and all(any(word.lower() in text for text in texts) for word in words)


@given(
    words=st.lists(
        st.sampled_from(["ada", "ADA", "hēmi", "Ē", "12", "1_2", "100%", "blue", "c0", "o'n", "zzz"]),
        max_size=2,
    ),
    status=st.sampled_from(StatusFilter),
    sort=st.sampled_from([None, "name", "points"]),
    descending=st.booleans(),
    limit=st.integers(1, 8),
    offset=st.integers(0, 35),
)
def test_a_page_is_a_part_of_those_who_fit(
    roster: Roster,
    words: list[str],
    status: StatusFilter,
    sort: str | None,
    descending: bool,
    limit: int,
    offset: int,
):
    def find(**page: int) -> tuple[list[str | None], int]:
        found = roster.workspace.people.find(
            roster.list, status=status, search=" ".join(words), sort=sort, descending=descending, **page
        )
        return [one.uid for one in found.people], found.total

    whole, total = find()
    wanted = {one.uid for one in roster.everybody() if fits(one, status, words)}
    assert (set(whole), total) == (wanted, len(wanted))
    assert find(limit=limit, offset=offset) == (whole[offset : offset + limit], total)


def test_counts_tell_the_active_and_the_managed_apart(roster: Roster):
    counts = roster.workspace.lists.counts(roster.list)

    assert (counts.total, counts.active, counts.synced) == (30, 20, 0)
