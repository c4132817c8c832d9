"""What a query answers: while it runs, as a table, as a chart, and as a file."""

from __future__ import annotations

import math
import time
from functools import partial

import pandas as pd
import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.insight.sql import SECONDS, Result, SqlJob
from captrid_core.insight.sql_export import export_result
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.tables import draw_table
from pages.parts.text import counted
from pages.parts.times import exact

_JOB, _BEGUN, _PAGE = "sql_job", "sql_begun", "sql_page"
_ROWS = 200
_QUICK = 0.6
_MOST_POINTS = 2000
_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL")


def begin(statement: str, actor: str) -> None:
    """Start to run a statement; whatever ran before is cancelled."""
    before: SqlJob | None = st.session_state.get(_JOB)
    if before is not None:
        before.cancel()
    job = workspace().sql.start(statement, actor=actor)
    st.session_state[_JOB], st.session_state[_BEGUN] = job, time.monotonic()
    st.session_state[_PAGE] = 1
    job.wait(_QUICK)  # most have ended by then, and are shown at once


def draw_job() -> None:
    """Draw the query that runs, or what came of it."""
    job: SqlJob | None = st.session_state.get(_JOB)
    if job is None:
        return
    if job.running:
        _draw_running(job)
        return
    outcome = job.outcome
    with st.container(key="sql_result"):
        if isinstance(outcome, CaptridError):
            show_error(outcome)
        elif outcome is not None:
            _draw_result(outcome)


@st.fragment(run_every=0.5)
def _draw_running(job: SqlJob) -> None:
    if not job.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="sql_running"):
        seconds = time.monotonic() - st.session_state[_BEGUN]
        st.markdown(strings.SQL_RUNNING.format(seconds=seconds, limit=SECONDS), width="content")
        if st.button(strings.SQL_CANCEL, key="sql_cancel", icon=":material/stop:"):
            job.cancel()
            job.wait(2)
            st.rerun()


def _draw_result(result: Result) -> None:
    rows = counted(len(result.rows), "row")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(strings.SQL_FOUND.format(rows=rows, seconds=result.seconds), width="content")
        st.caption(strings.SQL_AS_OF.format(when=exact(result.published_at)), width="content")
        for ending, label in strings.SQL_EXPORTS.items():
            st.download_button(
                label,
                data=partial(export_result, result, ending),
                file_name=f"result{ending}",
                key=f"sql_export_{ending[1:]}",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )
    if result.truncated:
        st.warning(strings.SQL_TRUNCATED.format(rows=rows), icon=":material/content_cut:")
    if not result.rows:
        st.info(strings.SQL_NOTHING, icon=":material/search_off:")
        return
    table, chart = st.tabs([strings.SQL_TAB_TABLE, strings.SQL_TAB_CHART], key="sql_shown")
    with table:
        _draw_rows(result)
    with chart:
        _draw_chart(result)


def _draw_rows(result: Result) -> None:
    pages = math.ceil(len(result.rows) / _ROWS)
    page = min(st.session_state.get(_PAGE, 1), pages)
    draw_table(_frame(result, (page - 1) * _ROWS, page * _ROWS), "sql_rows", strings.SQL_RESULT)
    if pages > 1:
        st.session_state[_PAGE] = page
        st.pagination(pages, key=_PAGE)


def _frame(result: Result, first: int, after: int) -> pd.DataFrame:
    """Return rows for a table, whose columns need names of their own."""
    names: list[str] = []
    for place, name in enumerate(result.columns):
        names.append(name if name not in names else f"{name} ({place + 1})")
    return pd.DataFrame(result.rows[first:after], columns=names)


def _draw_chart(result: Result) -> None:
    numbers = [place for place, kind in enumerate(result.types) if kind.startswith(_NUMBERS) or "INT" in kind]
    if not numbers or len(result.columns) < 2:
        st.caption(strings.SQL_CHART_NEEDS)
        return
    places = list(range(len(result.columns)))
    name = result.columns.__getitem__
    with st.container(horizontal=True):
        x = st.selectbox(strings.SQL_CHART_X, places, format_func=name, key="sql_chart_x", width=180)
        y = st.selectbox(
            strings.SQL_CHART_Y,
            numbers,
            index=len(numbers) - 1,
            format_func=name,
            key="sql_chart_y",
            width=180,
        )
        kind = st.selectbox(
            strings.SQL_CHART_KIND,
            list(strings.SQL_CHART_KINDS),
            format_func=strings.SQL_CHART_KINDS.__getitem__,
            key="sql_chart_kind",
            width=180,
        )
    if x is None or y is None:
        return
    shown = pd.DataFrame([{"x": row[x], "y": row[y]} for row in result.rows[:_MOST_POINTS]])
    draw = {"bar": st.bar_chart, "line": st.line_chart, "point": st.scatter_chart}[kind or "bar"]
    with st.container(key="sql_chart"):
        draw(shown, x="x", y="y", x_label=name(x), y_label=name(y))
