"""What a run did: its numbers, its message, its errors and warnings."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.serving import workspace
from captrid_core.sync.runs import Note, Run, RunStatus
from pages import strings
from pages.parts.badges import run_badge
from pages.parts.errors import show_stored_error
from pages.parts.tables import draw_table
from pages.parts.text import hint_md, md
from pages.parts.times import ago, exact, lasted

_MOST_NOTES = 500


def draw_head(run: Run) -> None:
    """Draw how a run stands, of which kind it is, when and by whom."""
    with st.container(horizontal=True, vertical_alignment="center"):
        run_badge(run.status)
        st.badge(strings.KIND_WORDS[run.kind], color="gray")
        took = f" · {strings.TOOK.format(time=lasted(run.seconds))}" if run.seconds is not None else ""
        st.caption(
            f"{strings.RAN.format(ago=ago(run.started_at), actor=md(run.actor))}{took}",
            help=exact(run.started_at),
            width="content",
        )


def draw_message(run: Run) -> None:
    """Draw what the run has to say: why it failed, was held, or was another kind than asked for."""
    if run.status is RunStatus.FAILED and run.error is not None:
        show_stored_error(run.error)
    elif run.message:
        shown = st.warning if run.status in (RunStatus.HELD, RunStatus.INTERRUPTED) else st.info
        shown(hint_md(run.message), icon=":material/info:")


def draw_counts(run: Run, errors: int) -> None:
    """Draw the numbers of a run (rule R7)."""
    counts = run.counts
    would = run.dry_run or run.status in (RunStatus.HELD, RunStatus.DISCARDED)
    cells = [
        (strings.ACTION_WORDS["created"], counts.created, ":material/person_add:", strings.CREATED_HELP),
        (strings.ACTION_WORDS["updated"], counts.updated, ":material/edit:", strings.UPDATED_HELP),
        (
            strings.ACTION_WORDS["deactivated"],
            counts.deactivated,
            ":material/person_off:",
            strings.DEACTIVATED_HELP,
        ),
        (
            strings.ACTION_WORDS["reactivated"],
            counts.reactivated,
            ":material/person_check:",
            strings.REACTIVATED_HELP,
        ),
        (strings.UNCHANGED, counts.unchanged, ":material/check:", strings.UNCHANGED_HELP),
        (strings.SKIPPED, counts.skipped, ":material/skip_next:", strings.SKIPPED_HELP),
        (strings.ERRORS, errors, ":material/error:", strings.ERRORS_HELP),
    ]
    if would:
        st.caption(strings.WOULD_BE)
    with st.grid(7, min_column_width=128, key=f"run_counts_{run.id}"):
        for label, number, icon, words in cells:
            st.metric(label, f"{number:,}", icon=icon, help=words, border=True)


def has_counts(run: Run) -> bool:
    """Tell whether a run got as far as having numbers."""
    return run.status in (RunStatus.SUCCEEDED, RunStatus.HELD, RunStatus.DISCARDED, RunStatus.UNDONE)


def notes_of(run: Run, level: str) -> list[Note]:
    """Return a run's errors (`error`) or warnings (`warning`), as many as can be shown."""
    assert run.id is not None
    return workspace().runs.notes(run.id, level, limit=_MOST_NOTES)


def draw_notes(notes: list[Note], key: str, labels: dict[str, str]) -> None:
    """Draw errors or warnings as a table."""
    shown = [
        {
            strings.WHAT: note.message,
            strings.UID_SHORT: note.uid,
            strings.FIELD: labels.get(note.field or "", note.field),
            strings.ERROR_CODE: note.code,
            strings.OBJECT_ID: note.object_id,
        }
        for note in notes
    ]
    config = {strings.WHAT: st.column_config.TextColumn(width="large")}
    draw_table(pd.DataFrame(shown), key, strings.ERRORS, config)
    if len(notes) == _MOST_NOTES:
        st.caption(strings.FIRST_NOTES.format(count=f"{_MOST_NOTES:,}"))
