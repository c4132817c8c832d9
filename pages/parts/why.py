"""“Why is this person (not) in my list?”: asking, and the answer step by step."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.insight.explain import Explanation, Good
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.tables import draw_table
from pages.parts.text import md
from pages.parts.times import short
from pages.parts.watch import PageWatch

_WHO, _FOUND = "why_who", "why_found"
_SIGNS = {
    Good.YES: ":green[:material/check_circle:]",
    Good.NO: ":red[:material/cancel:]",
    Good.KNOWN: ":gray[:material/info:]",
    Good.UNKNOWN: ":orange[:material/help:]",
}


def why_button(master_list: MasterList, who: str, key: str = "why_open") -> None:
    """Draw the button that opens the dialog, asking about `who` to begin with."""
    if st.button(
        strings.WHY,
        key=key,
        icon=":material/person_search:",
        help=strings.WHY_HELP,
        on_click=_begin,
        args=(who,),
    ):
        st.dialog(strings.WHY_TITLE, width="large", icon=":material/person_search:")(_dialog)(master_list)


def draw_values(master_list: MasterList, uid: str) -> None:
    """Draw why a person's values are what they are, asking the directory when it is wished for."""
    st.caption(strings.WHY_VALUES_TEXT)
    if not st.button(strings.WHY_VALUES_ASK, key="why_values", icon=":material/person_search:"):
        return
    with st.spinner(strings.WHY_ASKING):
        try:
            found = workspace().explain.why(master_list.id, uid, PageWatch())
        except CaptridError as error:
            show_error(error)
            return
    _draw_fields(master_list, found)


def _begin(who: str) -> None:
    st.session_state[_WHO] = who
    st.session_state.pop(_FOUND, None)


def _dialog(master_list: MasterList) -> None:
    with st.form("why_form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(strings.WHY_WHO, key=_WHO, placeholder=strings.WHY_WHO_PLACEHOLDER, max_chars=200)
        asked = st.form_submit_button(
            strings.WHY_ASK, key="why_ask", type="primary", icon=":material/search:"
        )
    who = st.session_state[_WHO]
    if asked:
        if who.strip():
            _ask(master_list, who)
        else:
            st.info(strings.WHY_NOBODY, icon=":material/info:")
    found: Explanation | None = st.session_state.get(_FOUND)
    if found is None:
        return
    if found.candidates:
        _draw_candidates(master_list, found)
    else:
        _draw(master_list, found)


def _ask(master_list: MasterList, who: str) -> None:
    with st.spinner(strings.WHY_ASKING):
        try:
            st.session_state[_FOUND] = workspace().explain.why(master_list.id, who, PageWatch())
        except CaptridError as error:
            st.session_state.pop(_FOUND, None)
            show_error(error)


def _draw_candidates(master_list: MasterList, found: Explanation) -> None:
    st.markdown(strings.WHY_SEVERAL.format(who=md(found.who)))
    for number, one in enumerate(found.candidates):
        with st.container(horizontal=True, vertical_alignment="center", key=f"why_candidate_{number}"):
            st.markdown(f"**{md(one.name)}** · :gray[{md(one.detail)}]", width="stretch")
            st.button(
                strings.WHY_THIS_ONE,
                key=f"why_choose_{number}",
                on_click=_ask,
                args=(master_list, one.object_id or one.uid or ""),
            )


def _draw(master_list: MasterList, found: Explanation) -> None:
    st.markdown(f":material/lightbulb: **{md(found.verdict)}**")
    for one in found.steps:
        cure = f"  \n:gray[:material/arrow_forward: {md(one.cure)}]" if one.cure else ""
        st.markdown(f"{_SIGNS[one.good]} {md(one.words)}{cure}")
    if found.fields:
        with st.expander(strings.WHY_VALUES, key="why_fields", icon=":material/view_column:"):
            _draw_fields(master_list, found)


def _draw_fields(master_list: MasterList, found: Explanation) -> None:
    shown = [
        {
            strings.FIELD: master_list.field(one.key).label,
            strings.VALUE: one.value or "",
            strings.WHY_VALUE: one.words,
            strings.WHY_SET: short(one.set_at),
            strings.BY: ""
            if one.set_by is None
            else one.set_by
            if one.run_id is None
            else strings.BY_RUN.format(actor=one.set_by, run=one.run_id),
        }
        for one in found.fields
    ]
    config = {strings.WHY_VALUE: st.column_config.TextColumn(width="large")}
    draw_table(pd.DataFrame(shown), "why_values_table", strings.WHY_VALUES, config)
