"""The control routes: what a test does in-process with `Directory` and `Faults`, over HTTPS.

They are guarded by the default app's client secret in the header `X-Sandbox-Secret`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from captrid_core.sandbox.answers import json_response
from captrid_core.sandbox.directory import Directory
from captrid_core.sandbox.faults import Fault, Faults

SECRET_HEADER: Final = "X-Sandbox-Secret"  # noqa: S105  (the header's name)


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

    The first four take how many people are affected, the others one change or a list of them.
    """

    hire: int = 0
    leave: int = 0
    move: int = 0
    rename: int = 0
    add: _Properties | list[_Properties] = []
    update: _Properties | list[_Properties] = []
    delete: str | list[str] = []
    restore: str | list[str] = []
    purge: str | list[str] = []
    set_manager: _Management | list[_Management] = []
    add_group: str | list[str] = []
    update_group: _Properties | list[_Properties] = []
    delete_group: str | list[str] = []
    add_member: _Membership | list[_Membership] = []
    remove_member: _Membership | list[_Membership] = []


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

    def _refusal(self, request: Request) -> Response | None:
        given = request.headers.get(SECRET_HEADER, "")
        if hmac.compare_digest(given.encode(), self._secret.encode()):
            return None
        return _problem(403, f"Send the sandbox's client secret in the header {SECRET_HEADER}.")


def apply(directory: Directory, changes: Changes) -> dict[str, list[str]]:
    """Do what was asked for and return, by what was done, the ids it was done to."""
    done: dict[str, list[str]] = {}
    for name in ("hire", "leave", "move", "rename"):
        count = getattr(changes, name)
        if count:
            done[name] = getattr(directory, name)(count)
    steps: dict[str, Callable[[Any], str | None]] = {
        "add": lambda one: directory.add_user(id=one.id, **one.properties),
        "update": lambda one: directory.update_user(_id(one), **one.properties) or one.id,
        "delete": lambda one: directory.delete_user(one) or one,
        "restore": lambda one: directory.restore_user(one) or one,
        "purge": lambda one: directory.purge_user(one) or one,
        "set_manager": lambda one: directory.set_manager(one.id, one.manager) or one.id,
        "add_group": directory.add_group,
        "update_group": lambda one: directory.update_group(_id(one), **one.properties) or one.id,
        "delete_group": lambda one: directory.delete_group(one) or one,
        "add_member": lambda one: directory.add_member(one.group, one.member) or one.member,
        "remove_member": lambda one: directory.remove_member(one.group, one.member) or one.member,
    }
    for name, step in steps.items():
        given = getattr(changes, name)
        for one in given if isinstance(given, list) else [given]:
            done.setdefault(name, []).append(step(one) or "")
    return done


def _id(one: _Properties) -> str:
    if one.id is None:
        raise ValueError("An update names the id of what it changes.")
    return one.id


def _problem(status: int, message: str) -> Response:
    return json_response({"error": {"code": "sandbox", "message": message}}, status)
