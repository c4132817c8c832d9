"""The People tab of a list: a page of people at a time, found, sorted and opened."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from captrid_core.lists.model import FieldType, MasterList, Person, StatusFilter
from captrid_core.serving import workspace
from pages import strings
from pages.parts.list_files import export_menu, import_csv
from pages.parts.person import add_person, as_text, forget_new_person, open_person
from pages.parts.sync_tab import connection_name, scope_name
from pages.parts.tables import table_height
from pages.parts.text import md, people

_PAGE = 50
_LOCK = "🔒 "


def draw_people_tab(master_list: MasterList, actor: str) -> None:
    """Draw the tab."""
    connection = connection_name(master_list.sync) if master_list.sync is not None else ""
    status, search, sort, descending, exceptions = _draw_toolbar(master_list)
    page = st.session_state.get("people_page", 1)
    found = workspace().people.find(
        master_list,
        status=status,
        search=search,
        sort=sort,
        descending=descending,
        exceptions_only=exceptions,
        limit=_PAGE,
        offset=(page - 1) * _PAGE,
    )
    pages = max(1, math.ceil(found.total / _PAGE))
    if page > pages:
        st.session_state["people_page"] = pages
        st.rerun()
    _draw_actions(master_list, status, found.total, actor)
    if not found.total:
        _draw_nobody(master_list)
        return
    # above the table, so that the table's own buttons never lie over those of the page
    legend = strings.LOCKED_LEGEND.format(connection=md(connection)) if master_list.managed_fields else ""
    st.caption(f"{strings.OPEN_PERSON_HINT} {legend}")
    _draw_table(master_list, found.people, status, connection, actor)
    if pages > 1:
        st.session_state["people_page"] = page
        st.pagination(pages, key="people_page")


def _first_page() -> None:
    st.session_state["people_page"] = 1


def _draw_toolbar(master_list: MasterList) -> tuple[StatusFilter, str, str, bool, bool]:
    words = {
        StatusFilter.ACTIVE: strings.ACTIVE,
        StatusFilter.INACTIVE: strings.INACTIVE,
        StatusFilter.ALL: strings.ALL,
    }
    labels = {one.key: one.label for one in master_list.fields}
    keys = [master_list.uid_field, *(key for key in labels if key != master_list.uid_field)]
    with st.container(horizontal=True, vertical_alignment="bottom", key="people_toolbar"):
        search = st.text_input(
            strings.SEARCH_PEOPLE,
            key="people_search",
            type="search",
            live="300ms",
            on_change=_first_page,
            width="stretch",
        )
        status = st.selectbox(
            strings.STATUS,
            list(words),
            format_func=lambda one: words[one],
            key="people_status",
            on_change=_first_page,
            width=140,
        )
        sort = st.selectbox(
            strings.SORT,
            keys,
            format_func=lambda key: labels[key],
            key="people_sort",
            on_change=_first_page,
            width=180,
        )
        descending = st.checkbox(strings.DESCENDING, key="people_descending", on_change=_first_page)
        exceptions = False
        if master_list.connected:
            exceptions = st.checkbox(
                strings.EXCEPTIONS_ONLY,
                key="people_exceptions",
                help=strings.EXCEPTIONS_HELP,
                on_change=_first_page,
            )
    return status, search or "", sort, descending, exceptions


def _draw_actions(master_list: MasterList, status: StatusFilter, total: int, actor: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{people(total)}**", width="content")
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            if st.button(
                strings.ADD_PERSON,
                key="person_add",
                icon=":material/person_add:",
                on_click=forget_new_person,
            ):
                add_person(master_list, actor)
            if st.button(strings.IMPORT_CSV, key="people_import", icon=":material/upload_file:"):
                import_csv(master_list, actor)
            export_menu(master_list, status)


def _draw_nobody(master_list: MasterList) -> None:
    if workspace().lists.counts(master_list).total:
        st.info(strings.NOBODY_FITS, icon=":material/search_off:")
        return
    words = strings.NOBODY_YET_LOCAL
    if master_list.connected and master_list.sync is not None:
        words = strings.NOBODY_YET_CONNECTED.format(scope=md(scope_name(master_list.sync)))
        if workspace().runs.last_applied(master_list.id) is not None:
            words = strings.ZERO_SYNCED
    st.info(f"**{strings.NOBODY_YET}**\n\n{words}", icon=":material/group:")


def _draw_table(
    master_list: MasterList, shown: list[Person], status: StatusFilter, connection: str, actor: str
) -> None:
    managed = master_list.managed_fields
    uid = master_list.uid_field
    fields = sorted(master_list.fields, key=lambda one: (one.key != uid, one.key not in managed))
    columns: dict[str, object] = {}
    config: dict[str, object] = {}
    if status is not StatusFilter.ACTIVE:
        columns[strings.STATUS] = [strings.ACTIVE if person.active else strings.INACTIVE for person in shown]
    if any(person.exception for person in shown):
        columns[strings.EXCEPTION_SHORT] = ["✋" if person.exception else "" for person in shown]
    for one in fields:
        locked = one.key in managed
        name = f"{_LOCK if locked else ''}{one.label}"
        if name in columns:
            name = f"{name} ({one.key})"
        values = [person.values[one.key] for person in shown]
        columns[name] = values if one.type is FieldType.DATE else [as_text(value) for value in values]
        helps = strings.LOCKED_HELP.format(connection=md(connection)) if locked else None
        config[name] = (
            st.column_config.DateColumn(help=helps, format="D MMM YYYY")
            if one.type is FieldType.DATE
            else st.column_config.TextColumn(
                help=helps,
                alignment="right" if one.type is FieldType.NUMBER else None,
            )
        )
    event = st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        key=f"people_table_{st.session_state.get('people_version', 0)}",
        on_select="rerun",
        selection_mode="single-row",
        column_config=config,
        height=table_height(len(shown)),
        alt=strings.TAB_PEOPLE,
    )
    if event.selection.rows and event.selection.rows[0] < len(shown):
        open_person(master_list, shown[event.selection.rows[0]], connection, actor)
