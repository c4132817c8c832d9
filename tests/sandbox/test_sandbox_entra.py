from __future__ import annotations

import base64
import datetime as dt
from urllib.parse import quote

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from sandbox_caller import ORIGIN

from captrid_core.sandbox import Sandbox, jwt

NIL = "00000000-0000-0000-0000-000000000000"


def refusal(answer):
    body = answer.json()
    [number] = body["error_codes"]
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= set(body)
    return answer.status, body["error"], number


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sync")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
    )
    return builder.sign(key, hashes.SHA256())


def test_discovery_names_the_endpoints_of_the_tenant(caller):
    tenant = caller.sandbox.tenant_id
    found = caller.send("GET", f"{ORIGIN}/{tenant}/v2.0/.well-known/openid-configuration").json()

    assert found["token_endpoint"] == f"{ORIGIN}/{tenant}/oauth2/v2.0/token"
    assert found["issuer"] == f"{ORIGIN}/{tenant}/v2.0"
    assert caller.send("GET", found["jwks_uri"]).json() == {"keys": []}


@pytest.mark.parametrize(
    ("tenant", "expected"),
    [
        ("11111111-2222-4333-8444-555555555555", (400, "invalid_tenant", 90002)),
        ("elsewhere.example", (400, "invalid_tenant", 90002)),
        ("not a tenant", (400, "invalid_request", 900023)),
        (NIL, (400, "invalid_request", 900023)),
    ],
)
def test_unknown_and_malformed_tenants(caller, tenant, expected):
    url = f"{ORIGIN}/{quote(tenant)}/v2.0/.well-known/openid-configuration"

    assert refusal(caller.send("GET", url)) == expected
    assert refusal(caller.sign_in(quote(tenant))) == expected


def test_a_tenant_may_be_named_by_its_domain(caller):
    assert caller.sign_in("banksia.example").status == 200
    url = f"{ORIGIN}/banksia.example/v2.0/.well-known/openid-configuration"
    assert caller.send("GET", url).json()["token_endpoint"].startswith(f"{ORIGIN}/banksia.example/")


def test_a_token_looks_like_a_v1_token_of_the_tenant(caller, clock):
    body = caller.sign_in().json()
    _, claims, _ = jwt.parts(body["access_token"])

    assert (body["token_type"], body["expires_in"], "refresh_token" in body) == ("Bearer", 3599, False)
    assert claims["iss"] == f"https://sts.windows.net/{caller.sandbox.tenant_id}/"
    assert (claims["ver"], claims["tid"]) == ("1.0", caller.sandbox.tenant_id)
    assert claims["appid"] == caller.sandbox.client_id
    assert claims["roles"] == ["User.Read.All", "GroupMember.Read.All"]
    assert claims["exp"] == clock().timestamp() + 3600


def test_a_secret_may_be_sent_by_basic_authentication(caller):
    pair = f"{caller.sandbox.client_id}:{quote(caller.sandbox.client_secret, safe='')}"
    headers = {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    form = f"grant_type=client_credentials&scope={quote('https://graph.microsoft.com/.default')}".encode()
    url = f"{ORIGIN}/{caller.sandbox.tenant_id}/oauth2/v2.0/token"

    assert caller.send("POST", url, form, headers).status == 200
    assert refusal(caller.send("POST", url, form, {"authorization": "Basic ???"})) == (
        400,
        "invalid_request",
        900144,
    )


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_secret": None}, (401, "invalid_client", 7000218)),
        ({"client_id": "11111111-2222-4333-8444-555555555555"}, (400, "unauthorized_client", 700016)),
        ({"client_id": NIL}, (400, "unauthorized_client", 700038)),
        ({"client_id": None}, (400, "invalid_request", 900144)),
        ({"grant_type": None}, (400, "invalid_request", 900144)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
        ({"scope": None}, (400, "invalid_request", 900144)),
        ({"scope": "https://graph.microsoft.com/User.Read.All"}, (400, "invalid_scope", 70011)),
        ({"scope": "https://elsewhere.example/.default"}, (400, "invalid_resource", 500011)),
        (
            {"client_secret": None, "client_assertion": "x.y.z", "client_assertion_type": "password"},
            (400, "invalid_request", 900144),
        ),
    ],
)
def test_what_the_token_endpoint_refuses(caller, form, expected):
    assert refusal(caller.sign_in(**form)) == expected


def test_the_nil_client_has_no_error_uri_and_others_have(caller):
    assert "error_uri" not in caller.sign_in(client_id=NIL).json()
    assert caller.sign_in(client_secret="x").json()["error_uri"].endswith("code=7000215")


@pytest.mark.parametrize("scope", ["https://graph.microsoft.us/.default", f"{ORIGIN}/.default"])
def test_other_clouds_resources_and_the_sandbox_itself_are_graph_too(caller, scope):
    assert caller.sign_in(scope=scope).status == 200


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"secret_expired": True}, (401, "invalid_client", 7000222)),
        ({"disabled": True}, (400, "unauthorized_client", 7000112)),
        ({"in_tenant": False}, (401, "invalid_client", 7000229)),
    ],
)
def test_apps_with_something_wrong(call, sandbox, state, expected):
    app = sandbox.register_app(**state)

    assert refusal(call(sandbox, app).sign_in()) == expected
    for name, value in state.items():
        setattr(app, name, not value)
    assert call(sandbox, app).sign_in().status == 200


def test_apps_are_told_apart_and_consent_counts_from_the_next_token(call, sandbox):
    app = sandbox.register_app(roles=[])
    caller = call(sandbox, app)
    assert app.client_id != sandbox.client_id
    assert caller.refused("/users") == (403, "Authorization_RequestDenied")

    app.roles.append("User.Read.All")
    assert caller.refused("/users") == (403, "Authorization_RequestDenied")
    caller.token = ""
    assert caller.get("/users").status == 200


# Certificates


def assertion(key, certificate, sandbox, *, algorithm="RS256", **changes):
    """Sign a client assertion as RFC 7523 describes it."""
    header = {"alg": algorithm, "typ": "JWT"}
    if algorithm == "RS256":
        header["x5t"] = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA1())).decode()
        scheme = padding.PKCS1v15()
    else:
        header["x5t#S256"] = jwt.encode(certificate.fingerprint(hashes.SHA256()))
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    claims = {
        "aud": f"{ORIGIN}/{sandbox.tenant_id}/oauth2/v2.0/token",
        "iss": sandbox.client_id,
        "sub": sandbox.client_id,
        "exp": dt.datetime(2026, 11, 23, 9, 40, tzinfo=dt.UTC).timestamp(),
        "jti": "1",
    } | changes
    signed = f"{jwt.encode(msgspec.json.encode(header))}.{jwt.encode(msgspec.json.encode(claims))}"
    return f"{signed}.{jwt.encode(key.sign(signed.encode(), scheme, hashes.SHA256()))}"


@pytest.fixture
def by_certificate(caller, certificate):
    caller.sandbox.app.certificates.append(certificate)

    def sign_in(token):
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return caller.sign_in(client_secret=None, client_assertion=token, client_assertion_type=kind)

    return sign_in


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_a_registered_certificate_signs_in(by_certificate, key, certificate, sandbox, algorithm):
    assert by_certificate(assertion(key, certificate, sandbox, algorithm=algorithm)).status == 200


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"aud": "https://login.microsoftonline.com/common"}, 700023),
        ({"iss": "someone else"}, 700021),
        ({"exp": 1_700_000_000.5}, 700024),
    ],
)
def test_assertions_with_wrong_claims(by_certificate, key, certificate, sandbox, changes, number):
    answer = by_certificate(assertion(key, certificate, sandbox, **changes))

    assert refusal(answer) == (401, "invalid_client", number)


def test_an_assertion_by_another_key_or_certificate(by_certificate, key, certificate, sandbox):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert refusal(by_certificate(assertion(other, certificate, sandbox))) == (401, "invalid_client", 50012)
    assert refusal(by_certificate("no.jwt")) == (401, "invalid_client", 50012)

    sandbox.app.certificates.clear()
    answer = by_certificate(assertion(key, certificate, sandbox))
    assert refusal(answer) == (401, "invalid_client", 700027)
    assert certificate.fingerprint(hashes.SHA1()).hex().upper() in answer.json()["error_description"]


def test_an_app_is_registered_with_a_certificate_as_pem(certificate):
    app = Sandbox(users=0).register_app(certificate=certificate.public_bytes(serialization.Encoding.PEM))

    assert app.certificates == [certificate]


# Tokens at the Graph routes


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("", "Access token is empty."),
        ("Bearer ", "Access token is empty."),
        ("Bearer nonsense", "CompactToken parsing failed with error code: 80049217"),
        ("Bearer a.b.c", "CompactToken parsing failed with error code: 80049217"),
    ],
)
def test_malformed_tokens(caller, authorization, message):
    answer = caller.send("GET", "/users", headers={"authorization": authorization})

    assert (answer.status, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert answer.json()["error"]["message"] == message
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_forged_token(caller):
    token = caller.sign_in().json()["access_token"]
    _, claims, _ = jwt.parts(token)
    caller.token = jwt.sign(claims | {"roles": ["Directory.ReadWrite.All"]}, b"guessed")

    assert caller.refused("/users") == (401, "InvalidAuthenticationToken")


def test_a_token_of_another_tenant(caller, call):
    caller.token = call(Sandbox(users=0, seed=77)).sign_in().json()["access_token"]

    assert caller.refused("/users") == (401, "InvalidAuthenticationToken")


def test_a_token_lives_an_hour(caller, clock):
    assert caller.get("/users").status == 200
    clock.pass_by(minutes=61)

    answer = caller.get("/users")
    assert answer.status == 401
    assert answer.json()["error"]["message"] == "Lifetime validation failed, the token is expired."
