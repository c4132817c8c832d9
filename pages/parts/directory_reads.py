"""What the wizard asks of a directory, kept for the session so that a click does not ask again."""

from __future__ import annotations

import streamlit as st

from captrid_core.directory.port import Group, Scope
from captrid_core.serving import workspace
from captrid_core.sync.mapping import Sample
from pages import strings
from pages.parts.watch import PageWatch

_KEPT = "directory_reads"


def _kept(kind: str) -> dict[tuple[object, ...], object]:
    return st.session_state.setdefault(_KEPT, {}).setdefault(kind, {})


def forget_reads() -> None:
    """Ask the directory anew from now on."""
    st.session_state.pop(_KEPT, None)


def groups(connection_id: int, search: str) -> list[Group]:
    """Return the groups that fit a search.

    Raises:
        SignInError, DirectoryError: The directory could not be read.
    """
    kept = _kept("groups")
    key = (connection_id, search.strip().lower())
    if key not in kept:
        with st.spinner(strings.READING_GROUPS):
            kept[key] = workspace().setup.groups(connection_id, search, PageWatch())
    return kept[key]  # type: ignore[return-value]


def count(connection_id: int, scope: Scope) -> int:
    """Return about how many users a scope holds.

    Raises:
        SignInError, DirectoryError: The directory could not be read.
    """
    kept = _kept("counts")
    key = (connection_id, scope)
    if key not in kept:
        with st.spinner(strings.COUNTING):
            kept[key] = workspace().setup.count(connection_id, scope, PageWatch())
    return kept[key]  # type: ignore[return-value]


def sample(connection_id: int, scope: Scope) -> Sample:
    """Return some people of a scope.

    Raises:
        SignInError, DirectoryError: The directory could not be read.
    """
    kept = _kept("samples")
    key = (connection_id, scope)
    if key not in kept:
        with st.spinner(strings.READING_SAMPLE):
            kept[key] = workspace().setup.sample(connection_id, scope, PageWatch())
    return kept[key]  # type: ignore[return-value]
