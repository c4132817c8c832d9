"""The wizard's memory and frame: a draft in the database, its steps, and the way through them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import streamlit as st

from captrid_core.directory.port import Scope, ScopeKind
from captrid_core.errors import CaptridError, NotFound
from captrid_core.lists.model import Field, FieldType, Guards, MasterList, OnUidChange, SyncConfiguration
from captrid_core.serving import workspace
from pages import strings
from pages.parts.text import md
from pages.parts.times import ago

CREATE, CONFIGURE = "create", "configure"
SOURCE, CONNECTION, SCOPE, MAPPING, FIELDS, REVIEW = (
    "source",
    "connection",
    "scope",
    "mapping",
    "fields",
    "review",
)
LABELS = {
    SOURCE: strings.STEP_SOURCE,
    CONNECTION: strings.STEP_CONNECTION,
    SCOPE: strings.STEP_SCOPE,
    MAPPING: strings.STEP_MAPPING,
    FIELDS: strings.STEP_FIELDS,
    REVIEW: strings.STEP_REVIEW,
}
_UNSAVED = "wizard_unsaved"


@dataclass
class NewField:
    """A field that is created together with the list, or with its configuration."""

    key: str
    label: str
    type: str = "text"
    options: str = ""
    required: bool = False

    @classmethod
    def of(cls, made: Field, *, key: str | None = None, label: str | None = None) -> NewField:
        """Return what the core proposes for a directory property, under another name if one is given."""
        return cls(key or made.key, label or re.sub(r"\bid\b", "ID", made.label), made.type.value)

    def as_field(self) -> Field:
        """Return it as the core takes it.

        Raises:
            Invalid: It cannot be a field as it is.
        """
        options = tuple(dict.fromkeys(one.strip() for one in self.options.split(",") if one.strip()))
        kind = FieldType(self.type)
        return Field(
            key=self.key,
            type=kind,
            label=self.label.strip(),
            required=self.required,
            options=options if kind is FieldType.DROPDOWN else (),
        )


@dataclass
class Entry:
    """What has been entered so far."""

    step: str = SOURCE
    reached: int = 0
    list_id: int | None = None
    name: str = ""
    source: str = "directory"
    connection_id: int | None = None
    scope_kind: str = ScopeKind.GROUP
    group_id: str | None = None
    group_name: str | None = None
    group_members: int | None = None
    nested: bool = False
    exclude_guests: bool = False
    exclude_disabled: bool = False
    mapping: dict[str, str] = field(default_factory=dict)
    auto_mapped: int | None = None
    """How many fields were mapped automatically; None: that has not been done yet."""
    new_fields: list[NewField] = field(default_factory=list)
    uid_property: str | None = None
    uid_key: str | None = None
    on_uid_change: str = OnUidChange.NEW_PERSON.value
    deactivate_count: int = Guards().deactivate_count
    deactivate_percent: float = Guards().deactivate_percent
    blank_count: int = Guards().blank_count
    blank_percent: float = Guards().blank_percent

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that lie before somebody with this source."""
        if self.list_id is not None:
            return (CONNECTION, SCOPE, MAPPING, REVIEW)
        if self.source == "directory":
            return (SOURCE, CONNECTION, SCOPE, MAPPING, REVIEW)
        return (SOURCE, FIELDS, REVIEW)

    @property
    def scope(self) -> Scope:
        """The scope as the core takes it."""
        if self.scope_kind == ScopeKind.ALL_USERS:
            return Scope()
        return Scope(kind=ScopeKind.GROUP, group_id=self.group_id, nested=self.nested)

    @property
    def scope_name(self) -> str:
        """What the scope is called."""
        return (
            strings.ALL_USERS
            if self.scope_kind == ScopeKind.ALL_USERS
            else self.group_name or strings.SPECIFIC_GROUP
        )

    def configuration(self) -> SyncConfiguration:
        """Return the sync as the core takes it; connection and UID must be chosen."""
        assert self.connection_id is not None
        assert self.uid_property is not None
        return SyncConfiguration(
            connection_id=self.connection_id,
            uid_property=self.uid_property,
            mapping=dict(self.mapping),
            scope=self.scope,
            group_name=self.group_name if self.scope_kind == ScopeKind.GROUP else None,
            exclude_guests=self.exclude_guests,
            exclude_disabled=self.exclude_disabled,
            on_uid_change=OnUidChange(self.on_uid_change),
            guards=Guards(
                deactivate_count=self.deactivate_count,
                deactivate_percent=self.deactivate_percent,
                blank_count=self.blank_count,
                blank_percent=self.blank_percent,
            ),
        )


class Wizard:
    """One draft on its way: what was entered, and where it is kept."""

    def __init__(self, draft_id: str | None, entry: Entry) -> None:
        self.draft_id = draft_id
        self.entry = entry

    def save(self) -> None:
        """Keep what was entered; the first time, the draft's id goes into the address.

        Raises:
            NotFound: The draft was finished or discarded elsewhere.
        """
        content = asdict(self.entry)
        if self.draft_id is None:
            kind = CONFIGURE if self.entry.list_id is not None else CREATE
            self.draft_id = workspace().drafts.begin(kind, content).id
            st.query_params["draft"] = self.draft_id
        else:
            workspace().drafts.save(self.draft_id, content)

    def go(self, step: str) -> None:
        """Go to a step and keep that."""
        self.entry.step = step
        self.entry.reached = max(self.entry.reached, self.entry.steps.index(step))
        self.save()

    def discard(self) -> None:
        """Forget the draft."""
        if self.draft_id is not None:
            workspace().drafts.discard(self.draft_id)


def current() -> Wizard:
    """Return the wizard of the draft in the address, or a new one.

    Raises:
        NotFound: The draft is gone.
    """
    draft_id = st.query_params.get("draft")
    if not draft_id:
        return Wizard(None, _new_entry())
    return Wizard(draft_id, entry_of(workspace().drafts.get(draft_id).content))


def _new_entry() -> Entry:
    """Return an entry with what the organisation's new lists begin with."""
    new = workspace().organisation.get().new_lists
    return Entry(
        exclude_guests=new.exclude_guests,
        exclude_disabled=new.exclude_disabled,
        on_uid_change=new.on_uid_change,
        **asdict(new.guards),
    )


def entry_of(content: Mapping[str, Any]) -> Entry:
    """Return a draft's content as what was entered; members that a later version added get defaults."""
    known = {name: content[name] for name in Entry.__dataclass_fields__ if name in content}
    known["new_fields"] = [NewField(**one) for one in known.get("new_fields", [])]
    return Entry(**known)


def begin_configuring(master_list: MasterList) -> str:
    """Begin a draft for an existing list's sync, as it is now, and return its id."""
    drafts = workspace().drafts
    for draft in drafts.all(CONFIGURE):
        if draft.content.get("list_id") == master_list.id:
            drafts.discard(draft.id)
    entry = Entry(step=CONNECTION, list_id=master_list.id, name=master_list.name)
    if (sync := master_list.sync) is not None:
        entry.connection_id = sync.connection_id
        entry.scope_kind = sync.scope.kind
        entry.group_id, entry.group_name = sync.scope.group_id, sync.group_name
        entry.nested = sync.scope.nested
        entry.exclude_guests, entry.exclude_disabled = sync.exclude_guests, sync.exclude_disabled
        entry.mapping, entry.uid_property = dict(sync.mapping), sync.uid_property
        entry.auto_mapped = 0
        entry.on_uid_change = sync.on_uid_change.value
        guards = sync.guards
        entry.deactivate_count, entry.deactivate_percent = guards.deactivate_count, guards.deactivate_percent
        entry.blank_count, entry.blank_percent = guards.blank_count, guards.blank_percent
        entry.reached = len(entry.steps) - 1
    return drafts.begin(CONFIGURE, asdict(entry)).id


def change(name: str, key: str) -> None:
    """Take a widget's value over into the draft: the callback of plain inputs."""
    wizard = current()
    setattr(wizard.entry, name, st.session_state[key])
    save(wizard)


def save(wizard: Wizard) -> None:
    """Keep the draft from within a callback, where an error has to wait for the page to show it."""
    try:
        wizard.save()
    except CaptridError as error:
        st.session_state[_UNSAVED] = error


def raise_unsaved() -> None:
    """Raise what kept a callback from saving.

    Raises:
        CaptridError: The draft could not be kept.
    """
    if (error := st.session_state.pop(_UNSAVED, None)) is not None:
        raise error


def list_of(entry: Entry) -> MasterList | None:
    """Return the existing list that is configured, or None for a new one.

    Raises:
        NotFound: It is gone.
    """
    return workspace().lists.get(entry.list_id) if entry.list_id is not None else None


def connection_exists(entry: Entry) -> bool:
    """Tell whether the chosen connection is still there."""
    if entry.connection_id is None:
        return False
    try:
        workspace().connections.get(entry.connection_id)
    except NotFound:
        return False
    return True


def key_for(label: str, taken: set[str]) -> str:
    """Return a free field key for a label, such as `house_colour` for “House colour”."""
    plain = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    plain = re.sub(r"^[^a-z]+", "", plain)[:58] or "field"
    key, number = plain, 2
    while key in taken:
        key, number = f"{plain}_{number}", number + 1
    return key


def stepper(wizard: Wizard) -> None:
    """Draw the steps: done ones can be gone back to."""
    entry = wizard.entry
    here = entry.steps.index(entry.step)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="stepper"):
        for index, step in enumerate(entry.steps):
            if index == here:
                st.badge(f"{index + 1}  {LABELS[step]}", color="blue", icon=":material/edit:")
            elif index <= entry.reached:
                st.button(
                    LABELS[step],
                    key=f"step_{step}",
                    type="tertiary",
                    icon=":material/check_circle:",
                    on_click=_go,
                    args=(step,),
                )
            else:
                st.badge(f"{index + 1}  {LABELS[step]}", color="gray")


def header(wizard: Wizard, master_list: MasterList | None) -> None:
    """Draw the title, what is known of the draft, and the stepper."""
    title = (
        strings.CREATE_LIST if master_list is None else f"{strings.CONFIGURE_SYNC} · {md(master_list.name)}"
    )
    st.title(title, anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        if wizard.draft_id is None:
            st.caption(strings.DRAFT_KEPT, width="content")
        else:
            saved = workspace().drafts.get(wizard.draft_id).updated_at
            st.caption(strings.DRAFT_SAVED.format(ago=ago(saved)), width="content")
            st.button(
                strings.DISCARD_DRAFT,
                key="draft_discard",
                type="tertiary",
                icon=":material/delete:",
                on_click=_discard,
                args=(wizard.draft_id,),
            )
    stepper(wizard)


def footer(wizard: Wizard, problems: list[str]) -> None:
    """Draw Back and Next; Next says what is missing instead of going on."""
    steps = wizard.entry.steps
    here = steps.index(wizard.entry.step)
    outcome = st.container()
    with st.container(horizontal=True, horizontal_alignment="distribute", key="wizard_footer"):
        if here > 0:
            st.button(
                strings.BACK,
                key="wizard_back",
                icon=":material/arrow_back:",
                on_click=_go,
                args=(steps[here - 1],),
            )
        else:
            st.space("small")
        if st.button(
            strings.NEXT,
            key="wizard_next",
            type="primary",
            icon=":material/arrow_forward:",
            icon_position="right",
        ):
            if problems:
                with outcome:
                    st.error("\n\n".join(problems), icon=":material/error:")
            else:
                wizard.go(steps[here + 1])
                st.rerun()


def _go(step: str) -> None:
    wizard = current()
    wizard.entry.step = step
    save(wizard)


def _discard(draft_id: str) -> None:
    workspace().drafts.discard(draft_id)
    st.session_state["wizard_discarded"] = True
