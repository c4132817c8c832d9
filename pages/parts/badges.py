"""Badges: how a connection, a list or a run stands, always the same colour and icon."""

from __future__ import annotations

import streamlit as st

from captrid_core.directory.connections import Connection
from captrid_core.lists.model import MasterList
from captrid_core.sync.runs import RunStatus
from pages import strings

_CONNECTIONS = {
    "Connected": (":material/check_circle:", "green"),
    "Failed": (":material/error:", "red"),
    "Not tested": (":material/help:", "gray"),
}
_RUNS = {
    RunStatus.RUNNING: (":material/sync:", "blue"),
    RunStatus.SUCCEEDED: (":material/check_circle:", "green"),
    RunStatus.HELD: (":material/pause_circle:", "orange"),
    RunStatus.FAILED: (":material/error:", "red"),
    RunStatus.CANCELLED: (":material/cancel:", "gray"),
    RunStatus.INTERRUPTED: (":material/power_off:", "red"),
    RunStatus.DISCARDED: (":material/block:", "gray"),
    RunStatus.UNDONE: (":material/undo:", "gray"),
}


def connection_badge(connection: Connection) -> None:
    """Show Connected, Failed or Not tested."""
    icon, colour = _CONNECTIONS[connection.badge]
    st.badge(connection.badge, icon=icon, color=colour)  # type: ignore[arg-type]


def run_badge(status: RunStatus) -> None:
    """Show how a run stands."""
    icon, colour = _RUNS[status]
    st.badge(strings.STATUS_WORDS[status], icon=icon, color=colour)  # type: ignore[arg-type]


def list_badge(master_list: MasterList) -> None:
    """Show whether a directory feeds a list."""
    if master_list.connected:
        st.badge(strings.CONNECTED, icon=":material/link:", color="green")
    else:
        st.badge(strings.NOT_CONNECTED, icon=":material/link_off:", color="gray")
