"""The foot of a dialog that asks whether something is meant."""

from __future__ import annotations

import streamlit as st

from pages import strings


def sure(word: str, key: str, icon: str) -> bool:
    """Draw Cancel and the decision; say whether it was made."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(strings.CANCEL, key=f"{key}_cancel"):
            st.rerun()
        return st.button(word, key=f"{key}_confirm", type="primary", icon=icon)
