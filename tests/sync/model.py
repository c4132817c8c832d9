"""What a full sync must do to a list, in plain Python: the rules R9 to R21 once more, written apart."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field, replace

BLANKS = "\t\n\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
ORIGINS = ("directory", "manual")


@dataclass(frozen=True)
class Account:
    """A directory object as it came."""

    id: str
    uid: str | None
    name: str | None
    age: str | None


@dataclass
class ModelPerson:
    """A person of the list."""

    uid: str
    anchor: str | None
    active: bool = True
    by_staff: bool = False
    in_scope: bool | None = None
    origin: str = "directory"
    values: dict[str, object] = field(default_factory=dict)
    local: str | None = None


@dataclass
class Outcome:
    """The numbers and notes of a sync."""

    counts: dict[str, int]
    notes: Counter[tuple[str, str]]


def clean(text: str | None) -> str | None:
    """Trim; empty is null (R16)."""
    return (text.strip(BLANKS) or None) if text is not None else None


def key_of(uid: str, *, caseless: bool) -> str:
    """The UID as it is compared (R9)."""
    normal = unicodedata.normalize("NFC", uid)
    return unicodedata.normalize("NFC", normal.lower()) if caseless else normal


class Model:
    """A list and its rules."""

    def __init__(self, *, same_person: bool, caseless: bool) -> None:
        self.same_person = same_person
        self.caseless = caseless
        self.people: list[ModelPerson] = []

    def by_key(self, key: str | None) -> ModelPerson | None:
        """Return who has a UID, as it is compared."""
        return next((p for p in self.people if key is not None and self.key(p.uid) == key), None)

    def key(self, uid: str) -> str:
        """Return a UID as it is compared."""
        return key_of(uid, caseless=self.caseless)

    def sync(self, accounts: list[Account]) -> Outcome:
        """Do a full sync."""
        staged = {account.id: account for account in accounts}  # the last of each id wins
        keys = {i: self.key(uid) if (uid := clean(a.uid)) else None for i, a in staged.items()}
        own = {i: next((p for p in self.people if p.anchor == i), None) for i in staged}
        skipped = self._skip(keys, own)
        moved = {i for i in staged if i not in skipped and (p := own[i]) and self.key(p.uid) != keys[i]}
        leaving_uid = [id(own[i]) for i in moved]
        target: dict[str, ModelPerson | None] = {}
        for i in staged:
            if i in skipped:
                continue
            holder = self.by_key(keys[i])
            person = own[i]
            if person is not None and (self.same_person or i not in moved):
                target[i] = person
            elif self.same_person and holder is not None and id(holder) in leaving_uid:
                target[i] = None
            else:
                target[i] = holder
        codes = {"doubled": "duplicate_uid"}
        notes = Counter((codes.get(code, code), i) for i, code in skipped.items())
        notes.update(("uid_changed", i) for i in moved)
        return self._write(staged, target, skipped, moved, own, notes)

    def _skip(self, keys: dict[str, str | None], own: dict[str, ModelPerson | None]) -> dict[str, str]:
        often = Counter(key for key in keys.values() if key is not None)
        skipped: dict[str, str] = {}
        for i, key in keys.items():
            keeps = own[i] is not None and self.key(own[i].uid) == key
            if key is None:
                skipped[i] = "missing_uid"
            elif often[key] > 1 and not keeps:
                skipped[i] = "doubled"
        while True:
            frozen = [id(own[i]) for i in skipped if own[i] is not None]
            movers = [
                id(p)
                for i, p in own.items()
                if p is not None and i not in skipped and self.key(p.uid) != keys[i]
            ]
            more = {}
            for i, key in keys.items():
                person, holder = own[i], self.by_key(key)
                if i in skipped or holder is None or holder is person:
                    continue
                blocked = id(holder) in frozen
                if self.same_person and person is not None:
                    blocked = id(holder) not in movers
                if blocked:
                    more[i] = "duplicate_uid"
            if not more:
                return skipped
            skipped.update(more)

    def _write(self, staged, target, skipped, moved, own, notes) -> Outcome:
        counts = Counter(
            dict.fromkeys(("created", "updated", "reactivated", "deactivated", "unchanged", "skipped"), 0)
        )
        counts["read"], counts["skipped"] = len(staged), len(skipped)
        fed = [id(person) for person in target.values() if person is not None]
        frozen = [id(own[i]) for i in skipped if own[i] is not None]
        claimed = {self.key(clean(staged[i].uid)) for i, code in skipped.items() if code == "doubled"}
        gone = [
            p for p in self.people if p.anchor is not None and p.anchor not in staged and id(p) not in fed
        ]
        absent = [p for p in gone if self.key(p.uid) not in claimed]
        for person in gone:
            person.in_scope = (
                False  # also of those who stay as they are, because others claim their UID (R12)
            )
        vacated = [own[i] for i in moved if own[i] is not target[i] and id(own[i]) not in fed]
        assert not any(id(p) in frozen for p in absent + vacated)
        plan = []
        for i, person in target.items():
            account = staged[i]
            values, bad = self._values(account, person)
            notes.update(("bad_value", i) for _ in range(bad))
            plan.append((i, person, values))
        for person in absent + vacated:
            if person.active and not person.by_staff:
                person.active = False
                counts["deactivated"] += 1
            person.in_scope = False
        for person in vacated:
            person.anchor = None
        for i, person, values in plan:
            uid = clean(staged[i].uid)
            if person is None:
                self.people.append(ModelPerson(uid=uid, anchor=i, in_scope=True, values=values))
                counts["created"] += 1
                continue
            returns = not person.active and not person.by_staff
            changed = person.uid != uid or person.values != values or returns
            counts["updated" if changed else "unchanged"] += 1
            counts["reactivated"] += returns
            person.uid, person.anchor, person.values = uid, i, values
            person.in_scope, person.active = True, person.active or returns
        return Outcome(dict(counts), notes)

    def _values(self, account: Account, person: ModelPerson | None) -> tuple[dict[str, object], int]:
        old = person.values if person is not None else {}
        age = clean(account.age)
        bad = age is not None and not age.isdigit()
        return {
            "name": clean(account.name),
            "age": old.get("age") if bad else float(age) if age is not None else None,
        }, int(bad)

    # what staff do

    def add(self, uid: str) -> None:
        """Add a person by hand."""
        self.people.append(
            ModelPerson(uid=uid, anchor=None, origin="manual", values={"name": None, "age": None})
        )

    def set_status(self, person: ModelPerson, *, active: bool) -> None:
        """Deactivate or reactivate by hand (R21)."""
        if person.active != active:
            person.active = active
            person.by_staff = (person.in_scope if person.in_scope is not None else True) != active

    def release(self, person: ModelPerson) -> None:
        """Give the status back to the directory (R21)."""
        person.active, person.by_staff = bool(person.in_scope), False

    def copy(self) -> list[ModelPerson]:
        """Return the people as they are."""
        return [replace(person, values=dict(person.values)) for person in self.people]
