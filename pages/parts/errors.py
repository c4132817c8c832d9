"""Errors on screen: what happened and what to do, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from captrid_core.errors import CaptridError
from pages import strings
from pages.parts.text import hint_md, md


def show_error(error: CaptridError) -> None:
    """Show an error of the core with its cause, its cure and its code."""
    _show(error.message, error.hint, error.code)


def show_stored_error(error: dict[str, Any]) -> None:
    """Show an error that was kept with a run or a connection's test."""
    _show(error.get("message") or strings.UNKNOWN_ERROR, error.get("hint") or "", error.get("code") or "")


def show_fault(reference: str) -> None:
    """Show that a page failed in an unforeseen way, with the log's reference to it."""
    st.error(strings.FAULT.format(reference=reference), icon=":material/error:")


@contextmanager
def caught() -> Iterator[None]:
    """Show an error of the core where it happens, and go on after the block."""
    try:
        yield
    except CaptridError as error:
        show_error(error)


def _show(message: str, hint: str, code: str) -> None:
    cure = f"\n\n{hint_md(hint)}" if hint else ""
    number = f"\n\n{strings.ERROR_CODE} `{code}`" if code else ""
    st.error(f"**{md(message)}**{cure}{number}", icon=":material/error:")
