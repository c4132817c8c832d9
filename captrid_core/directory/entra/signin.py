"""Signing in to Microsoft Entra ID as an application, through MSAL.

MSAL makes the requests and signs the certificate's proof. It sends through our transport, which
answers it only with JSON of Entra: what cannot be had at all never reaches MSAL, so neither its
habit of remembering failed answers nor its many ways of reporting them matter here.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from captrid_core.directory.entra.certificate import read_certificate
from captrid_core.directory.entra.clouds import host_of, origin, scope_of
from captrid_core.directory.entra.failures import Hitch
from captrid_core.directory.entra.patience import Patience, hitch_of
from captrid_core.directory.entra.permissions import Grant, read_grant
from captrid_core.directory.entra.refusals import refusal
from captrid_core.directory.entra.settings import ClientCertificate, ClientSecret, EntraSettings, is_guid
from captrid_core.directory.entra.transport import Answer, Transport
from captrid_core.errors import (
    CaptridError,
    ClientUnknown,
    DirectoryError,
    NotADirectory,
    SecretWrong,
    TenantMalformed,
)

if TYPE_CHECKING:
    from msal import ConfidentialClientApplication

logger = logging.getLogger(__name__)

_DOMAIN: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}\.)+[a-z][a-z0-9-]{1,62}", re.IGNORECASE)
_RENEW_BEFORE: Final = 300.0
"""Seconds before its end at which a token is renewed, so that none ends on the way to Graph."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and what it says; its value never shows in a repr."""

    value: str = field(repr=False)
    grant: Grant
    fresh_until: float


class SignIn:
    """The sign-in of one connection: gets a token when one is needed and keeps it until it ages.

    Args:
        settings: The connection.
        transport: What to send through.
        clock: A monotonic clock, for the token's age.
        now: The time of day, for the certificate's dates.
    """

    def __init__(
        self,
        settings: EntraSettings,
        transport: Transport,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._http = _MsalHttp(settings, transport)
        self._clock = clock
        self._now = now
        self._app: ConfidentialClientApplication | None = None
        self._remembered: dict[str, Any] = {}
        self._token: Token | None = None
        self._lock = threading.Lock()

    def token(self, patience: Patience, *, refused: str | None = None, claims: str | None = None) -> Token:
        """Return a token that is good for some minutes at least.

        Args:
            patience: What failed attempts may cost.
            refused: A token that Graph did not take; another one is got in its place.
            claims: What Graph wants the new token to claim, as JSON (continuous access evaluation).

        Raises:
            SignInError: Entra refused the sign-in, or the settings cannot be right.
            DirectoryError: Entra could not be asked.
            Cancelled: The watch asked to stop.
        """
        with self._lock:
            held = self._token
            if held is not None and held.value != refused and self._clock() < held.fresh_until:
                return held
            self._token = None
            self._token = self._acquire(patience, claims)
            return self._token

    def _acquire(self, patience: Patience, claims: str | None) -> Token:
        self._http.patience = patience
        # Answers that MSAL remembers: after the secret is mended, a refusal must not come from there.
        self._remembered.clear()
        asked = self._clock()
        result = self._ask_msal(claims)
        value = result.get("access_token")
        if not isinstance(value, str) or not value:
            credential = self._settings.credential
            self._app = None
            raise refusal(
                result,
                certificate=isinstance(credential, ClientCertificate),
                secret=credential.value.strip() if isinstance(credential, ClientSecret) else None,
            )
        lifetime = _seconds(result.get("expires_in"))
        token = Token(value, read_grant(value), asked + lifetime - min(_RENEW_BEFORE, lifetime / 2))
        logger.debug("Signed in; the token lasts %d s.", lifetime)
        return token

    def _ask_msal(self, claims: str | None) -> dict[str, Any]:
        """Return MSAL's answer, a token or a refusal; whatever it raises becomes an error of ours."""
        from msal.exceptions import MsalError

        problem: CaptridError | None = None
        try:
            app = self._app or self._new_app()
            app.remove_tokens_for_client()  # the token is kept here, and asked for only when it is spent
            result = app.acquire_token_for_client(
                [scope_of(self._settings.graph_url)], claims_challenge=claims
            )
            self._app = app
        except (MsalError, ValueError, KeyError, RuntimeError) as exc:
            logger.debug("MSAL raised %s.", type(exc).__name__)
            problem = NotADirectory(
                f"{urlsplit(self._settings.authority_url).netloc} does not answer as Microsoft Entra ID does."
            )
        if problem is not None:
            raise problem  # without MSAL's exception, whose text repeats what came over the wire
        return result if isinstance(result, dict) else {}

    def _new_app(self) -> ConfidentialClientApplication:
        """Return a new MSAL application; its constructor asks Entra for the tenant's endpoints."""
        settings = self._settings
        tenant = _checked_tenant(settings.tenant_id)
        if not settings.client_id:
            raise ClientUnknown("No client ID was given.")
        credential = self._credential()
        from msal import ConfidentialClientApplication

        return ConfidentialClientApplication(
            settings.client_id,
            client_credential=credential,
            authority=f"{settings.authority_url}/{tenant}",
            instance_discovery=False,  # which would ask the global cloud about any address it does not know
            azure_region=False,  # MSAL_FORCE_REGION would switch to another host
            http_client=self._http,
            http_cache=self._remembered,
        )

    def _credential(self) -> str | dict[str, str]:
        """Return the credential as MSAL takes it."""
        credential = self._settings.credential
        if isinstance(credential, ClientCertificate):
            pair = read_certificate(credential.pem, passphrase=credential.passphrase, now=self._now())
            # Without a thumbprint of ours MSAL computes the SHA-256 one and signs with PS256.
            return {"private_key": pair.private_key, "public_certificate": pair.certificate}
        secret = credential.value.strip()
        if not secret:  # MSAL would leave an empty one out and get a puzzling refusal
            raise SecretWrong("No client secret was given.")
        return secret


class _MsalAnswer:
    """An answer in the shape that MSAL expects of its HTTP client."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.headers = answer.headers
        self.text = answer.body.decode("utf-8", "replace")

    def raise_for_status(self) -> None:
        """Do nothing: failures have been raised before."""


class _MsalHttp:
    """MSAL's HTTP client: our transport, with patience, answering with JSON or raising our errors."""

    patience: Patience

    def __init__(self, settings: EntraSettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._host = urlsplit(settings.authority_url).netloc

    def get(
        self, url: str, *, params: Any = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> _MsalAnswer:
        """Fetch the tenant's endpoints; an unknown tenant is refused here already."""
        target = f"{url}?{urlencode(params)}" if params else url
        answer = self._ask("GET", target, headers or {}, None)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise refusal(_json_object(answer, self._host), certificate=False, secret=None)
        return _MsalAnswer(answer)

    def post(
        self,
        url: str,
        *,
        params: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> _MsalAnswer:
        """Ask for a token, at the host of the settings or at a sign-in host of Microsoft's own."""
        from msal.authority import WELL_KNOWN_AUTHORITY_HOSTS

        trusted = {origin(f"https://{host}") for host in WELL_KNOWN_AUTHORITY_HOSTS}
        if origin(url) not in trusted | {origin(self._settings.authority_url)}:
            raise NotADirectory(f"{self._host} sends sign-ins on to {host_of(url)}, which is not trusted.")
        target = f"{url}?{urlencode(params)}" if params else url
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return _MsalAnswer(self._ask("POST", target, form, urlencode(data or {}).encode()))

    def close(self) -> None:
        """Leave the transport open: it is shared with the Graph client."""

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        def attempt() -> Answer:
            answer = self._transport.send(method, url, headers=headers, body=body)
            hitch = hitch_of(answer, "Microsoft Entra ID")
            if hitch is not None:
                raise hitch
            content = _json_object(answer, self._host)
            if answer.status >= HTTPStatus.BAD_REQUEST and isinstance(
                error := refusal(content, certificate=False, secret=None), DirectoryError
            ):
                raise Hitch(error)  # a refusal for a while, such as 90033
            return answer

        return self.patience.persist(attempt, before_retry=lambda _: self._transport.reconnect())


def _json_object(answer: Answer, host: str) -> dict[str, Any]:
    """Return the JSON object of an answer of Entra.

    Raises:
        NotADirectory: It is a redirect, a page or anything else that Entra would not say.
    """
    try:
        content = json.loads(answer.body)
    except ValueError:
        content = None
    expected = answer.status < HTTPStatus.MULTIPLE_CHOICES or answer.status >= HTTPStatus.BAD_REQUEST
    if (
        not expected
        or not isinstance(content, dict)
        or (answer.status >= HTTPStatus.BAD_REQUEST and "error" not in content)
    ):
        raise NotADirectory(
            f"{host} answered HTTP {answer.status} with something that is not Microsoft Entra ID’s."
        )
    return content


def _checked_tenant(tenant_id: str) -> str:
    if not (is_guid(tenant_id) or _DOMAIN.fullmatch(tenant_id)):
        raise TenantMalformed(f"The Tenant ID “{tenant_id}” is neither a GUID nor a domain name.")
    return tenant_id


def _seconds(expires_in: Any) -> float:
    """Return a token's lifetime; one that does not say is taken for short-lived."""
    try:
        return max(float(expires_in), 0.0)
    except (TypeError, ValueError):
        return 2 * _RENEW_BEFORE
