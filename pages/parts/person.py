"""A person: looking at their fields, changing the local ones, and their status."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import Field, FieldType, MasterList, Person
from captrid_core.serving import workspace
from pages import strings
from pages.parts.changes import name_of
from pages.parts.errors import show_error
from pages.parts.feedback import forget, say
from pages.parts.person_history import draw_history
from pages.parts.photo import draw_photo
from pages.parts.text import md
from pages.parts.why import draw_values

_FORM = "person_form_"
_NEW = "person_new_"


def open_person(master_list: MasterList, person: Person, connection: str, actor: str) -> None:
    """Open the drawer with a person."""
    title = name_of(person, master_list) or person.uid or strings.PERSON
    st.dialog(md(title), width="medium", position="right", on_dismiss=close_person, icon=":material/person:")(
        _draw
    )(master_list, person.id, connection, actor)


def close_person() -> None:
    """Forget what was entered and which row was selected."""
    forget(_FORM)
    st.session_state["people_version"] = st.session_state.get("people_version", 0) + 1


def _draw(master_list: MasterList, person_id: int, connection: str, actor: str) -> None:
    person = workspace().people.by_ids(master_list, [person_id]).get(person_id)
    if person is None:
        st.error(strings.PERSON_GONE, icon=":material/error:")
        return
    with st.container(horizontal=True):
        if person.active:
            st.badge(strings.ACTIVE, color="green", icon=":material/check_circle:")
        else:
            st.badge(strings.INACTIVE, color="gray", icon=":material/person_off:")
        if person.exception:
            st.badge(strings.EXCEPTION, color="orange", icon=":material/back_hand:")
        if person.managed:
            st.badge(strings.MANAGED, color="blue", icon=":material/lock:")
        else:
            st.badge(strings.ORIGIN_WORDS[person.origin], color="gray")
    draw_photo(master_list, person, actor)
    locked = [one for one in master_list.fields if person.managed and one.key in master_list.managed_fields]
    local = [one for one in master_list.fields if one not in locked]
    outcome = st.container()
    if locked:
        st.header(f":material/lock: {strings.FROM_DIRECTORY}", anchor=False)
        st.caption(strings.LOCKED_HELP.format(connection=md(connection)))
        with st.grid(2, min_column_width=200, key="person_locked"):
            for field in locked:
                with st.container(gap=None, key=f"person_locked_{field.key}"):
                    st.markdown(f":small[:gray[:material/lock: {md(field.label)}]]")
                    st.text(as_text(person.values[field.key]) or "—")
    st.header(strings.LOCAL_FIELDS if locked else strings.FIELDS, anchor=False)
    if local:
        _draw_form(master_list, person, local, outcome, actor)
    else:
        st.caption(strings.NO_LOCAL_FIELDS)
    _draw_status(master_list, person, outcome, actor)
    with st.expander(strings.HISTORY, icon=":material/history:", key="person_history_panel"):
        draw_history(master_list, person.id)
    with st.expander(strings.WHY_VALUES, icon=":material/person_search:", key="person_why_panel"):
        draw_values(master_list, person.uid or "")
    with st.expander(strings.JOIN_TITLE, icon=":material/merge:", key="person_join_panel"):
        _draw_join(master_list, person, actor)


def _draw_join(master_list: MasterList, person: Person, actor: str) -> None:
    st.caption(strings.JOIN_HELP)
    with st.form("person_join", border=False):
        other = st.text_input(strings.JOIN_UID, key=f"{_FORM}join_uid")
        joined = st.form_submit_button(strings.JOIN, key="person_join_save", icon=":material/merge:")
    if not joined:
        return
    try:
        done = workspace().people.join(master_list, person.uid or "", other, actor=actor)
    except CaptridError as error:
        show_error(error)
        return
    close_person()
    say(strings.PERSON_JOINED.format(uid=md(done.uid)))
    st.rerun()


def _draw_form(master_list: MasterList, person: Person, local: list[Field], outcome: Any, actor: str) -> None:
    with st.form("person_form", border=False):
        given = {field.key: field_input(field, person.values[field.key], _FORM) for field in local}
        saved = st.form_submit_button(
            strings.SAVE_CHANGES, key="person_save", type="primary", icon=":material/save:"
        )
    if not saved:
        return
    # what was not touched is not sent: a sync may have changed it meanwhile
    changed = {key: value for key, value in given.items() if (value or "") != as_text(person.values[key])}
    if not changed:
        with outcome:
            st.info(strings.NOTHING_TO_SAVE, icon=":material/info:")
        return
    try:
        done = workspace().people.set_values(master_list, person.uid or "", changed, actor=actor)
    except CaptridError as error:
        with outcome:
            show_error(error)
        return
    close_person()
    say(strings.PERSON_SAVED.format(uid=md(done.uid)))
    st.rerun()


def field_input(field: Field, value: Any, prefix: str) -> str | None:
    """Draw the input that fits a field's type and return its value as the core takes it, as text."""
    label = f"{md(field.label)} \\*" if field.required else md(field.label)
    key = f"{prefix}{field.key}"
    if field.type is FieldType.DROPDOWN:
        options = list(field.options)
        return st.selectbox(
            label,
            options,
            index=options.index(value) if value in options else None,
            key=key,
            placeholder=strings.NO_VALUE,
        )
    if field.type is FieldType.DATE:
        chosen = st.date_input(
            label,
            value=value,
            key=key,
            format="DD/MM/YYYY",
            min_value=date(1900, 1, 1),
            max_value=date(2200, 12, 31),
        )
        return chosen.isoformat() if isinstance(chosen, date) else None
    return st.text_input(label, value=as_text(value), key=key) or None


def as_text(value: Any) -> str:
    """Return a value as people type it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _draw_status(master_list: MasterList, person: Person, outcome: Any, actor: str) -> None:
    st.header(strings.STATUS, anchor=False)
    uid = person.uid or ""
    with st.container(horizontal=True):
        if person.active:
            set_to = st.button(strings.DEACTIVATE, key="person_deactivate", icon=":material/person_off:")
        else:
            set_to = st.button(strings.REACTIVATE, key="person_reactivate", icon=":material/person_check:")
        release = person.exception and st.button(
            strings.RELEASE, key="person_release", icon=":material/undo:", help=strings.RELEASE_HELP
        )
    if person.managed and not person.exception:
        st.caption(strings.DEACTIVATE_MANAGED if person.active else strings.REACTIVATE_MANAGED)
    if not (set_to or release):
        return
    people = workspace().people
    try:
        if release:
            people.release(master_list, uid, actor=actor)
            said = strings.PERSON_RELEASED
        else:
            people.set_status(master_list, uid, active=not person.active, actor=actor)
            said = strings.PERSON_DEACTIVATED if person.active else strings.PERSON_REACTIVATED
    except CaptridError as error:
        with outcome:
            show_error(error)
        return
    close_person()
    say(said.format(uid=md(uid)))
    st.rerun()


def forget_new_person() -> None:
    """Empty the form for a new person: call it from the button that opens it."""
    forget(_NEW)


def add_person(master_list: MasterList, actor: str) -> None:
    """Open the dialog that adds a person by hand."""
    st.dialog(strings.ADD_PERSON, width="medium", icon=":material/person_add:", on_dismiss=forget_new_person)(
        _add
    )(master_list, actor)


def _add(master_list: MasterList, actor: str) -> None:
    if master_list.connected:
        st.caption(strings.ADD_TO_CONNECTED)
    outcome = st.container()
    with st.form("person_new", border=False):
        given = {}
        for field in master_list.fields:
            given[field.key] = field_input(field, None, _NEW)
            if field.key == master_list.uid_field:
                st.caption(f":material/fingerprint: {strings.UID}")
        saved = st.form_submit_button(
            strings.ADD_PERSON, key="person_new_save", type="primary", icon=":material/person_add:"
        )
    if not saved:
        return
    try:
        made = workspace().people.add(master_list, given, actor=actor)
    except CaptridError as error:
        with outcome:
            show_error(error)
        return
    forget_new_person()
    say(strings.PERSON_ADDED.format(uid=md(made.uid)))
    st.rerun()
