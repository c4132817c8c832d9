"""The kinds of commands that the command line is made of.

Every one of them takes the common options, before or after its arguments.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from captrid_core.cli.app import App


def _set_home(context: click.Context, _option: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(App).home = value


def _set_debug(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        context.ensure_object(App).debug = True


def _set_json(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        context.ensure_object(App).output.as_json = True


def _common_options() -> list[click.Parameter]:
    """Return the common options; the help of the program itself alone shows them all."""
    return [
        click.Option(
            ["--home"],
            type=click.Path(file_okay=False, path_type=Path),
            expose_value=False,
            is_eager=True,
            callback=_set_home,
            metavar="DIR",
            hidden=True,
            help="The folder with the database and the key. Default: CAPTRID_HOME, else data/home in a checkout "
            "and the user's data folder otherwise.",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_set_json,
            help="Print exactly one JSON value.",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_set_debug,
            hidden=True,
            help="Print the log, and the traceback of a fault, to standard error.",
        ),
    ]


class Command(click.Command):
    """A command with the common options."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.params += _common_options()


class Group(click.Group):
    """A group of commands with the common options."""

    command_class = Command
    group_class = type

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.params += _common_options()


class LazyGroup(Group):
    """The program itself: its commands are imported when they are asked for.

    Args:
        sources: Where each command is, as `module:name`, in the order of the help.
    """

    def __init__(self, *arguments: Any, sources: dict[str, str], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._sources = sources
        for option in self.params:
            if isinstance(option, click.Option):
                option.hidden = False

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the commands' names in the order of the help."""
        return list(self._sources)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Import and return a command."""
        if name not in self._sources:
            return None
        module, _, attribute = self._sources[name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


class DefaultGroup(Group):
    """A group that takes a name which is none of its commands as the argument of one of them.

    Args:
        default: That command, which is not listed.
    """

    def __init__(self, *arguments: Any, default: str, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._default = default

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant, and its arguments."""
        if arguments and self.get_command(context, arguments[0]) is None:
            arguments = [self._default, *arguments]
        return super().resolve_command(context, arguments)


pass_app = click.make_pass_decorator(App)
"""Hands the call's `App` to a command."""
