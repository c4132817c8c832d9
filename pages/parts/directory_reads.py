"""What the wizard asks of a directory, kept for the session so that a click does not ask again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

import streamlit as st

from captrid_core.directory.port import Group, Scope
from captrid_core.serving import workspace
from captrid_core.sync.mapping import Headcount, Sample
from pages import strings
from pages.parts.watch import PageWatch

T = TypeVar("T")

_KEPT = "directory_reads"


def _once(kind: str, key: Hashable, spinner: str, read: Callable[[], T]) -> T:
    """Return what `read` returned for that key before, or does now."""
    kept: dict[Hashable, T] = st.session_state.setdefault(_KEPT, {}).setdefault(kind, {})
    if key not in kept:
        with st.spinner(spinner):
            kept[key] = read()
    return kept[key]


def forget_reads() -> None:
    """Ask the directory anew from now on."""
    st.session_state.pop(_KEPT, None)


def groups(connection_id: int, search: str) -> list[Group]:
    """Return the groups that fit a search.

    Raises:
        SignInError, DirectoryError: The directory could not be read.
    """
    return _once(
        "groups",
        (connection_id, search.strip().lower()),
        strings.READING_GROUPS,
        lambda: workspace().setup.groups(connection_id, search, PageWatch()),
    )


def count(connection_id: int, scope: Scope) -> Headcount:
    """Return about how many users a scope holds, guests and disabled accounts among them.

    Raises:
        SignInError, DirectoryError: The directory could not be read.
    """
    return _once(
        "counts",
        (connection_id, scope),
        strings.COUNTING,
        lambda: workspace().setup.count(connection_id, scope, PageWatch()),
    )


def sample(connection_id: int, scope: Scope) -> Sample:
    """Return some people of a scope.

    Raises:
        SignInError, DirectoryError: The directory could not be read.
    """
    return _once(
        "samples",
        (connection_id, scope),
        strings.READING_SAMPLE,
        lambda: workspace().setup.sample(connection_id, scope, PageWatch()),
    )
