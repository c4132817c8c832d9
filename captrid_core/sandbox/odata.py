"""The query options of a request, checked as Graph checks them.

Sources: "Use query parameters to customize responses", "List users" and "Advanced query
capabilities on Microsoft Entra ID objects" in the Microsoft Graph documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from captrid_core.sandbox import filters
from captrid_core.sandbox.errors import GraphError, denied, missing_parameters, unsupported
from captrid_core.sandbox.identifiers import Kind
from captrid_core.sandbox.properties import (
    DEVICE_DEFAULTS,
    FURTHER_PERMISSION,
    GROUP_DEFAULTS,
    MEMBERS_OF_OBJECTS,
    SINGLE_USER_ONLY,
    USER_DEFAULTS,
    is_directory_extension,
)
from captrid_core.sandbox.represent import TABLES

LARGEST_PAGE: Final = 999
LARGEST_SIGN_IN_PAGE: Final = 500
DEFAULT_PAGE: Final = 100
DEFAULTS: Final = {Kind.USER: USER_DEFAULTS, Kind.GROUP: GROUP_DEFAULTS, Kind.DEVICE: DEVICE_DEFAULTS}
_OPTIONS: Final = frozenset(
    ["select", "top", "filter", "expand", "orderby", "search", "count", "skiptoken", "deltatoken", "format"]
)


@dataclass(frozen=True, slots=True)
class Query:
    """The options of one request, as they came; None where one is not given."""

    select: tuple[str, ...] | None = None
    top: int | None = None
    filter: str | None = None
    expand: str | None = None
    orderby: str | None = None
    search: str | None = None
    count: bool = False
    skiptoken: str | None = None
    deltatoken: str | None = None
    eventual: bool = False

    @property
    def advanced(self) -> bool:
        """Tell whether the request has both things that advanced queries need."""
        return self.count and self.eventual

    def names(
        self, kind: Kind, roles: Iterable[str], *, further: Iterable[str] = (), single: bool = False
    ) -> tuple[str, ...]:
        """Return the properties to show, by default those that Graph shows for the kind.

        `further` are relationships that may be selected too; a `single` user has properties that
        cannot be asked for in a collection.

        Raises:
            GraphError: One does not exist, or the app may not read it.
        """
        if self.select is None or self.select == ("*",):
            return DEFAULTS[kind]
        for name in self.select:
            if not (single and kind is Kind.USER and name in SINGLE_USER_ONLY):
                _check_name(name, kind, roles, further)
        return self.select

    def counting(self) -> Query:
        """Return the same options for a `/$count` segment, which stands for `$count=true`."""
        return replace(self, count=True)

    def page_size(self, names: Iterable[str]) -> int:
        """Return how many objects a page may hold.

        Raises:
            GraphError: `$top` is out of range: 1000 is an error and not 999.
        """
        if self.top is None:
            return DEFAULT_PAGE
        if not 1 <= self.top <= LARGEST_PAGE:
            raise unsupported(
                f"Invalid page size specified: '{self.top}'. Must be between 1 and 999 inclusive."
            )
        return min(self.top, LARGEST_SIGN_IN_PAGE) if "signInActivity" in names else self.top

    def condition(self, kind: Kind) -> filters.Node | None:
        """Return the expression of `$filter`.

        Raises:
            GraphError: It is malformed, or needs advanced parameters that are not there.
        """
        if self.filter is None:
            return None
        node = _parsed(self.filter, kind)
        if node.needs_advanced() and not self.advanced:
            raise missing_parameters("The query filter")
        if self.orderby is not None and not self.advanced:
            raise missing_parameters("Sorting of filtered results")
        return node

    def searched(self) -> filters.Search | None:
        """Return the clauses of `$search`.

        Raises:
            GraphError: It is malformed, or the header that it needs is not there.
        """
        if self.search is None:
            return None
        if not self.eventual:
            raise unsupported(
                "Request with $search query parameter only works through MSGraph with a special request header: "
                "'ConsistencyLevel: eventual'"
            )
        return filters.parse_search(self.search)

    def order(self) -> tuple[str, bool] | None:
        """Return the property to sort by and whether to sort downwards.

        Raises:
            GraphError: Graph does not sort by it.
        """
        if self.orderby is None:
            return None
        name, _, direction = self.orderby.strip().partition(" ")
        if name not in {"displayName", "userPrincipalName"} or direction.strip() not in {"", "asc", "desc"}:
            raise unsupported(f"Sorting by '{self.orderby}' is not supported for this resource.")
        return name, direction.strip() == "desc"

    def expanded_manager(self) -> tuple[str, ...] | None:
        """Return the properties of the manager that `$expand` asks for, or None if it asks for none.

        Raises:
            GraphError: It asks for something else, or in an advanced query.
        """
        if self.expand is None:
            return None
        name, _, options = self.expand.strip().partition("(")
        if name != "manager":
            raise unsupported(f"Expanding '{name}' is not supported by this sandbox.")
        if self.eventual and (self.count or self.search is not None):
            raise unsupported("$expand is not supported with advanced query parameters.")
        if not options:
            return USER_DEFAULTS
        option, _, value = options.removesuffix(")").partition("=")
        if option.strip().lower() not in {"$select", "select"} or "$levels" in value:
            raise unsupported(f"Expanding with '{options}' is not supported by this sandbox.")
        names = tuple(part.strip() for part in value.split(","))
        for one in names:
            _check_name(one, Kind.USER, (), ())
        return names


def parse(query_string: str, headers: Mapping[str, str]) -> Query:
    """Return the options of a request.

    Raises:
        GraphError: An option is unknown or malformed, or is `$skip`, which directory objects refuse.
    """
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True):
        option = name.lower().removeprefix("$")
        if name.startswith("$") and option not in _OPTIONS:
            raise unsupported(f"'{name}' is not supported by the service.")
        if option in _OPTIONS:
            found[option] = value
    found.pop("format", None)
    if "select" in found:
        found["select"] = tuple(name.strip() for name in found["select"].split(",") if name.strip()) or None
    if "top" in found:
        found["top"] = _whole_number(found["top"])
    if "count" in found:
        found["count"] = found["count"].lower() == "true"
    return Query(**found, eventual=headers.get("ConsistencyLevel", "").lower() == "eventual")


def without_tokens(query_string: str) -> str:
    """Return a query string as it came, but for the token of a page."""
    kept = [
        part
        for part in query_string.split("&")
        if part and unquote_plus(part.split("=")[0]).lower() not in {"$skiptoken", "skiptoken"}
    ]
    return "&".join(kept)


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise GraphError(400, "BadRequest", f"Invalid value '{text}' for $top query option found.") from None


def _check_name(name: str, kind: Kind, roles: Iterable[str], further: Iterable[str]) -> None:
    whole, _, member = name.partition("/")
    if name in further or (kind is Kind.USER and is_directory_extension(name)):
        return
    if kind is Kind.USER and whole in SINGLE_USER_ONLY:
        raise GraphError(
            501, "NotImplemented", f"The property '{whole}' is not supported in a collection of users."
        )
    if whole not in TABLES[kind] or (member and member not in MEMBERS_OF_OBJECTS.get(whole, ())):
        raise GraphError(
            400,
            "BadRequest",
            f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type "
            f"'microsoft.graph.{kind.name.lower()}'.",
        )
    if kind is Kind.USER and whole in FURTHER_PERMISSION and FURTHER_PERMISSION[whole] not in roles:
        raise denied()


@lru_cache(maxsize=256)
def _parsed(text: str, kind: Kind) -> filters.Node:
    return filters.parse(text, kind)
