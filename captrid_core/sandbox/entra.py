"""The token endpoint: client credentials for app tokens, and the check of tokens at the Graph routes.

Sources: "OAuth 2.0 client credentials flow", "Access tokens" and "Continuous access evaluation" in
the Microsoft identity platform documentation. Tokens for Microsoft Graph are v1 tokens, whichever
endpoint issued them.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from captrid_core.sandbox import jwt
from captrid_core.sandbox.apps import App, Apps
from captrid_core.sandbox.directory import Clock
from captrid_core.sandbox.errors import GraphError, denied
from captrid_core.sandbox.sign_in_errors import NIL_GUID, SignInError

TOKEN_LIFE: Final = 3599
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(r"([a-z0-9-]+\.)+[a-z0-9-]+", re.IGNORECASE)
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GRAPH_AUDIENCE: Final = "https://graph.microsoft.com"
_GRAPH_RESOURCES: Final = frozenset(
    {
        _GRAPH_AUDIENCE,
        "https://graph.microsoft.us",
        "https://dod-graph.microsoft.us",
        "https://microsoftgraph.chinacloudapi.cn",
        "00000003-0000-0000-c000-000000000000",
    }
)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token says of its bearer."""

    client_id: str
    roles: frozenset[str]
    # Whether it was requested with the claims of a challenge (continuous access evaluation).
    challenged: bool

    def require(self, *any_of: str) -> None:
        """Raise the error of a missing permission unless the token has one of these roles."""
        if not self.allows(*any_of):
            raise denied()

    def allows(self, *any_of: str) -> bool:
        """Tell whether the token has one of these roles."""
        return not self.roles.isdisjoint(any_of)


class Entra:
    """One tenant's sign-in."""

    def __init__(self, tenant_id: str, domain: str, apps: Apps, clock: Clock, secret: bytes) -> None:
        self.tenant_id = tenant_id
        self.domain = domain
        self.apps = apps
        self._clock = clock
        self._secret = secret
        self._issued = 0
        self._revoked = 0

    def discovery(self, tenant: str, origin: str) -> dict[str, Any]:
        """Return the OpenID Connect configuration of a tenant, for a sandbox at `origin`."""
        self._check_tenant(tenant)
        base = f"{origin}/{self.tenant_id}"
        return {
            "token_endpoint": f"{origin}/{tenant}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
            ],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "OC",
        }

    def token(self, tenant: str, body: bytes, headers: Mapping[str, str], origin: str) -> dict[str, Any]:
        """Return a token for the form that a client sent.

        Raises:
            SignInError: The client, its credentials or what it asks for are refused.
        """
        self._check_tenant(tenant)
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        form |= _basic_credentials(headers.get("authorization", ""))
        for name in ("grant_type", "client_id", "scope"):
            if not form.get(name):
                raise SignInError(900144, value=name)
        if form["grant_type"] != "client_credentials":
            raise SignInError(70003, value=form["grant_type"])
        app = self._app(form["client_id"])
        self._check_credentials(app, form, origin)
        self._check_scope(form["scope"], origin)
        token = self._issue(app, challenged="claims" in form and "nbf" in form["claims"])
        return {
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE,
            "ext_expires_in": TOKEN_LIFE,
            "access_token": token,
        }

    def check(self, authorization: str) -> Grant:
        """Return what a request's token grants.

        Raises:
            GraphError: There is none, or it is malformed, forged, expired or for someone else.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise invalid_token("Access token is empty.")
        try:
            _, claims, _ = jwt.parts(token.strip())
            genuine = jwt.is_signed_with(token.strip(), self._secret)
        except jwt.MalformedTokenError:
            raise invalid_token("CompactToken parsing failed with error code: 80049217") from None
        if not genuine:
            raise invalid_token("Signing key is invalid.")
        if claims["exp"] <= self._clock().timestamp() or int(claims["uti"]) <= self._revoked:
            raise invalid_token("Lifetime validation failed, the token is expired.")
        return Grant(claims["appid"], frozenset(claims["roles"]), bool(claims.get("xms_challenged")))

    def expire_tokens(self) -> None:
        """Let every token that was issued so far be expired."""
        self._revoked = self._issued

    def _issue(self, app: App, *, challenged: bool) -> str:
        now = int(self._clock().timestamp())
        self._issued += 1
        claims: dict[str, Any] = {
            "aud": _GRAPH_AUDIENCE,
            "iss": f"https://sts.windows.net/{self.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_LIFE + 1,
            "app_displayname": app.name,
            "appid": app.client_id,
            "appidacr": "1",
            "idp": f"https://sts.windows.net/{self.tenant_id}/",
            "idtyp": "app",
            "oid": app.client_id[::-1].replace("-", "")[:32],
            "roles": list(app.roles),
            "tid": self.tenant_id,
            "uti": f"{self._issued:022d}",
            "ver": "1.0",
        }
        if challenged:
            claims["xms_challenged"] = True
        return jwt.sign(claims, self._secret)

    def _check_tenant(self, tenant: str) -> None:
        is_guid = _GUID.fullmatch(tenant) is not None
        if tenant == NIL_GUID or not (is_guid or _DOMAIN.fullmatch(tenant)):
            raise SignInError(900023, value=tenant)
        if tenant.lower() not in {self.tenant_id, self.domain}:
            raise SignInError(90002, value=tenant)

    def _app(self, client_id: str) -> App:
        if client_id == NIL_GUID:
            raise SignInError(700038, app=client_id)
        app = self.apps.find(client_id)
        if app is None:
            raise SignInError(700016, app=client_id, tenant=self.domain)
        if not app.in_tenant:
            raise SignInError(7000229, app=client_id, tenant=self.tenant_id)
        if app.disabled:
            raise SignInError(7000112, app=client_id)
        return app

    def _check_credentials(self, app: App, form: Mapping[str, str], origin: str) -> None:
        if form.get("client_assertion"):
            if form.get("client_assertion_type") != _ASSERTION:
                raise SignInError(900144, value="client_assertion_type")
            self._check_assertion(app, form["client_assertion"], origin)
        elif not form.get("client_secret"):
            raise SignInError(7000218)
        elif not hmac.compare_digest(form["client_secret"].encode(), app.client_secret.encode()):
            raise SignInError(7000215, app=app.client_id)
        elif app.secret_expired:
            raise SignInError(7000222, app=app.client_id)

    def _check_assertion(self, app: App, assertion: str, origin: str) -> None:
        """Check a client assertion that was signed with a certificate's key."""
        try:
            header, claims, _ = jwt.parts(assertion)
            known = [one for one in app.certificates if jwt.names_certificate(header, one)]
        except jwt.MalformedTokenError:
            raise SignInError(50012) from None
        if not known:
            raise SignInError(700027, value=_thumbprint(header))
        if not any(jwt.is_signed_by(assertion, one) for one in known):
            raise SignInError(50012)
        if claims.get("iss") != app.client_id or claims.get("sub") != app.client_id:
            raise SignInError(700021)
        if not str(claims.get("aud")).startswith(f"{origin}/"):
            raise SignInError(700023)
        if float(claims.get("exp", 0)) <= self._clock().timestamp():
            raise SignInError(700024)

    def _check_scope(self, scope: str, origin: str) -> None:
        scopes = [part for part in scope.split() if part not in {"openid", "profile", "offline_access"}]
        if len(scopes) != 1 or not scopes[0].endswith("/.default"):
            raise SignInError(70011, value=scope)
        resource = scopes[0].removesuffix("/.default").rstrip("/")
        if resource not in _GRAPH_RESOURCES and resource != origin:
            raise SignInError(500011, value=resource, tenant=self.domain)


def invalid_token(message: str, *, headers: Mapping[str, str] | None = None) -> GraphError:
    """Return the error for a token that Graph does not take."""
    challenge = {
        "WWW-Authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common"'
    }
    return GraphError(401, "InvalidAuthenticationToken", message, headers=headers or challenge)


def claims_challenge(since: int) -> GraphError:
    """Return the answer that asks for a token issued after a moment (continuous access evaluation)."""
    claims = f'{{"access_token":{{"nbf":{{"essential":true,"value":"{since}"}}}}}}'
    value = (
        'Bearer authorization_uri="https://login.windows.net/common/oauth2/authorize", '
        f'error="insufficient_claims", claims="{base64.b64encode(claims.encode()).decode()}"'
    )
    message = "Continuous access evaluation resulted in challenge with result: InteractionRequired."
    return invalid_token(message, headers={"WWW-Authenticate": value})


def _basic_credentials(authorization: str) -> dict[str, str]:
    """Return client_id and client_secret from an HTTP Basic header, as RFC 6749 section 2.3.1 encodes them."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": unquote(client_id), "client_secret": unquote(secret)}


def _thumbprint(header: Mapping[str, Any]) -> str:
    named: Iterable[Any] = (header.get("x5t"), header.get("x5t#S256"))
    return next((jwt.decode(one).hex().upper() for one in named if isinstance(one, str)), "")
