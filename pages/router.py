"""The entry script: the frame of every page, and which pages there are."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from captrid_core.serving import workspace
from pages import strings
from pages.parts.guard import require

require()

_ASSETS = Path(__file__).parent / "assets"
_logo = _ASSETS / ("logo-dark.svg" if st.context.theme.type == "dark" else "logo-light.svg")

st.set_page_config(page_title=strings.PRODUCT, page_icon=str(_ASSETS / "mark.svg"), layout="wide")
st.logo(str(_logo), size="large")
st.html(_ASSETS / "style.css")

_demo_pages = [
    st.Page("demo_directory.py", title=strings.SANDBOX, icon=":material/science:", url_path="sandbox"),
]

page = st.navigation(
    [
        st.Page("home.py", title=strings.HOME, icon=":material/home:", default=True),
        st.Page("master_lists.py", title=strings.MASTER_LISTS, icon=":material/groups:", url_path="lists"),
        st.Page("sql.py", title=strings.SQL, icon=":material/database:", url_path="sql"),
        st.Page(
            "directory_integrations.py",
            title=strings.DIRECTORY_INTEGRATIONS,
            icon=":material/hub:",
            url_path="connections",
        ),
        st.Page("audit_log.py", title=strings.AUDIT_LOG, icon=":material/fact_check:", url_path="audit"),
        st.Page(
            "organisation_settings.py",
            title=strings.ORGANISATION_SETTINGS,
            icon=":material/settings:",
            url_path="settings",
        ),
        *(_demo_pages if workspace().practice is not None else []),
        st.Page("master_list.py", title=strings.MASTER_LIST, url_path="list", visibility="hidden"),
        st.Page("create_master_list.py", title=strings.CREATE_LIST, url_path="new_list", visibility="hidden"),
        st.Page("run.py", title=strings.RUN, url_path="run", visibility="hidden"),
    ],
    position="top",
)
page.run()
