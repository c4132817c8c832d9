"""After any history, a client that follows the delta links has exactly what the directory has."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_caller import Caller

from captrid_core.sandbox import DeltaOptions, Sandbox

USER_NAMES = ("displayName", "department", "mail", "employeeId")
USERS = f"/users/delta?$select={','.join(USER_NAMES)},manager"
GROUPS = "/groups/delta?$select=displayName,members"

changes = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("hire", "leave", "move", "rename", "clear", "restore", "purge", "manage", "unmanage"),
                *("join", "part", "found", "close", "nest", "read users", "read groups"),
            ]
        ),
        st.integers(0, 10_000),
    ),
    max_size=40,
)


class Mirror:
    """A client that keeps what the delta links told it."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.user_link = USERS
        self.group_link = GROUPS

    def read_users(self) -> None:
        found = self.caller.delta(self.user_link)
        self.user_link = found.link
        for item in found.objects:
            if "@removed" in item:
                self.users.pop(item["id"], None)
                continue
            user = self.users.setdefault(item["id"], {"manager": None})
            user.update({name: item[name] for name in USER_NAMES if name in item})
            for link in item.get("manager@delta", []):
                user["manager"] = None if "@removed" in link else link["id"]

    def read_groups(self) -> None:
        found = self.caller.delta(self.group_link)
        self.group_link = found.link
        for item in found.objects:
            if "@removed" in item:
                self.groups.pop(item["id"], None)
                continue
            group = self.groups.setdefault(item["id"], {"members": set()})
            group["displayName"] = item["displayName"]
            for link in item.get("members@delta", []):
                (set.discard if "@removed" in link else set.add)(group["members"], link["id"])


def act(sandbox: Sandbox, mirror: Mirror, what: str, number: int) -> None:
    directory = sandbox.directory
    users = [user["id"] for user in directory.users()]
    groups = directory.group_ids()
    binned = [directory.identifiers.guid(key) for key in directory.people.binned]
    user = users[number % len(users)] if users else None
    group = groups[number % len(groups)] if groups else None
    if what in {"hire", "leave", "move", "rename"}:
        getattr(directory, what)(1 + number % 3)
    elif what == "restore" and binned:
        directory.restore_user(binned[number % len(binned)])
    elif what == "purge" and binned + users:
        directory.purge_user((binned + users)[number % len(binned + users)])
    elif what == "found":
        directory.add_group(f"Group {number}")
    elif what == "read users":
        mirror.read_users()
    elif what == "read groups":
        mirror.read_groups()
    elif user and what == "clear":
        directory.update_user(user, department=None, mail=None)
    elif user and what in {"manage", "unmanage"}:
        directory.set_manager(user, users[number // 7 % len(users)] if what == "manage" else None)
    elif group and what == "close":
        directory.delete_group(group)
    elif group and what == "nest":
        directory.add_member(group, groups[number // 7 % len(groups)])
    elif user and group and what in {"join", "part"}:
        inside = sorted(directory.members(group))
        if what == "join":
            directory.add_member(group, user)
        elif inside:
            directory.remove_member(group, inside[number % len(inside)])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    history=changes,
    users=st.sampled_from([0, 3, 45]),
    page_size=st.integers(1, 9),
    link_size=st.integers(1, 9),
    empty_every=st.integers(0, 3),
    replays=st.integers(0, 3),
)
def test_a_client_that_follows_delta_ends_with_the_truth(
    history, users, page_size, link_size, empty_every, replays
):
    options = DeltaOptions(
        page_size=page_size * 5, link_size=link_size * 20, empty_every=empty_every, replays=replays
    )
    sandbox = Sandbox(users=users, seed=users, delta=options)
    mirror = Mirror(Caller(sandbox))
    for what, number in history:
        act(sandbox, mirror, what, number)
    mirror.read_users()
    mirror.read_groups()

    truth = {user["id"]: user for user in sandbox.directory.users()}
    assert mirror.users.keys() == truth.keys()
    for user_id, user in truth.items():
        held = mirror.users[user_id]
        assert {name: held.get(name) for name in USER_NAMES} == {name: user.get(name) for name in USER_NAMES}
        assert held["manager"] == user.get("manager")
    assert mirror.groups.keys() == set(sandbox.directory.group_ids())
    binned = {sandbox.directory.identifiers.guid(key) for key in sandbox.directory.people.binned}
    for group_id, group in mirror.groups.items():
        assert group["members"] - binned == sandbox.directory.members(group_id)
