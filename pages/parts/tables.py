"""Tables to be read: all drawn alike, each within a container that has its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import streamlit as st

_WHOLE, _HIGH = 15, 560


def draw_table(shown: pd.DataFrame, key: str, alt: str, config: Mapping[str, Any] | None = None) -> None:
    """Draw a table that nothing can be selected in."""
    with st.container(key=key):
        st.dataframe(
            shown,
            hide_index=True,
            key=f"{key}_table",
            column_config=dict(config or {}),
            height=table_height(len(shown)),
            alt=alt,
        )


def table_height(rows: int) -> Literal["content"] | int:
    """Return how high a table is drawn: whole while it is short, else with its own scroll bar."""
    return "content" if rows <= _WHOLE else _HIGH
