"""A list's schedule: what is set, when it is due next, and the dialog that changes it."""

from __future__ import annotations

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from captrid_core.sync.runs import RunKind, RunStatus
from captrid_core.sync.schedule import INTERVALS, Rhythm, Schedule
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import forget, say
from pages.parts.text import counted, md
from pages.parts.times import ago, exact, short

_PREFIX = "schedule_form_"
_OFF, _CRON = "off", "cron"
_NEXT = 3


def draw_schedule(master_list: MasterList, actor: str) -> None:
    """Draw the card."""
    found = workspace().schedules.get(master_list.id)
    with st.container(border=True, key="sync_schedule"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(strings.SCHEDULE, anchor=False, width="content", icon=":material/event_repeat:")
            if st.button(
                strings.CHANGE_SCHEDULE,
                key="schedule_change",
                icon=":material/edit_calendar:",
                on_click=forget,
                args=(_PREFIX,),
            ):
                st.dialog(strings.SCHEDULE, icon=":material/event_repeat:")(_change)(
                    master_list, found, actor
                )
        if found is None:
            st.caption(strings.NO_SCHEDULE)
        else:
            _draw_found(master_list, found)


def rhythm_words(rhythm: Rhythm) -> str:
    """Return a rhythm in words."""
    if rhythm.text in INTERVALS:
        return strings.EVERY_HOURS.format(hours=INTERVALS[rhythm.text])
    return strings.BY_CRON.format(cron=rhythm.text, zone=md(rhythm.zone))


def _draw_found(master_list: MasterList, found: Schedule) -> None:
    st.markdown(
        strings.SCHEDULE_FACTS.format(
            rhythm=rhythm_words(found.rhythm),
            kind=strings.KIND_WORDS[found.kind],
            due=short(found.next_due),
        ),
        help=exact(found.next_due),
    )
    last = workspace().runs.last(master_list.id)
    if last is not None and last.status is RunStatus.HELD:
        st.caption(f":material/pause_circle: {strings.SCHEDULE_HELD}")
    if found.failures:
        times = counted(found.failures, "time")
        st.caption(f":material/error: {strings.SCHEDULE_FAILED.format(times=times)}")
    overdue = workspace().matters.stale_since(master_list)
    if overdue is not None:
        st.warning(strings.STALE_LIST.format(ago=ago(overdue)), icon=":material/history_toggle_off:")


def _change(master_list: MasterList, found: Schedule | None, actor: str) -> None:
    words = {
        _OFF: strings.SCHEDULE_OFF,
        **{name: strings.EVERY_HOURS.format(hours=hours) for name, hours in INTERVALS.items()},
        _CRON: strings.SCHEDULE_CRON,
    }
    present = _OFF if found is None else found.rhythm.text if found.rhythm.text in INTERVALS else _CRON
    choice = st.radio(
        strings.SCHEDULE,
        list(words),
        index=list(words).index(present),
        format_func=words.__getitem__,
        key=f"{_PREFIX}rhythm",
        label_visibility="collapsed",
    )
    text = choice or _OFF
    if choice == _CRON:
        text = (
            st.text_input(
                strings.CRON,
                value=found.rhythm.text if found is not None and present == _CRON else "30 6 * * 1-5",
                key=f"{_PREFIX}cron",
                help=strings.CRON_HELP,
                live="300ms",
            )
            or ""
        )
    kind = RunKind.DELTA
    if text != _OFF:
        kinds = [RunKind.DELTA, RunKind.FULL]
        kind = st.radio(
            strings.SYNC_KIND,
            kinds,
            index=kinds.index(found.kind) if found is not None else 0,
            format_func=lambda one: strings.KIND_WORDS[one],
            captions=[strings.SCHEDULE_DELTA_TEXT, strings.FULL_SYNC_TEXT],
            key=f"{_PREFIX}kind",
        )
        _draw_next(text)
    outcome = st.container()
    if not st.button(strings.SAVE, key=f"{_PREFIX}save", type="primary", icon=":material/save:"):
        return
    try:
        workspace().schedules.set(master_list.id, text, kind=RunKind(kind), actor=actor)
    except CaptridError as error:
        with outcome:
            show_error(error)
        return
    forget(_PREFIX)
    say(strings.SCHEDULE_SAVED if text != _OFF else strings.SCHEDULE_TAKEN_AWAY)
    st.rerun()


def _draw_next(text: str) -> None:
    """Say when a schedule would be due, or what is wrong with it."""
    zone = workspace().organisation.get().time_zone
    try:
        times = list(Rhythm(text, zone).following(workspace().clock(), _NEXT))
    except CaptridError as error:
        show_error(error)
        return
    st.caption(strings.NEXT_TIMES.format(times=" · ".join(short(one) for one in times)))
