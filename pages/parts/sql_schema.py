"""What SQL can ask about, and how other tools get at it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import caught
from pages.parts.tables import draw_table
from pages.parts.text import md


def draw_schema(actor: str) -> None:
    """Draw the tables; the one that is chosen with its columns, and its name to be copied."""
    st.subheader(strings.SQL_TABLES, anchor=False)
    with caught():
        tables = {one.name: one for one in workspace().sql.schema(actor=actor)}
        chosen = st.selectbox(strings.SQL_TABLE, list(tables), key="sql_table")
        if chosen is None:
            return
        table = tables[chosen]
        st.caption(md(table.about))
        st.code(_identifier(table.name), language="sql")
        shown = [
            {
                strings.SQL_COLUMN: one.name,
                strings.SQL_COLUMN_TYPE: one.type,
                strings.SQL_COLUMN_ABOUT: one.about,
            }
            for one in table.columns
        ]
        draw_table(pd.DataFrame(shown), "sql_columns", strings.SQL_COLUMNS_OF.format(name=table.name))


def draw_tools() -> None:
    """Draw what to type into other tools."""
    path = str(workspace().published.path)
    snippets = {
        "cli": ("bash", f"duckdb -readonly '{path}' \"SELECT * FROM people LIMIT 10\""),
        "pandas": (
            "python",
            f"import duckdb\n\nwith duckdb.connect({path!r}, read_only=True) as file:\n"
            '    people = file.sql("SELECT * FROM people").df()',
        ),
        "captrid": ("bash", 'captrid sql "SELECT * FROM people" --csv > people.csv'),
    }
    with st.expander(strings.SQL_TOOLS, key="sql_tools", icon=":material/terminal:"):
        st.caption(strings.SQL_TOOLS_TEXT)
        for key, (language, text) in snippets.items():
            st.markdown(strings.SQL_TOOL_WORDS[key])
            st.code(text, language=language, wrap_lines=True)


def _identifier(name: str) -> str:
    """Return a name as it is written in SQL."""
    return name if name.isidentifier() and name.islower() else '"' + name.replace('"', '""') + '"'
