"""Create Master List and Configure Sync: one wizard, whose draft outlives a reload."""

from __future__ import annotations

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from pages import strings
from pages.parts.badges import connection_badge
from pages.parts.errors import show_error, show_stored_error
from pages.parts.feedback import show_messages
from pages.parts.fields import (
    draw_field_adder,
    draw_new_fields,
    field_problems,
    start_fields,
    uid_candidates,
)
from pages.parts.guard import require
from pages.parts.mapping import draw_mapping
from pages.parts.review import draw_review
from pages.parts.scope import draw_scope
from pages.parts.text import md
from pages.parts.wizard import (
    CONNECTION,
    FIELDS,
    MAPPING,
    REVIEW,
    SCOPE,
    SOURCE,
    Entry,
    Wizard,
    change,
    connection_exists,
    current,
    footer,
    header,
    list_of,
    raise_unsaved,
    save,
)

actor = require()


def _draw_source(wizard: Wizard) -> list[str]:
    entry = wizard.entry
    st.session_state["list_name"] = entry.name
    st.text_input(
        strings.LIST_NAME,
        key="list_name",
        placeholder=strings.LIST_NAME_PLACEHOLDER,
        max_chars=80,
        on_change=change,
        args=("name", "list_name"),
    )
    words = {
        "directory": strings.SOURCE_DIRECTORY,
        "manual": strings.SOURCE_MANUAL,
        "csv": strings.SOURCE_CSV,
    }
    st.session_state["source"] = entry.source
    st.radio(
        strings.SOURCE,
        list(words),
        format_func=lambda one: words[one],
        captions=[strings.SOURCE_DIRECTORY_TEXT, strings.SOURCE_MANUAL_TEXT, strings.SOURCE_CSV_TEXT],
        key="source",
        on_change=_choose_source,
    )
    name = st.session_state["list_name"].strip()
    if not name:
        return [strings.LIST_NAME_MISSING]
    if any(one.name.lower() == name.lower() for one in _known_lists()):
        return [strings.LIST_NAME_TAKEN.format(name=md(name))]
    return []


def _known_lists() -> list[MasterList]:
    return [*workspace().lists.all(), *workspace().lists.all(archived=True)]


def _choose_source() -> None:
    wizard = current()
    entry = wizard.entry
    entry.source, entry.reached = st.session_state["source"], 0
    entry.new_fields, entry.mapping, entry.uid_property, entry.auto_mapped = [], {}, None, None
    if entry.source != "directory":
        entry.new_fields, entry.uid_key = start_fields(), "employee_id"
    save(wizard)


def _draw_connection(wizard: Wizard) -> list[str]:
    entry = wizard.entry
    connections = {one.id: one for one in workspace().connections.all()}
    st.header(strings.CHOOSE_CONNECTION, anchor=False)
    if not connections:
        st.info(strings.NO_CONNECTION_TO_CHOOSE, icon=":material/hub:")
        st.page_link("directory_integrations.py", label=strings.DIRECTORY_INTEGRATIONS, icon=":material/hub:")
        return [strings.CHOOSE_A_CONNECTION]
    if entry.connection_id is None and len(connections) == 1:
        entry.connection_id = next(iter(connections))
        wizard.save()
    st.session_state["connection"] = entry.connection_id if entry.connection_id in connections else None
    st.selectbox(
        strings.CHOOSE_CONNECTION,
        list(connections),
        index=None,
        format_func=lambda one: connections[one].name,
        key="connection",
        on_change=_choose_connection,
        placeholder=strings.CHOOSE_A_CONNECTION,
        label_visibility="collapsed",
    )
    chosen = connections.get(entry.connection_id or 0)
    if chosen is None:
        return [strings.CHOOSE_A_CONNECTION]
    with st.container(horizontal=True, vertical_alignment="center"):
        connection_badge(chosen)
        if chosen.badge == "Connected" and chosen.test_result is not None:
            st.caption(f"{md(chosen.test_result.get('tenant'))} · {strings.TENANT_ID} {md(chosen.tenant_id)}")
    if chosen.badge == "Failed" and chosen.test_result is not None:
        st.warning(strings.CONNECTION_FAILED_LAST, icon=":material/warning:")
        show_stored_error(chosen.test_result["error"])
    return []


def _choose_connection() -> None:
    wizard = current()
    entry = wizard.entry
    if entry.connection_id != st.session_state["connection"]:
        entry.connection_id = st.session_state["connection"]
        entry.group_id = entry.group_name = entry.group_members = None
        save(wizard)


def _draw_fields(wizard: Wizard) -> list[str]:
    entry = wizard.entry
    st.header(strings.MANUAL_FIELDS, anchor=False)
    st.caption(strings.MANUAL_FIELDS_TEXT)
    draw_new_fields(entry)
    draw_field_adder(entry)
    candidates = {one.key: one.label for one in uid_candidates(entry)}
    st.session_state["uid_key"] = entry.uid_key if entry.uid_key in candidates else None
    st.selectbox(
        strings.MANUAL_UID,
        list(candidates),
        index=None,
        format_func=lambda key: candidates[key],
        key="uid_key",
        on_change=change,
        args=("uid_key", "uid_key"),
    )
    problems = field_problems(entry, None)
    return problems if entry.uid_key in candidates else [strings.UID_CHOOSE_FIELD, *problems]


def _draw_step(wizard: Wizard, master_list: MasterList | None) -> None:
    entry = wizard.entry
    if entry.step in (SCOPE, MAPPING, REVIEW) and _needs_connection(entry) and not connection_exists(entry):
        wizard.go(CONNECTION)
        st.rerun()
    if entry.step == REVIEW:
        draw_review(wizard, master_list, actor)
        return
    if entry.step == SOURCE:
        problems = _draw_source(wizard)
    elif entry.step == CONNECTION:
        problems = _draw_connection(wizard)
    elif entry.step == SCOPE:
        problems = draw_scope(wizard)
    elif entry.step == MAPPING:
        problems = draw_mapping(wizard, master_list)
    else:
        problems = _draw_fields(wizard)
    footer(wizard, problems)


def _needs_connection(entry: Entry) -> bool:
    return FIELDS not in entry.steps


show_messages()
if st.session_state.pop("wizard_discarded", False):
    st.switch_page("master_lists.py")
try:
    raise_unsaved()
    _wizard = current()
    _list = list_of(_wizard.entry)
except CaptridError as error:
    st.title(strings.CREATE_LIST, anchor=False)
    show_error(error)
    st.page_link("master_lists.py", label=strings.MASTER_LISTS, icon=":material/groups:")
else:
    header(_wizard, _list)
    _draw_step(_wizard, _list)
