"""The scope step: who belongs to the list, and which of them are left out."""

from __future__ import annotations

import streamlit as st

from captrid_core.directory.port import Group, Scope, ScopeKind
from captrid_core.errors import CaptridError
from pages import strings
from pages.parts import directory_reads
from pages.parts.errors import caught, show_error
from pages.parts.text import counted, md, people
from pages.parts.wizard import Entry, Wizard, change, current, save

_SHOWN = 20


def draw_scope(wizard: Wizard) -> list[str]:
    """Draw the step and return what is still missing."""
    entry = wizard.entry
    assert entry.connection_id is not None
    st.header(strings.SCOPE, anchor=False)
    st.session_state["scope_kind"] = ScopeKind(entry.scope_kind)
    kind = st.radio(
        strings.SCOPE,
        [ScopeKind.GROUP, ScopeKind.ALL_USERS],
        format_func=lambda one: strings.SPECIFIC_GROUP if one is ScopeKind.GROUP else strings.ALL_USERS,
        captions=[strings.SPECIFIC_GROUP_TEXT, _all_users(entry.connection_id)],
        key="scope_kind",
        on_change=change,
        args=("scope_kind", "scope_kind"),
        label_visibility="collapsed",
    )
    if kind is ScopeKind.GROUP:
        _draw_groups(entry)
    _draw_filters(entry)
    if kind is ScopeKind.GROUP and entry.group_id is None:
        return [strings.CHOOSE_GROUP]
    return []


def _all_users(connection_id: int) -> str:
    try:
        users = directory_reads.count(connection_id, Scope()).users
    except CaptridError:
        return strings.ALL_USERS_UNCOUNTED
    return strings.ALL_USERS_TEXT.format(count=counted(users, "user"))


def _draw_groups(entry: Entry) -> None:
    assert entry.connection_id is not None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            strings.SEARCH_GROUPS,
            key="scope_search",
            type="search",
            placeholder=strings.SEARCH_GROUPS_PLACEHOLDER,
            live="400ms",
        )
        st.button(
            strings.REFRESH,
            key="scope_refresh",
            icon=":material/refresh:",
            on_click=directory_reads.forget_reads,
        )
    try:
        found = directory_reads.groups(entry.connection_id, search or "")
    except CaptridError as error:
        show_error(error)
        return
    shown = _with_chosen(found[:_SHOWN], entry)
    if not found:
        st.info(strings.NO_GROUPS_FOUND.format(search=md(search or "")), icon=":material/search_off:")
    if shown:
        _draw_choice(entry, shown)
    if len(found) >= _SHOWN and not search:
        st.caption(strings.MORE_GROUPS.format(count=_SHOWN))
    if entry.group_id is not None:
        _draw_chosen(entry)


def _with_chosen(found: list[Group], entry: Entry) -> list[Group]:
    """Return the groups to show: the chosen one stays among them, whatever is searched for."""
    if entry.group_id is None or any(one.id == entry.group_id for one in found):
        return found
    return [Group(entry.group_id, entry.group_name or entry.group_id, entry.group_members), *found]


def _draw_choice(entry: Entry, shown: list[Group]) -> None:
    names = {one.id: one for one in shown}
    st.session_state["scope_group"] = entry.group_id
    with st.container(border=True, height=320 if len(shown) > 5 else "content", key="scope_groups"):
        st.radio(
            strings.GROUPS_FOUND,
            list(names),
            index=None,
            format_func=lambda group_id: md(names[group_id].name),
            captions=[_about(one) for one in shown],
            key="scope_group",
            on_change=_choose,
            args=(names,),
        )


def _about(group: Group) -> str:
    members = people(group.members) if group.members is not None else ""
    return " · ".join(part for part in (members, md(group.description or "")) if part)


def _choose(groups: dict[str, Group]) -> None:
    wizard = current()
    chosen = groups[st.session_state["scope_group"]]
    wizard.entry.group_id, wizard.entry.group_name = chosen.id, chosen.name
    wizard.entry.group_members = chosen.members
    save(wizard)


def _draw_chosen(entry: Entry) -> None:
    assert entry.connection_id is not None
    st.session_state["scope_nested"] = entry.nested
    st.checkbox(strings.NESTED, key="scope_nested", on_change=change, args=("nested", "scope_nested"))
    with caught():
        direct, nested = (
            directory_reads.count(
                entry.connection_id, Scope(ScopeKind.GROUP, entry.group_id, nested=one)
            ).users
            for one in (False, True)
        )
        if not (nested if entry.nested else direct):
            st.warning(strings.ZERO_USERS, icon=":material/warning:")
        else:
            words = strings.NESTED_COUNT if entry.nested else strings.DIRECT_COUNT
            if direct == nested:
                words = strings.SAME_COUNT
            st.success(
                f"**{md(entry.group_name or '')}** · "
                + words.format(direct=people(direct), nested=people(nested)),
                icon=":material/group:",
            )


def _concerned(entry: Entry) -> tuple[str, str]:
    """Return how many guests and disabled accounts the scope holds, as words to follow the choice."""
    if entry.connection_id is None or (entry.scope_kind == ScopeKind.GROUP and entry.group_id is None):
        return "", ""
    try:
        found = directory_reads.count(entry.connection_id, entry.scope)
    except CaptridError:
        return "", ""  # what went wrong stands above, where the scope is counted
    guests, disabled = (
        "" if number is None else strings.CONCERNS.format(accounts=counted(number, "account"))
        for number in (found.guests, found.disabled)
    )
    return guests, disabled


def _draw_filters(entry: Entry) -> None:
    st.header(strings.FILTERS, anchor=False)
    guests, disabled = _concerned(entry)
    st.session_state["scope_guests"] = entry.exclude_guests
    st.checkbox(
        strings.EXCLUDE_GUESTS + guests,
        key="scope_guests",
        help=strings.EXCLUDE_GUESTS_HELP,
        on_change=change,
        args=("exclude_guests", "scope_guests"),
    )
    st.session_state["scope_disabled"] = entry.exclude_disabled
    st.checkbox(
        strings.EXCLUDE_DISABLED + disabled,
        key="scope_disabled",
        help=strings.EXCLUDE_DISABLED_HELP,
        on_change=change,
        args=("exclude_disabled", "scope_disabled"),
    )
    if entry.exclude_guests or entry.exclude_disabled:
        st.caption(strings.COUNT_BEFORE_FILTERS)
