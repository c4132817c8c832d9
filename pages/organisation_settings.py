"""Organisation Settings: name, time zone, plan, what new lists begin with, and notifications."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import available_timezones

import pandas as pd
import streamlit as st

from captrid_core.directory.connections import PLANS
from captrid_core.errors import CaptridError
from captrid_core.lists.model import OnUidChange
from captrid_core.organisation import Settings
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import say, show_messages
from pages.parts.guard import require
from pages.parts.guards_form import draw_guards
from pages.parts.notifications import draw_email, draw_webhook
from pages.parts.tables import draw_table
from pages.parts.times import exact

actor = require()


def _change(**values: object) -> None:
    try:
        workspace().organisation.change(actor=actor, **values)
    except CaptridError as error:
        show_error(error)
        return
    say(strings.SETTINGS_SAVED)
    st.rerun()


def _draw_general(settings: Settings) -> None:
    st.header(strings.GENERAL, anchor=False)
    zones = sorted(available_timezones())
    with st.form("settings_general", border=False):
        name = st.text_input(
            strings.ORGANISATION_NAME, value=settings.name, key="organisation_name", max_chars=80
        )
        left, right = st.columns(2)
        with left:
            zone = st.selectbox(
                strings.TIME_ZONE,
                zones,
                index=zones.index(settings.time_zone),
                key="organisation_zone",
                help=strings.TIME_ZONE_HELP,
                required=True,
            )
        with right:
            grace = st.number_input(
                strings.GRACE,
                min_value=1,
                max_value=24 * 31,
                value=settings.grace_hours,
                key="organisation_grace",
                help=strings.GRACE_HELP,
            )
        plans = list(PLANS)
        plan = st.selectbox(
            strings.PLAN,
            plans,
            index=plans.index(settings.plan),
            format_func=_plan_words,
            key="organisation_plan",
            required=True,
        )
        if st.form_submit_button(strings.SAVE, key="organisation_save", icon=":material/save:"):
            _change(name=name.strip(), time_zone=zone, grace_hours=grace, plan=plan)


def _plan_words(plan: str) -> str:
    allowed = PLANS[plan]
    words = strings.PLAN_ANY if allowed is None else strings.PLAN_NUMBERS.get(allowed, strings.PLAN_SOME)
    return f"{plan.capitalize()}: {words.format(allowed=allowed)}"


def _draw_new_lists(settings: Settings) -> None:
    new = settings.new_lists
    st.header(strings.NEW_LISTS, anchor=False)
    st.caption(strings.NEW_LISTS_TEXT)
    with st.form("settings_new_lists", border=False):
        guests = st.checkbox(strings.EXCLUDE_GUESTS, value=new.exclude_guests, key="new_lists_guests")
        disabled = st.checkbox(strings.EXCLUDE_DISABLED, value=new.exclude_disabled, key="new_lists_disabled")
        changes, guards = draw_guards("new_lists", OnUidChange(new.on_uid_change), new.guards)
        if st.form_submit_button(strings.SAVE, key="new_lists_save", icon=":material/save:"):
            _change(
                new_lists=replace(
                    new,
                    exclude_guests=guests,
                    exclude_disabled=disabled,
                    on_uid_change=changes,
                    guards=guards,
                )
            )


def _draw_sent() -> None:
    latest = workspace().notifications.latest()
    if not latest:
        return
    with st.expander(strings.SENT, key="notifications_sent", icon=":material/outgoing_mail:"):
        shown = [
            {
                strings.WHEN: exact(one.created_at),
                strings.CHANNEL: strings.CHANNEL_WORDS[one.channel],
                strings.WHAT: one.subject,
                strings.STATUS: strings.SENT_YES
                if one.sent_at
                else strings.SENT_NOT.format(error=one.error or strings.SENT_WAITING),
            }
            for one in latest
        ]
        draw_table(pd.DataFrame(shown), "notifications_latest", strings.SENT)


show_messages()
st.title(strings.ORGANISATION_SETTINGS, anchor=False)
_settings = workspace().organisation.get()
_draw_general(_settings)
_draw_new_lists(_settings)
st.header(strings.NOTIFICATIONS, anchor=False)
st.caption(strings.NOTIFICATIONS_TEXT)
draw_webhook(actor)
draw_email(actor)
_draw_sent()
