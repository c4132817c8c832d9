"""A Master List: its people, its sync, its schema and its settings."""

from __future__ import annotations

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from pages import strings
from pages.parts.badges import list_badge
from pages.parts.duplicates_tab import draw_duplicates_tab
from pages.parts.errors import show_error
from pages.parts.feedback import show_messages
from pages.parts.guard import require
from pages.parts.people_tab import draw_people_tab
from pages.parts.schema_tab import draw_schema_tab
from pages.parts.settings_tab import draw_archived, draw_settings_tab
from pages.parts.sync_tab import connection_name, draw_sync_tab, scope_name
from pages.parts.text import md
from pages.parts.times import ago, exact

actor = require()


def _draw_head(master_list: MasterList) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(md(master_list.name), anchor=False, width="content")
        list_badge(master_list)
    if master_list.connected and master_list.sync is not None:
        applied = workspace().runs.last_applied(master_list.id)
        when = (
            strings.CORRECT_AS_OF.format(ago=ago(applied.started_at)) if applied else strings.NOT_SYNCED_YET
        )
        sync = master_list.sync
        st.caption(
            f"{when} · {md(connection_name(sync))} · {md(scope_name(sync))}",
            help=exact(applied.started_at) if applied else None,
        )
    if master_list.archived_at is not None:
        draw_archived(master_list, actor)
    counts = workspace().lists.counts(master_list)
    with st.grid(3, min_column_width=100, key="list_counts"):
        st.metric(strings.TOTAL, f"{counts.total:,}", border=True)
        st.metric(strings.ACTIVE, f"{counts.active:,}", border=True)
        st.metric(strings.SYNCED, f"{counts.synced:,}", help=strings.SYNCED_HELP, border=True)


def _draw(master_list: MasterList) -> None:
    head = st.container()
    tabs = st.tabs(
        [
            strings.TAB_PEOPLE,
            strings.TAB_SYNC,
            strings.TAB_SCHEMA,
            strings.TAB_DUPLICATES,
            strings.TAB_SETTINGS,
        ],
        key="tab",
        bind="query-params",
        on_change="rerun",
    )
    bodies = (draw_people_tab, draw_sync_tab, draw_schema_tab, draw_duplicates_tab, draw_settings_tab)
    for tab, body in zip(tabs, bodies, strict=True):
        if tab.open:
            with tab:
                body(master_list, actor)
    with head:
        _draw_head(master_list)


show_messages()
_asked = st.query_params.get("list")
if not _asked:
    st.title(strings.MASTER_LIST, anchor=False)
    st.info(strings.NO_LIST, icon=":material/info:")
    st.page_link("master_lists.py", label=strings.MASTER_LISTS, icon=":material/groups:")
else:
    try:
        _list = workspace().lists.get(_asked)
    except CaptridError as error:
        st.title(strings.MASTER_LIST, anchor=False)
        show_error(error)
        st.page_link("master_lists.py", label=strings.MASTER_LISTS, icon=":material/groups:")
    else:
        if st.session_state.get("shown_list") != _list.id:
            # another list than before: its filters are its own
            for key in ("people_page", "people_search", "people_status", "people_sort"):
                st.session_state.pop(key, None)
            st.session_state["shown_list"] = _list.id
        _draw(_list)
