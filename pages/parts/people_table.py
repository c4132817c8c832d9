"""A page of people as a table: which columns it has, to look at one, or to choose several."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import Field, FieldType, MasterList, Person, StatusFilter
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import say
from pages.parts.person import as_text, open_person
from pages.parts.sure import sure
from pages.parts.tables import table_height
from pages.parts.text import md, people
from pages.parts.times import short

_LOCK = "🔒 "
_SHOWN_BY_NAME = 10


def choose_columns(master_list: MasterList) -> list[Field]:
    """Draw the choice of columns and return those to show: the UID always, then locked ones, then local ones."""
    managed, uid = master_list.managed_fields, master_list.uid_field
    fields = sorted(master_list.fields, key=lambda one: (one.key != uid, one.key not in managed))
    labels = {one.key: one.label for one in fields if one.key != uid}
    with st.popover(strings.COLUMNS, icon=":material/view_column:", key="people_columns"):
        hidden = st.pills(
            strings.COLUMNS_HIDDEN,
            list(labels),
            format_func=lambda key: md(labels[key]),
            selection_mode="multi",
            key=f"people_hidden_{master_list.id}",
            persist_state="session",
            help=strings.COLUMNS_HELP,
        )
    return [one for one in fields if one.key not in (hidden or [])]


def draw_look(
    master_list: MasterList,
    shown: list[Person],
    fields: list[Field],
    status: StatusFilter,
    connection: str,
    actor: str,
) -> None:
    """Draw the table whose rows open a person."""
    columns, config = _columns(master_list, shown, fields, status, connection)
    event = _table(columns, config, "single-row", len(shown))
    if event.selection.rows and event.selection.rows[0] < len(shown):
        open_person(master_list, shown[event.selection.rows[0]], connection, actor)


def draw_selection(
    master_list: MasterList,
    shown: list[Person],
    fields: list[Field],
    status: StatusFilter,
    connection: str,
    actor: str,
) -> None:
    """Draw the table in which several people are chosen, and what can be done with them."""
    columns, config = _columns(master_list, shown, fields, status, connection)
    actions = st.container(horizontal=True, vertical_alignment="center", key="people_bulk")
    event = _table(columns, config, "multi-row", len(shown))
    chosen = [shown[row] for row in event.selection.rows if row < len(shown)]
    with actions:
        st.markdown(f"**{strings.CHOSEN.format(people=people(len(chosen)))}**", width="content")
        for active, words, icon in (
            (False, strings.DEACTIVATE, ":material/person_off:"),
            (True, strings.REACTIVATE, ":material/person_check:"),
        ):
            concerned = [one for one in chosen if one.active is not active]
            if st.button(
                words,
                key=f"bulk_{'reactivate' if active else 'deactivate'}",
                icon=icon,
                disabled=not concerned,
            ):
                _ask(master_list, concerned, active=active, actor=actor)


def forget_selection() -> None:
    """Let the table begin without a selected row."""
    st.session_state["people_version"] = st.session_state.get("people_version", 0) + 1


def column_of(field: Field, *, locked: bool, taken: object, connection: str) -> tuple[str, str | None]:
    """Return a field's column's name and help."""
    name = f"{_LOCK if locked else ''}{field.label}"
    if name in taken:  # type: ignore[operator]
        name = f"{name} ({field.key})"
    return name, strings.LOCKED_HELP.format(connection=md(connection)) if locked else None


def _columns(
    master_list: MasterList,
    shown: list[Person],
    fields: list[Field],
    status: StatusFilter,
    connection: str,
) -> tuple[dict[str, Any], dict[str, Any]]:
    columns: dict[str, Any] = {}
    config: dict[str, Any] = {}
    if status is not StatusFilter.ACTIVE:
        columns[strings.STATUS] = [strings.ACTIVE if person.active else strings.INACTIVE for person in shown]
    if any(person.exception for person in shown):
        columns[strings.EXCEPTION_SHORT] = [strings.YES if person.exception else "" for person in shown]
    for one in fields:
        locked = one.key in master_list.managed_fields
        name, helps = column_of(one, locked=locked, taken=columns, connection=connection)
        values = [person.values[one.key] for person in shown]
        columns[name] = values if one.type is FieldType.DATE else [as_text(value) for value in values]
        config[name] = (
            st.column_config.DateColumn(help=helps, format="D MMM YYYY")
            if one.type is FieldType.DATE
            else st.column_config.TextColumn(
                help=helps, alignment="right" if one.type is FieldType.NUMBER else None
            )
        )
    if status is not StatusFilter.ACTIVE:
        _add_leavings(master_list, shown, columns)
    return columns, config


def _add_leavings(master_list: MasterList, shown: list[Person], columns: dict[str, Any]) -> None:
    """Add since when, why and by whom those who are Inactive are so."""
    left = workspace().people.leavings(master_list, [one.id for one in shown if not one.active])
    if not left:
        return
    found = [left.get(one.id) for one in shown]
    columns[strings.INACTIVE_SINCE] = [short(one.at) if one else "" for one in found]
    columns[strings.REASON] = [
        ""
        if one is None
        else strings.REASON_WORDS.get(one.reason, one.reason)
        if one.reason
        else strings.BY_HAND.format(actor=one.actor)
        if one.run_id is None
        else strings.BY_RUN.format(actor=one.actor, run=one.run_id)
        for one in found
    ]


def _table(columns: dict[str, Any], config: dict[str, Any], mode: str, rows: int) -> Any:
    return st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        key=f"people_table_{mode}_{st.session_state.get('people_version', 0)}",
        on_select="rerun",
        selection_mode=mode,  # type: ignore[arg-type]
        column_config=config,
        placeholder="",
        height=table_height(rows),
        alt=strings.TAB_PEOPLE,
    )


def _ask(master_list: MasterList, concerned: list[Person], *, active: bool, actor: str) -> None:
    title = strings.BULK_REACTIVATE if active else strings.BULK_DEACTIVATE
    st.dialog(title, icon=":material/groups:")(_decide)(master_list, concerned, active, actor)


def _decide(master_list: MasterList, concerned: list[Person], active: bool, actor: str) -> None:  # noqa: FBT001 - a dialog
    words = strings.BULK_REACTIVATE_TEXT if active else strings.BULK_DEACTIVATE_TEXT
    st.markdown(words.format(people=people(len(concerned)), name=md(master_list.name)))
    st.caption(", ".join(md(one.uid) for one in concerned[:_SHOWN_BY_NAME]) + _more(concerned))
    if master_list.connected and any(one.managed for one in concerned):
        st.caption(strings.REACTIVATE_MANAGED if active else strings.DEACTIVATE_MANAGED)
    outcome = st.container()
    if not sure(strings.REACTIVATE if active else strings.DEACTIVATE, "bulk", ":material/check:"):
        return
    try:
        changed = workspace().people.set_status_of(
            master_list, [one.id for one in concerned], active=active, actor=actor
        )
    except CaptridError as error:
        with outcome:
            show_error(error)
        return
    forget_selection()
    done = strings.BULK_REACTIVATED if active else strings.BULK_DEACTIVATED
    say(done.format(people=people(changed)))
    st.rerun()


def _more(concerned: list[Person]) -> str:
    more = len(concerned) - _SHOWN_BY_NAME
    return strings.AND_MORE.format(count=f"{more:,}") if more > 0 else ""
