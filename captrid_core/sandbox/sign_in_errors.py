"""What the token endpoint refuses: AADSTS numbers with their HTTP status, `error` and wording.

Numbers, meanings and `error` values: "Microsoft Entra authentication and authorization error
codes", and real answers that were quoted in public. Clients must not read the wording.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

NIL_GUID: Final = "00000000-0000-0000-0000-000000000000"

# number: (HTTP status, error, wording)
_TABLE: Final[dict[int, tuple[int, str, str]]] = {
    50012: (401, "invalid_client", "Client assertion contains an invalid signature."),
    70003: (400, "unsupported_grant_type", "The app requested an unsupported grant type '{value}'."),
    70011: (
        400,
        "invalid_scope",
        "The provided value for the input parameter 'scope' is not valid. The scope {value} is not valid.",
    ),
    90002: (
        400,
        "invalid_tenant",
        "Tenant '{value}' not found. Check to make sure you have the correct tenant ID and are signing into "
        "the correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    ),
    90055: (429, "temporarily_unavailable", "Tenant has been throttled because of too many requests."),
    500011: (
        400,
        "invalid_resource",
        "The resource principal named {value} was not found in the tenant named {tenant}. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in "
        "the tenant. You might have sent your authentication request to the wrong tenant.",
    ),
    700016: (
        400,
        "unauthorized_client",
        "Application with identifier '{app}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in "
        "the tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    700021: (
        401,
        "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter.",
    ),
    700023: (401, "invalid_client", "Client assertion audience claim does not match Realm issuer."),
    700024: (401, "invalid_client", "Client assertion is not within its valid time range."),
    700027: (
        401,
        "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        "[Reason - The key was not found., Thumbprint of key used by client: '{value}']",
    ),
    700038: (400, "unauthorized_client", "{app} is not a valid application identifier."),
    900023: (
        400,
        "invalid_request",
        "Specified tenant identifier '{value}' is neither a valid DNS name, nor a valid external domain.",
    ),
    900144: (
        400,
        "invalid_request",
        "The request body must contain the following parameter: '{value}'.",
    ),
    7000112: (400, "unauthorized_client", "Application '{app}' is disabled."),
    7000215: (
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
        "not the client secret ID, for a secret added to app '{app}'.",
    ),
    7000218: (
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    7000222: (
        401,
        "invalid_client",
        "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added "
        "security: https://aka.ms/certCreds.",
    ),
    7000229: (
        401,
        "invalid_client",
        "The client application {app} is missing service principal in the tenant {tenant}.",
    ),
}
# Seen without a link to the portal's explanation of the error.
_WITHOUT_URI: Final = frozenset({700038})


class SignInError(Exception):
    """An error answer of the token endpoint or of discovery."""

    def __init__(self, number: int, *, value: str = "", app: str = "", tenant: str = "") -> None:
        self.status, self.error, wording = _TABLE[number]
        self.number = number
        self.headers: dict[str, str] = {}
        self.text = wording.format(value=value, app=app, tenant=tenant)
        super().__init__(f"AADSTS{number}: {self.text}")

    def body(self, *, at: datetime, trace_id: str, correlation_id: str) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        stamp = at.strftime("%Y-%m-%d %H:%M:%SZ")
        body: dict[str, Any] = {
            "error": self.error,
            "error_description": f"AADSTS{self.number}: {self.text} Trace ID: {trace_id} "
            f"Correlation ID: {correlation_id} Timestamp: {stamp}",
            "error_codes": [self.number],
            "timestamp": stamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
        }
        if self.number not in _WITHOUT_URI:
            body["error_uri"] = f"https://login.microsoftonline.com/error?code={self.number}"
        return body
