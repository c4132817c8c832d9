"""A person's history: who or which run changed what, and when."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from pages import strings
from pages.parts.tables import draw_table
from pages.parts.times import exact

_SHOWN = 50


def draw_history(master_list: MasterList, person_id: int) -> None:
    """Draw the latest of what happened to a person."""
    found = workspace().people.history(master_list, person_id, limit=_SHOWN + 1)
    if not found:
        st.caption(strings.HISTORY_EMPTY)
        return
    labels = {one.key: one.label for one in master_list.fields}
    shown = [
        {
            strings.WHEN: exact(one.at),
            strings.CHANGE: strings.ACTION_WORDS.get(one.action, one.action),
            strings.FIELD: labels.get(one.field, one.field) if one.field else "",
            strings.BEFORE: one.old if one.field else "",
            strings.AFTER: one.new if one.field else "",
            strings.REASON: strings.REASON_WORDS.get(one.reason, one.reason) if one.reason else "",
            strings.BY: one.actor
            if one.run_id is None
            else strings.BY_RUN.format(actor=one.actor, run=one.run_id),
        }
        for one in found[:_SHOWN]
    ]
    frame = pd.DataFrame(shown)
    if not frame[strings.REASON].any():
        frame = frame.drop(columns=[strings.REASON])
    draw_table(frame, "person_history", strings.HISTORY)
    if len(found) > _SHOWN:
        st.caption(strings.HISTORY_LATEST.format(count=_SHOWN))
