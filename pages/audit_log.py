"""Audit log: who did what by hand, to be narrowed down, leafed through and taken away as CSV."""

from __future__ import annotations

import json
import math
from functools import partial

import pandas as pd
import streamlit as st

from captrid_core.insight.audit import AuditEntry, AuditFilter
from captrid_core.serving import workspace
from pages import strings
from pages.parts.guard import require
from pages.parts.tables import draw_table
from pages.parts.text import counted
from pages.parts.times import exact

require()

_PAGE = 50
_AT = "audit_page"


def _first_page() -> None:
    st.session_state[_AT] = 1


def _draw_filters() -> AuditFilter:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            strings.AUDIT_SEARCH, key="audit_search", type="search", live="300ms", on_change=_first_page
        )
        action = st.selectbox(
            strings.AUDIT_ABOUT,
            list(strings.AUDIT_FAMILIES),
            format_func=strings.AUDIT_FAMILIES.__getitem__,
            key="audit_action",
            on_change=_first_page,
            width=220,
        )
        actor = st.selectbox(
            strings.AUDIT_WHO,
            ["", *workspace().audit.actors()],
            format_func=lambda one: one or strings.AUDIT_ANYBODY,
            key="audit_actor",
            on_change=_first_page,
            width=220,
        )
    return AuditFilter(action=action or "", actor=actor or "", search=search or "")


def _draw_entries(wanted: AuditFilter) -> None:
    audit = workspace().audit
    total = audit.count(wanted)
    if not total:
        anything = wanted != AuditFilter()
        st.info(strings.AUDIT_NOTHING_FITS if anything else strings.AUDIT_EMPTY, icon=":material/search_off:")
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{counted(total, 'entry', 'entries')}**", width="content")
        st.download_button(
            strings.AUDIT_CSV,
            data=partial(audit.csv, wanted),
            file_name="audit-log.csv",
            mime="text/csv",
            key="audit_csv",
            icon=":material/download:",
            on_click="ignore",
        )
    pages = math.ceil(total / _PAGE)
    page = min(st.session_state.get(_AT, 1), pages)
    entries = audit.find(wanted, limit=_PAGE, offset=(page - 1) * _PAGE)
    draw_table(pd.DataFrame([_line(one) for one in entries]), "audit_entries", strings.AUDIT_LOG)
    if pages > 1:
        st.session_state[_AT] = page
        st.pagination(pages, key=_AT)


def _line(entry: AuditEntry) -> dict[str, str]:
    details = json.loads(entry.details) if entry.details is not None else {}
    return {
        strings.WHEN: exact(entry.at),
        strings.BY: entry.actor,
        strings.AUDIT_WHAT: strings.AUDIT_WORDS.get(entry.action, entry.action),
        strings.AUDIT_ON: entry.entity_name or entry.entity_id,
        strings.AUDIT_DETAILS: ", ".join(f"{key}: {_told(value)}" for key, value in details.items()),
    }


def _told(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} → {one}" for key, one in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


st.title(strings.AUDIT_LOG, anchor=False)
st.caption(strings.AUDIT_INTRO)
_draw_entries(_draw_filters())
