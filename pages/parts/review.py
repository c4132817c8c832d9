"""The review step: how the first people will look, and the two ways to finish."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.directory.properties import parse_property
from captrid_core.errors import CaptridError
from captrid_core.lists.model import Field, MasterList
from captrid_core.serving import workspace
from captrid_core.sync.mapping import PreviewRow, preview
from pages import strings
from pages.parts import directory_reads
from pages.parts.dry_run import draw_dry_run
from pages.parts.errors import show_error
from pages.parts.feedback import say
from pages.parts.tables import draw_table
from pages.parts.text import enumerated, md, people
from pages.parts.wizard import Entry, Wizard

_SHOWN = 10


def draw_review(wizard: Wizard, master_list: MasterList | None, actor: str) -> None:
    """Draw the step with its buttons."""
    entry = wizard.entry
    directory = entry.list_id is not None or entry.source == "directory"
    st.header(strings.STEP_REVIEW, anchor=False)
    st.caption(strings.REVIEW_INTRO if directory else strings.REVIEW_INTRO_PLAIN)
    _draw_summary(entry, master_list, directory=directory)
    if directory:
        _draw_people(entry, master_list)
        draw_dry_run(entry, master_list, _fields(entry, master_list), actor)
    if master_list is not None and master_list.sync is not None:
        st.caption(f":material/info: {strings.FULL_NEXT}")
    _draw_buttons(wizard, master_list, actor, directory=directory)


def _draw_summary(entry: Entry, master_list: MasterList | None, *, directory: bool) -> None:
    fields = {one.key: one.label for one in _fields(entry, master_list)}
    lines = [(strings.LIST_NAME_SHORT, md(entry.name))]
    if directory:
        assert entry.connection_id is not None
        assert entry.uid_property is not None
        connection = workspace().connections.get(entry.connection_id)
        left_out = [
            word
            for word, on in (
                (strings.GUESTS, entry.exclude_guests),
                (strings.DISABLED_ACCOUNTS, entry.exclude_disabled),
            )
            if on
        ]
        uid = fields[entry.mapping[entry.uid_property]]
        lines += [
            (strings.STEP_CONNECTION, md(connection.name)),
            (strings.SCOPE_LABEL, md(entry.scope_name) + (strings.WITH_NESTED if entry.nested else "")),
            (strings.LEFT_OUT, enumerated(left_out) or strings.NOBODY),
            (strings.UID, f"{md(uid)} ← {md(parse_property(entry.uid_property).label)}"),
            (strings.MAPPED_FIELDS, enumerated([md(fields[key]) for key in entry.mapping.values()])),
        ]
    else:
        source = strings.SOURCE_MANUAL if entry.source == "manual" else strings.SOURCE_CSV
        lines += [
            (strings.STEP_SOURCE, source),
            (strings.UID, md(fields.get(entry.uid_key or "", ""))),
            (strings.FIELDS, enumerated([md(label) for label in fields.values()])),
        ]
    with st.container(border=True, key="review_summary"):
        for label, value in lines:
            left, right = st.columns([1, 4])
            left.markdown(f":gray[{label}]")
            right.markdown(value)


def _fields(entry: Entry, master_list: MasterList | None) -> list[Field]:
    known = list(master_list.fields) if master_list is not None else []
    return known + [one.as_field() for one in entry.new_fields]


def _draw_people(entry: Entry, master_list: MasterList | None) -> None:
    assert entry.connection_id is not None
    assert entry.uid_property is not None
    st.subheader(strings.REVIEW_PEOPLE, anchor=False)
    try:
        sample = directory_reads.sample(entry.connection_id, entry.scope)
    except CaptridError as error:
        show_error(error)
        return
    if not sample.people:
        st.warning(strings.SAMPLE_EMPTY, icon=":material/warning:")
        return
    fields = _fields(entry, master_list)
    rows = preview(sample, entry.mapping, fields, uid_property=entry.uid_property, limit=len(sample.people))
    _draw_table(rows[:_SHOWN], {one.key: one.label for one in fields})
    _draw_problems(rows)


def _draw_table(rows: list[PreviewRow], labels: dict[str, str]) -> None:
    shown = [
        {
            strings.PROBLEMS: "⚠" if row.problems else "",
            **{labels[key]: value for key, value in row.values.items()},
        }
        for row in rows
    ]
    flagged = any(row.problems for row in rows)
    config = {strings.PROBLEMS: st.column_config.TextColumn("", width=40) if flagged else None}
    with st.container(key="review_people"):
        draw_table(pd.DataFrame(shown), "review_table", strings.REVIEW_PEOPLE, config)


def _draw_problems(rows: list[PreviewRow]) -> None:
    bad = [row for row in rows if row.problems]
    if not bad:
        st.caption(f":material/check_circle: {strings.REVIEW_NO_PROBLEMS}")
        return
    lines = [strings.REVIEW_PROBLEMS.format(count=len(bad), people=people(len(rows)))]
    for row in bad[:_SHOWN]:
        who = " · ".join(value for value in list(row.values.values())[:3] if value) or strings.NAMELESS
        lines += [f"- {md(who)}: {md(problem)}" for problem in row.problems]
    st.warning("\n".join([lines[0], "", *lines[1:]]), icon=":material/warning:")


def _draw_buttons(wizard: Wizard, master_list: MasterList | None, actor: str, *, directory: bool) -> None:
    entry = wizard.entry
    steps = entry.steps
    outcome = st.container()
    with st.container(horizontal=True, horizontal_alignment="distribute", key="wizard_footer"):
        if st.button(strings.BACK, key="wizard_back", icon=":material/arrow_back:"):
            wizard.go(steps[-2])
            st.rerun()
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            only = st.button(
                strings.CREATE_ONLY if master_list is None else strings.SAVE_ONLY,
                key="wizard_finish",
                type="secondary" if directory else "primary",
            )
            sync = directory and st.button(
                strings.CREATE_AND_SYNC if master_list is None else strings.SAVE_AND_SYNC,
                key="wizard_finish_sync",
                type="primary",
                icon=":material/sync:",
            )
    if not (only or sync):
        return
    with outcome:
        try:
            list_id = _finish(wizard, master_list, actor, directory=directory)
            if sync:
                workspace().runner.start(list_id, actor=actor)
        except CaptridError as error:
            show_error(error)
            return
    st.switch_page(
        "master_list.py",
        query_params={"list": str(list_id), "tab": strings.TAB_SYNC if directory else strings.TAB_PEOPLE},
    )


def _finish(wizard: Wizard, master_list: MasterList | None, actor: str, *, directory: bool) -> int:
    """Create the list, or configure the existing one, and return its id.

    Raises:
        CaptridError: It cannot be; the draft stays.
    """
    entry = wizard.entry
    new_fields = [one.as_field() for one in entry.new_fields]
    sync = entry.configuration() if directory else None
    if master_list is not None:
        assert sync is not None
        done = workspace().lists.configure(master_list.id, sync, new_fields=new_fields, actor=actor)
        say(strings.SYNC_CONFIGURED.format(name=md(done.name)))
    else:
        uid_field = entry.mapping[sync.uid_property] if sync is not None else entry.uid_key or ""
        done = workspace().lists.create(
            entry.name, uid_field=uid_field, fields=new_fields, sync=sync, actor=actor
        )
        say(strings.LIST_CREATED.format(name=md(done.name)))
    wizard.discard()
    return done.id
