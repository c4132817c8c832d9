"""Master Lists as cards: what stands in them and how fresh they are."""

from __future__ import annotations

import streamlit as st

from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from captrid_core.sync.runs import Run, RunStatus
from pages import strings
from pages.parts.badges import list_badge, run_badge
from pages.parts.sync_tab import connection_name, scope_name
from pages.parts.text import md, people
from pages.parts.times import ago, exact

_ROW = 3


def draw_list_cards(lists: list[MasterList]) -> None:
    """Draw one card for each list."""
    for start in range(0, len(lists), _ROW):
        columns = st.columns(_ROW, gap="medium")
        for column, one in zip(columns, lists[start : start + _ROW], strict=False):
            with column:
                _draw_card(one)


def _draw_card(master_list: MasterList) -> None:
    counts = workspace().lists.counts(master_list)
    last = workspace().runs.last(master_list.id) if master_list.sync is not None else None
    with st.container(border=True, key=f"list_card_{master_list.id}", height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(md(master_list.name), anchor=False, width="content")
            list_badge(master_list)
        st.markdown(strings.CARD_COUNTS.format(active=f"{counts.active:,}", total=people(counts.total)))
        _draw_freshness(master_list, last)
        with st.container(horizontal=True):
            st.page_link(
                "master_list.py",
                label=strings.OPEN,
                icon=":material/arrow_forward:",
                query_params={"list": str(master_list.id)},
            )
            st.page_link(
                "master_list.py",
                label=strings.TAB_SYNC,
                icon=":material/sync:",
                query_params={"list": str(master_list.id), "tab": strings.TAB_SYNC},
            )


def _draw_freshness(master_list: MasterList, last: Run | None) -> None:
    if master_list.sync is None or not master_list.connected:
        st.caption(strings.KEPT_BY_HAND)
        return
    sync = master_list.sync
    st.caption(f"{md(connection_name(sync))} · {md(scope_name(sync))}")
    applied = workspace().runs.last_applied(master_list.id)
    with st.container(horizontal=True, vertical_alignment="center"):
        if applied is None:
            st.caption(strings.NOT_SYNCED_YET, width="content")
        else:
            st.caption(
                strings.CORRECT_AS_OF.format(ago=ago(applied.started_at)),
                help=exact(applied.started_at),
                width="content",
            )
        if last is not None and last.status is not RunStatus.SUCCEEDED:
            run_badge(last.status)
    if applied is not None:
        done = applied.counts
        st.caption(
            strings.CARD_LAST.format(
                created=f"{done.created:,}",
                updated=f"{done.updated:,}",
                deactivated=f"{done.deactivated:,}",
            )
        )
