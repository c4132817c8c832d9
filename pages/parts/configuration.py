"""How a list is synced, to be looked at: its field mappings and its rules."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.directory.properties import parse_property
from captrid_core.lists.model import MasterList, OnUidChange
from pages import strings
from pages.parts.tables import draw_table


def draw_configuration(master_list: MasterList) -> None:
    """Draw Configuration and Field Mappings."""
    sync = master_list.sync
    assert sync is not None
    title = strings.CONFIGURATION.format(count=len(sync.mapping))
    with st.expander(title, key="sync_configuration", icon=":material/tune:"):
        shown = [
            {
                strings.DIRECTORY_FIELD: parse_property(path).label,
                strings.GRAPH_NAME: path,
                strings.LIST_FIELD: master_list.field(key).label,
                strings.FIELD_TYPE: strings.TYPE_WORDS[master_list.field(key).type],
                strings.UID: "✓" if path == sync.uid_property else "",
            }
            for path, key in sync.mapping.items()
        ]
        draw_table(pd.DataFrame(shown), "sync_mappings", strings.FIELD_MAPPINGS)
        guards = sync.guards
        st.caption(
            strings.RULES_IN_WORDS.format(
                leavers=guards.deactivate_count,
                leavers_share=f"{guards.deactivate_percent:g}",
                blanks=guards.blank_count,
                blanks_share=f"{guards.blank_percent:g}",
                policy=strings.NEW_PERSON_TEXT
                if sync.on_uid_change is OnUidChange.NEW_PERSON
                else strings.SAME_PERSON_TEXT,
            )
        )
