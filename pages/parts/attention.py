"""What needs somebody's attention: held and failed runs, failed connections, secrets that run out."""

from __future__ import annotations

from dataclasses import dataclass

from captrid_core.directory.connections import Connection
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from captrid_core.sync.runs import RunStatus
from pages import strings
from pages.parts.text import counted, md, people
from pages.parts.times import days_until

_EXPIRY_SOON = 30


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to look at: its words (escaped), and where it is put right."""

    icon: str
    colour: str
    words: str
    link: str
    page: str
    query: dict[str, str]


def matters(lists: list[MasterList], connections: list[Connection]) -> list[Matter]:
    """Return what needs attention, the most urgent first."""
    found = [matter for one in lists for matter in _of_list(one)]
    found += [matter for one in connections for matter in _of_connection(one)]
    urgency = {"red": 0, "orange": 1, "blue": 2}
    return sorted(found, key=lambda matter: urgency[matter.colour])


def _of_list(master_list: MasterList) -> list[Matter]:
    if not master_list.connected:
        return []
    name = md(master_list.name)
    to_sync = {"list": str(master_list.id), "tab": strings.TAB_SYNC}
    last = workspace().runs.last(master_list.id)
    if last is None:
        words = strings.MATTER_NEVER_SYNCED.format(name=name)
        return [Matter(":material/sync:", "blue", words, strings.TAB_SYNC, "master_list.py", to_sync)]
    if last.status is RunStatus.HELD:
        words = strings.MATTER_HELD.format(name=name, message=md(last.message or ""))
        return [
            Matter(":material/pause_circle:", "orange", words, strings.REVIEW_IT, "master_list.py", to_sync)
        ]
    if last.status in (RunStatus.FAILED, RunStatus.INTERRUPTED):
        words = strings.MATTER_FAILED.format(name=name, message=md(last.message or ""))
        return [Matter(":material/error:", "red", words, strings.LOOK, "run.py", {"run": str(last.id)})]
    if last.status is RunStatus.SUCCEEDED and last.counts.skipped:
        words = strings.MATTER_SKIPPED.format(name=name, people=people(last.counts.skipped))
        return [
            Matter(":material/skip_next:", "orange", words, strings.LOOK, "run.py", {"run": str(last.id)})
        ]
    return []


def _of_connection(connection: Connection) -> list[Matter]:
    name = md(connection.name)
    page = "directory_integrations.py"
    found = []
    if connection.badge == "Failed" and connection.test_result is not None:
        message = md(connection.test_result["error"].get("message") or "")
        words = strings.MATTER_CONNECTION.format(name=name, message=message)
        found.append(Matter(":material/error:", "red", words, strings.LOOK, page, {}))
    if connection.secret_expires_on is not None:
        left = days_until(connection.secret_expires_on)
        if left < 0:
            words = strings.MATTER_SECRET_PAST.format(name=name)
            found.append(Matter(":material/key_off:", "red", words, strings.LOOK, page, {}))
        elif left <= _EXPIRY_SOON:
            words = strings.MATTER_SECRET.format(name=name, days=counted(left, "day"))
            found.append(Matter(":material/schedule:", "orange", words, strings.LOOK, page, {}))
    return found
