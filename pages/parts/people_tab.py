"""The People tab of a list: a page of people at a time, found, sorted and opened."""

from __future__ import annotations

import math

import streamlit as st

from captrid_core.lists.model import Field, MasterList, StatusFilter
from captrid_core.serving import workspace
from pages import strings
from pages.parts.list_files import export_menu, import_csv
from pages.parts.people_edit import draw_editor, pending, stop_editing
from pages.parts.people_table import choose_columns, draw_look, draw_selection, forget_selection
from pages.parts.person import add_person, forget_new_person
from pages.parts.sync_tab import connection_name, scope_name
from pages.parts.text import md, people
from pages.parts.why import why_button

_PAGE = 50


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
    mode, fields = _draw_actions(master_list, status, found.total, search, actor)
    if not found.total:
        _draw_nobody(master_list)
        if search:
            why_button(master_list, search, key="why_not_found")
        return
    # above the table, so that the table's own buttons never lie over those of the page
    legend = strings.LOCKED_LEGEND.format(connection=md(connection)) if master_list.managed_fields else ""
    st.caption(f"{strings.MODE_HINTS[mode]} {legend}")
    if mode == strings.MODE_EDIT:
        draw_editor(master_list, found.people, fields, connection, actor)
    else:
        draw = draw_selection if mode == strings.MODE_SELECT else draw_look
        draw(master_list, found.people, fields, status, connection, actor)
    if pages > 1:
        st.session_state["people_page"] = page
        st.pagination(pages, key="people_page", disabled=pending(), on_change=_other_page)


def _other_page() -> None:
    stop_editing()
    forget_selection()


def _first_page() -> None:
    st.session_state["people_page"] = 1
    _other_page()


def _draw_toolbar(master_list: MasterList) -> tuple[StatusFilter, str, str, bool, bool]:
    words = {
        StatusFilter.ACTIVE: strings.ACTIVE,
        StatusFilter.INACTIVE: strings.INACTIVE,
        StatusFilter.ALL: strings.ALL,
    }
    labels = {one.key: one.label for one in master_list.fields}
    keys = [master_list.uid_field, *(key for key in labels if key != master_list.uid_field)]
    entering = pending()  # what narrows the table down would take the rows away that are being edited
    with st.container(horizontal=True, vertical_alignment="bottom", key="people_toolbar"):
        search = st.text_input(
            strings.SEARCH_PEOPLE,
            key="people_search",
            disabled=entering,
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
            disabled=entering,
            on_change=_first_page,
            width=140,
        )
        sort = st.selectbox(
            strings.SORT,
            keys,
            format_func=lambda key: labels[key],
            key="people_sort",
            disabled=entering,
            on_change=_first_page,
            width=180,
        )
        descending = st.checkbox(
            strings.DESCENDING, key="people_descending", on_change=_first_page, disabled=entering
        )
        exceptions = False
        if master_list.connected:
            exceptions = st.checkbox(
                strings.EXCEPTIONS_ONLY,
                key="people_exceptions",
                disabled=entering,
                help=strings.EXCEPTIONS_HELP,
                on_change=_first_page,
            )
    return status, search or "", sort, descending, exceptions


def _draw_actions(
    master_list: MasterList, status: StatusFilter, total: int, search: str, actor: str
) -> tuple[str, list[Field]]:
    """Draw what can be done with the list; return how its table is used, and which columns it has."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{people(total)}**", width="content")
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            mode = st.segmented_control(
                strings.MODE,
                list(strings.MODE_HINTS),
                default=strings.MODE_OPEN,
                required=True,
                key="people_mode",
                label_visibility="collapsed",
                on_change=_other_page,
            )
            fields = choose_columns(master_list)
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
            why_button(master_list, search)
    return mode or strings.MODE_OPEN, fields


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
