"""The chart of people created, updated and deactivated over time (C1)."""

from __future__ import annotations

from datetime import timedelta

import altair as alt
import pandas as pd
import streamlit as st

from captrid_core.insight.activity import Activity, Standing, Unit, active_over_time, activity
from captrid_core.lists.model import MasterList
from captrid_core.serving import workspace
from pages import strings
from pages.parts.times import exact, local, now

_SERIES = ("created", "updated", "deactivated")
_FEW, _WIDEST = 14, 36
_DAYS = timedelta(days=3)


def draw_activity(master_list: MasterList) -> None:
    """Draw the chart, as soon as there is something to draw.

    Each kind of change has a band with a scale of its own: a first sync of thousands must not hide
    the two or three people of later ones.
    """
    unit = st.segmented_control(
        strings.ACTIVITY_BY,
        list(strings.ACTIVITY_UNITS),
        format_func=strings.ACTIVITY_UNITS.__getitem__,
        default="",
        required=True,
        key="activity_unit",
        label_visibility="collapsed",
    )
    found = activity(workspace().database, master_list.id, unit=Unit(unit) if unit else None)
    if not any(one.created or one.updated or one.deactivated for one in found.buckets):
        st.caption(strings.NO_ACTIVITY)
        return
    with st.container(border=True, gap="xsmall", key="activity"):
        st.caption(strings.ACTIVITY_UNIT[found.unit])
        words = _in_words(found)
        for name in _SERIES:
            last = name == _SERIES[-1]
            st.altair_chart(_band(found, name, labelled=last), key=f"activity_{name}", alt=words[name])


def draw_active(master_list: MasterList) -> None:
    """Draw how many people were Active over time."""
    steps = active_over_time(workspace().database, master_list)
    if not steps:
        return
    last = Standing(now(), steps[-1].active)
    long = last.since - steps[0].since > _DAYS
    shown = pd.DataFrame(
        [{"when": local(one.since).replace(tzinfo=None), "active": one.active} for one in [*steps, last]]
    )
    chart = (
        alt.Chart(shown)
        .mark_area(interpolate="step-after", line=True, opacity=0.25)
        .encode(
            x=alt.X(
                "when:T",
                title=None,
                axis=alt.Axis(
                    format="%-d %b %Y" if long else "%-d %b %H:%M",
                    tickCount=6,
                    labelOverlap="greedy",
                    labelSeparation=12,
                    grid=False,
                ),
            ),
            y=alt.Y(
                "active:Q",
                title=strings.ACTIVE,
                axis=alt.Axis(tickCount=3, tickMinStep=1, format=",d", minExtent=48, maxExtent=48),
            ),
            tooltip=[
                alt.Tooltip("when:T", title=strings.WHEN, format="%d %b %Y, %H:%M"),
                alt.Tooltip("active:Q", title=strings.ACTIVE, format=","),
            ],
        )
        .properties(height=150)
    )
    with st.container(border=True, key="active_over_time"):
        st.altair_chart(
            chart,
            key="active_chart",
            alt=strings.ACTIVE_ALT.format(active=f"{last.active:,}", since=exact(steps[0].since)),
        )


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
