"""The Graph client: requests to one Graph host, with its token, its retries and its errors."""

from __future__ import annotations

import base64
import binascii
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from captrid_core.directory.entra.clouds import host_of, origin
from captrid_core.directory.entra.failures import Hitch
from captrid_core.directory.entra.patience import Patience, hitch_of
from captrid_core.directory.entra.permissions import Grant
from captrid_core.directory.entra.signin import SignIn
from captrid_core.directory.entra.transport import Answer, Transport
from captrid_core.errors import (
    CaptridError,
    DeltaLinkExpired,
    NotADirectory,
    PermissionMissing,
    ReadIncomplete,
    RequestRefused,
    SignInRefused,
    Throttled,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")

EVENTUAL: Final = {"ConsistencyLevel": "eventual"}
"""What advanced queries need, on every page anew ("Advanced query capabilities")."""

_SERVICE: Final = "Microsoft Graph"
_QUERY_SAFE: Final = "$,()/:='@-._~"
_EXPIRED_PAGE: Final = frozenset({"directory_expiredpagetoken", "directorypagetokennotfoundexception"})
_EXPIRED_DELTA: Final = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired"})
_DENIED: Final = frozenset({"authorization_requestdenied", "accessdenied", "forbidden"})


class Missing(RequestRefused):
    """Graph has nothing at that address; the caller knows what it was looking for."""


class Gone(RequestRefused):
    """Graph knew the address once, and does not any more."""


class PageTokenExpired(ReadIncomplete):
    """Graph gave up the place in a list; what was read so far is worthless."""


class Graph:
    """Microsoft Graph as one app sees it.

    Args:
        graph_url: The root with its version; a token is sent to this scheme, host and port alone.
        sign_in: Where tokens come from.
        transport: What to send through.
    """

    def __init__(self, graph_url: str, sign_in: SignIn, transport: Transport) -> None:
        self._root = graph_url
        self._origin = origin(graph_url)
        self._host = urlsplit(graph_url).netloc
        self._sign_in = sign_in
        self._transport = transport

    def grant(self, patience: Patience) -> Grant:
        """Return whom the token speaks for and what it was granted, signing in if need be."""
        return self._sign_in.token(patience).grant

    def url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """Return the address of `path` below the root, with `query` percent-encoded."""
        encoded = "&".join(
            f"{name}={quote(value, safe=_QUERY_SAFE)}" for name, value in (query or {}).items()
        )
        return f"{self._root}{path}{'?' + encoded if encoded else ''}"

    def get_json(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        permission: str,
        patience: Patience,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object at `path`; see `ask` for what it raises."""
        return self.ask(
            "GET",
            self.url(path, query),
            headers=headers,
            permission=permission,
            patience=patience,
            read=_object,
        )

    def get_count(
        self, path: str, query: Mapping[str, str] | None = None, *, permission: str, patience: Patience
    ) -> int:
        """Return the number at `path`, which ends in `/$count`; see `ask` for what it raises."""
        return self.ask(
            "GET",
            self.url(path, query),
            headers={**EVENTUAL, "Accept": "text/plain"},
            permission=permission,
            patience=patience,
            read=self._number,
        )

    def post_json(self, path: str, content: Any, *, permission: str, patience: Patience) -> dict[str, Any]:
        """Return the JSON object that `path` answers to `content`; see `ask` for what it raises."""
        return self.ask(
            "POST",
            self.url(path),
            headers={"Content-Type": "application/json"},
            body=msgspec.json.encode(content),
            permission=permission,
            patience=patience,
            read=_object,
        )

    def ask(
        self,
        method: str,
        url: str,
        *,
        permission: str,
        patience: Patience,
        read: Callable[[bytes], T],
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> T:
        """Send one request, again where that may help, and return what `read` makes of the answer.

        Args:
            method: GET or POST.
            url: An address of this Graph host, such as a nextLink.
            permission: The application permission that the request needs, for the message.
            patience: What failed attempts may cost.
            read: Turns the body into the result; it raises ValueError for one that is broken.
            headers: Further headers.
            body: What to send.

        Raises:
            SignInError: A token cannot be had, is not taken, or does not allow this.
            DirectoryError: No usable answer came.
            PageTokenExpired: The address names a place in a list that is no more.
            Cancelled: The watch asked to stop.
        """
        self._refuse_foreign(url)
        refused: str | None = None
        claims: str | None = None

        def attempt() -> T:
            nonlocal refused, claims
            token = self._sign_in.token(patience, refused=refused, claims=claims)
            answer = self._send(method, url, token.value, headers or {}, body)
            if answer.status == HTTPStatus.UNAUTHORIZED and refused is None:
                # Once for each request: the token may have been revoked, or its roles may be old.
                refused, claims = token.value, _claims_challenge(answer)
                token = self._sign_in.token(patience, refused=refused, claims=claims)
                answer = self._send(method, url, token.value, headers or {}, body)
            return self._read(answer, read, permission, token.grant)

        return patience.persist(attempt, before_retry=self._before_retry)

    def renew_token(self, answer: Answer, patience: Patience) -> Hitch:
        """Take a new token because `answer`, one of a batch, is a 401, and return the hitch to ask again with.

        Raises:
            SignInError, DirectoryError, Cancelled: No new token can be had.
        """
        refused = self._sign_in.token(patience)
        self._sign_in.token(patience, refused=refused.value, claims=_claims_challenge(answer))
        return Hitch(_token_refused("HTTP 401"), tries=3)

    def _before_retry(self, hitch: Hitch) -> None:
        """Take a new connection after any failure but throttling, which says nothing against the old one."""
        if not isinstance(hitch.error, Throttled):
            self._transport.reconnect()

    def _send(
        self, method: str, url: str, token: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        request_id = str(uuid.uuid4())
        answer = self._transport.send(
            method,
            url,
            headers={
                "Accept": "application/json",
                "client-request-id": request_id,
                **headers,
                "Authorization": f"Bearer {token}",
            },
            body=body,
        )
        logger.debug(
            "%s %s: HTTP %d, %d bytes, client-request-id %s, request-id %s",
            method,
            urlsplit(url).path,
            answer.status,
            len(answer.body),
            request_id,
            answer.headers.get("request-id"),
        )
        return answer

    def _read(self, answer: Answer, read: Callable[[bytes], T], permission: str, grant: Grant) -> T:
        """Return what `read` makes of a good answer; anything else becomes a hitch or an error."""
        hitch = hitch_of(answer, _SERVICE)
        if hitch is not None:
            raise hitch
        if answer.status != HTTPStatus.OK:
            raise self._refusal(answer, permission, grant)
        if _is_page(answer):
            raise NotADirectory(f"{self._host} answered with a web page instead of directory data.")
        try:
            return read(answer.body)
        except ValueError:  # which covers msgspec's errors and bytes that are not UTF-8
            broken = Hitch(ReadIncomplete(f"An answer of {self._host} was garbled."), tries=5)
        raise broken

    def _refusal(self, answer: Answer, permission: str, grant: Grant) -> CaptridError:
        """Return the error for an answer that is neither good nor worth another try."""
        codes, message = _graph_error(answer)
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            target = host_of(answer.headers.get("Location", ""))
            return NotADirectory(f"{self._host} redirects to {target} instead of answering.")
        folded = {code.casefold() for code in codes}
        if answer.status == HTTPStatus.GONE and not codes:
            return Gone("Microsoft Graph does not know this address any more (HTTP 410).")
        if not codes:
            return NotADirectory(
                f"{self._host} answered HTTP {answer.status} with something that is not Graph’s."
            )
        told = f"HTTP {answer.status}, {codes[0]}: {message}"
        if _EXPIRED_DELTA & folded:
            return DeltaLinkExpired(f"Microsoft Graph does not know the delta link any more ({told}).")
        if answer.status == HTTPStatus.GONE:
            return Gone(f"Microsoft Graph does not know this address any more ({told}).")
        if _EXPIRED_PAGE & folded:
            return PageTokenExpired(
                f"Microsoft Graph gave up the place in the list, again and again ({told})."
            )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return _token_refused(told)
        if answer.status == HTTPStatus.FORBIDDEN and (_DENIED & folded or not grant.covers(permission)):
            return PermissionMissing(permission)
        if answer.status == HTTPStatus.NOT_FOUND:
            return Missing(f"Microsoft Graph has nothing there ({told})")
        return RequestRefused(f"Microsoft Graph refused the request ({told})")

    def _number(self, body: bytes) -> int:
        """Return a plain number; a page instead of one is told from a garbled answer."""
        text = body.decode("utf-8-sig").strip()
        if text.startswith("<"):
            raise NotADirectory(f"{self._host} answered with a web page instead of a number.")
        return int(text)

    def is_own(self, url: str) -> bool:
        """Tell whether an address is one of this Graph host, where a token may go."""
        return origin(url) == self._origin

    def _refuse_foreign(self, url: str) -> None:
        """Keep the token from going anywhere but to the Graph host of the settings."""
        if not self.is_own(url):
            raise ReadIncomplete(
                f"{self._host} sent the read on to {host_of(url)}, where no token may go.",
                hint="Check the connection's Graph address, and what stands between it and this machine.",
            )


def _token_refused(told: str) -> SignInRefused:
    return SignInRefused(
        f"Microsoft Graph did not take the app’s token ({told})",
        hint="Check that the sign-in address and the Graph address belong to the same cloud.",
    )


def _object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`."""
    content = msgspec.json.decode(body)
    if not isinstance(content, dict):
        raise ReadIncomplete("Microsoft Graph answered with something that is no JSON object.")
    return content


def _is_page(answer: Answer) -> bool:
    """Tell whether a web page came where data should have: a sign-in page of a network, a proxy's notice."""
    kind = answer.headers.get("Content-Type", "").casefold()
    return "html" in kind or ("json" not in kind and answer.body.lstrip()[:1] == b"<")


def _graph_error(answer: Answer) -> tuple[list[str], str]:
    """Return the error's codes, outermost first, and its message; no codes for what is no Graph error.

    Codes come at any depth, under `innerError` or `innererror` ("Error responses and resource types").
    """
    try:
        content = msgspec.json.decode(answer.body)
    except ValueError:
        return [], ""
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict):
        return [], ""
    codes: list[str] = []
    inner: Any = error
    while isinstance(inner, dict) and len(codes) < 10:
        code = inner.get("code")
        if isinstance(code, str) and code:
            codes.append(code)
        inner = next((value for key, value in inner.items() if key.casefold() == "innererror"), None)
    message = error.get("message")
    return codes, message.partition("\n")[0][:300] if isinstance(message, str) else "no message"


def _claims_challenge(answer: Answer) -> str | None:
    """Return the claims that a 401 asks for, as JSON ("Claims challenges, claims requests")."""
    found = re.search(r'claims="([^"]+)"', answer.headers.get("WWW-Authenticate", ""))
    if found is None:
        return None
    encoded = found[1].replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
