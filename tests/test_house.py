"""Who may import whom, and what only one place may do: what `docs/architecture.md` says of the rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    {"captrid_core.errors", "captrid_core.clock"},
    {"captrid_core.settings", "captrid_core.practice"},
    {"captrid_core.store"},
    {"captrid_core.directory", "captrid_core.directory.entra"},
    {"captrid_core.lists"},
    {"captrid_core.sync", "captrid_core.organisation"},
    {"captrid_core.insight"},
    {"captrid_core.workspace"},
    {"captrid_core.serving", "captrid_core.demo"},
    {"captrid_core.cli"},
    {"pages"},
)
"""The rooms from the bottom up: each imports from those before it, and from itself."""

ROOM_OF_ITS_OWN = "captrid_core.sandbox"
WALL_CLOCKS = {"now", "utcnow", "today"}
# It only falls back to the time of day where an answer says when to come back, but not what time it is.
MAY_ASK_THE_TIME = {"captrid_core.clock"}


def modules(*folders: str) -> list[str]:
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]


def tree(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(module: str) -> Iterator[str]:
    """Yield what a module imports, wherever in it: `from a import b` as `a.b`."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative imports hide who imports whom"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def room(name: str) -> str | None:
    """Return the room that a module, or a name in one, belongs to; the longest that fits."""
    fitting = [one for layer in LAYERS for one in layer if is_in(name, one)]
    return max(fitting, key=len) if fitting else None


CORE = modules("captrid_core")
PAGES = modules("pages")
SANDBOX = [one for one in CORE if is_in(one, ROOM_OF_ITS_OWN)]
REST = [one for one in CORE if one not in SANDBOX]


def test_there_is_something_to_look_at():
    assert len(REST) > 40
    assert len(SANDBOX) > 20
    assert len(PAGES) > 10


def test_every_module_has_a_room():
    outside = {one for one in REST if room(one) is None}

    assert outside == {"captrid_core", "captrid_core.__main__"}


@pytest.mark.parametrize("module", [one for one in (*REST, *PAGES) if room(one)])
def test_rooms_import_only_from_rooms_below(module):
    height = {one: number for number, layer in enumerate(LAYERS) for one in layer}
    own = room(module)
    assert own is not None
    for name in imported(module):
        other = room(name)
        if other is not None and other != own:
            assert height[other] <= height[own], f"{module} imports {name}"
            assert other not in LAYERS[height[own]] or is_in(own, "captrid_core.directory"), name


@pytest.mark.parametrize("module", CORE)
def test_the_core_knows_no_streamlit(module):
    assert not [name for name in imported(module) if is_in(name, "streamlit", "pages")]


@pytest.mark.parametrize("module", PAGES)
def test_pages_ask_services_and_do_nothing_themselves(module):
    forbidden = ("duckdb", "msal", "requests", "urllib3", "captrid_core.store", ROOM_OF_ITS_OWN)

    assert not [name for name in imported(module) if is_in(name, *forbidden)]


@pytest.mark.parametrize("module", SANDBOX)
def test_the_sandbox_imports_nothing_of_the_rest(module):
    ours = [name for name in imported(module) if is_in(name, "captrid_core", "pages")]

    assert all(is_in(name, ROOM_OF_ITS_OWN) for name in ours), ours


def test_only_the_command_line_and_the_demo_import_the_sandbox():
    users = {one for one in (*REST, *PAGES) if any(is_in(name, ROOM_OF_ITS_OWN) for name in imported(one))}

    assert all(is_in(one, "captrid_core.cli", "captrid_core.demo") for one in users), users


def test_only_connections_open_an_adapter():
    """Pages may look up which clouds there are; nobody else goes past the port."""
    adapter = "captrid_core.directory.entra"
    users = {one for one in REST if any(is_in(name, adapter) for name in imported(one))}

    assert {one for one in users if not is_in(one, adapter)} == {"captrid_core.directory.connections"}


@pytest.mark.parametrize("module", PAGES)
def test_pages_know_no_more_of_entra_than_its_clouds(module):
    adapter = "captrid_core.directory.entra"
    known = {name for name in imported(module) if is_in(name, adapter)}

    assert all(is_in(name, f"{adapter}.clouds", f"{adapter}.CLOUDS", f"{adapter}.Cloud") for name in known)


@pytest.mark.parametrize("module", REST)
def test_nothing_but_the_clock_asks_for_the_time_of_day(module):
    asked = [
        ast.unparse(node)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute)
        and node.attr in WALL_CLOCKS
        and ast.unparse(node.value) in ("datetime", "date", "datetime.datetime", "datetime.date")
    ]

    assert not asked or module in MAY_ASK_THE_TIME, asked


@pytest.mark.parametrize(
    ("module", "kept_out"),
    [
        ("captrid_core.cli.main", {"duckdb", "msal", "requests", "streamlit", "pandas", "cryptography"}),
        ("captrid_core.workspace", {"msal", "requests", "streamlit", "pandas", "pyarrow", "cryptography"}),
    ],
)
def test_heavy_packages_stay_out_until_they_are_needed(module, kept_out):
    script = f"import sys, {module}; print(*sorted({kept_out!r} & set(sys.modules)))"

    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT
    )

    assert done.stdout.split() == []
