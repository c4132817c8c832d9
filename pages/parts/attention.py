"""What needs somebody's attention, in words, with the place where it is put right."""

from __future__ import annotations

from dataclasses import dataclass

from captrid_core.insight.matters import URGENT, Concern, Matter
from pages import strings
from pages.parts.text import counted, md, people
from pages.parts.times import ago

_ICONS = {
    Concern.FAILED: ":material/error:",
    Concern.HELD: ":material/pause_circle:",
    Concern.STALE: ":material/history_toggle_off:",
    Concern.NEVER_SYNCED: ":material/sync:",
    Concern.SKIPPED: ":material/skip_next:",
    Concern.CONNECTION_FAILED: ":material/link_off:",
    Concern.SECRET_EXPIRED: ":material/key_off:",
    Concern.SECRET_EXPIRING: ":material/schedule:",
}
_AT_THE_RUN = (Concern.FAILED, Concern.SKIPPED)


@dataclass(frozen=True, slots=True)
class Notice:
    """A matter as it is shown: its words (escaped), and where it is put right."""

    icon: str
    colour: str
    words: str
    link: str
    page: str
    query: dict[str, str]


def notice_of(matter: Matter) -> Notice:
    """Return how a matter is shown."""
    words = strings.MATTER_WORDS[matter.concern].format(
        name=md(matter.name),
        message=md(matter.message),
        people=people(matter.people),
        days=counted(matter.days, "day"),
        ago=ago(matter.since),
    )
    page, query = "directory_integrations.py", {}
    if matter.concern in _AT_THE_RUN:
        page, query = "run.py", {"run": str(matter.run_id)}
    elif matter.list_id is not None:
        page, query = "master_list.py", {"list": str(matter.list_id), "tab": strings.TAB_SYNC}
    return Notice(
        _ICONS[matter.concern],
        _colour(matter.concern),
        words,
        strings.MATTER_LINKS[matter.concern],
        page,
        query,
    )


def _colour(concern: Concern) -> str:
    if concern is Concern.NEVER_SYNCED:
        return "blue"
    return "red" if concern in URGENT else "orange"
