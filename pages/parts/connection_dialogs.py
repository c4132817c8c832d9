"""Dialogs for adding, editing and removing a connection."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from captrid_core.directory.connections import Connection, ConnectionForm
from captrid_core.directory.entra.clouds import CLOUDS
from captrid_core.directory.port import Facts
from captrid_core.errors import CaptridError
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import forget, say
from pages.parts.text import counted, enumerated, md
from pages.parts.watch import PageWatch

_PREFIX = "connection_form_"
_TRIED = f"{_PREFIX}tried"


def open_form() -> None:
    """Empty the form before it opens: call it from the button that opens it."""
    forget(_PREFIX)


def connection_form(actor: str, connection: Connection | None = None) -> None:
    """Open the dialog that adds a connection, or edits the given one."""
    title = strings.EDIT_CONNECTION if connection else strings.ADD_CONNECTION
    st.dialog(title, width="medium", icon=":material/hub:", on_dismiss=open_form)(_form)(actor, connection)


def _form(actor: str, connection: Connection | None) -> None:
    form = _fields(connection)
    tried = st.session_state.get(_TRIED)
    fresh = tried is not None and tried[0] == _fingerprint(form)
    worked = fresh and isinstance(tried[1], Facts)
    outcome = st.container()
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        test = st.button(
            strings.TEST_CONNECTION,
            key=f"{_PREFIX}test",
            icon=":material/network_check:",
            type="secondary" if worked else "primary",
        )
        save = st.button(
            strings.SAVE if worked else strings.SAVE_UNTESTED,
            key=f"{_PREFIX}save",
            icon=":material/save:",
            type="primary" if worked else "secondary",
        )
    if test:
        with outcome, st.spinner(strings.TESTING):
            st.session_state[_TRIED] = (_fingerprint(form), _try_out(form, connection))
        st.rerun(scope="fragment")
    if save:
        with outcome, st.spinner(strings.TESTING if worked else strings.SAVE):
            error = _save(form, connection, actor, tested=worked)
        if error is None:
            forget(_PREFIX)
            say(strings.CONNECTION_SAVED.format(name=md(form.name.strip())))
            st.rerun()
        with outcome:
            show_error(error)
    elif fresh:
        with outcome:
            if isinstance(tried[1], Facts):
                _show_facts(tried[1])
            else:
                show_error(tried[1])


def _fields(connection: Connection | None) -> ConnectionForm:
    """Draw the form and return what it holds."""
    name = _text(
        strings.CONNECTION_NAME,
        "name",
        value=connection.name if connection else "",
        help=strings.CONNECTION_NAME_HELP,
        placeholder="School Entra",
        max_chars=80,
    )
    tenant_id = _text(
        strings.TENANT_ID,
        "tenant",
        value=connection.tenant_id if connection else "",
        help=strings.TENANT_ID_HELP,
        placeholder="00000000-0000-0000-0000-000000000000",
        autocomplete="off",
    )
    client_id = _text(
        strings.CLIENT_ID,
        "client",
        value=connection.client_id if connection else "",
        help=strings.CLIENT_ID_HELP,
        placeholder="00000000-0000-0000-0000-000000000000",
        autocomplete="off",
    )
    credential, secret, expires_on = _credential(connection)
    cloud, authority_url, graph_url, ca_file = _network(connection)
    return ConnectionForm(
        name=name,
        tenant_id=tenant_id,
        client_id=client_id,
        secret=secret,
        credential=credential,
        cloud=cloud,
        authority_url=authority_url,
        graph_url=graph_url,
        ca_file=ca_file,
        secret_expires_on=expires_on,
    )


def _text(label: str, key: str, **options: Any) -> str:
    """Draw a text input whose value is there as it is typed, without a rerun for each letter.

    Otherwise a secret is lost to whoever goes from it to the next button by the keyboard: it would
    be taken over when the field is left, but not when the focus is on its eye.
    """
    return st.text_input(label, key=f"{_PREFIX}{key}", live="0ms", on_change="ignore", **options) or ""


def _credential(connection: Connection | None) -> tuple[str, str | None, date | None]:
    kinds = {"secret": strings.CLIENT_SECRET, "certificate": strings.CERTIFICATE}
    stored = connection.credential if connection else "secret"
    credential = st.radio(
        strings.CREDENTIAL,
        list(kinds),
        index=list(kinds).index(stored),
        format_func=lambda kind: kinds[kind],
        key=f"{_PREFIX}credential",
        horizontal=True,
    )
    kept = connection is not None and credential == stored
    if credential == "certificate":
        uploaded = st.file_uploader(
            strings.CERTIFICATE_FILE,
            type=["pem"],
            max_upload_size=1,
            key=f"{_PREFIX}certificate",
            help=strings.CERTIFICATE_HELP,
        )
        if kept and uploaded is None:
            st.caption(strings.KEEP_SECRET)
        pem = uploaded.getvalue().decode("utf-8", errors="replace") if uploaded is not None else None
        return credential, pem, None
    secret = _text(
        strings.CLIENT_SECRET,
        "secret",
        type="password",
        help=strings.CLIENT_SECRET_HELP,
        placeholder=strings.KEEP_SECRET if kept else None,
        autocomplete="new-password",
    )
    expires_on = st.date_input(
        strings.SECRET_EXPIRES,
        value=connection.secret_expires_on if connection else None,
        key=f"{_PREFIX}expires",
        help=strings.SECRET_EXPIRES_HELP,
        format="DD/MM/YYYY",
    )
    return credential, secret or None, expires_on if isinstance(expires_on, date) else None


def _network(connection: Connection | None) -> tuple[str, str | None, str | None, str | None]:
    with st.expander(
        strings.ADVANCED_CONNECTION,
        key=f"{_PREFIX}network",
        icon=":material/public:",
        expanded=connection is not None and (connection.cloud != "global" or bool(connection.ca_file)),
    ):
        labels = {**{name: cloud.label for name, cloud in CLOUDS.items()}, "custom": strings.CUSTOM_CLOUD}
        stored = connection.cloud if connection else "global"
        cloud = st.selectbox(
            strings.CLOUD,
            list(labels),
            index=list(labels).index(stored) if stored in labels else 0,
            format_func=lambda name: labels[name],
            key=f"{_PREFIX}cloud",
        )
        authority_url = graph_url = None
        if cloud == "custom":
            authority_url = _text(
                strings.AUTHORITY_URL,
                "authority_url",
                value=(connection.authority_url or "") if connection else "",
                placeholder="https://login.microsoftonline.com",
            )
            graph_url = _text(
                strings.GRAPH_URL,
                "graph_url",
                value=(connection.graph_url or "") if connection else "",
                placeholder="https://graph.microsoft.com/v1.0",
            )
        ca_file = _text(
            strings.CA_FILE,
            "ca_file",
            value=(connection.ca_file or "") if connection else "",
            help=strings.CA_FILE_HELP,
            placeholder="/etc/ssl/school-proxy.pem",
        )
    return cloud, authority_url or None, graph_url or None, ca_file or None


def _try_out(form: ConnectionForm, connection: Connection | None) -> Facts | CaptridError:
    try:
        return workspace().connections.try_out(
            form, PageWatch(), stored=connection.id if connection else None
        )
    except CaptridError as error:
        return error


def _save(
    form: ConnectionForm, connection: Connection | None, actor: str, *, tested: bool
) -> CaptridError | None:
    """Store the form; what was tested just now is tested once more, so that its result is kept."""
    connections = workspace().connections
    watch = PageWatch() if tested else None
    try:
        if connection is None:
            connections.add(form, test=watch, actor=actor)
        else:
            connections.edit(connection.id, form, test=watch, actor=actor)
    except CaptridError as error:
        return error
    return None


def _fingerprint(form: ConnectionForm) -> int:
    """Tell one filled-in form from another, but for what a test does not look at."""
    return hash(
        (
            form.tenant_id.strip(),
            form.client_id.strip(),
            form.credential,
            form.secret,
            form.cloud,
            form.authority_url,
            form.graph_url,
            form.ca_file,
        )
    )


def _show_facts(facts: Facts) -> None:
    worked = strings.TEST_WORKED.format(
        tenant=md(facts.tenant_name),
        users=counted(facts.users, "user"),
        groups=counted(facts.groups, "group"),
    )
    granted = " ".join(f":green-badge[:material/check: {md(one)}]" for one in facts.permissions)
    st.success(f"**{worked}**\n\n{granted}", icon=":material/check_circle:")


def remove_connection(actor: str, connection: Connection) -> None:
    """Open the dialog that removes a connection."""
    st.dialog(strings.REMOVE_CONNECTION, icon=":material/delete:")(_remove)(actor, connection)


def _remove(actor: str, connection: Connection) -> None:
    using = workspace().connections.lists_using(connection.id)
    name = md(connection.name)
    if using:
        st.warning(
            strings.REMOVE_USED.format(
                name=name,
                lists=enumerated([f"“{md(one)}”" for one in using]),
                them="it" if len(using) == 1 else "them",
            ),
            icon=":material/warning:",
        )
    else:
        st.markdown(strings.REMOVE_UNUSED.format(name=name))
    outcome = st.container()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(strings.CANCEL, key="connection_remove_cancel"):
            st.rerun()
        sure = st.button(
            strings.REMOVE_AND_DISCONNECT if using else strings.REMOVE,
            key="connection_remove_confirm",
            type="primary",
            icon=":material/delete:",
        )
    if sure:
        try:
            workspace().connections.remove(connection.id, disconnect_lists=bool(using), actor=actor)
        except CaptridError as error:
            with outcome:
                show_error(error)
        else:
            say(strings.CONNECTION_REMOVED.format(name=name))
            st.rerun()
