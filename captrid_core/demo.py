"""What `captrid demo` sets up: a sandbox in a process of its own, a connection to it, a synced Master List.

Everything is kept in the home, so that a second start finds the same port, certificate authority,
connection and list, and is up within seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from captrid_core.directory.connections import Connection, ConnectionForm
from captrid_core.errors import CaptridError, NotFound, SetupError
from captrid_core.lists.model import Field, FieldType, MasterList, SyncConfiguration
from captrid_core.practice import Practice
from captrid_core.settings import Settings
from captrid_core.sync.mapping import DEFAULTS, new_field
from captrid_core.sync.runs import Progress, RunStatus, RunWatch
from captrid_core.workspace import Workspace

CONNECTION: Final = "Banksia College (sandbox)"
LIST: Final = "Staff and students"
USERS: Final = 1200
SEED: Final = 1

_MEMORY: Final = "demo.json"
_UID: Final = "employeeId"
_ATTRIBUTES: Final = "onPremisesExtensionAttributes"
_FURTHER: Final = {
    "employeeType": "employee_type",
    "officeLocation": "location",
    "mobilePhone": "mobile_phone",
    "employeeHireDate": "hire_date",
    "manager/displayName": "manager",
    f"{_ATTRIBUTES}/extensionAttribute2": "house",
    f"{_ATTRIBUTES}/extensionAttribute1": "house_colour",
}
_LOCAL: Final = (
    Field("photo_consent", FieldType.DROPDOWN, options=("Yes", "No")),
    Field("notes"),
)
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0

Tell = Callable[[str], None]


class SandboxNotStarted(SetupError):
    """The sandbox's process did not come up."""

    code = "sandbox_not_started"
    default_hint = "Try `captrid sandbox` by itself: it says what is wrong."


@dataclass(frozen=True, slots=True)
class Sample:
    """What there is to look at."""

    sandbox_url: str
    connection: str
    master_list: str
    practice: Practice
    """The sandbox, to be played with."""


@contextmanager
def prepared(settings: Settings, *, tell: Tell, users: int = USERS) -> Iterator[Sample]:
    """Give the sample, with its sandbox running while the block lasts.

    Args:
        settings: The home.
        tell: Told what is being done.
        users: How many people the sandbox has.

    Raises:
        SandboxNotStarted: The sandbox did not come up.
        CaptridError: The connection, the list or the first sync did not come about.
    """
    memory = _recall(settings.home)
    users = int(memory.get("users", users))
    tell("Starting the sandbox directory …")
    with _sandbox(settings.home, port=int(memory.get("port", 0)), users=users) as running:
        port = int(running["authority_url"].rsplit(":", 1)[1])
        _remember(settings.home, {"port": port, "users": users})
        with Workspace(settings) as workspace:
            connection = _connect(workspace, running, tell)
            master_list = _create_list(workspace, connection, tell)
            _sync_once(workspace, master_list, tell)
        yield Sample(running["authority_url"], connection.name, master_list.name, _practice(running))


def _practice(running: dict[str, str]) -> Practice:
    from captrid_core.sandbox import SandboxControl

    url = running["authority_url"]
    return Practice(url, lambda: SandboxControl(url, running["ca_file"], running["client_secret"]))


@contextmanager
def _sandbox(home: Path, *, port: int, users: int) -> Iterator[dict[str, str]]:
    """Run a sandbox in a child process, on another port if `port` is taken, and give what it prints."""
    process = _start(home, port, users)
    try:
        try:
            answer = _first_answer(process)
        except SandboxNotStarted:
            if port == 0:
                raise
            _stop(process)
            process = _start(home, 0, users)
            answer = _first_answer(process)
        yield answer
    finally:
        _stop(process)


def _start(home: Path, port: int, users: int) -> subprocess.Popen[str]:
    options = [
        "--port",
        str(port),
        "--users",
        str(users),
        "--seed",
        str(SEED),
        "--until-stdin-ends",
        "--json",
    ]
    paths = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-m", "captrid_core", "--home", str(home), "sandbox", *options],
        # the child ends when its standard input does: it outlives this process by nothing
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # an interrupt from the keyboard is for the dashboard, which then ends it
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def _first_answer(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return what the sandbox says once it serves.

    Raises:
        SandboxNotStarted: It said something else, or nothing.
    """
    assert process.stdout is not None
    giving_up = threading.Timer(_START_SECONDS, process.kill)
    giving_up.start()
    try:
        line = process.stdout.readline()
    finally:
        giving_up.cancel()
    try:
        answer: dict[str, Any] = json.loads(line)
    except ValueError:
        raise SandboxNotStarted("The sandbox ended before it served anything.") from None
    if "error" in answer:
        raise SandboxNotStarted(str(answer["error"]["message"]))
    return answer


def _stop(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _connect(workspace: Workspace, running: dict[str, str], tell: Tell) -> Connection:
    """Return the connection to the sandbox, made or mended where needed."""
    form = ConnectionForm(
        name=CONNECTION,
        tenant_id=running["tenant_id"],
        client_id=running["client_id"],
        secret=running["client_secret"],
        authority_url=running["authority_url"],
        graph_url=running["graph_url"],
        ca_file=running["ca_file"],
    )
    watch = RunWatch(None, Progress(None, "starting"))
    try:
        stored = workspace.connections.get(CONNECTION)
    except NotFound:
        tell("Connecting to it …")
        return workspace.connections.add(form, test=watch, actor="demo")
    same = (stored.tenant_id, stored.client_id, stored.authority_url, stored.ca_file)
    if same != (form.tenant_id, form.client_id, form.authority_url, form.ca_file):
        tell("Connecting to it anew …")
        return workspace.connections.edit(stored.id, form, test=watch, actor="demo")
    return stored


def _create_list(workspace: Workspace, connection: Connection, tell: Tell) -> MasterList:
    try:
        return workspace.lists.get(LIST)
    except NotFound:
        tell(f"Creating the Master List “{LIST}” …")
    mapping = {**DEFAULTS, **_FURTHER}
    fields = [new_field(path, key=key) for path, key in mapping.items()]
    return workspace.lists.create(
        LIST,
        uid_field=mapping[_UID],
        fields=[*fields, *_LOCAL],
        sync=SyncConfiguration(connection_id=connection.id, uid_property=_UID, mapping=mapping),
        actor="demo",
    )


def _sync_once(workspace: Workspace, master_list: MasterList, tell: Tell) -> None:
    """Run the first sync, unless one was applied before.

    Raises:
        CaptridError: It failed.
    """
    if not master_list.connected or workspace.runs.last_applied(master_list.id) is not None:
        return
    tell("Running the first full sync …")
    run = workspace.runner.sync(master_list.id, actor="demo")
    if run.status is RunStatus.SUCCEEDED:
        tell(f"Synced {run.counts.created:,} people.")
    elif run.status is not RunStatus.HELD:
        raise CaptridError(f"The first sync {run.status}: {run.message}")


def _recall(home: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((home / _MEMORY).read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _remember(home: Path, memory: dict[str, Any]) -> None:
    path = home / _MEMORY
    path.touch(mode=0o600)
    path.write_text(json.dumps(memory))
