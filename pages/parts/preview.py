"""A preview that is worked out in the background: its progress, and what came of it (rule R35)."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.sync.runner import Preview, PreviewJob
from pages import strings
from pages.parts.errors import show_error
from pages.parts.run_live import progress_share, progress_words
from pages.parts.run_results import draw_counts, draw_notes
from pages.parts.tables import draw_table
from pages.parts.text import hint_md

_SHOWN = 200


def draw_job(job: PreviewJob, labels: dict[str, str]) -> None:
    """Draw how far a preview is, or what came of it; `labels` are those of the list's fields by key."""
    if job.running:
        _draw_progress(job)
        return
    outcome = job.outcome
    if isinstance(outcome, CaptridError):
        show_error(outcome)
    elif outcome is not None:
        _draw_preview(outcome, labels)


@st.fragment(run_every="1s")
def _draw_progress(job: PreviewJob) -> None:
    if not job.running:
        st.rerun()
    st.progress(progress_share(job.progress), text=progress_words(job.progress))
    st.button(strings.CANCEL, key="preview_cancel", icon=":material/stop_circle:", on_click=job.cancel)


def _draw_preview(preview: Preview, labels: dict[str, str]) -> None:
    if preview.run.message:
        st.warning(f"**{strings.DRY_RUN_HELD}** {hint_md(preview.run.message)}", icon=":material/warning:")
    draw_counts(preview.run, len(preview.errors))
    for notes, word, key in (
        (preview.errors, strings.ERRORS, "errors"),
        (preview.warnings, strings.WARNINGS, "warnings"),
    ):
        if notes:
            with st.expander(f"{word} ({len(notes):,})", key=f"preview_{key}", icon=":material/report:"):
                draw_notes(notes[:_SHOWN], f"preview_{key}_list", labels)
    if preview.changes:
        with st.expander(
            f"{strings.CHANGES} ({len(preview.changes):,})", key="preview_changes", icon=":material/list:"
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
    draw_table(frame.loc[:, frame.astype(bool).any()], "preview_table", strings.CHANGES)
    if len(preview.changes) > _SHOWN:
        st.caption(strings.DRY_RUN_FIRST.format(count=_SHOWN))
