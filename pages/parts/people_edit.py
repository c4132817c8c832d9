"""Editing local fields in the table of people: nothing is written before Save, and nobody's change is overwritten."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import Field, FieldType, MasterList, Person
from captrid_core.lists.people import Edit
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import forget, say
from pages.parts.people_table import column_of
from pages.parts.person import as_text
from pages.parts.tables import table_height
from pages.parts.text import counted, md, people

_KEY = "people_editor_"
_SHOWN = "people_edited"
_CONFLICTS = "people_conflicts"


def pending() -> bool:
    """Tell whether something was entered that is not saved yet."""
    state = st.session_state.get(_widget())
    return bool(state and state.get("edited_rows"))


def stop_editing() -> None:
    """Forget what was entered."""
    forget(_KEY)
    st.session_state.pop(_SHOWN, None)
    st.session_state["people_editing"] = st.session_state.get("people_editing", 0) + 1


def draw_editor(
    master_list: MasterList, shown: list[Person], fields: list[Field], connection: str, actor: str
) -> None:
    """Draw the table of a page's people with its local fields open, and Save and Discard."""
    if pending():
        # rows are told by their number: they stay those that the entries were made in
        shown = st.session_state.get(_SHOWN, shown)
    st.session_state[_SHOWN] = shown
    columns: dict[str, Any] = {}
    config: dict[str, Any] = {}
    keys: dict[str, Field] = {}
    for one in fields:
        locked = one.key in master_list.managed_fields
        name, helps = column_of(one, locked=locked, taken=columns, connection=connection)
        values = [person.values[one.key] for person in shown]
        columns[name] = values if one.type is FieldType.DATE else [as_text(value) or None for value in values]
        config[name] = _config(one, locked=locked, helps=helps)
        keys[name] = one
    _draw_conflicts(master_list)
    state = st.data_editor(
        pd.DataFrame(columns),
        hide_index=True,
        key=_widget(),
        num_rows="fixed",
        placeholder="",
        column_config=config,
        height=table_height(len(shown)),
    )
    del state  # what is entered is read as single changes, never as a frame
    edits = _edits(shown, keys)
    with st.container(horizontal=True, horizontal_alignment="right", key="people_edit_actions"):
        st.button(strings.DISCARD, key="people_edit_discard", disabled=not edits, on_click=stop_editing)
        save = st.button(
            strings.SAVE_N.format(changes=counted(sum(map(len, edits.values())), "change"))
            if edits
            else strings.SAVE_CHANGES,
            key="people_edit_save",
            type="primary",
            icon=":material/save:",
            disabled=not edits,
        )
    if save:
        _save(master_list, edits, actor)


def _widget() -> str:
    return f"{_KEY}{st.session_state.get('people_editing', 0)}"


def _config(field: Field, *, locked: bool, helps: str | None) -> Any:
    match field.type:
        case FieldType.DATE:
            return st.column_config.DateColumn(help=helps, format="D MMM YYYY", disabled=locked)
        case FieldType.DROPDOWN:
            return st.column_config.SelectboxColumn(help=helps, options=list(field.options), disabled=locked)
        case _:
            return st.column_config.TextColumn(help=helps, disabled=locked)


def _edits(shown: list[Person], keys: dict[str, Field]) -> dict[int, dict[str, Edit]]:
    """Return what was entered, by person and field, where it differs from what was shown."""
    state = st.session_state.get(_widget()) or {}
    edits: dict[int, dict[str, Edit]] = {}
    for row, cells in state.get("edited_rows", {}).items():
        person = shown[int(row)]
        for name, given in cells.items():
            field = keys.get(name)
            if field is None:
                continue
            seen = as_text(person.values[field.key]) or None
            text = str(given).strip()[:10] if field.type is FieldType.DATE and given else given
            entered = str(text).strip() or None if text is not None else None
            if entered != seen:
                edits.setdefault(person.id, {})[field.key] = Edit(seen, entered)
    return edits


def _save(master_list: MasterList, edits: dict[int, dict[str, Edit]], actor: str) -> None:
    try:
        conflicts = workspace().people.edit(master_list, edits, actor=actor)
    except CaptridError as error:
        show_error(error)
        return
    if conflicts:
        st.session_state[_CONFLICTS] = conflicts
    else:
        say(strings.PEOPLE_SAVED.format(people=people(len(edits))))
    stop_editing()
    st.rerun()


def _draw_conflicts(master_list: MasterList) -> None:
    conflicts = st.session_state.pop(_CONFLICTS, None)
    if not conflicts:
        return
    lines = [
        strings.CONFLICT.format(
            uid=md(one.uid),
            field=md(master_list.field(one.field).label),
            given=md(one.given or strings.BLANK),
            present=md(one.present or strings.BLANK),
        )
        for one in conflicts
    ]
    st.warning(
        "\n".join([strings.CONFLICTS, "", *(f"- {line}" for line in lines)]), icon=":material/warning:"
    )
