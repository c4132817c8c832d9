"""The adapter against the sandbox: real HTTPS, real MSAL, a directory that misbehaves to order."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from entra_wire import FakeTime

from captrid_core.directory.entra import ClientCertificate, ClientSecret, EntraDirectory, EntraSettings
from captrid_core.directory.port import Page, Scope, ScopeKind
from captrid_core.errors import (
    Cancelled,
    CaptridError,
    CertificateRejected,
    ClientUnknown,
    ConsentMissing,
    DirectoryUnavailable,
    DirectoryUnreachable,
    GroupNotFound,
    NotADirectory,
    PermissionMissing,
    ReadIncomplete,
    SecretExpired,
    SecretWrong,
    TenantMalformed,
    TenantUnknown,
    Throttled,
    TlsFailed,
)
from captrid_core.sandbox import Sandbox

PEOPLE = 2100  # three pages
ALL = Scope()
PATHS = ["mail", "employeeId", "manager/displayName", "onPremisesExtensionAttributes/extensionAttribute1"]
Connect = Callable[..., EntraDirectory]


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(users=PEOPLE, seed=7).running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """Return the sandbox with no fault switched on and nothing asked yet."""
    running.faults.clear()
    running.requests.clear()
    yield running
    running.faults.clear()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def connect(sandbox: Sandbox, time: FakeTime) -> Iterator[Connect]:
    """Return what opens a directory; changes to its settings are given by name."""
    opened: list[EntraDirectory] = []

    def open_one(*, read_timeout: float = 60, **changes: Any) -> EntraDirectory:
        settings = replace(settings_of(sandbox), **changes)
        directory = EntraDirectory(
            settings, time, clock=time.clock, jitter=lambda: 0.0, read_timeout=read_timeout
        )
        opened.append(directory)
        return directory

    yield open_one
    for directory in opened:
        directory.close()


def settings_of(sandbox: Sandbox) -> EntraSettings:
    return EntraSettings(
        tenant_id=sandbox.tenant_id,
        client_id=sandbox.client_id,
        credential=ClientSecret(sandbox.client_secret),
        authority_url=sandbox.authority_url,
        graph_url=sandbox.graph_url,
        ca_file=sandbox.ca_file,
    )


def read(directory: EntraDirectory, scope: Scope = ALL, properties=("mail",)) -> dict[str, dict[str, Any]]:
    """Return the users of a read by id, as a consumer that keeps the rules understands it."""
    return by_id(list(directory.read_all(scope, properties=properties)))


def by_id(pages: list[Page]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for page in pages:
        if page.restarts:
            found.clear()
        for line in page.ndjson.splitlines():
            user = json.loads(line)
            found[user["id"]] = user
    return found


def group(sandbox: Sandbox, name: str, *, nested: bool = False) -> Scope:
    return Scope(ScopeKind.GROUP, group_id=sandbox.directory.group_id(name), nested=nested)


# What is there


def test_a_probe_finds_what_there_is(sandbox, connect):
    facts = connect().probe()

    assert (facts.tenant_id, facts.tenant_name) == (sandbox.tenant_id, sandbox.tenant_name)
    assert (facts.users, facts.groups) == (PEOPLE, len(sandbox.directory.group_ids()))
    assert facts.permissions == ("GroupMember.Read.All", "User.Read.All")


def test_all_users_are_read_with_all_that_is_mapped(sandbox, connect):
    found = read(connect(), properties=PATHS)

    truth = {user["id"]: user for user in sandbox.directory.users()}
    assert found.keys() == truth.keys()
    for user_id, user in found.items():
        assert user["mail"] == truth[user_id].get("mail")
        assert user["employeeId"] == truth[user_id].get("employeeId")
    managed = [user for user in found.values() if "manager" in user]
    assert managed
    assert all(user["manager"].keys() >= {"id", "displayName", "mail"} for user in managed)


@pytest.mark.parametrize(
    ("name", "nested"), [("All Staff", False), ("Teaching Staff", True), ("All Students", True)]
)
def test_a_group_is_read_directly_or_nested_with_the_same_managers(sandbox, connect, name, nested):
    everyone = read(connect(), properties=PATHS)
    scope = group(sandbox, name, nested=nested)

    found = read(connect(), scope, PATHS)

    people = sandbox.directory.members(scope.group_id, transitive=nested) & everyone.keys()
    assert found.keys() == people
    assert connect().count(scope) == len(people)
    for user_id, user in found.items():
        manager = everyone[user_id].get("manager")
        wanted = manager and {key: manager[key] for key in ("id", "displayName", "mail")}
        assert user.get("manager") == wanted
        assert user["mail"] == everyone[user_id]["mail"]


def test_an_empty_group_is_empty_and_a_missing_one_is_not_found(sandbox, connect):
    assert read(connect(), group(sandbox, "Alumni Association")) == {}
    with pytest.raises(GroupNotFound):
        read(connect(), Scope(ScopeKind.GROUP, group_id="00000000-1111-4222-8333-444444444444"))


def test_groups_are_listed_searched_and_found(sandbox, connect):
    directory = connect()

    everything = directory.groups()
    assert [one.name for one in everything] == sorted((one.name for one in everything), key=str.casefold)
    counted = {one.id: one.members for one in everything}
    users = {user["id"] for user in sandbox.directory.users()}
    assert counted == {one: len(sandbox.directory.members(one) & users) for one in counted}
    assert directory.groups("staff")[0].name == "All Staff"
    awkward = "Parents' & Friends' Association"
    assert directory.find_group(awkward).name == directory.groups(awkward)[0].name == awkward
    assert directory.find_group(sandbox.directory.group_id("All Staff")).name == "All Staff"
    with pytest.raises(GroupNotFound):
        directory.find_group("Nobody at all")
    assert directory.groups('no " such \\ group') == []


def test_a_sample_shows_values_by_path(sandbox, connect):
    for scope in (ALL, group(sandbox, "All Staff")):
        found = connect().sample(scope, properties=["id", *PATHS], limit=8)
        assert len(found) == 8
        assert all(list(user) == ["id", *PATHS] for user in found)
        for user in found:
            assert user["mail"] == sandbox.directory.user(user["id"]).get("mail")


# Why a sign-in fails


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"tenant_id": "00000000-1111-4222-8333-444444444444"}, TenantUnknown),
        ({"tenant_id": "nobody.example"}, TenantUnknown),
        ({"tenant_id": "not a tenant"}, TenantMalformed),
        ({"client_id": "00000000-1111-4222-8333-444444444444"}, ClientUnknown),
        ({"credential": ClientSecret("wrong")}, SecretWrong),
    ],
)
def test_each_wrong_setting_has_an_error_of_its_own(connect, changes, error):
    with pytest.raises(error):
        connect(**changes).probe()


def test_each_state_of_the_app_has_an_error_of_its_own(sandbox, connect):
    cases: list[tuple[dict[str, Any], type[CaptridError]]] = [
        ({"secret_expired": True}, SecretExpired),
        ({"disabled": True}, ClientUnknown),
        ({"roles": []}, ConsentMissing),
        ({"roles": ["GroupMember.Read.All"]}, PermissionMissing),
        ({"roles": ["User.Read.All"]}, PermissionMissing),
    ]
    for state, error in cases:
        app = sandbox.register_app(**state)
        with pytest.raises(error):
            connect(client_id=app.client_id, credential=ClientSecret(app.client_secret)).probe()


def test_a_permission_that_is_taken_away_is_missed_before_anybody_is_blanked(sandbox, connect):
    app = sandbox.register_app(roles=["GroupMember.Read.All"])
    directory = connect(client_id=app.client_id, credential=ClientSecret(app.client_secret))

    with pytest.raises(PermissionMissing) as caught:
        directory.read_all(group(sandbox, "All Staff"), properties=["mail"])
    assert caught.value.details["permission"] == "User.Read.All"


def test_members_that_come_without_attributes_are_refused(sandbox, connect):
    sandbox.faults.add("null_attributes")

    with pytest.raises(PermissionMissing):
        read(connect(), group(sandbox, "All Staff"))


def test_after_the_secret_is_mended_the_same_connection_works(sandbox, connect):
    directory = connect()
    for kind, error in (("wrong_secret", SecretWrong), ("app_disabled", ClientUnknown)):
        sandbox.faults.add(kind)
        with pytest.raises(error):
            directory.probe()
        sandbox.faults.clear()
        assert directory.probe().users == PEOPLE
        directory = connect()


def certificate(days: int = 30) -> tuple[str, bytes]:
    """Return a PEM text with key and certificate, and the certificate alone."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "captrid test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=40))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return private.decode() + made.decode(), made


def test_a_certificate_signs_in_and_an_unknown_one_is_rejected(sandbox, connect):
    pem, public = certificate()
    app = sandbox.register_app(certificate=public)

    assert connect(client_id=app.client_id, credential=ClientCertificate(pem)).probe().users == PEOPLE
    with pytest.raises(CertificateRejected):
        connect(client_id=app.client_id, credential=ClientCertificate(certificate()[0])).probe()
    with pytest.raises(CertificateRejected, match="expired"):
        connect(client_id=app.client_id, credential=ClientCertificate(certificate(days=-1)[0])).probe()


# Trust and reach


def test_a_foreign_authority_is_not_trusted(connect, monkeypatch, tmp_path):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with pytest.raises(TlsFailed):
        connect(ca_file=None).probe()
    other = tmp_path / "other.pem"
    other.write_bytes(certificate()[1])
    with pytest.raises(TlsFailed, match="not from an authority"):
        connect(ca_file=other).probe()
    other.write_text("no PEM at all")
    with pytest.raises(TlsFailed, match="could not be secured"):
        connect(ca_file=other).probe()
    with pytest.raises(TlsFailed, match="is not there"):
        connect(ca_file=tmp_path / "missing.pem").probe()


def test_the_environment_does_not_change_whom_to_trust(connect, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("NETRC", str(netrc(tmp_path)))

    assert connect().probe().users == PEOPLE


def test_authorities_of_the_environment_are_trusted_where_the_connection_names_none(
    sandbox, connect, monkeypatch, tmp_path
):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(sandbox.ca_file))
    assert connect(ca_file=None).probe().users == PEOPLE

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with pytest.raises(TlsFailed, match=r"missing\.pem is not there"):
        connect(ca_file=None).probe()


def netrc(folder: Path) -> Path:
    """Return a netrc file that would put another Authorization header into each request."""
    file = folder / "netrc"
    file.write_text("default login somebody password something\n")
    return file


def test_a_proxy_of_the_environment_is_used_and_its_refusal_told(connect, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:geheim@127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(DirectoryUnreachable, match="proxy") as caught:
        connect().probe()
    assert "geheim" not in str(caught.value.as_dict())

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert connect().probe().users == PEOPLE


def test_a_closed_port_and_an_unknown_host_are_unreachable(connect, time):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(DirectoryUnreachable, match=r"(?i)refused"):
        connect(authority_url=f"https://127.0.0.1:{port}").probe()
    with pytest.raises(DirectoryUnreachable):
        connect(authority_url="https://nowhere.invalid").probe()
    assert sum(time.waits) < 10


def test_a_server_that_speaks_no_tls_is_told(connect):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            caller, _ = listening.accept()
            with caller:
                caller.recv(100)
                caller.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(TlsFailed):
            connect(authority_url=f"https://127.0.0.1:{listening.getsockname()[1]}").probe()
        thread.join()


# A directory that misbehaves


def test_throttling_is_waited_out(sandbox, connect, time):
    sandbox.faults.add("throttle", match="users", times=2, retry_after=4)
    sandbox.faults.add("throttle", match="token", times=1, retry_after=3)
    sandbox.faults.add("throttle", match="batch", times=1, retry_after=2)

    assert len(read(connect())) == PEOPLE
    assert time.waits == [3, 4, 4]
    assert connect().groups()[0].members is not None
    assert time.waits == [3, 4, 4, 2]


def test_throttling_without_end_is_given_up(sandbox, connect):
    sandbox.faults.add("throttle", match="graph", retry_after=31)

    with pytest.raises(Throttled):
        connect().probe()


def test_a_service_that_is_away_is_asked_again_over_a_new_connection(sandbox, connect, time, caplog):
    sandbox.faults.add("unavailable", match="users", after=1, times=1, retry_after=5)
    sandbox.faults.add("throttle", match="users", after=2, times=1, retry_after=1)

    with caplog.at_level(logging.DEBUG, logger="urllib3.connectionpool"):
        assert len(read(connect())) == PEOPLE

    assert time.waits == [5, 1]
    opened = [one for one in caplog.records if "Starting new HTTPS connection" in one.message]
    assert len(opened) == 2  # one for all, and another after the 503, but none after the 429


def test_a_service_that_stays_away_ends_the_work(sandbox, connect):
    sandbox.faults.add("unavailable", match="graph", retry_after=None)
    with pytest.raises(DirectoryUnavailable):
        connect().probe()

    sandbox.faults.clear()
    sandbox.faults.add("unavailable", match="discovery", retry_after=None)
    with pytest.raises(DirectoryUnavailable):
        connect().probe()


@pytest.mark.parametrize("kind", ["reset", "break_off", "truncated_json"])
def test_a_broken_connection_or_body_is_tried_again(sandbox, connect, kind):
    sandbox.faults.add(kind, match="users", after=1, times=2)

    assert len(read(connect())) == PEOPLE


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", DirectoryUnreachable),
        ("break_off", CaptridError),
        ("truncated_json", ReadIncomplete),
        ("missing_value", ReadIncomplete),
        ("html_page", NotADirectory),
        ("foreign_next_link", ReadIncomplete),
        ("looping_next_link", ReadIncomplete),
        ("drop_last_page", ReadIncomplete),
        ("expire_page_token", ReadIncomplete),
    ],
)
def test_what_stays_broken_ends_the_read(sandbox, connect, kind, error):
    sandbox.faults.add(kind, match="users")

    with pytest.raises(error) as caught:
        read(connect())
    assert caught.value.code in {"read_incomplete", "not_a_directory", "directory_unreachable"}


def test_a_request_that_hangs_is_given_up_and_asked_again(sandbox, connect):
    sandbox.faults.add("hang", match="users", times=1)

    assert len(read(connect(read_timeout=0.3))) == PEOPLE


def test_a_hanging_request_can_be_cancelled(sandbox, connect, time):
    sandbox.faults.add("hang", match="skiptoken")
    pages = connect().read_all(ALL, properties=["mail"])
    next(pages)
    time.cancelled = True

    with pytest.raises(Cancelled):
        next(pages)


def test_objects_that_come_twice_are_handed_on(sandbox, connect):
    sandbox.faults.add("repeat", match="users")

    pages = list(connect().read_all(ALL, properties=["mail"]))

    assert len(by_id(pages)) == PEOPLE
    assert sum(page.count for page in pages) > PEOPLE


def test_a_page_token_that_expires_starts_the_read_anew(sandbox, connect):
    sandbox.faults.add("expire_page_token", match="users", after=1, times=1)

    pages = list(connect().read_all(ALL, properties=["mail"]))

    assert [page.restarts for page in pages] == [False, False, True, False, False]
    assert len(by_id(pages)) == PEOPLE


@pytest.mark.parametrize(("kind", "tokens"), [("expire_token", 3), ("claims_challenge", 2)])
def test_a_token_that_is_refused_in_the_middle_is_replaced(sandbox, connect, time, kind, tokens):
    sandbox.faults.add(kind, match="users", after=1, every=2, times=2)

    assert len(read(connect())) == PEOPLE
    assert sum(path.endswith("/token") for path in sandbox.requests.paths()) == tokens
    assert time.waits == []
