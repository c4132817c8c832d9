"""The editor of the SQL page: the statement, examples, saved queries, and what was asked lately."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from captrid_core.errors import CaptridError, NotFound
from captrid_core.insight.sql_examples import examples
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import caught, show_error
from pages.parts.sql_result import begin
from pages.parts.text import md

_STATEMENT = "sql_statement"
_FIRST = "SELECT list, status, count(*) AS people\nFROM people\nGROUP BY ALL\nORDER BY ALL"


def draw_editor(actor: str) -> None:
    """Draw the statement with what it can be taken from, and run it when asked."""
    _take_link()
    st.session_state.setdefault(_STATEMENT, _FIRST)
    _draw_sources(actor)
    with st.form("sql_form", border=False):
        statement = st.text_area(strings.SQL_STATEMENT, key=_STATEMENT, height=190)
        run = st.form_submit_button(
            strings.SQL_RUN,
            key="sql_run",
            type="primary",
            icon=":material/play_arrow:",
            help=strings.SQL_RUN_HELP,
        )
    if run and statement.strip():
        begin(statement, actor)
    _draw_saving(statement, actor)


def _take_link() -> None:
    """Take the saved query that the page's address names, once."""
    asked = st.query_params.get("q")
    if asked is None or st.session_state.get("sql_linked") == asked:
        return
    st.session_state["sql_linked"] = asked
    with caught():
        if not asked.isdigit():
            raise NotFound(f"There is no saved query {asked}.", hint="Choose one under Saved queries.")
        st.session_state[_STATEMENT] = workspace().saved_queries.get(int(asked)).query


def _draw_sources(actor: str) -> None:
    lists = workspace().lists.all()
    saved = {one.name: one for one in workspace().saved_queries.all()}
    lately = {" ".join(one.query.split())[:80]: one.query for one in workspace().saved_queries.asked(actor)}
    offered = {strings.SQL_EXAMPLE_WORDS[key]: query for key, query in examples(lists).items()}

    def link(name: str) -> None:
        number = str(saved[name].id)
        st.query_params["q"] = number
        st.session_state["sql_linked"] = number

    with st.container(horizontal=True):
        _draw_source(strings.SQL_EXAMPLES, "sql_examples", offered)
        _draw_source(
            strings.SQL_SAVED, "sql_saved", {name: one.query for name, one in saved.items()}, then=link
        )
        _draw_source(strings.SQL_ASKED, "sql_asked", lately)


def _draw_source(
    label: str, key: str, queries: Mapping[str, str], then: Callable[[str], None] | None = None
) -> None:
    def take() -> None:
        name = st.session_state[key]
        if name is not None:
            st.session_state[_STATEMENT] = queries[name]
            st.session_state[key] = None
            if then is not None:
                then(name)

    st.selectbox(
        label,
        list(queries),
        index=None,
        key=key,
        on_change=take,
        placeholder=strings.SQL_CHOOSE,
        disabled=not queries,
        width=200,
    )


def _draw_saving(statement: str, actor: str) -> None:
    with st.popover(strings.SQL_SAVE, icon=":material/bookmark:", key="sql_saving"):
        st.caption(strings.SQL_SAVE_HELP)
        name = st.text_input(strings.SQL_SAVE_NAME, key="sql_save_name")
        replace = st.checkbox(strings.SQL_SAVE_REPLACE, key="sql_save_replace")
        if st.button(strings.SQL_SAVE, key="sql_save", type="primary"):
            _save(name, statement, actor, replace=replace)
        for one in workspace().saved_queries.all():
            if st.button(
                strings.SQL_DELETE_SAVED.format(name=md(one.name)),
                key=f"sql_delete_{one.id}",
                type="tertiary",
                icon=":material/delete:",
            ):
                workspace().saved_queries.delete(one.id, actor=actor)
                st.toast(strings.SQL_WAS_DELETED.format(name=md(one.name)))
                st.rerun()


def _save(name: str, statement: str, actor: str, *, replace: bool) -> None:
    try:
        made = workspace().saved_queries.save(name, statement, actor=actor, replace=replace)
    except CaptridError as error:
        show_error(error)
        return
    st.query_params["q"] = str(made.id)
    st.session_state["sql_linked"] = str(made.id)
    st.toast(strings.SQL_WAS_SAVED.format(name=md(made.name)))
    st.rerun()
