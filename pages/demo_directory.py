"""The sandbox directory of a demo: what it may do, so that one can watch syncs cope."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList
from captrid_core.practice import Afoot, Move, Moved, Practice, Presence, Trouble
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import say, show_messages
from pages.parts.guard import require
from pages.parts.text import counted, enumerated, md

require()

_CARD = 260


def _fed_lists(practice: Practice) -> list[MasterList]:
    """Return the lists that this directory feeds; a home may have others, fed by a real one."""
    behind = {one.id for one in workspace().connections.all() if practice.is_behind(one.authority_url)}
    return [
        one
        for one in workspace().lists.all()
        if one.connected and one.sync is not None and one.sync.connection_id in behind
    ]


def _draw_presence(practice: Practice, presence: Presence, lists: list[MasterList]) -> None:
    st.markdown(
        strings.SANDBOX_HOLDS.format(
            users=counted(presence.users, "account"), groups=counted(presence.groups, "group")
        )
    )
    if presence.troubles:
        words = "\n".join(f"- {_words_of(one)}" for one in presence.troubles)
        st.warning(f"**{strings.SANDBOX_TROUBLE_ON}**\n\n{words}", icon=":material/warning:")
    else:
        st.success(strings.SANDBOX_NORMAL, icon=":material/check_circle:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if presence.troubles and st.button(
            strings.BACK_TO_NORMAL, key="sandbox_normal", type="primary", icon=":material/restart_alt:"
        ):
            _do(practice.back_to_normal, strings.SANDBOX_NORMAL)
        for one in lists:
            st.page_link(
                "master_list.py",
                label=strings.SANDBOX_SYNC.format(list=md(one.name)),
                icon=":material/sync:",
                query_params={"list": str(one.id), "tab": strings.TAB_SYNC},
                width="content",
            )


def _words_of(afoot: Afoot) -> str:
    word = strings.TROUBLE_WORDS.get(afoot.kind, (afoot.kind, ""))[0]
    often = (
        strings.SANDBOX_OVER if afoot.over else counted(afoot.struck, "answer") + " " + strings.SANDBOX_SO_FAR
    )
    return f"{md(word)}: {often}"


def _draw_moves(practice: Practice, lists: list[MasterList]) -> None:
    st.header(strings.SANDBOX_CHANGES, anchor=False)
    st.caption(strings.SANDBOX_CHANGES_TEXT)
    with st.grid(3, min_column_width=_CARD, key="sandbox_moves"):
        for move in Move:
            if _card(f"sandbox_{move}", *strings.MOVE_WORDS[move]):
                _move(lambda move=move: practice.let(move))
    groups = {
        one.sync.scope.group_id: one.sync.group_name
        for one in lists
        if one.sync is not None and one.sync.scope.group_id is not None
    }
    if not groups:
        st.caption(strings.SANDBOX_NO_GROUP)
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="sandbox_group_row"):
        group_id = st.selectbox(
            strings.SANDBOX_GROUP,
            list(groups),
            format_func=lambda one: groups[one] or one,
            key="sandbox_group",
            width=280,
            required=True,
        )
        halve = st.button(strings.SANDBOX_HALVE, key="sandbox_halve", icon=":material/group_remove:")
    st.caption(strings.SANDBOX_HALVE_TEXT)
    if halve:
        _move(lambda: practice.halve(group_id))


def _draw_troubles(practice: Practice, afoot: set[str]) -> None:
    st.header(strings.SANDBOX_TROUBLES, anchor=False)
    st.caption(strings.SANDBOX_TROUBLES_TEXT)
    with st.grid(3, min_column_width=_CARD, key="sandbox_troubles"):
        for trouble in Trouble:
            word, text = strings.TROUBLE_WORDS[trouble]
            if _card(f"sandbox_{trouble}", word, text, on=trouble in afoot):
                _do(
                    lambda trouble=trouble: practice.trouble(trouble),
                    strings.SANDBOX_TROUBLE_SET.format(trouble=word),
                )


def _card(key: str, word: str, text: str, *, on: bool = False) -> bool:
    with st.container(border=True, height="stretch"):
        pressed = st.button(word, key=key, type="primary" if on else "secondary")
        st.caption(text)
    return pressed


def _move(change: Callable[[], Moved]) -> None:
    try:
        done = change()
    except CaptridError as error:
        show_error(error)
        return
    shown = [md(one) for one in done.names]
    if done.count > len(shown):
        shown.append(strings.SANDBOX_OTHERS.format(count=done.count - len(shown)))
    say(strings.SANDBOX_DONE.format(names=enumerated(shown)) if shown else strings.SANDBOX_NOBODY)
    st.rerun()


def _do(what: Callable[[], None], said: str) -> None:
    try:
        what()
    except CaptridError as error:
        show_error(error)
        return
    say(said)
    st.rerun()


show_messages()
st.title(strings.SANDBOX, anchor=False)
_practice = workspace().practice
if _practice is None:
    st.info(strings.SANDBOX_ONLY_IN_DEMO, icon=":material/info:")
else:
    st.caption(strings.SANDBOX_INTRO)
    _lists = _fed_lists(_practice)
    try:
        _presence = _practice.look()
    except CaptridError as error:
        show_error(error)
    else:
        _draw_presence(_practice, _presence, _lists)
        _draw_moves(_practice, _lists)
        _draw_troubles(_practice, {one.kind for one in _presence.troubles if not one.over})
