"""The Graph routes under /v1.0: which path is answered by whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from captrid_core.sandbox import odata
from captrid_core.sandbox.answers import json_response
from captrid_core.sandbox.ask import VERSION, Ask, Pages, collection
from captrid_core.sandbox.delta import Delta
from captrid_core.sandbox.directory import Directory
from captrid_core.sandbox.entra import Entra
from captrid_core.sandbox.errors import GraphError
from captrid_core.sandbox.group_routes import READ_GROUPS, READ_MEMBERS, Groups
from captrid_core.sandbox.identifiers import Kind
from captrid_core.sandbox.plan import NAME
from captrid_core.sandbox.represent import TYPE_NAMES
from captrid_core.sandbox.users import READ_USERS, Users

_MOST_IDS: Final = 1000
_SPELLINGS: Final = ("delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()")

Handler = Callable[[Ask, dict[str, str]], Response]


class Graph:
    """Microsoft Graph v1.0, as far as people and groups go."""

    def __init__(self, directory: Directory, entra: Entra, pages: Pages, delta: Delta) -> None:
        self._directory = directory
        self._entra = entra
        self._users = Users(directory, pages)
        self._groups = Groups(directory, pages)
        self._delta = delta

    def routes(self) -> list[Route]:
        """Return the routes. Paths are in lower case: the caller has folded the request's."""
        routes = [self._route(path, handler) for path, handler in self._handlers().items()]
        routes.append(Route(f"{VERSION}/directoryobjects/getbyids", self._get_by_ids, methods=["POST"]))
        return routes

    def ask(self, request: Request) -> Ask:
        """Return what a request asks for.

        Raises:
            GraphError: Its token is refused, or its query options are malformed.
        """
        grant = self._entra.check(request.headers.get("authorization", ""))
        query = odata.parse(request.url.query, request.headers)
        return Ask(request, query, grant, origin_of(request))

    def _handlers(self) -> dict[str, Handler]:
        users, groups, delta = self._users, self._groups, self._delta
        handlers: dict[str, Handler] = {}
        for spelling in _SPELLINGS:
            handlers[f"/users/{spelling}"] = lambda ask, _: delta.answer(ask, Kind.USER)
            handlers[f"/groups/{spelling}"] = lambda ask, _: delta.answer(ask, Kind.GROUP)
        handlers |= {
            "/users": lambda ask, _: users.listing(ask),
            "/users/$count": lambda ask, _: users.count(ask),
            "/users/{id}": lambda ask, path: users.one(ask, path["id"]),
            "/users/{id}/manager": lambda ask, path: users.manager(ask, path["id"]),
            "/users/{id}/photo/$value": lambda ask, path: users.photo(ask, path["id"], "648x648"),
            "/users/{id}/photos/{size}/$value": lambda ask, path: users.photo(ask, path["id"], path["size"]),
            "/users/{id}/directreports": lambda ask, path: users.reports(ask, path["id"]),
            "/groups": lambda ask, _: groups.listing(ask),
            "/groups/$count": lambda ask, _: groups.count(ask),
            "/groups/{id}": lambda ask, path: groups.one(ask, path["id"]),
            "/directory/deleteditems/microsoft.graph.user": lambda ask, _: users.deleted(ask),
            "/directory/deleteditems/graph.user": lambda ask, _: users.deleted(ask),
            "/directory/deleteditems/{id}": lambda ask, path: users.one_deleted(ask, path["id"]),
            "/organization": lambda ask, _: self._organization(ask),
        }
        for segment, nested in (("members", False), ("transitivemembers", True)):
            handlers |= self._member_handlers(segment, nested=nested)
        for segment, nested in (("memberof", False), ("transitivememberof", True)):
            handlers |= self._membership_handlers(segment, nested=nested)
        return handlers

    def _member_handlers(self, segment: str, *, nested: bool) -> dict[str, Handler]:
        groups, base = self._groups, f"/groups/{{id}}/{segment}"
        return {
            base: lambda ask, path: groups.members(ask, path["id"], cast=None, nested=nested),
            f"{base}/$count": lambda ask, path: groups.count_members(
                ask, path["id"], cast=None, nested=nested
            ),
            f"{base}/{{cast}}": lambda ask, path: groups.members(
                ask, path["id"], cast=path["cast"], nested=nested
            ),
            f"{base}/{{cast}}/$count": lambda ask, path: groups.count_members(
                ask, path["id"], cast=path["cast"], nested=nested
            ),
        }

    def _membership_handlers(self, segment: str, *, nested: bool) -> dict[str, Handler]:
        groups, base = self._groups, f"/users/{{id}}/{segment}"
        return {
            base: lambda ask, path: groups.member_of(ask, path["id"], cast=None, nested=nested),
            f"{base}/{{cast}}": lambda ask, path: groups.member_of(
                ask, path["id"], cast=path["cast"], nested=nested
            ),
        }

    def _route(self, path: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            ask = self.ask(request)
            with self._directory.lock:
                return handler(ask, request.path_params)

        return Route(f"{VERSION}{path}", _named(endpoint, path), methods=["GET"])

    def _organization(self, ask: Ask) -> Response:
        """GET /organization."""
        ask.grant.require(*READ_USERS, *READ_GROUPS, "Organization.Read.All")
        domain = {
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": True,
            "isInitial": True,
            "name": self._entra.domain,
            "type": "Managed",
        }
        organization: dict[str, Any] = {
            "id": self._entra.tenant_id,
            "deletedDateTime": None,
            "businessPhones": [],
            "countryLetterCode": "AU",
            "createdDateTime": "2012-01-16T01:00:00Z",
            "displayName": NAME,
            "tenantType": "AAD",
            "verifiedDomains": [domain],
        }
        if ask.query.select:
            organization = {name: organization.get(name) for name in ask.query.select}
        return json_response({"@odata.context": ask.context("organization"), "value": [organization]})

    async def _get_by_ids(self, request: Request) -> Response:
        """POST /directoryObjects/getByIds."""
        ask = self.ask(request)
        ask.grant.require(*READ_USERS, *READ_MEMBERS)
        try:
            wanted = msgspec.json.decode(await request.body(), type=_Ids)
        except msgspec.MsgspecError as error:
            raise GraphError(400, "Request_BadRequest", f"Invalid request body: {error}") from None
        if not 1 <= len(wanted.ids) <= _MOST_IDS:
            raise GraphError(400, "Request_BadRequest", f"Between 1 and {_MOST_IDS} ids can be given.")
        kinds = {kind for kind in TYPE_NAMES if wanted.types is None or kind.name.lower() in wanted.types}
        with self._directory.lock:
            texts = list(self._groups.by_ids(ask, wanted.ids, kinds))
        return json_response(collection({"@odata.context": ask.context("directoryObjects")}, texts))


class _Ids(msgspec.Struct):
    ids: list[str]
    types: list[str] | None = None


def origin_of(request: Request) -> str:
    """Return the scheme, host and port under which the client reached the sandbox."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def _named(
    endpoint: Callable[[Request], Awaitable[Response]], path: str
) -> Callable[[Request], Awaitable[Response]]:
    endpoint.__name__ = path
    return endpoint
