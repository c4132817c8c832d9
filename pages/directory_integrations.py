"""Directory Integrations: the connections to Microsoft Entra ID."""

from __future__ import annotations

import streamlit as st

from captrid_core.directory.connections import Connection, facts_of
from captrid_core.errors import CaptridError
from captrid_core.serving import workspace
from pages import strings
from pages.parts.badges import connection_badge
from pages.parts.connection_dialogs import connection_form, open_form, remove_connection
from pages.parts.errors import show_stored_error
from pages.parts.feedback import say, show_messages
from pages.parts.guard import require
from pages.parts.text import counted, enumerated, md
from pages.parts.times import ago, days_until, exact
from pages.parts.watch import PageWatch

actor = require()

_EXPIRY_SOON = 30


def _add_button() -> None:
    if st.button(
        strings.ADD_CONNECTION,
        key="connection_add",
        type="primary",
        icon=":material/add:",
        on_click=open_form,
    ):
        connection_form(actor)


def _card(connection: Connection) -> None:
    with st.container(border=True, key=f"connection_{connection.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(md(connection.name), anchor=False, width="content")
            connection_badge(connection)
            _expiry(connection)
        _facts(connection)
        if connection.test_result is not None and "error" in connection.test_result:
            show_stored_error(connection.test_result["error"])
        _ids(connection)
        _actions(connection)


def _facts(connection: Connection) -> None:
    using = workspace().connections.lists_using(connection.id)
    used = (
        strings.USED_BY.format(lists=enumerated([md(name) for name in using]))
        if using
        else strings.USED_BY_NONE
    )
    if connection.badge == "Connected":
        facts = facts_of(connection.test_result or {})
        granted = " ".join(f":green-badge[{md(one)}]" for one in facts.permissions)
        st.markdown(
            f":material/person: **{facts.users:,}** users  ·  :material/group: **{facts.groups:,}** groups  ·  "
            f":material/domain: {md(facts.tenant_name)}  ·  {granted}"
        )
    tested = (
        strings.TESTED.format(ago=ago(connection.tested_at)) if connection.tested_at else strings.NOT_TESTED
    )
    st.caption(f"{tested} · {used}", help=exact(connection.tested_at) if connection.tested_at else None)


def _expiry(connection: Connection) -> None:
    if connection.secret_expires_on is None:
        return
    left = days_until(connection.secret_expires_on)
    if left < 0:
        st.badge(strings.SECRET_PAST, icon=":material/key_off:", color="red")
    elif left <= _EXPIRY_SOON:
        st.badge(
            strings.SECRET_DAYS_LEFT.format(days=counted(left, "day")),
            icon=":material/schedule:",
            color="orange",
        )


def _ids(connection: Connection) -> None:
    where = "" if connection.cloud == "global" else f" · {strings.CLOUD}: {md(connection.cloud)}"
    st.caption(
        f"{strings.TENANT_ID} {md(connection.tenant_id)} · {strings.CLIENT_ID} {md(connection.client_id)}{where}"
    )


def _actions(connection: Connection) -> None:
    with st.container(horizontal=True):
        test = st.button(
            strings.TEST, key=f"connection_test_{connection.id}", icon=":material/network_check:"
        )
        if st.button(
            strings.EDIT,
            key=f"connection_edit_{connection.id}",
            icon=":material/edit:",
            on_click=open_form,
        ):
            connection_form(actor, connection)
        if st.button(strings.REMOVE, key=f"connection_remove_{connection.id}", icon=":material/delete:"):
            remove_connection(actor, connection)
    if test:
        _test(connection)


def _test(connection: Connection) -> None:
    """Test a stored connection; whatever comes of it is kept and shown on its card."""
    with st.spinner(strings.TESTING):
        try:
            facts = workspace().connections.test(connection.id, PageWatch())
        except CaptridError as error:
            say(f"“{md(connection.name)}”: {md(error.message)}", ":material/error:")
        else:
            say(
                strings.CONNECTION_WORKS.format(
                    name=md(connection.name),
                    users=counted(facts.users, "user"),
                    groups=counted(facts.groups, "group"),
                )
            )
    st.rerun()


def _draw_plan(used: int) -> None:
    plan, allowed = workspace().connections.plan()
    words = strings.PLAN_USE_ANY if allowed is None else strings.PLAN_USE
    st.caption(
        words.format(plan=plan.capitalize(), used=counted(used, "connection"), allowed=allowed),
        width="content",
    )


def _draw_request(*, opened: bool) -> None:
    """Draw what somebody who does not administer Entra needs from whoever does."""
    with st.expander(strings.ASK_IT, expanded=opened, key="ask_it", icon=":material/contact_support:"):
        st.caption(strings.ASK_IT_TEXT)
        st.code(strings.ASK_IT_MESSAGE, language=None, wrap_lines=True)


show_messages()
connections = workspace().connections.all()
st.title(strings.DIRECTORY_INTEGRATIONS, anchor=False)
st.caption(strings.CONNECTIONS_INTRO)
if connections:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(strings.YOUR_CONNECTIONS, anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            _draw_plan(len(connections))
            _add_button()
    for one in connections:
        _card(one)
else:
    with st.container(border=True, key="connections_empty", gap="medium"):
        st.header(strings.NO_CONNECTIONS, anchor=False, icon=":material/hub:")
        st.markdown(strings.NO_CONNECTIONS_TEXT)
        _add_button()
_draw_request(opened=not connections)
