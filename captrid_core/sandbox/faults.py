"""Misbehaviour to order: what can go wrong between a client and Microsoft, and when it does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Any, Final

import msgspec

from captrid_core.sandbox.errors import ExpiredForm


class FaultKind(StrEnum):
    """What a fault does to the requests that it strikes."""

    # Answered instead of the answer.
    THROTTLE = "throttle"
    UNAVAILABLE = "unavailable"
    ERROR = "error"
    HTML_PAGE = "html_page"
    EXPIRE_TOKEN = "expire_token"  # noqa: S105
    CLAIMS_CHALLENGE = "claims_challenge"
    EXPIRE_PAGE_TOKEN = "expire_page_token"  # noqa: S105
    EXPIRE_DELTA = "expire_delta"
    WRONG_SECRET = "wrong_secret"  # noqa: S105
    SECRET_EXPIRED = "secret_expired"  # noqa: S105
    APP_DISABLED = "app_disabled"
    # Done to the connection.
    DELAY = "delay"
    HANG = "hang"
    RESET = "reset"
    BREAK_OFF = "break_off"
    # Done to the answer.
    TRUNCATED_JSON = "truncated_json"
    MISSING_VALUE = "missing_value"
    EMPTY_MEMBERS = "empty_members"
    NULL_ATTRIBUTES = "null_attributes"
    REPEAT = "repeat"
    OMIT = "omit"
    FOREIGN_NEXT_LINK = "foreign_next_link"
    LOOPING_NEXT_LINK = "looping_next_link"
    DROP_LAST_PAGE = "drop_last_page"


AFTER_ANSWER: Final = frozenset(list(FaultKind)[list(FaultKind).index(FaultKind.TRUNCATED_JSON) :])
NEEDS_NEXT_LINK: Final = frozenset(
    {FaultKind.FOREIGN_NEXT_LINK, FaultKind.LOOPING_NEXT_LINK, FaultKind.DROP_LAST_PAGE}
)
_SIGN_IN: Final = frozenset({FaultKind.WRONG_SECRET, FaultKind.SECRET_EXPIRED, FaultKind.APP_DISABLED})
# What a fault strikes when it is not told.
_USUAL_MATCH: Final = {
    **dict.fromkeys(_SIGN_IN, "token"),
    FaultKind.EMPTY_MEMBERS: "members",
    FaultKind.NULL_ATTRIBUTES: "members",
    FaultKind.EXPIRE_DELTA: "delta",
    FaultKind.EXPIRE_TOKEN: "graph",
    FaultKind.CLAIMS_CHALLENGE: "graph",
}
CATEGORIES: Final = frozenset(
    {"users", "members", "token", "discovery", "delta", "groups", "batch", "other", "graph", "any"}
)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault, and which requests it strikes.

    `match` is a category of requests ("users", "members", "groups", "delta", "batch", "token",
    "discovery", "graph" for all but the last two, "any") or a regular expression to be found in
    the path with its query. The first `after` requests that match are let through; of the others
    every one is struck, or each `every`-th, `times` times at most.
    """

    kind: FaultKind
    match: str | None = None
    after: int = 0
    every: int | None = None
    times: int | None = None
    # throttle, unavailable: seconds to wait, or None for an answer without Retry-After
    retry_after: float | None = 1
    # delay, hang
    seconds: float = 3600
    # error, html_page
    status: int | None = None
    code: str = "UnknownError"
    message: str = "A made-up error."
    headers: dict[str, str] = {}
    # expire_token: whether all tokens issued so far expire, and not for this request only
    all_tokens: bool = True
    # expire_delta
    form: ExpiredForm = ExpiredForm.GONE_WITH_LOCATION
    # omit: how many objects of each page
    count: int = 1
    # foreign_next_link
    host: str = "elsewhere.example"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a fault may look at in a request."""

    category: str
    target: str
    skiptoken: bool
    deltatoken: bool
    # Whether its token was not requested with the claims of a challenge.
    unchallenged: bool


@dataclass(slots=True)
class _Active:
    fault: Fault
    matched: int = 0
    struck: int = 0
    # The objects of the last page of each list, for faults that repeat them.
    memory: dict[str, list[Any]] = field(default_factory=dict)

    def strikes(self) -> bool:
        """Count a matching request and tell whether it is struck."""
        self.matched += 1
        past = self.matched - self.fault.after
        due = past > 0 and (self.fault.every is None or past % self.fault.every == 0)
        if not due or (self.fault.times is not None and self.struck >= self.fault.times):
            return False
        self.struck += 1
        return True


class Faults:
    """The faults that are switched on. May be used from any thread."""

    def __init__(self) -> None:
        self._active: list[_Active] = []
        self._lock = Lock()

    def add(self, fault: Fault | FaultKind | str, **parameters: Any) -> Fault:
        """Switch on a fault, given whole or as its kind and parameters, and return it.

        Raises:
            ValueError: There is no such kind or parameter.
        """
        if not isinstance(fault, Fault):
            fault = msgspec.convert({"kind": fault, **parameters}, Fault)
        elif parameters:
            fault = msgspec.structs.replace(fault, **parameters)
        if fault.match is None:
            fault = msgspec.structs.replace(fault, match=_USUAL_MATCH.get(fault.kind, "any"))
        try:
            re.compile(fault.match or "")
        except re.error as error:
            raise ValueError(f"{fault.match} is no regular expression: {error}") from error
        with self._lock:
            self._active.append(_Active(fault))
        return fault

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._active.clear()

    def listing(self) -> list[dict[str, Any]]:
        """Return the faults with how many requests each has struck."""
        with self._lock:
            return [{**msgspec.to_builtins(one.fault), "struck": one.struck} for one in self._active]

    def before(self, asked: Asked) -> list[Fault]:
        """Return the faults that strike a request before it is answered, and count it."""
        with self._lock:
            return [
                one.fault
                for one in self._active
                if one.fault.kind not in AFTER_ANSWER and _concerns(one.fault, asked) and one.strikes()
            ]

    def after(self, asked: Asked, *, has_next_link: bool) -> Iterator[tuple[Fault, dict[str, list[Any]]]]:
        """Yield the faults that strike an answer, each with its memory."""
        with self._lock:
            struck = [
                one
                for one in self._active
                if one.fault.kind in AFTER_ANSWER
                and _concerns(one.fault, asked)
                and (has_next_link or one.fault.kind not in NEEDS_NEXT_LINK)
                and one.strikes()
            ]
        for one in struck:
            yield one.fault, one.memory


def _concerns(fault: Fault, asked: Asked) -> bool:
    """Tell whether a request is one of those that a fault counts."""
    eligible = {
        FaultKind.EXPIRE_PAGE_TOKEN: asked.skiptoken,
        FaultKind.EXPIRE_DELTA: asked.deltatoken,
        FaultKind.CLAIMS_CHALLENGE: asked.unchallenged,
    }.get(fault.kind, True)
    if not eligible:
        return False
    if fault.match == "any":
        return True
    if fault.match == "graph":
        return asked.category not in {"token", "discovery"}
    if fault.match in CATEGORIES:
        return asked.category == fault.match
    return re.search(fault.match or "", asked.target) is not None


def category(path: str) -> str:
    """Return the category of a request by its path in lower case."""
    if path.endswith("/oauth2/v2.0/token"):
        return "token"
    if path.endswith("/.well-known/openid-configuration"):
        return "discovery"
    segments = path.removeprefix("/v1.0").strip("/").split("/")
    if segments[-1].removesuffix("()").endswith("delta"):
        return "delta"
    if "members" in segments or "transitivemembers" in segments:
        return "members"
    return {"users": "users", "groups": "groups", "$batch": "batch"}.get(segments[0], "other")
