"""A change set: who is created, updated or deactivated, field by field, to be searched and leafed through."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from captrid_core.lists.model import FieldType, MasterList, Person
from captrid_core.serving import workspace
from captrid_core.sync.runs import ChangeRow, Run
from pages import strings
from pages.parts.tables import draw_table

_PAGE = 50


def draw_changes(run: Run, master_list: MasterList) -> None:
    """Draw a run's change set with a filter by action and a search."""
    runs = workspace().runs
    at = (run, master_list.people_table, master_list.uid_field)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            strings.SEARCH_CHANGES,
            key=f"changes_search_{run.id}",
            type="search",
            live="300ms",
            on_change=_first_page,
            args=(run.id,),
        )
        searched = searched_fields(master_list)
        counts = runs.count_changes(*at, search=search or "", searched=searched)
        action = st.selectbox(
            strings.CHANGES,
            ["", *(one for one in strings.ACTION_WORDS if counts.get(one))],
            format_func=lambda one: (
                f"{strings.ACTION_WORDS[one]} ({counts.get(one, 0):,})" if one else strings.ALL_ACTIONS
            ),
            key=f"changes_action_{run.id}",
            on_change=_first_page,
            args=(run.id,),
            width=240,
        )
    total = counts.get(action, 0) if action else sum(counts.values())
    if not total:
        st.info(strings.NO_CHANGE_FITS if search else strings.NOTHING_CHANGED, icon=":material/search_off:")
        return
    pages = math.ceil(total / _PAGE)
    page_key = f"changes_page_{run.id}"
    page = min(st.session_state.get(page_key, 1), pages)
    lines = runs.changes(
        *at,
        action=action or None,
        search=search or "",
        searched=searched,
        limit=_PAGE,
        offset=(page - 1) * _PAGE,
    )
    _draw_lines(lines, run, master_list)
    if pages > 1:
        st.session_state[page_key] = page
        st.pagination(pages, key=page_key)


def searched_fields(master_list: MasterList) -> list[str]:
    """Return the fields that a search for a person looks at."""
    return [one.key for one in master_list.fields if one.type not in (FieldType.NUMBER, FieldType.DATE)]


def name_of(person: Person, master_list: MasterList) -> str:
    """Return what a person is called: by the fields that usually hold names, else by none."""
    values = person.values
    for keys in (("first_name", "last_name"), ("given_name", "surname"), ("display_name",), ("name",)):
        found = [str(values[key]) for key in keys if values.get(key)]
        if found:
            return " ".join(found)
    email = next((one.key for one in master_list.fields if one.type is FieldType.EMAIL), None)
    return str(values.get(email) or "") if email else ""


def _draw_lines(lines: list[ChangeRow], run: Run, master_list: MasterList) -> None:
    labels = {one.key: one.label for one in master_list.fields}
    ids = [line.person_id for line in lines if line.person_id is not None]
    people = workspace().people.by_ids(master_list, ids) if ids else {}
    shown = [
        {
            strings.CHANGE: strings.ACTION_WORDS.get(line.action, line.action),
            strings.UID_SHORT: line.uid,
            strings.PERSON: name_of(people[line.person_id], master_list) if line.person_id in people else "",
            strings.FIELD: labels.get(line.field, line.field) if line.field else _about(line),
            strings.BEFORE: line.old if line.field else "",
            strings.AFTER: line.new if line.field else "",
            strings.REASON: strings.REASON_WORDS.get(line.reason, line.reason) if line.reason else "",
        }
        for line in lines
    ]
    frame = pd.DataFrame(shown)
    if not any(line.field for line in lines):
        frame = frame.drop(columns=[strings.BEFORE, strings.AFTER])
    for column in (strings.FIELD, strings.REASON):
        if not frame[column].any():
            frame = frame.drop(columns=[column])
    draw_table(frame, f"changes_{run.id}", strings.CHANGES)


def _about(line: ChangeRow) -> str:
    return strings.DIRECTORY_ACCOUNT if line.action in ("linked", "unlinked") else ""


def _first_page(run_id: int) -> None:
    st.session_state[f"changes_page_{run_id}"] = 1
