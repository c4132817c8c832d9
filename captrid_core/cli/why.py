"""Why somebody is, or is not, in a Master List."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from captrid_core.cli.app import App
from captrid_core.cli.commands import Command, pass_app

if TYPE_CHECKING:
    from captrid_core.insight.explain import Explanation

_SIGNS = {"yes": "+", "no": "-", "known": " ", "unknown": "?"}


@click.command(cls=Command, name="why")
@click.argument("name_or_id", metavar="LIST")
@click.argument("who", metavar="WHO")
@pass_app
def why(app: App, name_or_id: str, who: str) -> None:
    """Say why somebody is, or is not, in a Master List, and what to do about it.

    WHO is a name, mail address, user principal name, object id, or UID.
    """
    from captrid_core.clock import iso

    found = app.workspace.explain.why(name_or_id, who, app.watch())
    described = {
        "who": found.who,
        "verdict": found.verdict,
        "uid": found.person.uid if found.person else None,
        "steps": [asdict(one) for one in found.steps],
        "candidates": [asdict(one) for one in found.candidates],
        "fields": [{**asdict(one), "set_at": iso(one.set_at)} for one in found.fields],
    }
    app.output.show(described, lambda: _text(found))


def _text(found: Explanation) -> str:
    if found.candidates:
        lines = [f"Several fit “{found.who}”. Ask by object id or UID:"]
        lines += [f"  {one.object_id or one.uid}  {one.name}  {one.detail}" for one in found.candidates]
        return "\n".join(lines)
    lines = [found.verdict, ""]
    for one in found.steps:
        lines.append(f"{_SIGNS[one.good]} {one.words}")
        if one.cure:
            lines.append(f"    {one.cure}")
    if found.fields:
        lines += ["", "Values:"]
        lines += [f"  {one.key} = {one.value or '—'}: {one.words}" for one in found.fields]
    return "\n".join(lines)
