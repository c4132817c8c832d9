"""SQL: analysts ask about people, runs and changes, and take the answers with them."""

from __future__ import annotations

import streamlit as st

from captrid_core.serving import workspace
from pages import strings
from pages.parts.guard import require
from pages.parts.sql_editor import draw_editor
from pages.parts.sql_result import draw_job
from pages.parts.sql_schema import draw_schema, draw_tools

actor = require()

st.title(strings.SQL, anchor=False)
st.caption(strings.SQL_INTRO)
workspace().sql.warm()
asking, known = st.columns([7, 4], gap="medium")
with asking:
    draw_editor(actor)
    draw_job()
with known:
    draw_schema(actor)
    draw_tools()
