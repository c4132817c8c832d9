"""The Schema tab of a list: its fields, and adding one."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import FieldType, MasterList
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import forget, say
from pages.parts.tables import draw_table
from pages.parts.text import md
from pages.parts.wizard import NewField, key_for

_PREFIX = "field_form_"


def draw_schema_tab(master_list: MasterList, actor: str) -> None:
    """Draw the tab."""
    sync = master_list.sync
    sources = {key: path for path, key in sync.mapping.items()} if sync is not None and sync.connected else {}
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(strings.SCHEMA_INTRO, width="content")
        if st.button(
            strings.ADD_FIELD, key="field_add", icon=":material/add:", on_click=forget, args=(_PREFIX,)
        ):
            st.dialog(strings.ADD_FIELD, icon=":material/view_column:")(_add)(master_list, actor)
    shown = [
        {
            strings.FIELD_LABEL: one.label,
            strings.FIELD_KEY: one.key,
            strings.FIELD_TYPE: strings.TYPE_WORDS[one.type],
            strings.FIELD_ROLE: _role(one.key, master_list, sources),
            strings.FIELD_REQUIRED: one.required,
            strings.OPTIONS: ", ".join(one.options),
        }
        for one in master_list.fields
    ]
    frame = pd.DataFrame(shown)
    hidden = {} if any(one.options for one in master_list.fields) else {strings.OPTIONS: None}
    draw_table(frame, "schema", strings.TAB_SCHEMA, hidden)


def _role(key: str, master_list: MasterList, sources: dict[str, str]) -> str:
    words = []
    if key == master_list.uid_field:
        words.append(strings.UID)
    words.append(strings.FED_BY.format(path=sources[key]) if key in sources else strings.LOCAL_ONLY)
    return " · ".join(words)


def _add(master_list: MasterList, actor: str) -> None:
    label = st.text_input(strings.FIELD_LABEL, key=f"{_PREFIX}label", max_chars=60)
    kind = st.selectbox(
        strings.FIELD_TYPE,
        [one.value for one in FieldType],
        format_func=lambda one: strings.TYPE_WORDS[one],
        key=f"{_PREFIX}type",
    )
    options = ""
    if kind == FieldType.DROPDOWN:
        options = st.text_input(
            strings.FIELD_OPTIONS, key=f"{_PREFIX}options", placeholder="Red, Blue, Green"
        )
    required = st.checkbox(strings.FIELD_REQUIRED, key=f"{_PREFIX}required")
    outcome = st.container()
    if not st.button(strings.ADD_FIELD, key=f"{_PREFIX}save", type="primary", icon=":material/add:"):
        return
    with outcome:
        if not (label or "").strip():
            st.error(strings.LABEL_MISSING, icon=":material/error:")
            return
        key = key_for(label, {one.key for one in master_list.fields})
        try:
            field = NewField(key, label, kind, options or "", required=required).as_field()
            workspace().lists.add_field(master_list.id, field, actor=actor)
        except CaptridError as error:
            show_error(error)
            return
    forget(_PREFIX)
    say(strings.FIELD_ADDED.format(label=md(label)))
    st.rerun()
