"""Soon."""

from __future__ import annotations

import streamlit as st

from pages import strings
from pages.parts.guard import require

actor = require()
st.title(strings.CREATE_LIST, anchor=False)
