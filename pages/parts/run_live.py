"""A run that is going on: its progress, whoever started it and wherever, and the way to stop it."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.serving import workspace
from captrid_core.sync.runs import Progress
from pages import strings
from pages.parts.errors import show_error
from pages.parts.text import md
from pages.parts.times import ago, now

_ASKED = "cancel_asked"


def draw_live(list_id: int) -> bool:
    """Draw the list's run that is going on, if there is one, and say whether there is.

    While it goes on, this part alone is drawn every second; when it ends, the page is drawn anew.
    Without one, the page looks now and then whether another process has started one.
    """
    running = workspace().runs.progress(list_id) is not None
    if running:
        _live(list_id)
    else:
        _look_out(list_id)
    return running


@st.fragment(run_every="1s")
def _live(list_id: int) -> None:
    progress = workspace().runs.progress(list_id)
    if progress is None:
        st.session_state.pop(_ASKED, None)
        st.rerun()
    with st.container(border=True, key="run_live"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(f":material/sync: {strings.RUNNING}", anchor=False, width="content")
            asked = st.session_state.get(_ASKED) == progress.run_id
            st.button(
                strings.CANCEL_SYNC,
                key="sync_cancel",
                icon=":material/stop_circle:",
                help=strings.CANCEL_HELP,
                disabled=asked or progress.run_id is None,
                on_click=_cancel,
                args=(progress.run_id,),
            )
        st.progress(progress_share(progress), text=progress_words(progress))
        if progress.waiting:
            st.caption(f":material/hourglass_top: {strings.WAITING.format(reason=md(progress.waiting))}")
        if asked:
            st.caption(strings.CANCEL_ASKED)
        st.caption(_started(progress))


@st.fragment(run_every="3s")
def _look_out(list_id: int) -> None:
    if workspace().runs.progress(list_id) is not None:
        st.rerun()


def progress_share(progress: Progress) -> float:
    """Return how far along the bar is: reading is most of the work, and `about` may be too low."""
    if progress.phase == "applying":
        return 0.97
    if progress.phase == "comparing":
        return 0.93
    if progress.phase == "reading" and progress.about:
        return min(0.05 + 0.85 * progress.read / progress.about, 0.9)
    return 0.03


def progress_words(progress: Progress) -> str:
    phase = strings.PHASES.get(progress.phase, md(progress.phase))
    if progress.phase == "starting" or not (progress.read or progress.about):
        return phase
    if progress.about:
        about = max(progress.about, progress.read)
        return f"{phase} · {strings.READ_OF_ABOUT.format(read=f'{progress.read:,}', about=f'{about:,}')}"
    return f"{phase} · {strings.READ_SO_FAR.format(read=f'{progress.read:,}')}"


def _started(progress: Progress) -> str:
    since = now()
    if progress.since:
        since = datetime.fromisoformat(progress.since)
    return strings.RUNNING_BY.format(ago=ago(since), actor=md(progress.actor or "—"))


def _cancel(run_id: int) -> None:
    try:
        workspace().runs.ask_to_cancel(run_id)
    except CaptridError as error:
        show_error(error)  # it has just ended by itself: the next look shows how
    else:
        st.session_state[_ASKED] = run_id
