from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from captrid_core import __version__
from captrid_core.cli.main import captrid, run

from .conftest import ROOT, Cli

NAMES = {
    "demo",
    "serve",
    "sandbox",
    "sandbox change",
    "sandbox fault",
    "sandbox state",
    "connections add",
    "connections list",
    "connections test",
    "connections edit",
    "connections remove",
    "groups",
    "sample",
    "lists create",
    "lists list",
    "lists show",
    "lists configure",
    "lists disconnect",
    "lists rename",
    "lists archive",
    "lists reinstate",
    "lists delete",
    "fields show",
    "fields add",
    "fields change",
    "sync",
    "schedule",
    "runs",
    "run show",
    "run cancel",
    "run apply",
    "run discard",
    "run undo",
    "people",
    "person add",
    "person set",
    "person deactivate",
    "person reactivate",
    "person release",
    "person join",
    "person history",
    "why",
    "duplicates",
    "import",
    "export",
    "sql",
    "publish",
    "plan",
    "settings",
    "notifications test",
    "notifications send",
    "key rotate",
    "audit",
    "backup",
    "restore",
    "check",
}


def all_commands(command: click.Command = captrid, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from all_commands(found, f"{path} {name}".strip())
        if not command.invoke_without_command:
            return
    yield path, command


def test_the_commands_are_the_documented_ones() -> None:
    assert {name for name, _ in all_commands()} == NAMES


@pytest.mark.parametrize(("name", "command"), list(all_commands()), ids=sorted(NAMES, key=str))
def test_every_command_and_every_option_has_help(name: str, command: click.Command) -> None:
    assert command.help, name
    assert command.get_short_help_str(60).endswith("."), f"the first sentence of {name} is too long"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{name} {parameter.name}"
    assert {"home", "json", "debug"} <= {parameter.name for parameter in command.params}


@pytest.mark.parametrize(
    "name", [[], ["lists"], ["lists", "create"], ["fields"], ["sandbox"], ["run", "show"]]
)
def test_help_is_shown_and_is_no_failure(name: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*name, "--help"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"Usage: {' '.join(['captrid', *name])}")
    assert shown.err == ""


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["lists"],
        ["lists", "nonsense"],
        ["sync"],
        ["sync", "Staff", "--nonsense"],
        ["sync", "Staff", "--full", "--delta"],
        ["connections", "add", "--name", "A", "--tenant-id", "t", "--client-id", "c"],
        ["connections", "add", "--name", "A", "--tenant-id", "t", "--client-id", "c", "--cloud", "mars"],
        ["lists", "create", "Staff"],
        ["lists", "create", "Staff", "--connection", "Entra"],
        ["lists", "create", "Staff", "--uid-field", "code", "--exclude-guests"],
        ["lists", "create", "Staff", "--uid-field", "code", "--field", "age:int"],
        ["fields", "add", "Staff", "age:number=1,2"],
        ["person", "add", "Staff", "code"],
        ["plan", "free"],
        ["key", "rotate", "--forget"],
        ["serve", "--port", "70000"],
        ["person", "set", "Staff", "1", "a=1", "a=2"],
        ["lists", "show", "\udcff"],
    ],
)
def test_wrong_usage_ends_with_2_and_says_why(cli: Cli, arguments: list[str]) -> None:
    plain = cli(*arguments, status=2)
    assert plain.out == ""
    assert "Usage: captrid" in plain.err or "encoding" in plain.err

    shown = cli("--json", *arguments, status=2)
    assert set(shown.json) == {"error"}
    assert shown.json["error"]["code"] == "usage"
    assert shown.json["error"]["message"]
    assert shown.json["error"]["hint"].startswith("`captrid")
    assert shown.err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "--home", "HOME", "lists", "list"],
        ["--home", "HOME", "lists", "--json", "list"],
        ["lists", "list", "--json", "--home", "HOME"],
        ["lists", "--home", "HOME", "list", "--json"],
    ],
)
def test_common_options_stand_anywhere(
    cli: Cli, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([str(cli.home) if one == "HOME" else one for one in arguments]) == 0
    assert capsys.readouterr().out == "[]\n"
    assert (cli.home / "masterlists.duckdb").is_file()


def test_the_environment_names_the_home(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAPTRID_HOME", str(cli.home))
    assert run(["lists", "list"]) == 0
    assert (cli.home / "masterlists.duckdb").is_file()
    assert "no Master List yet" in capsys.readouterr().out


def test_a_home_that_cannot_be_made_is_an_error(cli: Cli) -> None:
    cli.home.parent.joinpath("home").write_text("a file")
    result = cli("lists", "list", "--json", status=2)
    assert result.json["error"]["code"] == "usage"  # the option itself says that a file is no folder
    inside = Cli(cli.home / "inside").error("lists", "list")
    assert inside["code"] == "home_unusable"


def test_words_after_two_dashes_are_no_options(cli: Cli) -> None:
    assert cli("lists", "show", "--", "--json", status=1).err.startswith(
        "Error: There is no Master List “--json”."
    )


def test_the_program_runs_as_a_module_and_keeps_its_files_private(cli: Cli) -> None:
    result = cli.process("lists", "list", "--json")
    assert (result.status, result.json, result.err) == (0, [], "")
    assert {path.name: path.stat().st_mode & 0o077 for path in cli.home.iterdir()} == {
        path.name: 0 for path in cli.home.iterdir()
    }


def test_a_reader_that_goes_away_is_no_fault(by_hand: Cli) -> None:
    process = by_hand.start("lists", "list", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(30) == 1
    process.stderr.close()
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize(
    ("command", "banned"),
    [
        (["--help"], "duckdb requests pandas streamlit starlette msal cryptography uvicorn xlsxwriter numpy"),
        (["sync", "Staff"], "pandas streamlit starlette msal cryptography uvicorn xlsxwriter numpy pyarrow"),
        (["people", "Staff"], "pandas streamlit starlette msal cryptography uvicorn xlsxwriter requests"),
    ],
)
def test_commands_import_no_more_than_they_need(cli: Cli, command: list[str], banned: str) -> None:
    program = """if True:
        import atexit, sys
        from captrid_core.cli import main
        atexit.register(lambda: print("LOADED", *(name for name, one in sys.modules.items() if one is not None)))
        main(sys.argv[1:])
    """
    done = subprocess.run(
        [sys.executable, "-c", program, "--home", str(cli.home), *command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert loaded & set(banned.split()) == set()
