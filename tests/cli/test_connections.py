from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from captrid_core.sandbox import Sandbox

from .conftest import SECRET_VARIABLE, Cli, addresses, files_below


def stored(sandbox: Sandbox, **other: object) -> dict[str, object]:
    """Return a connection as it is printed."""
    return {
        "id": "1",
        "name": "Entra",
        "tenant_id": sandbox.tenant_id,
        "client_id": sandbox.client_id,
        "credential": "secret",
        "cloud": "custom",
        "authority_url": sandbox.authority_url,
        "graph_url": sandbox.graph_url,
        "ca_file": str(sandbox.ca_file),
        "secret_expires_on": None,
        "status": "Connected",
        "test": facts(sandbox),
        **other,
    }


def facts(sandbox: Sandbox) -> dict[str, object]:
    return {
        "users": len(sandbox.directory.people),
        "groups": len(sandbox.directory.group_ids()),
        "tenant": "Banksia College",
        "tenant_id": sandbox.tenant_id,
        "permissions": ["GroupMember.Read.All", "User.Read.All"],
    }


def without(value: dict[str, object], *names: str) -> dict[str, object]:
    return {name: one for name, one in value.items() if name not in names}


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """Return a PEM file with a new key and certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CaptrID")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "app.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_a_connection_is_tested_and_stored(cli: Cli, sandbox: Sandbox) -> None:
    added = cli.json(
        "connections", "add", "--name", "Entra", *addresses(sandbox), "--secret-expires-on", "2027-01-31"
    )

    assert without(added, "tested_at") == stored(sandbox, secret_expires_on="2027-01-31")
    assert added["tested_at"].endswith("Z")
    assert cli.json("connections", "list") == [added]
    assert "Connected" in cli("connections", "list").out


def test_a_connection_can_be_stored_untested(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    assert cli.json("connections", "list") == [
        stored(sandbox, status="Not tested", test=None, tested_at=None)
    ]


def test_testing_tells_what_there_is(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    assert cli.json("connections", "test", "Entra") == {"ok": True, **facts(sandbox)}
    assert cli.json("connections", "test", "1") == {"ok": True, **facts(sandbox)}
    assert "Banksia College" in cli("connections", "test", "entra").out
    assert cli.json("connections", "list")[0]["status"] == "Connected"


def test_the_secret_comes_from_standard_input(cli: Cli, sandbox: Sandbox) -> None:
    options = [one for one in addresses(sandbox) if one not in ("--client-secret-env", SECRET_VARIABLE)]
    added = cli(
        "connections", "add", "--name", "Entra", *options, "--client-secret-stdin", "--json",
        stdin=f"{sandbox.client_secret}\n",
    )  # fmt: skip
    assert added.json["status"] == "Connected"


def test_a_certificate_does_as_well(cli: Cli, own_sandbox: Sandbox, pem: Path) -> None:
    app = own_sandbox.register_app(certificate=pem.read_bytes()[pem.read_bytes().index(b"-----BEGIN CERT") :])
    options = addresses(own_sandbox)
    options[options.index("--client-id") + 1] = app.client_id
    options[options.index("--client-secret-env") : options.index("--client-secret-env") + 2] = [
        "--certificate-file",
        str(pem),
    ]

    added = cli.json("connections", "add", "--name", "Entra", *options)

    assert (added["credential"], added["status"]) == ("certificate", "Connected")
    key_line = pem.read_text().splitlines()[3].encode()
    assert not [path for path, content in files_below(cli.home) if key_line in content]


def test_a_secret_appears_nowhere(cli: Cli, sandbox: Sandbox) -> None:
    secret = sandbox.client_secret
    shown = [
        cli("connections", "add", "--name", "Entra", *addresses(sandbox)),
        cli("connections", "list", "--json"),
        cli("connections", "test", "Entra", "--debug"),
        cli("lists", "create", "Staff", "--connection", "Entra", "--uid", "employeeId", "--json"),
        cli("sync", "Staff", "--debug"),
    ]
    sandbox.faults.add("wrong_secret")
    shown.append(cli("connections", "test", "Entra", "--debug", "--json", status=1))

    assert not [one for one in shown if secret in one.out + one.err]
    assert not [path for path, content in files_below(cli.home) if secret.encode() in content]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"--tenant-id": "00000000-0000-0000-0000-000000000001"}, "tenant_unknown"),
        ({"--tenant-id": "not a tenant"}, "tenant_malformed"),
        ({"--client-id": "00000000-0000-0000-0000-000000000001"}, "client_unknown"),
        ({"--authority-url": "https://127.0.0.1:1"}, "directory_unreachable"),
        ({"--client-secret-env": "WRONG_SECRET"}, "secret_wrong"),
        ({"--client-secret-env": "NO_SUCH_VARIABLE"}, "invalid"),
    ],
)
def test_what_fails_is_not_stored(
    cli: Cli, sandbox: Sandbox, changes: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG_SECRET", "a-wrong-one-entirely")
    options = addresses(sandbox)
    for name, value in changes.items():
        options[options.index(name) + 1] = value

    error = cli.error("connections", "add", "--name", "Entra", *options)

    assert error["code"] == code
    assert "a-wrong-one-entirely" not in json.dumps(error)
    assert cli.json("connections", "list") == []


def test_a_missing_permission_is_named(cli: Cli, own_sandbox: Sandbox) -> None:
    own_sandbox.app.roles = ["User.Read.All"]
    error = cli.error("connections", "add", "--name", "Entra", *addresses(own_sandbox))
    assert (error["code"], error["permission"]) == ("permission_missing", "GroupMember.Read.All")


def test_a_failed_test_is_remembered(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    sandbox.faults.add("secret_expired")
    assert cli.error("connections", "test", "Entra")["code"] == "secret_expired"
    shown = cli.json("connections", "list")[0]
    assert (shown["status"], shown["test"]["error"]["code"]) == ("Failed", "secret_expired")


def test_names_are_unique_and_plans_have_limits(cli: Cli, sandbox: Sandbox) -> None:
    cli("plan", "pro")
    cli.connect(sandbox)
    assert cli.error("connections", "add", "--name", "ENTRA", *addresses(sandbox))["code"] == "already_exists"
    assert cli.error("connections", "add", "--name", "Other", *addresses(sandbox)) == {
        "code": "plan_limit",
        "message": "The Pro plan allows 1 directory connection.",
        "hint": "The Business plan allows more: change the plan in Organisation Settings "
        "(`captrid plan business`), or remove a connection.",
    }


@pytest.mark.parametrize(
    "extra",
    [
        ["--client-secret-env", SECRET_VARIABLE, "--client-secret-stdin"],
        ["--client-secret-stdin", "--certificate-file", "x.pem"],
        ["--client-secret-stdin", "--cloud", "china", "--graph-url", "https://a/v1.0"],
        ["--client-secret-stdin", "--graph-url", "https://a/v1.0"],
    ],
)
def test_options_that_contradict_are_wrong_usage(cli: Cli, extra: list[str]) -> None:
    cli("connections", "add", "--name", "A", "--tenant-id", "t", "--client-id", "c", *extra, status=2)


def test_a_certificate_file_must_be_one(cli: Cli, tmp_path: Path) -> None:
    base = [
        "connections",
        "add",
        "--name",
        "A",
        "--tenant-id",
        "contoso.com",
        "--client-id",
        "c",
        "--certificate-file",
    ]
    assert cli.error(*base, str(tmp_path / "none.pem"))["code"] == "not_found"
    (tmp_path / "binary.pem").write_bytes(b"\xff\xfe")
    assert cli.error(*base, str(tmp_path / "binary.pem"))["code"] == "certificate_rejected"
    (tmp_path / "text.pem").write_text("no certificate")
    assert cli.error(*base, str(tmp_path / "text.pem"))["code"] == "certificate_rejected"


def test_editing_keeps_what_is_not_given(cli: Cli, sandbox: Sandbox) -> None:
    cli("connections", "add", "--name", "Entra", *addresses(sandbox), "--secret-expires-on", "2027-01-31")

    edited = cli.json("connections", "edit", "Entra", "--name", "College")

    assert without(edited, "tested_at") == stored(
        sandbox, name="College", secret_expires_on="2027-01-31", warnings=[]
    )
    with_secret = cli.json("connections", "edit", "College", "--client-secret-env", SECRET_VARIABLE)
    assert with_secret["secret_expires_on"] is None  # the end of another secret is not known
    cli("connections", "edit", "College", status=2)


def test_editing_stores_nothing_that_fails(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    before = cli.json("connections", "list")
    sandbox.faults.add("wrong_secret")
    assert cli.error("connections", "edit", "Entra", "--name", "College")["code"] == "secret_wrong"
    assert cli.json("connections", "list") == before


def test_another_cloud_takes_the_place_of_addresses(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    edited = cli.json("connections", "edit", "Entra", "--cloud", "usgov", "--ca-file", "", "--no-test")
    assert without(edited, "warnings") == stored(
        sandbox,
        cloud="usgov",
        authority_url=None,
        graph_url=None,
        ca_file=None,
        status="Not tested",
        test=None,
        tested_at=None,
    )


def test_another_tenant_names_the_lists_that_will_refuse(staff: Cli, own_sandbox: Sandbox) -> None:
    """Rule R27."""
    staff("sync", "Staff")
    other = "00000000-0000-0000-0000-000000000001"

    result = staff("connections", "edit", "Entra", "--tenant-id", other, "--no-test", "--json")

    assert result.json["warnings"] == [
        {
            "code": "tenant_changed",
            "message": "1 Master List was synced from another tenant and will refuse to sync until reconnected: “Staff”.",
            "lists": ["Staff"],
        }
    ]
    assert "Warning: 1 Master List was synced" in result.err
    assert staff.json("connections", "edit", "Entra", "--tenant-id", own_sandbox.tenant_id)["warnings"] == []


def test_removing_is_refused_while_lists_use_it(staff: Cli) -> None:
    """Rule R38."""
    assert staff.error("connections", "remove", "Entra") == {
        "code": "connection_in_use",
        "message": "The connection “Entra” is used by “Staff”.",
        "hint": "Disconnect these Master Lists first, or let them be disconnected together with the removal.",
        "lists": ["Staff"],
    }
    assert staff.json("connections", "remove", "Entra", "--disconnect-lists") == {
        "removed": "Entra",
        "id": "1",
        "disconnected": ["Staff"],
    }
    assert staff.json("connections", "list") == []
    assert staff.json("lists", "show", "Staff")["connected"] is False
    assert json.loads((staff.home / "secrets.json").read_text()) == {}
    assert staff.error("connections", "remove", "Entra")["code"] == "not_found"


def test_groups_are_listed_with_their_members(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    every = cli.json("groups", "Entra", "--limit", "500")
    assert len(every) == len(sandbox.directory.group_ids())
    assert all(set(group) == {"id", "name", "members"} and group["members"] >= 0 for group in every)

    chosen = next(group for group in every if group["members"])
    found = cli.json("groups", "Entra", "--search", chosen["name"])
    assert chosen in found
    assert chosen["name"] in cli("groups", "Entra", "--search", chosen["name"]).out
    assert cli.json("groups", "Entra", "--search", "no such group") == []


def test_a_sample_shows_what_can_be_mapped(cli: Cli, sandbox: Sandbox) -> None:
    cli.connect(sandbox)
    people = cli.json("sample", "Entra", "--limit", "3")
    assert len(people) == 3
    assert {"employeeId", "mail", "manager/mail", "onPremisesExtensionAttributes/extensionAttribute1"} <= set(
        people[0]
    )

    group = next(one for one in cli.json("groups", "Entra") if one["members"] == 1)
    wanted = ["--group", group["name"], "--property", "id", "--property", "mail"]
    assert [set(one) for one in cli.json("sample", "Entra", *wanted)] == [{"id", "mail"}]
    assert "employeeId" in cli("sample", "Entra").out
    assert cli.error("sample", "Entra", "--property", "emploeeId")["hint"].startswith(
        "Did you mean employeeId"
    )
    assert cli.error("sample", "Entra", "--group", "no such group")["code"] == "group_not_found"
    cli("sample", "Entra", "--nested", status=2)
