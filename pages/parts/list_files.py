"""Files in and out of a list: CSV import with a look at it first, and exports."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.imports import ImportSummary
from captrid_core.lists.model import MasterList, StatusFilter
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import say
from pages.parts.tables import draw_table
from pages.parts.text import people

_SHOWN = 200


def import_csv(master_list: MasterList, actor: str) -> None:
    """Open the dialog that imports a CSV file."""
    st.dialog(strings.IMPORT_CSV, width="large", icon=":material/upload_file:")(_import)(master_list, actor)


def _import(master_list: MasterList, actor: str) -> None:
    st.caption(strings.IMPORT_TEXT)
    uploaded = st.file_uploader(strings.CSV_FILE, type=["csv", "txt"], max_upload_size=10, key="import_file")
    if uploaded is None:
        return
    content = uploaded.getvalue()
    try:
        summary = _run(master_list, uploaded.name, content, actor, dry_run=True)
    except CaptridError as error:
        show_error(error)
        return
    _draw_summary(summary)
    outcome = st.container()
    if st.button(
        strings.IMPORT,
        key="import_confirm",
        type="primary",
        icon=":material/upload:",
        disabled=not (summary.created or summary.updated),
    ):
        try:
            done = _run(master_list, uploaded.name, content, actor, dry_run=False)
        except CaptridError as error:
            with outcome:
                show_error(error)
            return
        say(strings.IMPORTED.format(created=people(done.created), updated=people(done.updated)))
        st.rerun()


def _run(master_list: MasterList, name: str, content: bytes, actor: str, *, dry_run: bool) -> ImportSummary:
    with tempfile.TemporaryDirectory(prefix="captrid-import-") as folder:
        path = Path(folder) / (Path(name).name or "import.csv")
        path.write_bytes(content)
        return workspace().files.import_csv(master_list, path, actor=actor, dry_run=dry_run)


def _draw_summary(summary: ImportSummary) -> None:
    with st.grid(4, min_column_width=110, key="import_counts"):
        for label, number in (
            (strings.ACTION_WORDS["created"], summary.created),
            (strings.ACTION_WORDS["updated"], summary.updated),
            (strings.UNCHANGED, summary.unchanged),
            (strings.SKIPPED, summary.skipped),
        ):
            st.metric(label, f"{number:,}", border=True)
    if summary.errors:
        st.warning(strings.IMPORT_ERRORS.format(count=f"{len(summary.errors):,}"), icon=":material/warning:")
        rows = [
            {strings.ROW: one.row, strings.FIELD: one.field, strings.WHAT: one.message}
            for one in summary.errors[:_SHOWN]
        ]
        draw_table(pd.DataFrame(rows), "import_errors", strings.ERRORS)


def export_menu(master_list: MasterList, status: StatusFilter) -> None:
    """Draw the downloads of a list's people; a file is only made when it is asked for."""
    with st.popover(strings.EXPORT, icon=":material/download:", key="export"):
        for ending, words in strings.EXPORTS.items():
            st.download_button(
                words,
                data=partial(_export, master_list, status, ending),
                file_name=f"{_file_name(master_list.name)}{ending}",
                key=f"export{ending}",
                on_click="ignore",
                type="tertiary",
            )


def _export(master_list: MasterList, status: StatusFilter, ending: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="captrid-export-") as folder:
        path = Path(folder) / f"people{ending}"
        workspace().files.export(master_list, path, status=status)
        return path.read_bytes()


def _file_name(name: str) -> str:
    return (
        "".join(letter if letter.isalnum() or letter in " -_" else "_" for letter in name).strip() or "people"
    )
