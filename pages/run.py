"""A run: what it did or would do, person by person, and what went wrong."""

from __future__ import annotations

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from captrid_core.sync.runs import Run, RunStatus
from pages import strings
from pages.parts.changes import draw_changes
from pages.parts.errors import show_error
from pages.parts.feedback import show_messages
from pages.parts.guard import require
from pages.parts.held import draw_held
from pages.parts.run_live import draw_live
from pages.parts.run_results import (
    draw_counts,
    draw_head,
    draw_message,
    draw_notes,
    has_counts,
    notes_of,
)
from pages.parts.text import md
from pages.parts.undo import draw_undo

actor = require()


def _draw(run: Run, master_list: MasterList) -> None:
    st.page_link(
        "master_list.py",
        label=strings.TO_LIST.format(name=md(master_list.name)),
        icon=":material/arrow_back:",
        query_params={"list": str(master_list.id), "tab": strings.TAB_SYNC},
    )
    st.title(f"{strings.RUN_TITLE.format(run=run.id)} · {md(master_list.name)}", anchor=False)
    draw_head(run)
    if run.status is RunStatus.RUNNING:
        draw_live(master_list.id)
        return
    if run.status is RunStatus.HELD:
        draw_held(run, master_list, actor, changes=False)
    else:
        draw_message(run)
        draw_undo(run, master_list, actor)
    if not has_counts(run):
        return
    errors, warnings = notes_of(run, "error"), notes_of(run, "warning")
    draw_counts(run, len(errors))
    labels = {one.key: one.label for one in master_list.fields}
    names = [
        strings.CHANGES,
        *([f"{strings.ERRORS} ({len(errors):,})"] if errors else []),
        *([f"{strings.WARNINGS} ({len(warnings):,})"] if warnings else []),
    ]
    tabs = dict(zip(names, st.tabs(names, key="run_tabs"), strict=True))
    for name, tab in tabs.items():
        with tab:
            if name == strings.CHANGES:
                draw_changes(run, master_list)
            elif name.startswith(strings.ERRORS):
                draw_notes(errors, "run_errors", labels)
            else:
                draw_notes(warnings, "run_warnings", labels)


show_messages()
try:
    _run = workspace().runs.get(st.query_params.get("run") or "")
    _list = workspace().lists.get(_run.list_id)
except CaptridError as error:
    st.title(strings.RUN, anchor=False)
    if st.query_params.get("run"):
        show_error(error)
    else:
        st.info(strings.NO_RUN, icon=":material/info:")
    st.page_link("master_lists.py", label=strings.MASTER_LISTS, icon=":material/groups:")
else:
    _draw(_run, _list)
