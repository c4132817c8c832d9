"""Lists for the property tests, and what is seen of them and of their models."""

from __future__ import annotations

from collections import Counter

import pytest

from captrid_core.errors import CaptridError
from captrid_core.lists.model import Field, FieldType, Guards, OnUidChange, SyncConfiguration

from .model import ModelPerson, clean

NO_GUARDS = Guards(deactivate_count=10**9, blank_count=10**9)


def make_list(workspace, connection, name, *, uid_property, same_person, guards=NO_GUARDS, **configuration):
    fields = [Field("uid"), Field("name"), Field("age", FieldType.NUMBER), Field("local")]
    sync = SyncConfiguration(
        connection.id,
        uid_property,
        {uid_property: "uid", "displayName": "name", "companyName": "age"},
        on_uid_change=OnUidChange.SAME_PERSON if same_person else OnUidChange.NEW_PERSON,
        guards=guards,
        **configuration,
    )
    return workspace.lists.create(name, uid_field="uid", fields=fields, sync=sync, actor="test")


def state_of(workspace, master_list):
    table = master_list.people_table
    with workspace.database.read() as cursor:
        return cursor.execute(
            f'SELECT uid, _anchor, _active, _by_staff, _in_scope, _origin, name, age, "local" FROM {table} ORDER BY ALL'
        ).fetchall()


def state_of_model(people: list[ModelPerson]):
    rows = [
        (
            p.uid,
            p.anchor,
            p.active,
            p.by_staff,
            p.in_scope,
            p.origin,
            p.values["name"],
            p.values["age"],
            p.local,
        )
        for p in people
    ]
    return Counter(rows)


def by_hand(workspace, master_list, model, action, uid):
    person = model.by_key(model.key(uid))
    if action == "add":
        if person is None:
            workspace.people.add(master_list, {"uid": uid}, actor="staff")
            model.add(clean(uid))
        else:
            with pytest.raises(CaptridError, match="already"):
                workspace.people.add(master_list, {"uid": uid}, actor="staff")
    elif person is None:
        with pytest.raises(CaptridError, match="nobody"):
            workspace.people.set_status(master_list, uid, active=False, actor="staff")
    elif action == "edit":
        workspace.people.set_values(master_list, uid, {"local": "kept"}, actor="staff")
        person.local = "kept"
    elif action == "release":
        if person.by_staff and person.in_scope is not None and person.active != person.in_scope:
            workspace.people.release(master_list, uid, actor="staff")
            model.release(person)
        else:
            with pytest.raises(CaptridError, match="not an exception"):
                workspace.people.release(master_list, uid, actor="staff")
    else:
        workspace.people.set_status(master_list, uid, active=action == "reactivate", actor="staff")
        model.set_status(person, active=action == "reactivate")
