"""The Settings tab of a list: its name, its rules, and the ways to put it away."""

from __future__ import annotations

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import say
from pages.parts.guards_form import draw_guards
from pages.parts.sure import sure
from pages.parts.text import md, people
from pages.parts.times import exact


def draw_settings_tab(master_list: MasterList, actor: str) -> None:
    """Draw the tab."""
    _draw_details(master_list, actor)
    if master_list.sync is not None:
        _draw_rules(master_list, actor)
        _draw_photos(master_list, actor)
    _draw_archive(master_list, actor)


def draw_archived(master_list: MasterList, actor: str) -> None:
    """Say of an archived list that it is one, with the way back."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="list_archived"):
        when = exact(master_list.archived_at)
        st.markdown(f":material/inventory_2: {strings.ARCHIVED_SINCE.format(when=when)}", width="stretch")
        if st.button(strings.REINSTATE, key="list_reinstate", icon=":material/unarchive:"):
            reinstate(master_list, actor)


def reinstate(master_list: MasterList, actor: str) -> None:
    """Take a list out of the archive and draw the page anew."""
    try:
        workspace().upkeep.reinstate(master_list.id, actor=actor)
    except CaptridError as error:
        show_error(error)
        return
    say(strings.LIST_REINSTATED.format(name=md(master_list.name)))
    st.rerun()


def _draw_details(master_list: MasterList, actor: str) -> None:
    st.header(strings.DETAILS, anchor=False)
    with st.form("list_details", border=False):
        name = st.text_input(strings.LIST_NAME, value=master_list.name, key="settings_name", max_chars=80)
        saved = st.form_submit_button(strings.SAVE, key="settings_name_save", icon=":material/save:")
    uid = master_list.field(master_list.uid_field)
    st.caption(
        strings.LIST_FACTS.format(
            uid=md(uid.label), id=master_list.id, created=md(exact(master_list.created_at))
        )
    )
    if saved and name.strip() != master_list.name:
        try:
            after = workspace().upkeep.rename(master_list.id, name, actor=actor)
        except CaptridError as error:
            show_error(error)
            return
        say(strings.LIST_RENAMED.format(name=md(after.name)))
        st.rerun()


def _draw_rules(master_list: MasterList, actor: str) -> None:
    assert master_list.sync is not None
    sync = master_list.sync
    st.header(strings.RULES, anchor=False)
    with st.form("list_rules", border=False):
        changes, given = draw_guards("settings", sync.on_uid_change, sync.guards)
        saved = st.form_submit_button(strings.SAVE, key="settings_rules_save", icon=":material/save:")
    if not saved:
        return
    try:
        workspace().upkeep.set_rules(master_list.id, given, changes, actor=actor)
    except CaptridError as error:
        show_error(error)
        return
    say(strings.RULES_SAVED)
    st.rerun()


def _draw_photos(master_list: MasterList, actor: str) -> None:
    assert master_list.sync is not None
    st.header(strings.PHOTOS, anchor=False)
    on = st.checkbox(
        strings.PHOTOS_FROM_DIRECTORY,
        value=master_list.sync.photos,
        key="settings_photos",
        help=strings.PHOTOS_HELP,
    )
    if on == master_list.sync.photos:
        return
    try:
        workspace().upkeep.take_photos(master_list.id, on=on, actor=actor)
    except CaptridError as error:
        show_error(error)
        return
    say(strings.PHOTOS_ON if on else strings.PHOTOS_OFF)
    st.rerun()


def _draw_archive(master_list: MasterList, actor: str) -> None:
    st.header(strings.ARCHIVE_AND_DELETE, anchor=False)
    if master_list.archived_at is None:
        st.caption(strings.ARCHIVE_TEXT)
        if st.button(strings.ARCHIVE, key="list_archive", icon=":material/inventory_2:"):
            st.dialog(strings.ARCHIVE_TITLE, icon=":material/inventory_2:")(_archive)(master_list, actor)
        return
    st.caption(strings.DELETE_TEXT)
    if st.button(strings.DELETE_LIST, key="list_delete", icon=":material/delete_forever:"):
        st.dialog(strings.DELETE_LIST, icon=":material/delete_forever:")(_delete)(master_list, actor)


def _archive(master_list: MasterList, actor: str) -> None:
    lines = [*strings.ARCHIVE_CONSEQUENCES]
    if master_list.connected:
        lines.insert(0, strings.ARCHIVE_DISCONNECTS)
    st.markdown("\n".join(f"- {line}" for line in lines))
    outcome = st.container()
    if not sure(strings.ARCHIVE, "list_archive", ":material/inventory_2:"):
        return
    try:
        workspace().upkeep.archive(master_list.id, actor=actor)
    except CaptridError as error:
        with outcome:
            show_error(error)
        return
    say(strings.LIST_ARCHIVED.format(name=md(master_list.name)))
    st.rerun()


def _delete(master_list: MasterList, actor: str) -> None:
    total = workspace().lists.counts(master_list).total
    st.warning(
        strings.DELETE_CONSEQUENCES.format(people=people(total), name=md(master_list.name)),
        icon=":material/warning:",
    )
    typed = st.text_input(
        strings.TYPE_NAME.format(name=md(master_list.name)), key="list_delete_name", live="0ms"
    )
    outcome = st.container()
    if not sure(strings.DELETE_LIST, "list_delete", ":material/delete_forever:"):
        return
    try:
        workspace().upkeep.delete(master_list.id, typed_name=typed or "", actor=actor)
    except CaptridError as error:
        with outcome:
            show_error(error)
        return
    say(strings.LIST_DELETED.format(name=md(master_list.name)))
    # a page whose tab is in its address can only be left for another address
    st.switch_page("master_lists.py", query_params={"deleted": str(master_list.id)})
