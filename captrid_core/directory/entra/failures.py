"""Failures below HTTP, in our words: what `requests`, `urllib3` and `ssl` raise, and what it means."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Final

from requests import exceptions as http
from urllib3 import exceptions as wire

from captrid_core.errors import CaptridError, DirectoryUnreachable, NotADirectory, ReadIncomplete, TlsFailed

_PROXY: Final = (http.ProxyError, http.InvalidProxyURL, wire.ProxyError, wire.ProxySchemeUnknown)
_TLS: Final = (ssl.SSLError, http.SSLError, wire.SSLError)
_CUT_OFF: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
_SLOW_START: Final = (http.ConnectTimeout, wire.ConnectTimeoutError)
_SLOW: Final = (http.ReadTimeout, wire.ReadTimeoutError, TimeoutError)
_BROKEN: Final = (wire.IncompleteRead, wire.DecodeError, http.ContentDecodingError)
_UNUSABLE: Final = (
    http.InvalidURL,
    http.MissingSchema,
    http.InvalidSchema,
    http.InvalidHeader,
    wire.LocationValueError,
)


class Hitch(Exception):
    """An attempt that failed in a way that another attempt may mend. It is no error yet.

    Args:
        error: What to raise when no further attempt is made.
        retry_after: Seconds that the other side asked to wait, None where it did not.
        tries: After how many failures in a row to give up; None leaves that to the time budget.
    """

    def __init__(
        self, error: CaptridError, *, retry_after: float | None = None, tries: int | None = None
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after
        self.tries = tries


def translated(
    exc: Exception, host: str, *, ca_file: Path | None, timeout: tuple[float, float], reached: bool
) -> CaptridError | Hitch:
    """Return our error for an exception of the layers below, a `Hitch` where another attempt may do.

    Args:
        exc: What was raised.
        host: Who was asked, with the port.
        ca_file: The only certificate authorities that are trusted, None for the usual ones.
        timeout: Seconds for a connection and for an answer.
        reached: Whether the host has answered before; one that never did may not exist.
    """
    causes = _causes(exc)
    reason = _reason(causes)
    tries = None if reached else 3

    def is_any(kinds: tuple[type[BaseException], ...]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if is_any(_PROXY):
        return Hitch(
            DirectoryUnreachable(
                f"The proxy on the way to {host} did not let the request through: {reason}.",
                hint="Check HTTPS_PROXY and NO_PROXY in the environment, and the proxy's password.",
            ),
            tries=tries,
        )
    if is_any(_CUT_OFF):
        broke_off = f"The connection to {host} broke off while it was being secured."
        return Hitch(DirectoryUnreachable(broke_off), tries=tries)
    if ca_file is not None and not ca_file.exists():
        return TlsFailed(
            f"The CA file {ca_file} is not there, so {host} cannot be trusted.",
            hint="Give the path of a PEM file with your certificate authority.",
        )
    if is_any(_TLS):
        return _untrusted(host, reason, is_any((ssl.SSLCertVerificationError,)), ca_file)
    # A refused connection counts as one of those that time out in urllib3, though it does not.
    if is_any(_SLOW_START) and not is_any((wire.NewConnectionError,)):
        slow = f"{host} did not accept a connection within {timeout[0]:g} s."
        return Hitch(DirectoryUnreachable(slow), tries=tries)
    if is_any(_SLOW):
        return Hitch(DirectoryUnreachable(f"{host} did not answer within {timeout[1]:g} s."), tries=tries)
    if is_any(_BROKEN):
        broken = f"An answer of {host} broke off or was garbled: {reason}."
        return Hitch(ReadIncomplete(broken), tries=5)
    if is_any(_UNUSABLE) or not is_any((OSError, HTTPException, wire.HTTPError)):
        # The latter is a header that makes no sense, such as a redirect to nowhere.
        return NotADirectory(f"{host} cannot be used as an address, or answers nonsense: {reason}.")
    return Hitch(DirectoryUnreachable(f"No connection to {host} came about: {reason}."), tries=tries)


def _untrusted(host: str, reason: str, judged: bool, ca_file: Path | None) -> TlsFailed:  # noqa: FBT001
    """Return the error for a handshake that failed, `judged` where it was the certificate that did."""
    if judged and ca_file is not None:
        return TlsFailed(
            f"The certificate of {host} is not from an authority in {ca_file}: {reason}.",
            hint="Give the PEM file of the authority that signed it, and check the address's host and port.",
        )
    if judged:
        return TlsFailed(f"The certificate of {host} is not trusted: {reason}.")
    hint = "Check the address's port, and that the CA file is a PEM file." if ca_file is not None else None
    return TlsFailed(f"The connection to {host} could not be secured: {reason}.", hint=hint)


def _causes(exc: BaseException) -> list[BaseException]:
    """Return `exc` and all that it wraps, outermost first: requests and urllib3 nest up to four deep."""
    found: list[BaseException] = []
    waiting: list[BaseException] = [exc]
    while waiting:
        current = waiting.pop(0)
        if current in found:
            continue
        found.append(current)
        inner = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        waiting.extend(item for item in inner if isinstance(item, BaseException))
    return found


def _reason(causes: Sequence[BaseException]) -> str:
    """Return the innermost cause in a few words.

    Only the standard library's words are repeated: those of requests and urllib3 may name a
    proxy's password, an object's address or the request.
    """
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return str(getattr(cause, "verify_message", cause))
    for cause in reversed(causes):
        foreign = type(cause).__module__.partition(".")[0] in {"requests", "urllib3"}
        if isinstance(cause, OSError | HTTPException) and not foreign:
            return str(getattr(cause, "strerror", None) or cause).partition("\n")[0][:200].rstrip(".")
    return type(causes[-1]).__name__
