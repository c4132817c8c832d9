"""A held run: why it waits, what it would do, and the decision over it (rule R26)."""

from __future__ import annotations

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from captrid_core.sync.runs import Run, RunStatus
from pages import strings
from pages.parts.changes import draw_changes
from pages.parts.errors import show_error
from pages.parts.feedback import say
from pages.parts.run_results import draw_counts, notes_of
from pages.parts.sure import sure
from pages.parts.text import md, people


def draw_held(run: Run, master_list: MasterList, actor: str, *, changes: bool) -> None:
    """Draw the panel of a held run, with or without its change set."""
    with st.container(border=True, key="held_panel"):
        st.subheader(f":material/pause_circle: {strings.HELD_TITLE}", anchor=False)
        badges = " ".join(f":orange-badge[{strings.HOLD_WORDS.get(code, md(code))}]" for code in run.holds)
        st.warning(f"{md(run.message or '')}\n\n{badges}", icon=":material/warning:")
        st.markdown(strings.HELD_TEXT)
        with st.container(horizontal=True):
            if st.button(strings.APPLY, key="held_apply", type="primary", icon=":material/check:"):
                st.dialog(strings.APPLY_HELD, icon=":material/check:")(_apply)(run, master_list, actor)
            if st.button(strings.DISCARD, key="held_discard", icon=":material/block:"):
                st.dialog(strings.DISCARD_HELD, icon=":material/block:")(_discard)(run, actor)
        if changes:
            draw_counts(run, len(notes_of(run, "error")))
            with st.expander(strings.LOOK_THROUGH, expanded=True, key="held_changes", icon=":material/list:"):
                draw_changes(run, master_list)


def _apply(run: Run, master_list: MasterList, actor: str) -> None:
    counts = run.counts
    st.markdown(strings.APPLY_TEXT.format(run=run.id, name=md(master_list.name)))
    lines = [
        (strings.ACTION_WORDS["created"], counts.created),
        (strings.ACTION_WORDS["updated"], counts.updated),
        (strings.ACTION_WORDS["deactivated"], counts.deactivated),
    ]
    st.markdown("\n".join(f"- **{word}**: {people(number)}" for word, number in lines if number))
    st.caption(strings.APPLY_NOTE)
    outcome = st.container()
    if not sure(strings.APPLY, "held_apply", ":material/check:"):
        return
    with outcome:
        try:
            assert run.id is not None
            done = workspace().runner.apply_held(run.id, actor=actor)
        except CaptridError as error:
            show_error(error)
            return
    if done.status is RunStatus.HELD:
        say(strings.HELD_AGAIN, ":material/warning:")
    else:
        say(strings.HELD_APPLIED.format(run=run.id))
    st.rerun()


def _discard(run: Run, actor: str) -> None:
    st.markdown(strings.DISCARD_TEXT.format(run=run.id))
    outcome = st.container()
    if not sure(strings.DISCARD, "held_discard", ":material/block:"):
        return
    with outcome:
        try:
            assert run.id is not None
            workspace().runner.discard(run.id, actor=actor)
        except CaptridError as error:
            show_error(error)
            return
    say(strings.HELD_DISCARDED.format(run=run.id))
    st.rerun()
