"""Signing in: what Entra says, in words an administrator can act on."""

from __future__ import annotations

import base64
import logging
import sys
import traceback
from datetime import UTC, datetime, timedelta
from subprocess import run
from urllib.parse import parse_qs

import pytest
import requests
from entra_wire import (
    AUTHORITY,
    CLIENT,
    GRAPH,
    SECRET,
    TENANT,
    Wire,
    graph_error,
    link,
    page,
    refused,
    reply,
    settings_with,
)

from captrid_core.directory.entra import ClientCertificate, ClientSecret
from captrid_core.directory.port import Scope
from captrid_core.errors import (
    CaptridError,
    CertificateRejected,
    ClientUnknown,
    ConsentMissing,
    DirectoryUnavailable,
    DirectoryUnreachable,
    NotADirectory,
    PermissionMissing,
    SecretExpired,
    SecretWrong,
    SignInRefused,
    TenantMalformed,
    TenantUnknown,
    Throttled,
    TlsFailed,
)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(7000215, "invalid_client", 401), SecretWrong),
        (refused(7000222, "invalid_client", 401), SecretExpired),
        (refused(700016, "unauthorized_client", 400), ClientUnknown),
        (refused(700038, "unauthorized_client", 400), ClientUnknown),
        (refused(7000112, "unauthorized_client", 400), ClientUnknown),
        (refused(90002, "invalid_request", 400), TenantUnknown),
        (refused(900023, "invalid_request", 400), TenantMalformed),
        (refused(7000229, "invalid_client", 401), ConsentMissing),
        (refused(65001, "invalid_grant", 400), ConsentMissing),
        (refused(7000218, "invalid_client", 401), SecretWrong),
        (refused(700027, "invalid_client", 401), CertificateRejected),
        (refused(500011, "invalid_resource", 400), SignInRefused),
        (refused(53003, "access_denied", 400), SignInRefused),
        (refused(90038, "invalid_request", 400), TenantUnknown),
        (refused(50196, "invalid_request", 400), Throttled),
        (refused(90033, "invalid_request", 400), DirectoryUnavailable),
        (refused(1, "unauthorized_client", 400), ClientUnknown),
        (refused(1, "invalid_client", 401), SecretWrong),
        (refused(1, "something_new", 400), SignInRefused),
    ],
)
def test_each_refusal_of_entra_has_an_error_of_its_own(wire, answer, error):
    wire.on("/token", answer)

    with pytest.raises(CaptridError) as caught:
        wire.directory().probe()

    assert type(caught.value) is error
    assert "AADSTS" in caught.value.message
    assert "Entra says why." in caught.value.message
    assert "Trace ID" not in caught.value.message


def test_an_error_without_a_number_is_told_by_its_name(wire):
    wire.on("/token", reply({"error": "something_new", "error_description": "No number here."}, 400))

    with pytest.raises(SignInRefused, match="something_new: No number here"):
        wire.directory().tenant_id()


def test_a_number_that_is_only_in_the_text_counts(wire):
    wire.on("/token", reply({"error": "invalid_client", "error_description": "AADSTS7000222: Over."}, 401))

    with pytest.raises(SecretExpired):
        wire.directory().tenant_id()


def test_an_unknown_tenant_is_refused_where_its_endpoints_are_asked_for(wire):
    wire.on("/openid-configuration", refused(90002, "invalid_tenant", 400, f"Tenant '{TENANT}' not found."))

    with pytest.raises(TenantUnknown, match=r"AADSTS90002: Tenant '.*' not found\."):
        wire.directory().probe()
    assert wire.asked_for("/token") == []


@pytest.mark.parametrize(
    "tenant", ["", "common", "my tenant", "1234", "https://contoso.com", "a/b.com", "-a.com"]
)
def test_a_malformed_tenant_is_found_before_anything_is_sent(wire, tenant):
    with pytest.raises(TenantMalformed):
        wire.directory(settings=settings_with(tenant_id=tenant)).probe()
    assert wire.asked == []


def test_a_domain_name_will_do_for_a_tenant_and_pasted_blanks_do_not_matter(wire):
    directory = wire.directory(
        settings=settings_with(tenant_id=" banksia.example\n", client_id=f" {CLIENT} ")
    )

    assert directory.tenant_id() == TENANT
    assert wire.asked[0].url.startswith(f"{AUTHORITY}/banksia.example/")


def test_an_empty_secret_or_client_is_found_before_anything_is_sent(wire):
    with pytest.raises(SecretWrong, match="No client secret"):
        wire.directory(settings=settings_with(credential=ClientSecret(" \n"))).probe()
    with pytest.raises(ClientUnknown, match="No client ID"):
        wire.directory(settings=settings_with(client_id="")).probe()
    assert wire.asked == []


def test_a_secret_id_pasted_for_the_secret_is_recognised(wire):
    wire.on("/token", refused(7000215, "invalid_client", 401))
    secret_id = ClientSecret("0b5f2c1e-93a4-4c6e-8f57-0d6f5b8a1c22")

    with pytest.raises(SecretWrong) as caught:
        wire.directory(settings=settings_with(credential=secret_id)).probe()

    assert "looks like the Secret ID" in caught.value.hint


def test_the_secret_goes_whole_and_for_the_right_scope(wire):
    wire.directory().tenant_id()

    form = parse_qs(wire.asked_for("/token")[0].body.decode())
    assert form["client_secret"] == [SECRET]
    assert form["scope"] == ["https://graph.test/.default"]
    assert form["grant_type"] == ["client_credentials"]


@pytest.mark.parametrize(
    "failing", [refused(700016, "unauthorized_client", 400), reply({}, 503, Retry_After="3600")]
)
def test_a_refusal_is_not_remembered_once_the_cause_is_mended(wire, failing):
    wire.on("/token", failing, wire.granted())
    directory = wire.directory()
    with pytest.raises((ClientUnknown, DirectoryUnavailable)):
        directory.tenant_id()

    assert directory.tenant_id() == TENANT


def test_a_permission_that_is_missing_is_named_before_anything_is_read(wire):
    wire.on("/token", wire.granted(("GroupMember.Read.All",)))
    with pytest.raises(PermissionMissing) as caught:
        wire.directory().read_all(Scope(), properties=["mail"])
    assert caught.value.details == {"permission": "User.Read.All"}

    wire.on("/token", wire.granted(("User.Read.All",)))
    with pytest.raises(PermissionMissing) as caught:
        wire.directory().groups("Staff")
    assert caught.value.details == {"permission": "GroupMember.Read.All"}
    assert [request for request in wire.asked if request.url.startswith(GRAPH)] == []


@pytest.mark.parametrize(
    "roles",
    [
        ("User.ReadWrite.All", "Group.Read.All"),
        ("Directory.Read.All",),
        ("Directory.ReadWrite.All",),
        ("User.Read.All", "GroupMember.ReadWrite.All"),
    ],
)
def test_greater_permissions_will_do(wire, roles):
    wire.on("/token", wire.granted(roles))
    wire.on("/users/$count", (200, {}, "1204"))
    wire.on("/groups/$count", (200, {}, "58"))

    facts = wire.directory().probe()

    assert (facts.users, facts.groups, facts.tenant_name) == (1204, 58, "Banksia College")
    assert facts.permissions == tuple(sorted(roles))


@pytest.mark.parametrize("roles", [None, ()])
def test_a_token_without_roles_means_that_nobody_consented(wire, roles):
    wire.on("/token", wire.granted(roles))

    with pytest.raises(ConsentMissing):
        wire.directory().probe()


def test_a_token_that_cannot_be_read_is_used_all_the_same(wire):
    wire.on("/token", reply({"token_type": "Bearer", "expires_in": 3599, "access_token": "opaque"}))
    wire.on("/users/$count", (200, {}, "1"))
    wire.on("/groups/$count", (200, {}, "1"))

    facts = wire.directory().probe()

    assert facts.tenant_id == TENANT  # from /organization
    assert facts.permissions == ()


def test_throttled_sign_ins_wait_as_long_as_they_are_told_to(wire):
    wire.on("/token", reply({}, 429, Retry_After="7"), reply({}, 503), wire.granted())

    assert wire.directory().tenant_id() == TENANT
    assert wire.time.waits[0] == 7
    assert len(wire.time.waits) == 2


@pytest.mark.parametrize("number", [50196, 90055, 90033])
def test_a_refusal_for_a_while_is_tried_again(wire, number):
    wire.on("/token", refused(number, "invalid_request", 400), wire.granted())

    assert wire.directory().tenant_id() == TENANT
    assert wire.time.waits == [0.5]


def test_a_sign_in_that_stays_throttled_or_failing_is_given_up(wire):
    wire.on("/token", reply({}, 429, Retry_After="31"))
    with pytest.raises(Throttled, match="wait another 31 s"):
        wire.directory().probe()
    assert wire.time.waits == []

    wire.on("/token", reply({}, 500))
    with pytest.raises(DirectoryUnavailable, match="HTTP 500"):
        wire.directory().probe()
    assert 15 < sum(wire.time.waits) <= 30


def test_the_sign_in_of_a_run_has_more_patience(wire):
    wire.on("/token", reply({}, 429, Retry_After="60"), wire.granted())

    assert wire.directory().tenant_id() == TENANT
    assert wire.time.waits == [60.0]


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (requests.exceptions.SSLError("certificate verify failed"), TlsFailed),
        (requests.exceptions.ConnectionError("refused"), DirectoryUnreachable),
        (requests.exceptions.ConnectTimeout("slow"), DirectoryUnreachable),
        (requests.exceptions.ReadTimeout("slow"), DirectoryUnreachable),
        (requests.exceptions.ProxyError("407 at http://me:geheim@proxy"), DirectoryUnreachable),
    ],
)
@pytest.mark.parametrize("end", ["/openid-configuration", "/token"])
def test_no_connection_is_told_from_no_trust(wire, raised, error, end):
    wire.on(end, raised)

    with pytest.raises(error) as caught:
        wire.directory().tenant_id()

    assert "geheim" not in caught.value.message
    assert caught.value.__context__ is None  # the exception below holds the request, and so the secret


def test_a_host_that_never_answered_is_given_up_soon(wire):
    wire.on("/openid-configuration", requests.exceptions.ConnectionError("no such host"))

    with pytest.raises(DirectoryUnreachable, match="3 tries"):
        wire.directory().tenant_id()
    assert len(wire.asked) == 3


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Content-Type": "text/html"}, "<html>Please sign in to the guest network</html>"),
        (302, {"Location": "https://portal.example/"}, ""),
        (307, {"Location": "https://evil.example/token"}, ""),
        (404, {}, "<html>Not here</html>"),
        (407, {}, "Proxy authentication required"),
        (200, {}, "[]"),
        reply({}),
        reply({"nothing": "known"}, 400),
    ],
)
@pytest.mark.parametrize("end", ["/openid-configuration", "/token"])
def test_a_page_in_the_place_of_entra_is_no_directory(wire, answer, end, caplog):
    wire.on(end, answer)

    with caplog.at_level(logging.DEBUG), pytest.raises((NotADirectory, SignInRefused)) as caught:
        wire.directory().tenant_id()

    assert caught.value.code == "not_a_directory" or answer == reply({})
    assert len(wire.asked) == (1 if end == "/openid-configuration" else 2)
    assert SECRET not in caplog.text


def test_the_secret_is_never_sent_to_another_host(wire):
    endpoints = dict.fromkeys(("token_endpoint", "authorization_endpoint"), "https://evil.example/t/token")
    wire.on("/openid-configuration", reply({"issuer": "x", **endpoints}))

    with pytest.raises(NotADirectory, match=r"evil\.example"):
        wire.directory().tenant_id()
    assert wire.asked_for("/token") == []


def test_no_error_no_log_and_no_repr_holds_the_secret(wire, caplog):
    settings = settings_with()
    texts = [repr(settings), str(settings)]
    wire.on("/token", refused(7000215, "invalid_client", 401, f"Got {SECRET} for a secret."))
    with caplog.at_level(logging.DEBUG):
        for answer in (
            None,
            requests.exceptions.ConnectionError(f"body {SECRET}"),
            reply({}, 500),
            (200, {}, SECRET),
        ):
            if answer is not None:
                wire.on("/token", answer)
            with pytest.raises(CaptridError) as caught:
                wire.directory(settings=settings).probe()
            texts.append(str(caught.value.as_dict()))
            texts.append("".join(traceback.format_exception(caught.value)))

    assert all(SECRET not in text for text in texts)
    assert SECRET not in caplog.text


def test_a_region_in_the_environment_does_not_move_the_sign_in(wire, monkeypatch):
    monkeypatch.setenv("MSAL_FORCE_REGION", "westeurope")

    assert wire.directory().tenant_id() == TENANT
    assert {request.url.split("/")[2] for request in wire.asked} == {"login.test"}


def test_importing_the_adapter_and_making_it_does_not_import_msal():
    code = (
        "import sys\n"
        "from captrid_core.directory.entra import ClientSecret, EntraDirectory, EntraSettings\n"
        "EntraDirectory(EntraSettings('t.example', 'c', ClientSecret('s'), 'https://a', 'https://g/v1.0')).close()\n"
        "assert not {'msal', 'cryptography'} & set(sys.modules)\n"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_token_is_renewed_before_it_ends_in_the_middle_of_a_read(wire):
    wire.on("/token", wire.granted(mark="one"), wire.granted(mark="two"))
    wire.on("/users", page({"id": "a"}, following=link("2")))
    wire.on("page:2", reply({}, 503, Retry_After="590"), page({"id": "b"}))
    wire.on("/token", wire.granted(mark="one", expires_in=800), wire.granted(mark="two"))

    found = list(wire.directory().read_all(Scope(), properties=[]))

    assert [one.count for one in found] == [1, 1]
    assert len(wire.asked_for("/token")) == 2
    tokens = [request.headers["Authorization"] for request in wire.asked_for("/users")]
    assert tokens[0] == tokens[1] != tokens[2]


def test_a_revoked_token_is_renewed_once_for_each_request(wire):
    wire.on("/token", wire.granted(mark="one"), wire.granted(mark="two"), wire.granted(mark="three"))
    gone = graph_error(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
    wire.on("/users", gone, page({"id": "a"}, following=link("2")))
    wire.on("page:2", gone, page({"id": "b"}))

    assert [one.count for one in wire.directory().read_all(Scope(), properties=[])] == [1, 1]
    assert len(wire.asked_for("/token")) == 3
    assert wire.time.waits == []


def test_a_token_that_graph_never_takes_is_reported(wire):
    wire.on("/users", graph_error(401, "InvalidAuthenticationToken", "Access token validation failure."))

    with pytest.raises(SignInRefused, match="InvalidAuthenticationToken"):
        list(wire.directory().read_all(Scope(), properties=[]))
    assert len(wire.asked_for("/users")) == 2


def test_a_claims_challenge_is_answered_with_a_token_that_has_the_claims(wire):
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'
    encoded = base64.b64encode(claims.encode()).decode()
    challenge = (
        f'Bearer authorization_uri="https://login.test/", error="insufficient_claims", claims="{encoded}"'
    )
    wire.on("/token", wire.granted(mark="one"), wire.granted(mark="two"))
    wire.on(
        "/users",
        graph_error(401, "InvalidAuthenticationToken", WWW_Authenticate=challenge),
        page({"id": "a"}),
    )

    assert [one.count for one in wire.directory().read_all(Scope(), properties=[])] == [1]
    assert parse_qs(wire.asked_for("/token")[1].body.decode())["claims"] == [claims]


NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def pem(*, key=None, signed_by=None, start=-10, end=300, passphrase=None, certificate=True) -> str:
    """Return a PEM text with a private key and, if asked for, a certificate over days from NOW."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    hidden = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    text = key.private_bytes(*formats).decode()
    if not certificate:
        return text
    signer = signed_by or key
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "captrid test")])
    made = (
        x509.CertificateBuilder(name, name, signer.public_key(), x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=start))
        .not_valid_after(NOW + timedelta(days=end))
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode() + text


def with_certificate(wire: Wire, text: str, passphrase: str | None = None):
    settings = settings_with(credential=ClientCertificate(text, passphrase))
    return wire.directory(settings=settings, now=lambda: NOW)


@pytest.mark.parametrize("passphrase", [None, "pass phrase"])
def test_a_certificate_signs_in_without_a_secret(wire, passphrase):
    assert with_certificate(wire, pem(passphrase=passphrase), passphrase).tenant_id() == TENANT

    form = parse_qs(wire.asked_for("/token")[0].body.decode())
    assert "client_secret" not in form
    header = base64.urlsafe_b64decode(form["client_assertion"][0].split(".")[0] + "==")
    assert b"PS256" in header
    assert b"x5t#S256" in header


def test_a_certificate_that_entra_does_not_know_is_rejected(wire):
    for answer in (refused(700027, "invalid_client", 401), refused(1, "invalid_client", 401)):
        wire.on("/token", answer)
        with pytest.raises(CertificateRejected):
            with_certificate(wire, pem()).tenant_id()


def test_an_unusable_certificate_is_found_before_anything_is_sent(wire):
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    cases = {
        "no private key": "nonsense",
        "no readable certificate": pem(certificate=False),
        "do not belong together": pem(signed_by=other),
        "expired on 2026-11-22": pem(start=-20, end=-1),
        "not valid before 2026-11-24": pem(start=1),
        "protected by a passphrase": pem(passphrase="secret"),
        "not an RSA key": pem(key=ec.generate_private_key(ec.SECP256R1())),
        "cannot be read": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    }
    for message, text in cases.items():
        with pytest.raises(CertificateRejected, match=message):
            with_certificate(wire, text).probe()
    with pytest.raises(CertificateRejected, match="passphrase right"):
        with_certificate(wire, pem(passphrase="secret"), "wrong").probe()
    assert wire.asked == []
