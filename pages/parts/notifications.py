"""How notifications go out: the forms of the webhook and of e-mail, and sending a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.insight.channels import Channel, Email, Webhook
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import say

_SAVED = "channels_saved"
_SECURITY = {"starttls": "STARTTLS", "tls": "TLS", "none": strings.SECURITY_NONE}


def draw_webhook(actor: str) -> None:
    """Draw the webhook's card."""

    def fields(present: Channel | None) -> Mapping[str, Any]:
        known = present if isinstance(present, Webhook) else None
        url = st.text_input(
            strings.WEBHOOK_URL,
            value=known.url if known else "",
            key="webhook_url",
            placeholder="https://hooks.example.org/captrid",
        )
        ca_file = st.text_input(
            strings.CA_FILE, value=(known.ca_file or "") if known else "", key="webhook_ca"
        )
        return {"url": url.strip(), "ca_file": ca_file.strip() or None}

    _draw("webhook", strings.WEBHOOK_SECRET, strings.WEBHOOK_TEXT, ":material/webhook:", fields, actor)


def draw_email(actor: str) -> None:
    """Draw the card of e-mail."""

    def fields(present: Channel | None) -> Mapping[str, Any]:
        known = present if isinstance(present, Email) else None
        left, middle, right = st.columns([3, 1, 2])
        with left:
            host = st.text_input(
                strings.SMTP_HOST,
                value=known.host if known else "",
                key="email_host",
                placeholder="smtp.example.org",
            )
        with middle:
            port = st.number_input(
                strings.SMTP_PORT,
                min_value=1,
                max_value=65535,
                value=known.port if known else 587,
                key="email_port",
            )
        with right:
            security = st.selectbox(
                strings.SMTP_SECURITY,
                list(_SECURITY),
                index=list(_SECURITY).index(known.security) if known else 0,
                format_func=_SECURITY.__getitem__,
                key="email_security",
            )
        sender = st.text_input(
            strings.MAIL_FROM,
            value=known.sender if known else "",
            key="email_sender",
            placeholder="captrid@example.org",
        )
        receivers = st.text_input(
            strings.MAIL_TO,
            value=", ".join(known.receivers) if known else "",
            key="email_receivers",
            help=strings.MAIL_TO_HELP,
        )
        user = st.text_input(
            strings.SMTP_USER,
            value=(known.user or "") if known else "",
            key="email_user",
            autocomplete="off",
        )
        ca_file = st.text_input(strings.CA_FILE, value=(known.ca_file or "") if known else "", key="email_ca")
        return {
            "host": host.strip(),
            "port": port,
            "security": security,
            "sender": sender.strip(),
            "receivers": tuple(one.strip() for one in receivers.split(",") if one.strip()),
            "user": user.strip() or None,
            "ca_file": ca_file.strip() or None,
        }

    _draw("email", strings.SMTP_PASSWORD, strings.EMAIL_TEXT, ":material/mail:", fields, actor)


def _draw(
    name: str,
    secret_label: str,
    about: str,
    icon: str,
    fields: Callable[[Channel | None], Mapping[str, Any]],
    actor: str,
) -> None:
    notifications = workspace().notifications
    present = notifications.channel(name)
    stored = notifications.has_secret(name)
    with st.container(border=True, key=f"channel_{name}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(strings.CHANNEL_WORDS[name], anchor=False, icon=icon, width="content")
            if present is not None:
                st.badge(strings.CHANNEL_ON, color="green", icon=":material/check_circle:")
            else:
                st.badge(strings.CHANNEL_OFF, color="gray")
        st.caption(about)
        with st.form(f"form_{name}", border=False):
            values = fields(present)
            with st.container(key=f"{name}_secret"):
                secret = st.text_input(
                    secret_label,
                    type="password",
                    key=f"{name}_secret_{st.session_state.get(_SAVED, 0)}",
                    autocomplete="new-password",
                    placeholder=strings.KEEP_SECRET if stored else None,
                )
            saved = st.form_submit_button(strings.SAVE, key=f"{name}_save", icon=":material/save:")
        with st.container(horizontal=True):
            tried = st.button(
                strings.SEND_TEST, key=f"{name}_test", icon=":material/send:", disabled=present is None
            )
            off = st.button(
                strings.SWITCH_OFF, key=f"{name}_off", icon=":material/block:", disabled=present is None
            )
        try:
            if saved:
                notifications.set_up(name, values, secret=secret or None, actor=actor)
                _done(strings.SETTINGS_SAVED)
            elif off:
                notifications.set_up(name, None, actor=actor)
                _done(strings.SWITCHED_OFF)
            elif tried:
                with st.spinner(strings.SENDING):
                    notifications.test(name)
                st.success(strings.TEST_SENT, icon=":material/check_circle:")
        except CaptridError as error:
            show_error(error)


def _done(words: str) -> None:
    # another input than before, so that the browser forgets the secret
    st.session_state[_SAVED] = st.session_state.get(_SAVED, 0) + 1
    say(words)
    st.rerun()
