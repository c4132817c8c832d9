"""Messages that outlive a rerun, and widgets' values that must not."""

from __future__ import annotations

import streamlit as st

_MESSAGES = "_messages"


def say(message: str, icon: str = ":material/check_circle:") -> None:
    """Show a short message with the next run of a page; its data must have gone through `md`."""
    st.session_state.setdefault(_MESSAGES, []).append((message, icon))


def show_messages() -> None:
    """Show what was left to say."""
    for message, icon in st.session_state.pop(_MESSAGES, []):
        st.toast(message, icon=icon)


def forget(prefix: str) -> None:
    """Forget the state of every widget whose key begins so, as a dialog that closes or opens anew."""
    for key in [key for key in st.session_state if isinstance(key, str) and key.startswith(prefix)]:
        del st.session_state[key]
