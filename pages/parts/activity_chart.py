"""The chart of people created, updated and deactivated over time (C1)."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from captrid_core.insight.activity import Activity, Unit, activity
from captrid_core.serving import workspace
from pages import strings
from pages.parts.times import local

_SERIES = ("created", "updated", "deactivated")


def draw_activity(list_id: int) -> None:
    """Draw the chart, as soon as there is something to draw."""
    found = activity(workspace().database, list_id)
    if not any(one.created or one.updated or one.deactivated for one in found.buckets):
        st.caption(strings.NO_ACTIVITY)
        return
    st.caption(strings.ACTIVITY_UNIT[found.unit])
    st.altair_chart(_chart(found), key="activity_chart", alt=_in_words(found))


def _chart(found: Activity) -> alt.FacetChart:
    """Return one band of bars for each kind of change: a first sync of thousands must not hide later ones."""
    shown = pd.DataFrame(
        [
            {
                "when": _label(found.unit, one.begins, one.run_id),
                "change": strings.ACTION_WORDS[name],
                "people": getattr(one, name),
                "runs": one.runs,
            }
            for one in found.buckets
            for name in _SERIES
        ]
    )
    order = [strings.ACTION_WORDS[name] for name in _SERIES]
    bars = (
        alt.Chart()
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X(
                "when:N",
                sort=None,
                title=None,
                axis=alt.Axis(labelAngle=0, labelOverlap="greedy", labelSeparation=8, ticks=False),
            ),
            y=alt.Y("people:Q", title=None, axis=alt.Axis(tickCount=3, tickMinStep=1, format="~s")),
            color=alt.Color("change:N", sort=order, scale=alt.Scale(domain=order), legend=None),
            tooltip=[
                alt.Tooltip("when:N", title=strings.WHEN),
                alt.Tooltip("change:N", title=strings.CHANGE),
                alt.Tooltip("people:Q", title=strings.TAB_PEOPLE, format=","),
                alt.Tooltip("runs:Q", title=strings.RUNS),
            ],
        )
        .properties(height=88, width="container")
    )
    return (
        bars.facet(
            row=alt.Row(
                "change:N",
                sort=order,
                title=None,
                header=alt.Header(labelAngle=0, labelAlign="left", labelOrient="top", labelFontWeight="bold"),
            ),
            data=shown,
        )
        .resolve_scale(y="independent")
        .properties(bounds="flush")
    )


def _label(unit: Unit, begins: object, run_id: int | None) -> str:
    moment = local(begins)  # type: ignore[arg-type]
    if unit is Unit.RUN:
        return f"#{run_id} · {moment:%-d %b}"
    return f"{moment:%b %Y}" if unit is Unit.MONTH else f"{moment:%-d %b %y}"


def _in_words(found: Activity) -> str:
    total = {name: sum(getattr(one, name) for one in found.buckets) for name in _SERIES}
    return strings.ACTIVITY_ALT.format(**{name: f"{number:,}" for name, number in total.items()})
