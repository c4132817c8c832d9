"""Home: what needs attention, and how fresh each list is; for a new home, where to begin."""

from __future__ import annotations

import streamlit as st

from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from pages import strings
from pages.parts.attention import notice_of
from pages.parts.feedback import show_messages
from pages.parts.guard import require
from pages.parts.list_cards import draw_list_cards

actor = require()


def _draw_welcome(*, connected: bool, lists: list[MasterList]) -> None:
    """Draw the three steps; those that are done have a tick."""
    st.title(strings.WELCOME, anchor=False)
    st.markdown(strings.WELCOME_TEXT)
    first = {"list": str(lists[0].id), "tab": strings.TAB_SYNC} if lists else {}
    steps = (
        (
            strings.STEP_CONNECT,
            strings.STEP_CONNECT_TEXT,
            connected,
            "directory_integrations.py",
            strings.DIRECTORY_INTEGRATIONS,
            {},
        ),
        (
            strings.STEP_CREATE,
            strings.STEP_CREATE_TEXT,
            bool(lists),
            "create_master_list.py",
            strings.CREATE_LIST,
            {},
        ),
        (strings.STEP_SYNC, strings.STEP_SYNC_TEXT, False, "master_list.py", strings.TAB_SYNC, first),
    )
    current = next(number for number, step in enumerate(steps) if not step[2])
    columns = st.columns(3, border=True, gap="medium")
    for number, (column, (title, text, done, page, label, query)) in enumerate(
        zip(columns, steps, strict=True)
    ):
        with column:
            badge = (
                f":green-badge[:material/check: {strings.DONE}]"
                if done
                else f":{'blue' if number == current else 'gray'}-badge[{number + 1}]"
            )
            st.markdown(f"{badge}  **{title}**")
            st.caption(text)
            if number == current and st.button(
                label, key=f"first_step_{number + 1}", type="primary", icon=":material/arrow_forward:"
            ):
                st.switch_page(page, query_params=query)


def _draw_attention() -> None:
    found = [notice_of(one) for one in workspace().matters.all()]
    if not found:
        st.caption(f":material/check_circle: {strings.HOME_STATUS_FINE}")
        return
    st.header(f"{strings.NEEDS_ATTENTION} ({len(found)})", anchor=False)
    for number, one in enumerate(found):
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"matter_{number}"):
            st.markdown(f":{one.colour}[{one.icon}] {one.words}", width="stretch")
            st.page_link(
                one.page, label=one.link, icon=":material/arrow_forward:", query_params=one.query or None
            )


show_messages()
_lists = workspace().lists.all()
_synced = any(workspace().runs.last_applied(one.id) for one in _lists)
if not _lists or (not _synced and any(one.connected for one in _lists)):
    _draw_welcome(connected=bool(workspace().connections.all()), lists=_lists)
else:
    st.title(strings.HOME, anchor=False)
    _draw_attention()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(strings.YOUR_LISTS, anchor=False, width="content")
        if st.button(strings.CREATE_LIST, key="home_create", icon=":material/add:"):
            st.switch_page("create_master_list.py")
    draw_list_cards(_lists)
