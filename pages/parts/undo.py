"""Undoing an applied run (rule R36): the button, and the question whether it is meant."""

from __future__ import annotations

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from captrid_core.sync.runs import Run, RunKind, RunStatus
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import say
from pages.parts.sure import sure
from pages.parts.text import md


def draw_undo(run: Run, master_list: MasterList, actor: str) -> None:
    """Draw the way to undo a run, or to the run that it undid or was undone by."""
    for other, words in ((run.undoes_run_id, strings.UNDOES), (run.undone_by_run_id, strings.UNDONE_BY)):
        if other is not None:
            st.page_link(
                "run.py",
                label=words.format(run=other),
                icon=":material/undo:",
                query_params={"run": str(other)},
            )
    if run.status is not RunStatus.SUCCEEDED or run.kind is RunKind.UNDO:
        return
    if st.button(strings.UNDO_RUN, key="run_undo", icon=":material/undo:", help=strings.UNDO_HELP):
        st.dialog(strings.UNDO_RUN, icon=":material/undo:")(_undo)(run, master_list, actor)


def _undo(run: Run, master_list: MasterList, actor: str) -> None:
    st.markdown(strings.UNDO_TEXT.format(run=run.id, name=md(master_list.name)))
    st.caption(strings.UNDO_NOTE)
    outcome = st.container()
    if not sure(strings.UNDO_RUN, "run_undo", ":material/undo:"):
        return
    with outcome:
        try:
            assert run.id is not None
            done = workspace().runner.undo(run.id, actor=actor)
        except CaptridError as error:
            show_error(error)
            return
    if done.status is RunStatus.SUCCEEDED:
        say(strings.RUN_UNDONE.format(run=run.id))
    st.query_params["run"] = str(done.id)
    st.rerun()
