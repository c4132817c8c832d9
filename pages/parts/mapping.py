"""The mapping step: which directory field feeds which field of the list, and which one identifies people."""

from __future__ import annotations

import streamlit as st

from captrid_core.directory.properties import parse_property
from captrid_core.errors import CaptridError
from captrid_core.lists.model import FieldType, MasterList, OnUidChange
from captrid_core.sync.mapping import (
    DEFAULTS,
    PropertySample,
    Sample,
    Suggestion,
    UidCheck,
    check_uids,
    new_field,
    suggest,
)
from pages import strings
from pages.parts import directory_reads
from pages.parts.errors import show_error
from pages.parts.fields import draw_new_fields, field_problems
from pages.parts.text import counted, md, people
from pages.parts.wizard import Entry, NewField, Wizard, change, current, key_for, list_of, save

_NONE = ""
_CREATE = "\x00create"
_UIDS = ("employeeId", "mail", "userPrincipalName", "id")
_UID_TYPES = (FieldType.TEXT, FieldType.EMAIL)
_LONG = 48


def draw_mapping(wizard: Wizard, master_list: MasterList | None) -> list[str]:
    """Draw the step and return what is still missing."""
    entry = wizard.entry
    assert entry.connection_id is not None
    st.header(strings.STEP_MAPPING, anchor=False)
    st.caption(strings.MAPPING_INTRO)
    try:
        sample = directory_reads.sample(entry.connection_id, entry.scope)
    except CaptridError as error:
        show_error(error)
        return [strings.SAMPLE_UNREAD]
    if not sample.people:
        st.warning(strings.SAMPLE_EMPTY, icon=":material/warning:")
    _map_automatically(wizard, master_list, sample)
    _draw_uid(entry, master_list, sample)
    _draw_suggestions(entry, master_list, sample)
    _draw_rows(entry, master_list, sample)
    if entry.new_fields:
        title = f"{strings.NEW_FIELDS} ({len(entry.new_fields)})"
        with st.expander(title, key="mapping_new_fields", icon=":material/view_column:"):
            st.caption(strings.NEW_FIELDS_TEXT)
            draw_new_fields(entry)
    _draw_rules(entry)
    return _problems(entry, master_list)


def _problems(entry: Entry, master_list: MasterList | None) -> list[str]:
    problems = []
    if entry.uid_property is None:
        problems.append(strings.UID_CHOOSE)
    else:
        key = entry.mapping[entry.uid_property]
        kind = _types(entry, master_list).get(key)
        if kind is not None and kind not in _UID_TYPES:
            problems.append(strings.UID_TYPE.format(label=md(_labels(entry, master_list)[key])))
    return problems + field_problems(entry, master_list)


def _labels(entry: Entry, master_list: MasterList | None) -> dict[str, str]:
    """Return the label of every field that can be mapped to, by key."""
    known = {one.key: one.label for one in master_list.fields} if master_list is not None else {}
    return known | {one.key: one.label or one.key for one in entry.new_fields}


def _types(entry: Entry, master_list: MasterList | None) -> dict[str, str]:
    known = {one.key: str(one.type) for one in master_list.fields} if master_list is not None else {}
    return known | {one.key: one.type for one in entry.new_fields}


def _map_automatically(wizard: Wizard, master_list: MasterList | None, sample: Sample) -> None:
    """Map what is obvious, once; from then on it is the person's mapping."""
    entry = wizard.entry
    if entry.auto_mapped is not None:
        return
    found = _suggested(entry, master_list, sample)
    for one in found:
        _take(entry, master_list, one)
    entry.auto_mapped = len(entry.mapping)
    wizard.save()


def _suggested(entry: Entry, master_list: MasterList | None, sample: Sample) -> list[Suggestion]:
    """Return the likely mappings that are not made yet."""
    filled = [one.property.path for one in sample.properties() if one.filled] or list(DEFAULTS)
    targets = set(entry.mapping.values())
    free = [path for path in filled if path not in entry.mapping]
    if master_list is None:
        if entry.auto_mapped is None:
            return suggest(free, [])
        known = {one.key for one in entry.new_fields}
        return [one for one in suggest(free, []) if one.key not in targets and one.key not in known]
    fields = [
        one
        for one in master_list.fields
        if one.key not in targets and (one.key != master_list.uid_field or entry.uid_property is None)
    ]
    return suggest(free, fields) if fields else []


def _take(entry: Entry, master_list: MasterList | None, one: Suggestion) -> None:
    key = one.key
    if not one.exists and key not in _labels(entry, master_list):
        made = new_field(one.path, key=key)
        entry.new_fields.append(NewField.of(made))
    entry.mapping[one.path] = key
    if master_list is not None and key == master_list.uid_field and entry.uid_property is None:
        del entry.mapping[one.path]  # the UID is chosen, never assumed


# The UID


def _draw_uid(entry: Entry, master_list: MasterList | None, sample: Sample) -> None:
    with st.container(border=True, key="uid_card"):
        st.subheader(strings.UID_QUESTION, anchor=False, icon=":material/fingerprint:")
        st.caption(strings.UID_WHY)
        checks = check_uids(sample, _uid_paths(entry, master_list, sample))
        by_path = {one.path: one for one in checks}
        best = next((one.path for one in checks if one.usable and one.stable), None)
        st.session_state["uid_property"] = entry.uid_property
        st.radio(
            strings.UID,
            list(by_path),
            index=None,
            format_func=lambda path: _uid_label(path, best),
            captions=[_uid_caption(one) for one in checks],
            key="uid_property",
            on_change=_choose_uid,
            label_visibility="collapsed",
        )
        if master_list is not None:
            label = md(master_list.field(master_list.uid_field).label)
            st.caption(strings.UID_FIXED.format(field=label))


def _uid_paths(entry: Entry, master_list: MasterList | None, sample: Sample) -> list[str]:
    """Return the directory fields to choose the UID from: the usual ones, and mapped texts with values."""
    types = _types(entry, master_list)
    mapped = [
        path
        for path, key in entry.mapping.items()
        if types.get(key) in _UID_TYPES
        and parse_property(path).kind == "text"
        and (sample.property(path).filled == sample.property(path).distinct > 0 or path == entry.uid_property)
    ]
    chosen = [entry.uid_property] if entry.uid_property else []
    return list(dict.fromkeys((*_UIDS, *chosen, *mapped)))


def _uid_label(path: str, best: str | None) -> str:
    label = f"{md(parse_property(path).label)}  :gray[{md(path)}]"
    return f"{label}  :green-badge[{strings.UID_RECOMMENDED}]" if path == best else label


def _uid_caption(check: UidCheck) -> str:
    if not check.sampled:
        return ""
    parts = [
        strings.UID_EVERYONE
        if check.filled == check.sampled
        else strings.UID_SOME.format(filled=check.filled, sampled=check.sampled),
        strings.UID_DUPLICATES.format(people=people(check.duplicates))
        if check.duplicates
        else strings.UID_NO_DUPLICATES,
    ]
    if check.case_clashes:
        parts.append(strings.UID_CASE.format(people=people(check.case_clashes)))
    if not check.stable:
        parts.append(strings.UID_UNSTABLE)
    return " · ".join(parts)


def _choose_uid() -> None:
    wizard = current()
    entry = wizard.entry
    path = st.session_state["uid_property"]
    try:
        master_list = list_of(entry)
    except CaptridError:
        return
    if master_list is not None:
        entry.mapping = {one: key for one, key in entry.mapping.items() if key != master_list.uid_field}
        entry.mapping[path] = master_list.uid_field
    elif path not in entry.mapping:
        made = new_field(path)
        key = key_for(made.label, set(_labels(entry, None))) if made.key in _labels(entry, None) else made.key
        entry.new_fields.append(NewField.of(made, key=key))
        entry.mapping[path] = key
    entry.uid_property = path
    save(wizard)


# Suggestions


def _draw_suggestions(entry: Entry, master_list: MasterList | None, sample: Sample) -> None:
    if entry.auto_mapped:
        st.caption(
            f":material/auto_awesome: {strings.AUTO_MAPPED.format(count=counted(entry.auto_mapped, 'field'))}"
        )
    found = [
        one
        for one in _suggested(entry, master_list, sample)
        if master_list is None or one.key != master_list.uid_field
    ]
    if not found:
        return
    labels = _labels(entry, master_list)
    with st.container(border=True, key="suggestions"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f":material/lightbulb: **{strings.SUGGESTIONS}** ({len(found)})", width="content")
            st.button(strings.APPLY_ALL, key="suggestions_apply", on_click=_apply, args=(found,))
        for one in found:
            label = md(parse_property(one.path).label)
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{label} → {md(labels.get(one.key, one.key))}", width="stretch")
                st.button(
                    strings.APPLY_ONE,
                    key=f"suggestion_{one.path}",
                    type="tertiary",
                    help=strings.TARGET_OF.format(label=label),
                    on_click=_apply,
                    args=([one],),
                )


def _apply(found: list[Suggestion]) -> None:
    wizard = current()
    entry = wizard.entry
    for one in found:
        if not one.exists and one.key not in {field.key for field in entry.new_fields}:
            entry.new_fields.append(NewField.of(new_field(one.path, key=one.key)))
        entry.mapping[one.path] = one.key
    save(wizard)


def _import_fields(paths: list[str], labels: dict[str, str]) -> None:
    """Make and map a field for each of these directory fields (N2)."""
    wizard = current()
    entry = wizard.entry
    taken = set(labels)
    for path in paths:
        made = new_field(path)
        key = made.key if made.key not in taken else key_for(made.label, taken)
        taken.add(key)
        entry.new_fields.append(NewField.of(made, key=key))
        entry.mapping[path] = key
    save(wizard)


# The rows


def _draw_rows(entry: Entry, master_list: MasterList | None, sample: Sample) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = st.selectbox(
            strings.SHOW,
            [strings.SHOW_MAPPED, strings.SHOW_WITH_DATA, strings.SHOW_UNMAPPED, strings.SHOW_ALL],
            key="mapping_show",
            width=240,
        )
        search = st.text_input(
            strings.SEARCH_FIELDS, key="mapping_search", type="search", live="300ms", placeholder="house"
        )
        unmapped = [one for one in sample.properties() if one.property.path not in entry.mapping]
        with_data = [one for one in unmapped if one.filled]
        for key, words, helps, found in (
            ("mapping_import", strings.IMPORT_WITH_DATA, strings.IMPORT_WITH_DATA_HELP, with_data),
            ("mapping_import_all", strings.IMPORT_ALL, strings.IMPORT_ALL_HELP, unmapped),
        ):
            st.button(
                words.format(count=len(found)),
                key=key,
                icon=":material/playlist_add:",
                help=helps,
                disabled=not found,
                on_click=_import_fields,
                args=([one.property.path for one in found], _labels(entry, master_list)),
            )
    st.caption(
        strings.SAMPLED.format(people=people(len(sample.people)), scope=md(entry.scope_name))
        if sample.people
        else strings.NO_VALUES
    )
    rows = [one for one in sample.properties() if _fits(one, entry, shown, search or "")]
    if not rows:
        st.info(strings.NO_FIELDS_SHOWN, icon=":material/search_off:")
    group = None
    for one in rows:
        if one.property.group != group:
            group = one.property.group
            st.markdown(f"**{md(group)}**")
        _draw_row(one, entry, master_list)


def _fits(one: PropertySample, entry: Entry, shown: str, search: str) -> bool:
    path = one.property.path
    if search:
        words = f"{path} {one.property.label} {' '.join(one.examples)}".lower()
        return all(word in words for word in search.lower().split())
    if shown == strings.SHOW_MAPPED:
        return path in entry.mapping or path in DEFAULTS or path in _UIDS[:2]
    if shown == strings.SHOW_WITH_DATA:
        return one.filled > 0 or path in entry.mapping
    if shown == strings.SHOW_UNMAPPED:
        return one.filled > 0 and path not in entry.mapping
    return True


def _draw_row(one: PropertySample, entry: Entry, master_list: MasterList | None) -> None:
    path = one.property.path
    is_uid = path == entry.uid_property
    with st.container(key=f"map_row_{path}"):
        left, middle, right = st.columns([3, 4, 3], vertical_alignment="center")
        with left, st.container(gap=None):
            badge = f"  :blue-badge[:material/fingerprint: {strings.UID_BADGE}]" if is_uid else ""
            st.markdown(f"{md(one.property.label)}{badge}")
            st.caption(md(path))
        with middle, st.container(gap=None):
            if one.examples:
                st.text(" · ".join(_short(example) for example in one.examples))
                st.caption(strings.COVERAGE.format(filled=one.filled, sampled=one.sampled))
            else:
                st.caption(strings.NO_VALUES)
        with right:
            _draw_target(one, entry, master_list, is_uid=is_uid)


def _draw_target(one: PropertySample, entry: Entry, master_list: MasterList | None, *, is_uid: bool) -> None:
    path = one.property.path
    labels = _labels(entry, master_list)
    own = entry.mapping.get(path)
    used = set(entry.mapping.values()) - {own}
    if master_list is not None and not is_uid:
        used.add(master_list.uid_field)  # the UID is chosen above
    fields = [key for key in labels if key not in used]
    options = [_NONE, *fields]
    if own is None:
        options.append(_CREATE)
    shown = {
        _NONE: strings.NOT_MAPPED,
        _CREATE: strings.CREATE_FIELD.format(label=one.property.label),
        **{key: labels[key] for key in fields},
    }
    key = f"map_{path}"
    st.session_state[key] = own or _NONE
    st.selectbox(
        strings.TARGET_OF.format(label=one.property.label),
        options,
        format_func=lambda value: shown.get(value, value),
        key=key,
        on_change=_map,
        args=(path, labels),
        accept_new_options=True,
        disabled=is_uid and master_list is not None,
        label_visibility="collapsed",
    )


def _map(path: str, labels: dict[str, str]) -> None:
    """Take over what was chosen for a directory field; a name that is none yet makes a new field."""
    wizard = current()
    entry = wizard.entry
    chosen = st.session_state[f"map_{path}"]
    if chosen in (None, _NONE):
        entry.mapping.pop(path, None)
        if entry.uid_property == path:
            entry.uid_property = None
    elif chosen in labels:
        entry.mapping[path] = chosen
    else:
        made = new_field(path)
        label = made.label if chosen == _CREATE else " ".join(chosen.split())
        key = made.key if chosen == _CREATE and made.key not in labels else key_for(label, set(labels))
        entry.new_fields.append(NewField.of(made, key=key, label=label))
        entry.mapping[path] = key
    save(wizard)


def _short(example: str) -> str:
    return example if len(example) <= _LONG else f"{example[: _LONG - 1]}…"


# Rules


def _draw_rules(entry: Entry) -> None:
    with st.expander(strings.RULES, key="mapping_rules", icon=":material/rule:"):
        st.session_state["on_uid_change"] = entry.on_uid_change
        st.radio(
            strings.ON_UID_CHANGE,
            [OnUidChange.NEW_PERSON.value, OnUidChange.SAME_PERSON.value],
            format_func=lambda one: (
                strings.NEW_PERSON if one == OnUidChange.NEW_PERSON else strings.SAME_PERSON
            ),
            captions=[strings.NEW_PERSON_TEXT, strings.SAME_PERSON_TEXT],
            key="on_uid_change",
            on_change=change,
            args=("on_uid_change", "on_uid_change"),
        )
        st.markdown(f"**{strings.GUARDS}**")
        st.caption(strings.GUARDS_TEXT)
        for title, name in ((strings.GUARD_LEAVERS, "deactivate"), (strings.GUARD_BLANKS, "blank")):
            left, middle, right = st.columns(3, vertical_alignment="bottom")
            left.markdown(title)
            with middle:
                _number(entry, f"{name}_count", strings.GUARD_PEOPLE, 1, 100_000)
            with right:
                _number(entry, f"{name}_percent", strings.GUARD_PERCENT, 0, 100)


def _number(entry: Entry, name: str, label: str, least: int, most: int) -> None:
    value = getattr(entry, name)
    st.session_state[f"guard_{name}"] = int(value)
    st.number_input(
        label,
        min_value=least,
        max_value=most,
        step=1,
        key=f"guard_{name}",
        on_change=change,
        args=(name, f"guard_{name}"),
    )
