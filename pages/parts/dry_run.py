"""What the first sync of a draft would do, worked out in the background before anything is saved (C3)."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import Field, MasterList
from captrid_core.serving import workspace
from captrid_core.sync.runner import Preview, Rehearsal
from pages import strings
from pages.parts.errors import show_error
from pages.parts.run_live import progress_share, progress_words
from pages.parts.run_results import draw_counts, draw_notes
from pages.parts.tables import draw_table
from pages.parts.text import hint_md
from pages.parts.wizard import Entry

_JOB, _FOR = "rehearsal", "rehearsal_for"
_SHOWN = 200


def draw_dry_run(entry: Entry, master_list: MasterList | None, fields: list[Field], actor: str) -> None:
    """Draw the button that works it out, its progress, or what came of it."""
    st.subheader(strings.DRY_RUN, anchor=False)
    draft = _draft(entry, master_list, fields)
    job: Rehearsal | None = st.session_state.get(_JOB)
    if job is not None and st.session_state[_FOR] != draft:
        job.cancel()  # something was changed since
        job = None
    if job is None:
        st.caption(strings.DRY_RUN_TEXT)
        st.button(
            strings.DRY_RUN_START,
            key="dry_run_start",
            icon=":material/preview:",
            on_click=_start,
            args=(draft, master_list, actor),
        )
    elif job.running:
        _draw_progress(job)
    else:
        _draw_outcome(job, {one.key: one.label for one in fields})
        st.button(
            strings.DRY_RUN_AGAIN,
            key="dry_run_start",
            icon=":material/refresh:",
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


@st.fragment(run_every="1s")
def _draw_progress(job: Rehearsal) -> None:
    if not job.running:
        st.rerun()
    st.progress(progress_share(job.progress), text=progress_words(job.progress))
    st.button(strings.CANCEL, key="dry_run_cancel", icon=":material/stop_circle:", on_click=job.cancel)


def _draw_outcome(job: Rehearsal, labels: dict[str, str]) -> None:
    outcome = job.outcome
    if isinstance(outcome, CaptridError):
        show_error(outcome)
    elif outcome is not None:
        _draw_preview(outcome, labels)


def _draw_preview(preview: Preview, labels: dict[str, str]) -> None:
    if preview.run.message:
        st.warning(f"**{strings.DRY_RUN_HELD}** {hint_md(preview.run.message)}", icon=":material/warning:")
    draw_counts(preview.run, len(preview.errors))
    for notes, word, key in (
        (preview.errors, strings.ERRORS, "errors"),
        (preview.warnings, strings.WARNINGS, "warnings"),
    ):
        if notes:
            with st.expander(f"{word} ({len(notes):,})", key=f"dry_run_{key}", icon=":material/report:"):
                draw_notes(notes[:_SHOWN], f"dry_run_{key}_list", labels)
    if preview.changes:
        with st.expander(
            f"{strings.CHANGES} ({len(preview.changes):,})", key="dry_run_changes", icon=":material/list:"
        ):
            _draw_changes(preview, labels)


def _draw_changes(preview: Preview, labels: dict[str, str]) -> None:
    shown = [
        {
            strings.CHANGE: strings.ACTION_WORDS.get(one.action, one.action),
            strings.UID_SHORT: one.uid,
            strings.FIELD: labels.get(one.field, one.field) if one.field else "",
            strings.BEFORE: one.old if one.field else "",
            strings.AFTER: one.new if one.field else "",
            strings.REASON: strings.REASON_WORDS.get(one.reason, one.reason) if one.reason else "",
        }
        for one in preview.changes[:_SHOWN]
    ]
    frame = pd.DataFrame(shown)
    draw_table(frame.loc[:, frame.astype(bool).any()], "dry_run_table", strings.CHANGES)
    if len(preview.changes) > _SHOWN:
        st.caption(strings.DRY_RUN_FIRST.format(count=_SHOWN))
