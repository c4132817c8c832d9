"""The inputs for a list's rules, as they stand in a form: changed UIDs, and when a sync is held."""

from __future__ import annotations

import streamlit as st

from captrid_core.lists.model import Guards, OnUidChange
from pages import strings


def draw_guards(prefix: str, on_uid_change: OnUidChange, guards: Guards) -> tuple[OnUidChange, Guards]:
    """Draw the inputs, their keys beginning with `prefix`, and return what they hold."""
    changes = st.radio(
        strings.ON_UID_CHANGE,
        list(OnUidChange),
        index=list(OnUidChange).index(on_uid_change),
        format_func=lambda one: strings.NEW_PERSON if one is OnUidChange.NEW_PERSON else strings.SAME_PERSON,
        captions=[strings.NEW_PERSON_TEXT, strings.SAME_PERSON_TEXT],
        key=f"{prefix}_uid_change",
    )
    st.markdown(f"**{strings.GUARDS}**")
    st.caption(strings.GUARDS_TEXT)
    given = {}
    for title, name in ((strings.GUARD_LEAVERS, "deactivate"), (strings.GUARD_BLANKS, "blank")):
        left, middle, right = st.columns(3, vertical_alignment="bottom")
        left.markdown(title)
        with middle:
            given[f"{name}_count"] = st.number_input(
                strings.GUARD_PEOPLE,
                min_value=1,
                value=getattr(guards, f"{name}_count"),
                key=f"{prefix}_{name}_count",
            )
        with right:
            given[f"{name}_percent"] = st.number_input(
                strings.GUARD_PERCENT,
                min_value=0.0,
                max_value=100.0,
                value=float(getattr(guards, f"{name}_percent")),
                step=1.0,
                format="%g",
                key=f"{prefix}_{name}_percent",
            )
    return changes, Guards(**given)
