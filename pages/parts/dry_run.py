"""What the first sync of a draft would do, worked out in the background before anything is saved (C3)."""

from __future__ import annotations

import streamlit as st

from captrid_core.lists.model import Field, MasterList
from captrid_core.serving import workspace
from captrid_core.sync.runner import PreviewJob
from pages import strings
from pages.parts.preview import draw_job
from pages.parts.wizard import Entry

_JOB, _FOR = "rehearsal", "rehearsal_for"


def draw_dry_run(entry: Entry, master_list: MasterList | None, fields: list[Field], actor: str) -> None:
    """Draw the button that works it out, its progress, or what came of it."""
    st.subheader(strings.DRY_RUN, anchor=False)
    draft = _draft(entry, master_list, fields)
    job: PreviewJob | None = st.session_state.get(_JOB)
    if job is not None and st.session_state[_FOR] != draft:
        job.cancel()  # something was changed since
        job = None
    if job is None:
        st.caption(strings.DRY_RUN_TEXT)
    else:
        draw_job(job, {one.key: one.label for one in fields})
    if job is None or not job.running:
        st.button(
            strings.DRY_RUN_START if job is None else strings.DRY_RUN_AGAIN,
            key="dry_run_start",
            icon=":material/preview:",
            on_click=_start,
            args=(draft, master_list, actor),
        )


def _draft(entry: Entry, master_list: MasterList | None, fields: list[Field]) -> MasterList:
    sync = entry.configuration()
    return MasterList(
        id=master_list.id if master_list is not None else 0,
        name=entry.name,
        uid_field=sync.mapping[sync.uid_property],
        fields=tuple(fields),
        created_at=None,
        sync=sync,
    )


def _start(draft: MasterList, master_list: MasterList | None, actor: str) -> None:
    st.session_state[_JOB] = workspace().runner.start_rehearsal(draft, master_list, actor=actor)
    st.session_state[_FOR] = draft
