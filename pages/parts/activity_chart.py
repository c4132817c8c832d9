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
_FEW, _WIDEST = 14, 36


def draw_activity(list_id: int) -> None:
    """Draw the chart, as soon as there is something to draw.

    Each kind of change has a band with a scale of its own: a first sync of thousands must not hide
    the two or three people of later ones.
    """
    found = activity(workspace().database, list_id)
    if not any(one.created or one.updated or one.deactivated for one in found.buckets):
        st.caption(strings.NO_ACTIVITY)
        return
    with st.container(border=True, gap="xsmall", key="activity"):
        st.caption(strings.ACTIVITY_UNIT[found.unit])
        words = _in_words(found)
        for name in _SERIES:
            last = name == _SERIES[-1]
            st.altair_chart(_band(found, name, labelled=last), key=f"activity_{name}", alt=words[name])


def _band(found: Activity, name: str, *, labelled: bool) -> alt.Chart:
    """Return the bars of one kind of change; only the lowest band names the time."""
    word = strings.ACTION_WORDS[name]
    shown = pd.DataFrame(
        {
            "when": [_label(found.unit, one.begins, one.run_id) for one in found.buckets],
            "people": [getattr(one, name) for one in found.buckets],
            "runs": [one.runs for one in found.buckets],
            "change": word,
        }
    )
    order = [strings.ACTION_WORDS[one] for one in _SERIES]
    most = max(int(shown["people"].max()), 1)
    axis = alt.Axis(
        labels=labelled, ticks=False, labelAngle=0, labelOverlap="greedy", labelSeparation=12, domain=True
    )
    bar = {"size": _WIDEST} if len(found.buckets) <= _FEW else {}
    return (
        alt.Chart(shown)
        .mark_bar(cornerRadiusEnd=2, **bar)
        .encode(
            x=alt.X("when:N", sort=None, title=None, axis=axis),
            y=alt.Y(
                "people:Q",
                title=word,
                scale=alt.Scale(domain=[0, most], nice=True),
                axis=alt.Axis(tickCount=2, tickMinStep=1, format=",d", minExtent=48, maxExtent=48),
            ),
            color=alt.Color("change:N", scale=alt.Scale(domain=order), legend=None),
            tooltip=[
                alt.Tooltip("when:N", title=strings.WHEN),
                alt.Tooltip("people:Q", title=word, format=","),
                alt.Tooltip("runs:Q", title=strings.RUNS),
            ],
        )
        .properties(height=118 if labelled else 92)
    )


def _label(unit: Unit, begins: object, run_id: int | None) -> str:
    moment = local(begins)  # type: ignore[arg-type]
    if unit is Unit.RUN:
        return f"#{run_id} · {moment:%-d %b}"
    return f"{moment:%b %Y}" if unit is Unit.MONTH else f"{moment:%-d %b %y}"


def _in_words(found: Activity) -> dict[str, str]:
    return {
        name: strings.ACTIVITY_ALT.format(
            change=strings.ACTION_WORDS[name], total=f"{sum(getattr(one, name) for one in found.buckets):,}"
        )
        for name in _SERIES
    }
