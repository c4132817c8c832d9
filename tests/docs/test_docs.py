"""The documents keep up with the code. Run as a program, it writes the list of commands anew."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import captrid_core
from captrid_core.cli.main import captrid
from captrid_core.errors import CaptridError

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = ROOT / "docs" / "command-line.md"
BEGIN = "<!-- commands: written by tests/docs/test_docs.py -->\n"
END = "<!-- end of commands -->\n"
COMMON = {"home", "json", "debug", "version"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(command: click.Command, path: str = "captrid") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its path, a group before what is in it."""
    context = click.Context(command, info_name=path)
    if path != "captrid":
        yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            if not found.hidden:
                yield from commands(found, f"{path} {name}")


def options(command: click.Command) -> list[click.Option]:
    """Return a command's own options."""
    return [
        one
        for one in command.params
        if isinstance(one, click.Option) and not one.hidden and one.name not in COMMON
    ]


def reference() -> str:
    """Return the list of commands as the document holds it."""
    return "".join(described(path, command) for path, command in commands(captrid))


def described(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    pieces = [one for one in command.collect_usage_pieces(context) if one != "[OPTIONS]"]
    signature = " ".join([path, *(["[OPTIONS]"] if options(command) else []), *pieces])
    text = [f"### {path}\n", f"    {signature}\n"]
    if command.help:
        text.append("\n\n".join(" ".join(part.split()) for part in command.help.split("\n\n")) + "\n")
    if options(command):
        rows = [described_option(one, context) for one in options(command)]
        text.append("\n".join(["| Option | |", "|---|---|", *rows]) + "\n")
    return "\n".join(text) + "\n"


def described_option(option: click.Option, context: click.Context) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    value = ""
    if not option.is_flag:
        choices = isinstance(option.type, click.Choice)
        value = " " + ("|".join(option.type.choices) if choices else option.make_metavar(context))  # type: ignore[union-attr]
    notes = [option.help or ""]
    if option.required:
        notes.append("Required.")
    if option.show_default:
        notes.append(f"Default: {option.get_default(context)}.")
    cells = [f"`{names}{value}`", " ".join(notes)]
    return "| " + " | ".join(one.replace("|", "\\|") for one in cells) + " |"


def rewritten(document: str) -> str:
    """Return a document with the list of commands as it is now."""
    before, _, rest = document.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{reference()}{END}{after}"


def core_modules() -> Iterator[str]:
    """Yield the names of the core's modules but for the sandbox, which is a house of its own."""
    for module in pkgutil.walk_packages(captrid_core.__path__, "captrid_core."):
        parts = module.name.split(".")
        if parts[1] not in ("sandbox", "_dashboard") and parts[-1] != "__main__":
            yield module.name


def error_codes() -> set[str]:
    """Return every code that a caller may meet: of errors, of notes on people, and of guards."""
    found = set()
    for name in core_modules():
        importlib.import_module(name)
        tree = ast.parse(Path(str(importlib.import_module(name).__file__)).read_text(encoding="utf-8"))
        found |= set(written_codes(tree))
    classes = [CaptridError]
    for one in classes:
        classes += one.__subclasses__()
        if one.__module__.startswith("captrid_core."):
            found.add(one.code)
    return found


def written_codes(tree: ast.AST) -> Iterator[str]:
    """Yield codes that stand in the source: `{"code": "…"}`, `Hold("…")`, `RowError(_, "…")`, and SQL for notes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "code" and isinstance(value, ast.Constant):
                    yield value.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            position = {"Hold": 0, "RowError": 1}.get(node.func.id)
            if position is not None and isinstance(code := node.args[position], ast.Constant):
                yield str(code.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"SELECT '(?:error|warning)', '(\w+)'", node.value)


def test_every_error_code_is_documented():
    documented = set(re.findall(r"^\| `(\w+)` \|", read("docs/errors.md"), re.MULTILINE))

    assert error_codes() == documented


def test_the_list_of_commands_is_that_of_the_program():
    assert read("docs/command-line.md") == rewritten(read("docs/command-line.md")), (
        "write it anew: PYTHONPATH=. python tests/docs/test_docs.py"
    )


def test_every_command_and_option_has_help():
    for path, command in commands(captrid):
        assert command.help, path
        assert all(one.help for one in options(command)), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_exist(document):
    known = {path for path, _ in commands(captrid)}
    for line in re.findall(r"captrid ([a-z][a-z ]*)", "\n".join(code_of(document))):
        words = line.split()
        assert any(f"captrid {' '.join(words[:n])}" in known for n in (1, 2)), line
        if len(words) > 1 and f"captrid {words[0]}" in groups():
            assert f"captrid {' '.join(words[:2])}" in known | {"captrid fields list"}, line


def groups() -> set[str]:
    return {path for path, one in commands(captrid) if isinstance(one, click.Group)}


def code_of(document: Path) -> list[str]:
    """Return what stands as code in a document, in lines of their own or within one."""
    text = document.read_text(encoding="utf-8")
    return [
        *re.findall(r"^ {4}(?:export .*\n {4})?(captrid .*)$", text, re.MULTILINE),
        *re.findall(r"`(captrid [^`]*)`", text),
    ]


def test_every_setting_is_documented_and_every_documented_one_exists():
    sources = [ROOT / "Makefile", ROOT / "app.py"]
    for folder in ("captrid_core", "pages", "scripts", "tests", "benchmarks"):
        sources += [path for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]
    used = {name for path in sources for name in variables(path.read_text(encoding="utf-8"))}

    assert variables(read("docs/settings.md")) == used


def variables(text: str) -> set[str]:
    return set(re.findall(r"\bCAPTRID_[A-Z]+(?:_[A-Z]+)*\b", text))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_lead_somewhere(document):
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (document.parent / target.partition("#")[0]).is_file(), target


def test_no_document_is_an_orphan():
    linked = {(ROOT / target).resolve() for target in LINK.findall(read("README.md")) if ":" not in target}

    assert {path for path in DOCUMENTS if path.name != "README.md"} <= linked


def test_no_rule_is_missing_and_none_is_made_up():
    numbers = [int(one) for one in re.findall(r"^- \*\*R(\d+)\. ", read("docs/sync-rules.md"), re.MULTILINE)]

    assert numbers == list(range(1, 41))


def test_rules_that_the_code_names_are_rules():
    for folder in ("captrid_core", "pages", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            named = re.findall(r"\brules? R(\d+)|\(R(\d+)\)", path.read_text(encoding="utf-8"))
            assert all(1 <= int(one or other) <= 40 for one, other in named), path


def test_every_table_is_documented():
    documented = read("docs/architecture.md")
    for migration in sorted((ROOT / "captrid_core/store/migrations").glob("*.sql")):
        for table in re.findall(r"CREATE TABLE (\w+)", migration.read_text(encoding="utf-8")):
            assert f"| `{table}` |" in documented, table


def test_every_room_is_documented():
    documented = read("docs/architecture.md")
    for path in (ROOT / "captrid_core").iterdir():
        if path.name.startswith("_"):
            continue
        name = f"{path.name}/" if path.is_dir() else path.name
        assert f"`{name}`" in documented or f"`captrid_core/{name}`" in documented, name


def test_every_kind_of_fault_is_documented():
    from captrid_core.sandbox import FaultKind

    table = re.findall(r"^\| (`[^|]+) \|", read("docs/sandbox.md"), re.MULTILINE)

    assert {kind.value for kind in FaultKind} <= set(re.findall(r"`(\w+)`", " ".join(table)))


def test_the_clouds_are_documented_as_they_are():
    from captrid_core.directory.entra import CLOUDS

    rows = re.findall(
        r"^\| `([\w-]+)`[^|]*\|[^|]*\| `(\S+)` \| `(\S+)` \|$", read("docs/entra.md"), re.MULTILINE
    )

    assert rows == [(one.name, one.authority_url, one.graph_url) for one in CLOUDS.values()]


def test_the_package_is_as_the_readme_says():
    project = tomllib.loads(read("pyproject.toml"))["project"]

    assert project["scripts"] == {"captrid": "captrid_core.cli:main"}
    assert project["requires-python"] == ">=3.11"
    assert project["version"] == captrid_core.__version__
    assert (project["readme"], project["license"], project["license-files"]) == (
        "README.md",
        "MIT",
        ["LICENSE"],
    )
    assert read("LICENSE").startswith("MIT License")
    assert "## [Unreleased]" in read("CHANGELOG.md")


def test_the_two_commands_of_the_readme_exist():
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))

    named = re.findall(
        r"^ {4}make ([a-z]+)|`make ([a-z]+)`", "\n".join(map(Path.read_text, DOCUMENTS)), re.MULTILINE
    )

    assert {one or other for one, other in named} <= targets
    assert {"demo", "test"} <= targets
    assert "make test" in read(".ci/run")


def test_what_the_wheel_takes_along_is_there():
    wheel = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert all((ROOT / source).exists() for source in wheel["force-include"])


if __name__ == "__main__":
    COMMANDS.write_text(rewritten(COMMANDS.read_text(encoding="utf-8")), encoding="utf-8")
