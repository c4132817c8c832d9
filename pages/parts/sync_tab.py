"""The Sync tab of a list: Status, Sync Now, Results, History, and the ways to change or end it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from captrid_core.directory.port import ScopeKind
from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList, SyncConfiguration
from captrid_core.serving import workspace
from captrid_core.sync.runs import Run, RunKind, RunStatus
from pages import strings
from pages.parts.activity_chart import draw_active, draw_activity
from pages.parts.badges import list_badge
from pages.parts.configuration import draw_configuration
from pages.parts.errors import show_error
from pages.parts.feedback import say
from pages.parts.held import draw_held
from pages.parts.preview import draw_job
from pages.parts.run_live import draw_live
from pages.parts.run_results import (
    draw_counts,
    draw_head,
    draw_message,
    draw_notes,
    has_counts,
    notes_of,
)
from pages.parts.schedule import draw_schedule
from pages.parts.text import enumerated, md, people
from pages.parts.times import ago, exact, lasted, local
from pages.parts.wizard import begin_configuring

_REFUSED = "sync_refused"
_PREVIEW = "sync_preview_job"
_SHOWN_RUNS = 100


def draw_sync_tab(master_list: MasterList, actor: str) -> None:
    """Draw the tab."""
    if (error := st.session_state.pop(_REFUSED, None)) is not None:
        show_error(error)
    if master_list.sync is None:
        _draw_unconnected(master_list, strings.NOT_CONFIGURED_TEXT)
        return
    running = False
    if master_list.connected:
        running = draw_live(master_list.id)
    runs = workspace().runs.of_list(master_list.id, limit=_SHOWN_RUNS)
    held = None
    if master_list.connected:
        held = next((run for run in runs if run.status is RunStatus.HELD), None)
        if held is not None and not running:
            draw_held(held, master_list, actor, changes=True)
        _draw_status(master_list, actor, running=running)
        _draw_preview(master_list)
        draw_schedule(master_list, actor)
    else:
        _draw_unconnected(master_list, strings.DISCONNECTED_TEXT)
    latest = next((run for run in runs if run.status is not RunStatus.RUNNING), None)
    if latest is None:
        if master_list.connected and not running:
            st.info(
                strings.NO_RUNS_YET.format(scope=md(scope_name(master_list.sync))), icon=":material/info:"
            )
        return
    if held is None or latest.id != held.id:
        _draw_results(latest, master_list)
    st.header(strings.PEOPLE_CHANGED, anchor=False)
    draw_activity(master_list)
    st.header(strings.ACTIVE_OVER_TIME, anchor=False)
    draw_active(master_list)
    draw_configuration(master_list)
    _draw_history(runs)


def scope_name(sync: SyncConfiguration) -> str:
    """Return what a list's scope is called."""
    if sync.scope.kind is ScopeKind.ALL_USERS:
        return strings.ALL_USERS
    nested = strings.WITH_NESTED if sync.scope.nested else ""
    return f"{sync.group_name or sync.scope.group_id}{nested}"


def connection_name(sync: SyncConfiguration) -> str:
    """Return the name of the connection that feeds a list; it may have been removed since."""
    try:
        return workspace().connections.get(sync.connection_id).name
    except CaptridError:
        return strings.REMOVED_CONNECTION


def configure_button(master_list: MasterList, *, prominent: bool = False) -> None:
    """Draw the button that opens the wizard on an existing list."""
    if st.button(
        strings.CONFIGURE_SYNC,
        key="sync_configure",
        icon=":material/tune:",
        type="primary" if prominent else "secondary",
    ):
        draft = begin_configuring(master_list)
        st.switch_page("create_master_list.py", query_params={"draft": draft})


def _draw_unconnected(master_list: MasterList, words: str) -> None:
    with st.container(border=True, key="sync_unconnected"):
        st.subheader(strings.NOT_CONFIGURED, anchor=False, icon=":material/link_off:")
        if master_list.archived_at is not None:
            st.markdown(strings.ARCHIVED_NOT_SYNCED)
            return
        st.markdown(words)
        configure_button(master_list, prominent=True)


def _draw_status(master_list: MasterList, actor: str, *, running: bool) -> None:
    assert master_list.sync is not None
    sync = master_list.sync
    applied = workspace().runs.last_applied(master_list.id)
    with st.container(border=True, key="sync_status"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(strings.STATUS, anchor=False, width="content")
            list_badge(master_list)
        cells = [
            (strings.LAST_SYNC, ago(applied.started_at) if applied else strings.NOT_SYNCED_YET),
            (strings.STEP_CONNECTION, md(connection_name(sync))),
            (strings.SCOPE_LABEL, md(scope_name(sync))),
            (strings.LEFT_OUT, _left_out(sync)),
            (strings.DELTA_LINK, ago(sync.delta_link_at) if sync.delta_link_at else strings.NO_DELTA_LINK),
        ]
        helps = {}
        if applied:
            helps[strings.LAST_SYNC] = exact(applied.started_at)
        if sync.delta_link_at:
            helps[strings.DELTA_LINK] = strings.DELTA_LINK_HELP.format(exact=exact(sync.delta_link_at))
        with st.grid(5, min_column_width=180, key="sync_facts"):
            for label, value in cells:
                st.markdown(f":small[:gray[{label}]]  \n**{value}**", help=helps.get(label))
        _draw_start(master_list, sync, actor, running=running)


def _left_out(sync: SyncConfiguration) -> str:
    words = [
        word
        for word, on in (
            (strings.GUESTS, sync.exclude_guests),
            (strings.DISABLED_ACCOUNTS, sync.exclude_disabled),
        )
        if on
    ]
    return enumerated(words) or strings.NOBODY


def _draw_start(master_list: MasterList, sync: SyncConfiguration, actor: str, *, running: bool) -> None:
    words = {
        RunKind.DELTA.value: (strings.DELTA_SYNC, strings.DELTA_SYNC_TEXT),
        RunKind.FULL.value: (strings.FULL_SYNC, strings.FULL_SYNC_TEXT),
    }
    # another choice once a delta is possible, so that it begins with that
    key = "sync_kind" if sync.without_delta is None else "sync_kind_full"
    asked = st.radio(
        strings.SYNC_KIND,
        list(words),
        format_func=lambda kind: words[kind][0],
        captions=[caption for _, caption in words.values()],
        index=0 if sync.without_delta is None else 1,
        key=key,
        horizontal=True,
        disabled=running,
    )
    if asked == RunKind.DELTA and (why := sync.without_delta) is not None:
        st.caption(f":material/info: {strings.FULL_NEEDED.format(why=md(why))}")
    with st.container(horizontal=True):
        st.button(
            strings.SYNC_NOW,
            key="sync_now",
            type="primary",
            icon=":material/sync:",
            disabled=running,
            help=strings.ALREADY_RUNNING if running else None,
            on_click=_start,
            args=(master_list.id, key, actor),
        )
        st.button(
            strings.PREVIEW,
            key="sync_preview",
            icon=":material/preview:",
            help=strings.PREVIEW_HELP,
            disabled=running,
            on_click=_start_preview,
            args=(master_list.id, key, actor),
        )
        configure_button(master_list)
        if st.button(strings.DISCONNECT, key="sync_disconnect", icon=":material/link_off:"):
            st.dialog(strings.DISCONNECT_TITLE, icon=":material/link_off:")(_disconnect)(master_list, actor)


def _start(list_id: int, key: str, actor: str) -> None:
    """Start before the page is drawn, so that it shows the run and not the button once more."""
    st.session_state.pop(_PREVIEW, None)
    asked = RunKind(st.session_state.get(key) or RunKind.FULL)
    try:
        workspace().runner.start(list_id, asked=asked, actor=actor)
    except CaptridError as error:
        st.session_state[_REFUSED] = error


def _start_preview(list_id: int, key: str, actor: str) -> None:
    asked = RunKind(st.session_state.get(key) or RunKind.FULL)
    st.session_state[_PREVIEW] = (
        list_id,
        workspace().runner.start_preview(list_id, asked=asked, actor=actor),
    )


def _draw_preview(master_list: MasterList) -> None:
    list_id, job = st.session_state.get(_PREVIEW, (None, None))
    if job is None or list_id != master_list.id:
        return
    with st.container(border=True, key="sync_previewed"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(strings.PREVIEW_TITLE, anchor=False, width="content", icon=":material/preview:")
            if not job.running:
                st.button(
                    strings.CLOSE,
                    key="sync_preview_close",
                    icon=":material/close:",
                    type="tertiary",
                    on_click=lambda: st.session_state.pop(_PREVIEW, None),
                )
        draw_job(job, {one.key: one.label for one in master_list.fields})


def _disconnect(master_list: MasterList, actor: str) -> None:
    counts = workspace().lists.counts(master_list)
    labels = [md(master_list.field(key).label) for key in sorted(master_list.managed_fields)]
    consequences = [
        line.format(people=people(counts.total), locked=enumerated(labels) or strings.LOCKED_FIELDS)
        for line in strings.DISCONNECT_CONSEQUENCES
    ]
    st.markdown("\n".join(f"- {line}" for line in consequences))
    outcome = st.container()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(strings.CANCEL, key="sync_disconnect_cancel"):
            st.rerun()
        sure = st.button(
            strings.DISCONNECT, key="sync_disconnect_confirm", type="primary", icon=":material/link_off:"
        )
    if not sure:
        return
    with outcome:
        try:
            workspace().lists.disconnect(master_list.id, actor=actor)
        except CaptridError as error:
            show_error(error)
            return
    say(strings.DISCONNECTED.format(name=md(master_list.name)))
    st.rerun()


def _draw_results(run: Run, master_list: MasterList) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(strings.RESULTS, anchor=False, width="content")
        st.page_link(
            "run.py",
            label=strings.OPEN_RUN_NUMBER.format(run=run.id),
            icon=":material/open_in_new:",
            query_params={"run": str(run.id)},
        )
    draw_head(run)
    draw_message(run)
    if not has_counts(run):
        return
    if run.status is RunStatus.SUCCEEDED and not run.counts.read:
        if run.kind is RunKind.FULL:
            st.warning(strings.ZERO_SYNCED, icon=":material/warning:")
        elif not run.counts.deactivated:
            st.info(strings.NOTHING_NEW, icon=":material/check:")
    errors, warnings = notes_of(run, "error"), notes_of(run, "warning")
    draw_counts(run, len(errors))
    labels = {one.key: one.label for one in master_list.fields}
    for notes, word, key in ((errors, strings.ERRORS, "errors"), (warnings, strings.WARNINGS, "warnings")):
        if notes:
            with st.expander(f"{word} ({len(notes):,})", key=f"results_{key}", icon=":material/report:"):
                draw_notes(notes, f"results_{key}_list", labels)


def _draw_history(runs: list[Run]) -> None:
    st.header(strings.HISTORY, anchor=False)
    shown = pd.DataFrame(
        [
            {
                strings.RUN_NUMBER: run.id,
                strings.STARTED: local(run.started_at).replace(tzinfo=None) if run.started_at else None,
                strings.STATUS: strings.STATUS_WORDS[run.status],
                strings.KIND: strings.KIND_WORDS[run.kind],
                strings.ACTION_WORDS["created"]: run.counts.created,
                strings.ACTION_WORDS["updated"]: run.counts.updated,
                strings.ACTION_WORDS["deactivated"]: run.counts.deactivated,
                strings.UNCHANGED: run.counts.unchanged,
                strings.SKIPPED: run.counts.skipped,
                strings.DURATION: lasted(run.seconds),
                strings.BY: run.actor,
            }
            for run in runs
        ]
    )
    event = st.dataframe(
        shown,
        hide_index=True,
        key="history",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            strings.RUN_NUMBER: st.column_config.NumberColumn(format="%d", width=60),
            strings.STARTED: st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
        },
        alt=strings.HISTORY,
    )
    more = f" {strings.SHOWN_RUNS.format(shown=_SHOWN_RUNS)}" if len(runs) == _SHOWN_RUNS else ""
    st.caption(f"{strings.OPEN_RUN_HINT}{more}")
    if event.selection.rows:
        st.switch_page("run.py", query_params={"run": str(runs[event.selection.rows[0]].id)})
