"""The Schema tab of a list: its fields, and adding one."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import Field, FieldType, MasterList
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import forget, say
from pages.parts.tables import table_height
from pages.parts.text import md
from pages.parts.wizard import NewField, key_for

_PREFIX = "field_form_"
_CHANGED = "field_change_"
_VERSION = "schema_version"


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
    st.caption(strings.CHANGE_FIELD_HINT)
    event = st.dataframe(
        pd.DataFrame(shown),
        hide_index=True,
        key=f"schema_{st.session_state.get(_VERSION, 0)}",
        column_config={} if any(one.options for one in master_list.fields) else {strings.OPTIONS: None},
        height=table_height(len(shown)),
        on_select="rerun",
        selection_mode="single-row",
        alt=strings.TAB_SCHEMA,
    )
    if event.selection.rows:
        field = master_list.fields[event.selection.rows[0]]
        st.dialog(strings.CHANGE_FIELD, icon=":material/view_column:", on_dismiss=_close, position="right")(
            _change
        )(master_list, field, actor)


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


def _close() -> None:
    """Forget what was entered and which row was selected."""
    forget(_CHANGED)
    st.session_state[_VERSION] = st.session_state.get(_VERSION, 0) + 1


def _change(master_list: MasterList, field: Field, actor: str) -> None:
    fixed = _why_fixed(master_list, field)
    st.caption(f"{strings.FIELD_KEY} {md(field.key)}")
    label = st.text_input(
        strings.FIELD_LABEL, value=field.label, key=f"{_CHANGED}label", max_chars=60, live="0ms"
    )
    kinds = [one.value for one in FieldType]
    kind = st.selectbox(
        strings.FIELD_TYPE,
        kinds,
        index=kinds.index(field.type),
        format_func=lambda one: strings.TYPE_WORDS[one],
        key=f"{_CHANGED}type",
        disabled=bool(fixed),
        help=fixed,
    )
    options = ", ".join(field.options)
    if kind == FieldType.DROPDOWN:
        options = st.text_input(
            strings.FIELD_OPTIONS, value=options, key=f"{_CHANGED}options", placeholder="Red, Blue, Green"
        )
    required = st.checkbox(strings.FIELD_REQUIRED, value=field.required, key=f"{_CHANGED}required")
    outcome = st.container()
    if not st.button(strings.SAVE, key=f"{_CHANGED}save", type="primary", icon=":material/save:"):
        return
    with outcome:
        if not (label or "").strip():
            st.error(strings.LABEL_MISSING, icon=":material/error:")
            return
        try:
            changed = NewField(field.key, label, kind, options or "", required=required).as_field()
            workspace().upkeep.change_field(master_list.id, changed, actor=actor)
        except CaptridError as error:
            show_error(error)
            return
    _close()
    say(strings.FIELD_CHANGED.format(label=md(label)))
    st.rerun()


def _why_fixed(master_list: MasterList, field: Field) -> str | None:
    if field.key == master_list.uid_field:
        return strings.FIELD_TYPE_FIXED_UID
    mapped = master_list.sync is not None and field.key in master_list.sync.mapping.values()
    return strings.FIELD_TYPE_FIXED_MAPPED if mapped else None
