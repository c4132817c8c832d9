"""Master Lists: all of them, and what was begun and not finished."""

from __future__ import annotations

import streamlit as st

from captrid_core.serving import workspace
from pages import strings
from pages.parts.feedback import show_messages
from pages.parts.guard import require
from pages.parts.list_cards import draw_list_cards
from pages.parts.text import md
from pages.parts.times import ago
from pages.parts.wizard import CONFIGURE, CREATE

actor = require()


def _draw_drafts() -> None:
    drafts = [*workspace().drafts.all(CREATE), *workspace().drafts.all(CONFIGURE)]
    if not drafts:
        return
    st.header(strings.UNFINISHED, anchor=False)
    for draft in drafts:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"draft_{draft.id}"):
            kind = strings.CREATE_LIST if draft.kind == CREATE else strings.CONFIGURE_SYNC
            name = md(draft.content.get("name") or strings.WITHOUT_NAME)
            st.markdown(
                f"**{name}** · {kind} · :gray[{strings.DRAFT_SAVED.format(ago=ago(draft.updated_at))}]",
                width="stretch",
            )
            st.page_link(
                "create_master_list.py",
                label=strings.CONTINUE,
                icon=":material/arrow_forward:",
                query_params={"draft": draft.id},
            )
            st.button(
                strings.DISCARD,
                key=f"draft_discard_{draft.id}",
                type="tertiary",
                icon=":material/delete:",
                on_click=workspace().drafts.discard,
                args=(draft.id,),
            )


def _draw_archive() -> None:
    archived = workspace().lists.all(archived=True)
    if not archived:
        return
    with st.expander(
        f"{strings.ARCHIVED_LISTS} ({len(archived)})", key="lists_archive", icon=":material/inventory_2:"
    ):
        for one in archived:
            st.page_link(
                "master_list.py",
                label=f"{md(one.name)} · {strings.PUT_AWAY.format(ago=ago(one.archived_at))}",
                icon=":material/arrow_forward:",
                query_params={"list": str(one.id)},
            )


show_messages()
_lists = workspace().lists.all()
st.title(strings.MASTER_LISTS, anchor=False)
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.caption(strings.LISTS_INTRO, width="content")
    if st.button(strings.CREATE_LIST, key="list_create", type="primary", icon=":material/add:"):
        st.switch_page("create_master_list.py")
if _lists:
    draw_list_cards(_lists)
else:
    st.info(strings.NO_LISTS_YET, icon=":material/groups:")
_draw_drafts()
_draw_archive()
