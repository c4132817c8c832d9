"""The control routes: what a test does in-process with `Directory` and `Faults`, over HTTPS.

They are guarded by the default app's client secret in the header `X-Sandbox-Secret`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from captrid_core.sandbox.answers import json_response
from captrid_core.sandbox.directory import Directory
from captrid_core.sandbox.faults import Fault, Faults

SECRET_HEADER: Final = "X-Sandbox-Secret"  # noqa: S105  (the header's name)
One = TypeVar("One")


class _Membership(msgspec.Struct, forbid_unknown_fields=True):
    group: str
    member: str


class _Management(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    manager: str | None


class _Properties(msgspec.Struct, forbid_unknown_fields=True):
    properties: dict[str, Any]
    id: str | None = None


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /sandbox/changes; what is given is done in this order.

    The first five take how many people are affected, the others one change or a list of them.
    """

    hire: int = 0
    leave: int = 0
    move: int = 0
    rename: int = 0
    disable: int = 0
    add: _Properties | list[_Properties] = []
    update: _Properties | list[_Properties] = []
    delete: str | list[str] = []
    restore: str | list[str] = []
    purge: str | list[str] = []
    set_manager: _Management | list[_Management] = []
    add_group: str | list[str] = []
    update_group: _Properties | list[_Properties] = []
    add_member: _Membership | list[_Membership] = []
    remove_member: _Membership | list[_Membership] = []
    delete_group: str | list[str] = []
    halve_group: str | list[str] = []


class Control:
    """Answers the control routes."""

    def __init__(
        self, directory: Directory, faults: Faults, secret: str, state: Callable[[], dict[str, Any]]
    ) -> None:
        self._directory = directory
        self._faults = faults
        self._secret = secret
        self._state = state

    def routes(self) -> list[Route]:
        """Return the routes below /sandbox."""
        return [
            Route("/sandbox/changes", self._change, methods=["POST"]),
            Route("/sandbox/faults", self._add_fault, methods=["POST"]),
            Route("/sandbox/faults", self._clear_faults, methods=["DELETE"]),
            Route("/sandbox/state", self._show, methods=["GET"]),
            Route("/sandbox/names", self._name, methods=["POST"]),
        ]

    async def _change(self, request: Request) -> Response:
        """POST /sandbox/changes."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            changes = msgspec.json.decode(await request.body(), type=Changes)
            with self._directory.lock:
                done = apply(self._directory, changes)
        except KeyError as error:
            return _problem(404, f"There is no {error.args[0]} in this directory.")
        except ValueError as error:  # msgspec's errors are among them
            return _problem(400, str(error))
        return json_response(done)

    async def _add_fault(self, request: Request) -> Response:
        """POST /sandbox/faults."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            fault = self._faults.add(msgspec.json.decode(await request.body(), type=Fault))
        except ValueError as error:
            return _problem(400, str(error))
        return json_response(msgspec.to_builtins(fault), 201)

    async def _clear_faults(self, request: Request) -> Response:
        """DELETE /sandbox/faults."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        self._faults.clear()
        return Response(status_code=204)

    async def _show(self, request: Request) -> Response:
        """GET /sandbox/state."""
        return self._refusal(request) or json_response(self._state())

    async def _name(self, request: Request) -> Response:
        """POST /sandbox/names."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            return json_response(
                self._directory.names(msgspec.json.decode(await request.body(), type=list[str]))
            )
        except KeyError as error:
            return _problem(404, f"There is no {error.args[0]} in this directory.")
        except ValueError as error:
            return _problem(400, str(error))

    def _refusal(self, request: Request) -> Response | None:
        given = request.headers.get(SECRET_HEADER, "")
        if hmac.compare_digest(given.encode(), self._secret.encode()):
            return None
        return _problem(403, f"Send the sandbox's client secret in the header {SECRET_HEADER}.")


def apply(directory: Directory, changes: Changes) -> dict[str, list[str]]:
    """Do what was asked for and return, by what was done, the ids it was done to."""
    done: dict[str, list[str]] = {}
    for name in ("hire", "leave", "move", "rename", "disable"):
        if count := getattr(changes, name):
            done[name] = getattr(directory, name)(count)
    for change in _listed(changes.add):
        done.setdefault("add", []).append(directory.add_user(id=change.id, **change.properties))
    for change in _listed(changes.update):
        done.setdefault("update", []).append(_id(change))
        directory.update_user(_id(change), **change.properties)
    for name in ("delete", "restore", "purge"):
        for user_id in _listed(getattr(changes, name)):
            getattr(directory, f"{name}_user")(user_id)
            done.setdefault(name, []).append(user_id)
    for management in _listed(changes.set_manager):
        directory.set_manager(management.id, management.manager)
        done.setdefault("set_manager", []).append(management.id)
    _apply_to_groups(directory, changes, done)
    return done


def _apply_to_groups(directory: Directory, changes: Changes, done: dict[str, list[str]]) -> None:
    for group_name in _listed(changes.add_group):
        done.setdefault("add_group", []).append(directory.add_group(group_name))
    for change in _listed(changes.update_group):
        done.setdefault("update_group", []).append(_id(change))
        directory.update_group(_id(change), **change.properties)
    for membership in _listed(changes.add_member):
        directory.add_member(membership.group, membership.member)
        done.setdefault("add_member", []).append(membership.member)
    for membership in _listed(changes.remove_member):
        directory.remove_member(membership.group, membership.member)
        done.setdefault("remove_member", []).append(membership.member)
    for group_id in _listed(changes.delete_group):
        directory.delete_group(group_id)
        done.setdefault("delete_group", []).append(group_id)
    for group_id in _listed(changes.halve_group):
        done.setdefault("halve_group", []).extend(directory.halve_group(group_id))


def _listed(given: One | list[One]) -> list[One]:
    return given if isinstance(given, list) else [given]


def _id(one: _Properties) -> str:
    if one.id is None:
        raise ValueError("An update names the id of what it changes.")
    return one.id


def _problem(status: int, message: str) -> Response:
    return json_response({"error": {"code": "sandbox", "message": message}}, status)
