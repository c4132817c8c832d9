"""Notifications: told once when something begins, once when it is over, and never lost on the way."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from captrid_core.errors import CaptridError, Invalid
from captrid_core.insight.audit import AuditFilter
from captrid_core.insight.channels import SIGNATURE, NotDelivered, Webhook
from captrid_core.insight.matters import Concern
from captrid_core.lists.model import Field, SyncConfiguration
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.sync.runs import RunStatus
from captrid_core.workspace import Workspace
from tests.rules.rules_school import form_for

ACTOR = "Alex Admin"


@dataclass
class Receiver:
    """A web server that keeps what is posted to it."""

    url: str = ""
    ca_file: str = ""
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str | None] = field(default_factory=list)

    @property
    def told(self) -> list[tuple[str, str]]:
        found = [json.loads(one) for one in self.bodies]
        return [(one["event"], one.get("concern", "")) for one in found]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def receiver(authority: trustme.CA, tmp_path: Path) -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            kept.signatures.append(self.headers.get(SIGNATURE))
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    kept.url = f"https://127.0.0.1:{server.server_address[1]}/hook"
    kept.ca_file = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(kept.ca_file)
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(users=20, groups=False, seed=3).running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.faults.clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(tmp_path: Path, clock: Clock) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path / "home"), clock=clock) as opened:
        yield opened


@pytest.fixture
def staff(workspace: Workspace, sandbox: Sandbox) -> int:
    connection = workspace.connections.add(form_for(sandbox), test=None, actor=ACTOR)
    sync = SyncConfiguration(connection.id, "id", {"id": "code"})
    made = workspace.lists.create("Staff", uid_field="code", fields=[Field("code")], sync=sync, actor=ACTOR)
    assert workspace.runner.sync(made.id, actor=ACTOR).status is RunStatus.SUCCEEDED
    return made.id


@pytest.fixture
def webhook(workspace: Workspace, receiver: Receiver) -> Receiver:
    workspace.notifications.set_up(
        "webhook",
        {"url": receiver.url, "ca_file": receiver.ca_file},
        secret="signing-secret",
        actor=ACTOR,
    )
    return receiver


def test_a_failure_is_told_once_and_so_is_its_end(
    workspace: Workspace, staff: int, sandbox: Sandbox, webhook: Receiver
):
    workspace.notifications.look()
    assert webhook.told == []
    sandbox.faults.add("wrong_secret", times=None)
    for _ in range(3):
        workspace.runner.sync(staff, actor=ACTOR)
        workspace.notifications.look()
    assert webhook.told == [("begins", "failed")]
    sandbox.faults.clear()
    workspace.runner.sync(staff, actor=ACTOR)
    workspace.notifications.look()
    assert webhook.told == [("begins", "failed"), ("ends", "failed")]
    sandbox.faults.add("wrong_secret", times=None)
    workspace.runner.sync(staff, actor=ACTOR)
    workspace.notifications.look()
    assert webhook.told[2:] == [("begins", "failed")]


def test_what_is_sent_is_signed_and_holds_no_secret(
    workspace: Workspace, staff: int, sandbox: Sandbox, webhook: Receiver
):
    sandbox.faults.add("wrong_secret", times=None)
    workspace.runner.sync(staff, actor=ACTOR)
    workspace.notifications.look()

    (body,), (signature,) = webhook.bodies, webhook.signatures
    assert signature == f"sha256={hmac.new(b'signing-secret', body, hashlib.sha256).hexdigest()}"
    sent = json.loads(body)
    assert (sent["version"], sent["subject"], sent["name"]) == (1, "The sync of “Staff” failed", "Staff")
    assert sent["text"]
    assert sandbox.client_secret not in body.decode()
    assert b"signing-secret" not in (workspace.settings.home / "masterlists.duckdb").read_bytes()


def test_what_could_not_be_sent_is_tried_again_and_never_fails_a_sync(
    workspace: Workspace, clock: Clock, staff: int, sandbox: Sandbox, webhook: Receiver
):
    webhook.status = 503
    sandbox.faults.add("wrong_secret", times=None)
    workspace.runner.sync(staff, actor=ACTOR)
    workspace.notifications.look()
    workspace.notifications.look()
    assert len(webhook.bodies) == 1
    (waiting,) = workspace.notifications.latest()
    assert (waiting.sent_at, waiting.error) == (None, "127.0.0.1 answered with status 503.")
    webhook.status = 204
    clock.now += timedelta(minutes=1)
    workspace.notifications.look()

    assert len(webhook.bodies) == 2
    (sent,) = workspace.notifications.latest()
    assert (sent.sent_at, sent.error) == (clock.now, None)


def test_a_held_run_a_stale_list_and_a_secret_are_told(
    workspace: Workspace, clock: Clock, staff: int, webhook: Receiver
):
    workspace.schedules.set(staff, "6h", actor=ACTOR)
    connection = workspace.connections.all()[0]
    with workspace.database.write() as cursor:
        cursor.execute("UPDATE connection SET secret_expires_on = ?", [date(2026, 3, 20)])
    workspace.notifications.look()
    clock.now += timedelta(hours=31)
    workspace.notifications.look()
    clock.now += timedelta(days=11)
    workspace.notifications.look()
    assert workspace.runner.sync(staff, actor=ACTOR).status is RunStatus.SUCCEEDED
    workspace.notifications.look()
    clock.now += timedelta(days=7)
    workspace.notifications.look()

    told = [one for one in webhook.told if one[1] == Concern.STALE]
    assert told == [("begins", "stale"), ("ends", "stale"), ("begins", "stale")]
    stages = [json.loads(one) for one in webhook.bodies if b"secret_expir" in one]
    assert [(one["concern"], one["days"]) for one in stages] == [
        ("secret_expiring", 18),
        ("secret_expiring", 6),
        ("secret_expired", -1),
    ]
    assert connection.name in stages[0]["subject"]


def test_a_channel_is_switched_off_and_its_secret_forgotten(workspace: Workspace, webhook: Receiver):
    assert workspace.notifications.has_secret("webhook")
    workspace.notifications.set_up("webhook", None, actor=ACTOR)
    assert workspace.notifications.channel("webhook") is None
    assert not workspace.notifications.has_secret("webhook")
    with pytest.raises(Invalid):
        workspace.notifications.test("webhook")
    assert len(workspace.audit.find(AuditFilter(action="notifications."))) == 2


def test_a_test_says_what_is_wrong(workspace: Workspace, webhook: Receiver):
    workspace.notifications.test("webhook")
    assert webhook.told == [("test", "")]
    webhook.status = 404
    with pytest.raises(NotDelivered, match="status 404"):
        workspace.notifications.test("webhook")
    workspace.notifications.set_up("webhook", {"url": webhook.url}, actor=ACTOR)
    with pytest.raises(NotDelivered, match="certificate"):
        workspace.notifications.test("webhook")
    workspace.notifications.set_up("webhook", {"url": "https://127.0.0.1:9/"}, actor=ACTOR)
    with pytest.raises(NotDelivered, match="could not be reached"):
        workspace.notifications.test("webhook")


@pytest.mark.parametrize("url", ["", "ftp://a.example/", "http://a.example/", "https://u:p@a.example/"])
def test_an_address_that_would_give_something_away_is_refused(url: str):
    with pytest.raises(Invalid):
        Webhook(url)


class Mailbox:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: object) -> str:
        self.messages.append(envelope.content.decode())  # type: ignore[attr-defined]
        return "250 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: object, envelope: object, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]
        return "250 OK"


@pytest.fixture
def mailbox(
    workspace: Workspace, authority: trustme.CA, tmp_path: Path
) -> Iterator[tuple[Mailbox, dict[str, object]]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    kept = Mailbox()

    def check(
        _server: SMTP, _session: object, _envelope: object, _mechanism: str, data: object
    ) -> AuthResult:
        right = (data.login, data.password) == (b"captrid", b"right-password")  # type: ignore[attr-defined]
        return AuthResult(success=right, handled=False)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(
        kept,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        authenticator=check,
        auth_require_tls=True,
        auth_required=True,
        server_hostname="127.0.0.1",
    )
    controller.start()
    ca_file = tmp_path / "mail-ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    values: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "sender": "CaptrID <captrid@banksia.example>",
        "receivers": ("it@banksia.example", "office@banksia.example"),
        "user": "captrid",
        "ca_file": str(ca_file),
    }
    yield kept, values
    controller.stop()


def test_mail_goes_out_encrypted_to_everybody_named(
    workspace: Workspace, mailbox, staff: int, sandbox: Sandbox
):
    kept, values = mailbox
    workspace.notifications.set_up("email", values, secret="right-password", actor=ACTOR)
    sandbox.faults.add("wrong_secret", times=None)
    workspace.runner.sync(staff, actor=ACTOR)
    workspace.notifications.look()

    (message,) = kept.messages
    assert "To: it@banksia.example, office@banksia.example" in message
    assert [one.error for one in workspace.notifications.latest()] == [None]


@pytest.mark.parametrize(
    ("change", "secret", "told"),
    [
        ({}, "wrong-password", "did not accept the user name or the password"),
        ({"ca_file": None}, "right-password", "certificate"),
        ({"receivers": ("nobody@banksia.example",)}, "right-password", "does not deliver to nobody@"),
        ({"port": 9}, "right-password", "could not be used"),
    ],
)
def test_mail_that_cannot_be_sent_says_why(workspace: Workspace, mailbox, change, secret: str, told: str):
    _, values = mailbox
    workspace.notifications.set_up("email", {**values, **change}, secret=secret, actor=ACTOR)
    with pytest.raises(NotDelivered, match=told) as failed:
        workspace.notifications.test("email")
    assert secret not in str(failed.value)


@pytest.mark.parametrize(
    "change",
    [
        {"receivers": ()},
        {"sender": "nobody"},
        {"receivers": ("a@b.example\nBcc: c@d.example",)},
        {"port": 0},
        {"security": "maybe"},
        {"security": "none", "host": "mail.example", "user": "u"},
    ],
)
def test_mail_settings_that_make_no_sense_are_refused(workspace: Workspace, change):
    values = {"host": "mail.example", "sender": "a@b.example", "receivers": ("c@d.example",), **change}
    with pytest.raises(CaptridError):
        workspace.notifications.set_up("email", values, actor=ACTOR)
