"""MSAL for Python, the library that clients sign in with, against the token endpoint."""

from __future__ import annotations

import datetime as dt

import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from captrid_core.sandbox import Sandbox

SCOPES = ["https://graph.microsoft.com/.default"]


@pytest.fixture(scope="module")
def running():
    with Sandbox(users=20).running() as sandbox:
        yield sandbox


@pytest.fixture
def client(running):
    """Make an MSAL client application of an app registration."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(running.ca_file)

        def make(app=running.app, credential=None, tenant=running.tenant_id, **options):
            return msal.ConfidentialClientApplication(
                app.client_id,
                client_credential=credential or app.client_secret,
                authority=f"{running.authority_url}/{tenant}",
                instance_discovery=False,
                http_client=session,
                **options,
            )

        yield make
    running.faults.clear()


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sync")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=9))
    return builder.sign(key, hashes.SHA256())


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def read_users(running, token):
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(
            f"{running.graph_url}/users", headers=headers, verify=str(running.ca_file), timeout=10
        )
    return answer.status_code


def test_a_secret_signs_in_and_the_token_is_cached(running, client):
    app = client()
    first, second = app.acquire_token_for_client(SCOPES), app.acquire_token_for_client(SCOPES)

    assert read_users(running, first) == 200
    assert (first["token_source"], second["token_source"]) == ("identity_provider", "cache")


def test_the_domain_names_the_tenant_as_well(running, client):
    assert "access_token" in client(tenant=running.tenant_domain).acquire_token_for_client(SCOPES)


def test_an_authority_with_a_checked_issuer_works_too(running, client):
    app = client().__class__(
        running.client_id,
        client_credential=running.client_secret,
        oidc_authority=f"{running.authority_url}/{running.tenant_id}/v2.0",
        http_client=client().http_client,
    )

    assert "access_token" in app.acquire_token_for_client(SCOPES)


def test_a_certificate_with_a_sha1_thumbprint_signs_in(running, client, key, certificate):
    app = running.register_app(certificate=certificate)
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex()
    token = client(app, {"private_key": pem(key), "thumbprint": thumbprint}).acquire_token_for_client(SCOPES)

    assert read_users(running, token) == 200


def test_a_certificate_as_pem_signs_in_with_pss(running, client, key, certificate):
    app = running.register_app(certificate=certificate)
    credential = {
        "private_key": pem(key),
        "public_certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }

    assert read_users(running, client(app, credential).acquire_token_for_client(SCOPES)) == 200


def test_a_pfx_file_signs_in(running, client, key, certificate, tmp_path):
    app = running.register_app(certificate=certificate)
    packed = pkcs12.serialize_key_and_certificates(
        b"sync", key, certificate, None, serialization.BestAvailableEncryption(b"open")
    )
    (tmp_path / "sync.pfx").write_bytes(packed)
    credential = {"private_key_pfx_path": str(tmp_path / "sync.pfx"), "passphrase": "open"}

    assert read_users(running, client(app, credential).acquire_token_for_client(SCOPES)) == 200


def test_a_certificate_that_is_not_registered_is_refused(client, key, certificate):
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex()
    found = client(credential={"private_key": pem(key), "thumbprint": thumbprint}).acquire_token_for_client(
        SCOPES
    )

    assert (found["error"], found["error_codes"]) == ("invalid_client", [700027])


@pytest.mark.parametrize(
    ("state", "code"), [({"secret_expired": True}, 7000222), ({"disabled": True}, 7000112)]
)
def test_refusals_arrive_as_msal_reports_them(running, client, state, code):
    found = client(running.register_app(**state)).acquire_token_for_client(SCOPES)

    assert found["error_codes"] == [code]
    assert found["error_description"].startswith(f"AADSTS{code}: ")
    assert found["correlation_id"]


def test_a_wrong_and_an_empty_secret(client):
    assert client(credential="wrong").acquire_token_for_client(SCOPES)["error_codes"] == [7000215]
    assert client(credential=" ").acquire_token_for_client(SCOPES)["error_codes"] == [7000215]


def test_an_unknown_tenant_fails_in_the_constructor(client):
    with pytest.raises(ValueError, match="authority configuration") as caught:
        client(tenant="11111111-2222-4333-8444-555555555555")

    assert "AADSTS90002" in str(caught.value.__context__)


def test_a_claims_challenge_is_met(running, client):
    running.faults.add("claims_challenge", match="users")
    app = client(client_capabilities=["cp1"])
    assert read_users(running, app.acquire_token_for_client(SCOPES)) == 401

    challenge = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
    token = app.acquire_token_for_client(SCOPES, claims_challenge=challenge)
    assert read_users(running, token) == 200
