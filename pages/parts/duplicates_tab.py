"""The Duplicates tab of a list: people who may be one, side by side, and the decision over them."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.duplicates import Alike
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import say
from pages.parts.person import as_text
from pages.parts.tables import draw_table
from pages.parts.text import md, people

_PAGE = 10
_AT = "duplicates_page"


def draw_duplicates_tab(master_list: MasterList, actor: str) -> None:
    """Draw the tab."""
    st.caption(strings.DUPLICATES_INTRO)
    choices = workspace().duplicates.comparable(master_list)
    if not choices:
        st.info(strings.DUPLICATES_NO_FIELD, icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        keys = st.selectbox(
            strings.DUPLICATES_BY,
            choices,
            format_func=lambda pair: " + ".join(master_list.field(key).label for key in pair),
            key="duplicates_by",
            on_change=_first_page,
            required=True,
            width=320,
        )
        across = st.checkbox(strings.DUPLICATES_ACROSS, key="duplicates_across", on_change=_first_page)
    page = st.session_state.get(_AT, 1)
    found = workspace().duplicates.find(
        master_list.id, keys or choices[0], across=across, limit=_PAGE, offset=(page - 1) * _PAGE
    )
    if not found.groups:
        st.info(strings.NO_DUPLICATES, icon=":material/check_circle:")
        return
    st.markdown(f"**{strings.DUPLICATES_FOUND.format(count=f'{found.total:,}')}**")
    for number, group in enumerate(found.groups):
        _draw_group(master_list, group, number, actor)
    pages = math.ceil(found.total / _PAGE)
    if pages > 1:
        st.session_state[_AT] = min(page, pages)
        st.pagination(pages, key=_AT)


def _first_page() -> None:
    st.session_state[_AT] = 1


def _draw_group(master_list: MasterList, group: Alike, number: int, actor: str) -> None:
    with st.container(border=True, key=f"alike_{number}"):
        st.markdown(f"“{md(group.value)}” · {people(len(group.people))}")
        shown = [
            {
                strings.MASTER_LIST: where.name,
                strings.STATUS: strings.ACTIVE if person.active else strings.INACTIVE,
                strings.ORIGIN: strings.MANAGED if person.managed else strings.ORIGIN_WORDS[person.origin],
                **{
                    field.label: as_text(person.values[field.key])
                    for field in where.fields
                    if field.key in {one.key for one in master_list.fields}
                },
            }
            for where, person in group.people
        ]
        draw_table(pd.DataFrame(shown), f"alike_table_{number}", strings.TAB_DUPLICATES)
        outcome = st.container()
        with st.container(horizontal=True):
            together = len(group.people) == 2 and len({where.id for where, _ in group.people}) == 1
            if together and st.button(strings.JOIN_THEM, key=f"alike_join_{number}", icon=":material/merge:"):
                with outcome:
                    _join(group, actor)
            if st.button(strings.NOT_SAME, key=f"alike_apart_{number}", icon=":material/call_split:"):
                workspace().duplicates.set_apart([person.id for _, person in group.people], actor=actor)
                say(strings.SET_APART)
                st.rerun()


def _join(group: Alike, actor: str) -> None:
    (where, one), (_, other) = group.people
    try:
        done = workspace().people.join(where, one.uid or "", other.uid or "", actor=actor)
    except CaptridError as error:
        show_error(error)
        return
    say(strings.PERSON_JOINED.format(uid=md(done.uid)))
    st.rerun()
