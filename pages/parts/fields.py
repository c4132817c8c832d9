"""Fields: the editor of those that are about to be created, in a wizard."""

from __future__ import annotations

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import FieldType, MasterList
from pages import strings
from pages.parts.text import md
from pages.parts.wizard import Entry, NewField, current, key_for, save

_UID_TYPES = ("text", "email")


def draw_new_fields(entry: Entry, *, removable: bool = True) -> None:
    """Draw one row for each new field."""
    for one in entry.new_fields:
        with st.container(border=True, key=f"newfield_{one.key}"):
            left, middle, right = st.columns([4, 3, 3], vertical_alignment="bottom")
            with left:
                _controlled(one, "label")
                st.text_input(
                    strings.FIELD_LABEL,
                    key=f"newfield_{one.key}_label",
                    on_change=_change,
                    args=(one.key, "label"),
                    max_chars=60,
                )
            with middle:
                _controlled(one, "type")
                st.selectbox(
                    strings.FIELD_TYPE,
                    [kind.value for kind in FieldType],
                    format_func=lambda kind: strings.TYPE_WORDS[kind],
                    key=f"newfield_{one.key}_type",
                    on_change=_change,
                    args=(one.key, "type"),
                )
            with right, st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"{strings.FIELD_KEY} {md(one.key)}", width="content")
                if removable:
                    st.button(
                        strings.REMOVE,
                        key=f"newfield_{one.key}_remove",
                        icon=":material/delete:",
                        type="tertiary",
                        on_click=_remove,
                        args=(one.key,),
                    )
            if one.type == FieldType.DROPDOWN:
                _controlled(one, "options")
                st.text_input(
                    strings.FIELD_OPTIONS,
                    key=f"newfield_{one.key}_options",
                    on_change=_change,
                    args=(one.key, "options"),
                    placeholder="Red, Blue, Green",
                )


def draw_field_adder(entry: Entry) -> None:
    """Draw the button that adds a field."""
    st.button(
        strings.ADD_FIELD,
        key="newfield_add",
        icon=":material/add:",
        on_click=_add,
        args=(len(entry.new_fields),),
    )


def field_problems(entry: Entry, master_list: MasterList | None) -> list[str]:
    """Return what is wrong with the new fields, in words."""
    problems = []
    taken = {one.key for one in master_list.fields} if master_list is not None else set()
    for one in entry.new_fields:
        if one.key in taken:
            problems.append(strings.FIELD_TAKEN.format(label=md(one.label)))
        taken.add(one.key)
        try:
            one.as_field()
        except CaptridError as error:
            problems.append(f"{md(error.message)} {md(error.hint)}")
    return problems


def uid_candidates(entry: Entry) -> list[NewField]:
    """Return the new fields that could be the UID field."""
    return [one for one in entry.new_fields if one.type in _UID_TYPES]


def start_fields() -> list[NewField]:
    """Return the fields that a list without a directory begins with."""
    return [
        NewField("employee_id", "Employee ID"),
        NewField("first_name", "First name"),
        NewField("last_name", "Last name"),
        NewField("email", "Email", type="email"),
    ]


def _controlled(one: NewField, name: str) -> None:
    st.session_state[f"newfield_{one.key}_{name}"] = getattr(one, name)


def _change(key: str, name: str) -> None:
    wizard = current()
    for one in wizard.entry.new_fields:
        if one.key == key:
            setattr(one, name, st.session_state[f"newfield_{key}_{name}"])
    save(wizard)


def _remove(key: str) -> None:
    wizard = current()
    entry = wizard.entry
    entry.new_fields = [one for one in entry.new_fields if one.key != key]
    entry.mapping = {path: target for path, target in entry.mapping.items() if target != key}
    if entry.uid_property is not None and entry.uid_property not in entry.mapping:
        entry.uid_property = None
    if entry.uid_key == key:
        entry.uid_key = None
    save(wizard)


def _add(number: int) -> None:
    wizard = current()
    label = strings.NEW_FIELD_LABEL.format(number=number + 1)
    taken = {one.key for one in wizard.entry.new_fields}
    wizard.entry.new_fields.append(NewField(key_for(label, taken), label))
    save(wizard)
