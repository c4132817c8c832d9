"""What Microsoft Entra ID's refusals to sign in mean.

The numbers are those of the page "Microsoft Entra authentication and authorization error codes".
It warns that they may change; so an unknown number falls back to the OAuth `error`, and an
unknown error still names both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from captrid_core.directory.entra.settings import is_guid
from captrid_core.errors import (
    CaptridError,
    CertificateRejected,
    ClientUnknown,
    ConsentMissing,
    DirectoryUnavailable,
    SecretExpired,
    SecretWrong,
    SignInRefused,
    TenantMalformed,
    TenantUnknown,
    Throttled,
)


@dataclass(frozen=True, slots=True)
class _Meaning:
    error: type[CaptridError]
    message: str
    hint: str | None = None


_WRONG_CLOUD: Final = _Meaning(
    TenantUnknown,
    "The tenant belongs to another national cloud than the connection's sign-in address.",
    "Choose the cloud that the tenant is in.",
)
_WRONG_GRAPH: Final = _Meaning(
    SignInRefused,
    "The sign-in address does not know the connection's Graph address.",
    "Choose the tenant's cloud, or correct the Graph address: both have to be of the same cloud.",
)
_CERTIFICATE: Final = _Meaning(CertificateRejected, "Microsoft Entra ID did not accept the certificate.")
_NO_SECRET: Final = _Meaning(SecretWrong, "Microsoft Entra ID saw no client secret.")
_NO_CONSENT: Final = _Meaning(ConsentMissing, "Nobody has consented to the app in this tenant yet.")
_NO_APP: Final = _Meaning(ClientUnknown, "The tenant has no app registration with this client ID.")
_BUSY: Final = _Meaning(Throttled, "Microsoft Entra ID asks for fewer sign-ins.")
_FAILING: Final = _Meaning(DirectoryUnavailable, "Microsoft Entra ID has a failure of its own.")

_BY_NUMBER: Final[dict[int, _Meaning]] = {
    7000215: _Meaning(SecretWrong, "The client secret is wrong."),
    7000222: _Meaning(SecretExpired, "The client secret has expired."),
    7000216: _NO_SECRET,
    7000218: _NO_SECRET,
    700016: _NO_APP,
    700038: _Meaning(ClientUnknown, "The client ID is not that of an application."),
    90013: _Meaning(ClientUnknown, "The client ID is not that of an application."),
    7000112: _Meaning(
        ClientUnknown,
        "The app registration is disabled in this tenant.",
        "Ask an Entra administrator to enable it under Enterprise applications.",
    ),
    90002: _Meaning(TenantUnknown, "No tenant goes by this Tenant ID."),
    900021: _Meaning(TenantUnknown, "No tenant goes by this Tenant ID."),
    900023: _Meaning(TenantMalformed, "The Tenant ID is neither a GUID nor a domain name."),
    900971: _NO_APP,
    90038: _WRONG_CLOUD,
    900382: _WRONG_CLOUD,
    900384: _WRONG_CLOUD,
    7000229: _NO_CONSENT,
    65001: _NO_CONSENT,
    650052: _NO_CONSENT,
    700027: _CERTIFICATE,
    700021: _CERTIFICATE,
    700023: _CERTIFICATE,
    700024: _Meaning(
        CertificateRejected,
        "The proof that was signed with the certificate was not within its time.",
        "Check this machine's clock.",
    ),
    7000214: _CERTIFICATE,
    50012: _CERTIFICATE,
    50013: _CERTIFICATE,
    500011: _WRONG_GRAPH,
    70011: _WRONG_GRAPH,
    1002012: _WRONG_GRAPH,
    53003: _Meaning(
        SignInRefused,
        "A Conditional Access policy blocks the app's sign-in.",
        "Ask an Entra administrator to allow the app from this machine's network.",
    ),
    90055: _BUSY,
    50196: _BUSY,
    90006: _FAILING,
    90024: _FAILING,
    90033: _FAILING,
}

_BY_ERROR: Final[dict[str, _Meaning]] = {
    "invalid_tenant": _BY_NUMBER[90002],
    "unauthorized_client": _NO_APP,
    "invalid_scope": _WRONG_GRAPH,
    "invalid_resource": _WRONG_GRAPH,
    "consent_required": _NO_CONSENT,
    "temporarily_unavailable": _FAILING,
    "server_error": _FAILING,
}


def refusal(answer: dict[str, Any], *, certificate: bool, secret: str | None) -> CaptridError:
    """Return the error that an OAuth error answer stands for.

    Args:
        answer: The JSON of the token or discovery endpoint.
        certificate: Whether the app signed in with a certificate.
        secret: What must not appear in the message, even if the answer repeats it.
    """
    numbers = _numbers(answer)
    error = str(answer.get("error", ""))
    meaning = next((_BY_NUMBER[number] for number in numbers if number in _BY_NUMBER), None)
    if meaning is None and error == "invalid_client":
        meaning = _CERTIFICATE if certificate else _BY_NUMBER[7000215]
    meaning = meaning or _BY_ERROR.get(error)
    said = _first_sentence(str(answer.get("error_description") or error or "no reason given"), secret)
    number = f"AADSTS{numbers[0]}" if numbers else error or "an error without a name"
    if meaning is None:
        return SignInRefused(f"Microsoft Entra ID refused the sign-in with {number}: {said}")
    hint = meaning.hint
    if meaning.error is SecretWrong and secret and is_guid(secret):
        hint = "What was entered looks like the Secret ID. Copy the secret's Value, which is shown once only."
    return meaning.error(f"{meaning.message} ({number}: {said})", hint=hint)


def _numbers(answer: dict[str, Any]) -> list[int]:
    """Return the AADSTS numbers, from `error_codes` first and from the description otherwise."""
    codes = answer.get("error_codes")
    if isinstance(codes, list) and codes:
        return [int(code) for code in codes if str(code).isdecimal()]
    return [int(number) for number in re.findall(r"AADSTS(\d+)", str(answer.get("error_description", "")))]


def _first_sentence(description: str, secret: str | None) -> str:
    """Return what was said, without its number, its trace ids and whatever must not be repeated."""
    text = re.split(r"\s*(?:Trace ID:|Correlation ID:|[\r\n])", description, maxsplit=1)[0]
    text = re.sub(r"^AADSTS\d+:\s*", "", text)
    text = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0].strip()[:300]
    return text.replace(secret, "…") if secret else text
