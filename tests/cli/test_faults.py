"""What a command says when this program itself is at fault, or when it is interrupted."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from captrid_core.cli.output import Output, pairs, printable, table
from captrid_core.cli.redaction import Redactor
from captrid_core.lists.master_lists import MasterLists

from .conftest import ROOT, Cli

SECRET = "Qx8~SomethingVerySecret"


@pytest.fixture
def broken(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    def fail(_self: MasterLists, **_: object) -> None:
        raise RuntimeError(f"Authorization: Bearer {SECRET}")

    monkeypatch.setattr(MasterLists, "all", fail)
    return cli


def test_a_fault_is_said_in_a_sentence_and_logged_without_secrets(broken: Cli) -> None:
    error = broken.error("lists", "list")
    log = broken.home / "log" / "captrid.log"

    assert error == {
        "code": "internal",
        "message": "The command met a fault of this program (RuntimeError).",
        "hint": f"Report it with the traceback in {log}.",
    }
    assert "Traceback (most recent call last)" in log.read_text()
    assert "Authorization: …" in log.read_text()
    assert SECRET not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_a_fault_shows_its_traceback_where_that_is_asked_for(broken: Cli) -> None:
    plain = broken("lists", "list", status=1)
    assert "Traceback" not in plain.out + plain.err
    debugged = broken("lists", "list", "--debug", status=1)
    assert "Traceback" in debugged.err
    assert SECRET not in debugged.err
    assert debugged.out == ""


def test_the_log_does_not_grow_for_ever(broken: Cli) -> None:
    broken("lists", "list", status=1)
    log = broken.home / "log" / "captrid.log"
    log.write_text("x" * 1_000_001)
    broken("lists", "list", status=1)
    assert sorted(path.name for path in log.parent.iterdir()) == ["captrid.log", "captrid.log.1"]
    assert "Traceback" in log.read_text()


def test_an_interrupt_ends_a_command_with_one_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_self: MasterLists, **_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MasterLists, "all", interrupted)
    assert cli.error("lists", "list")["code"] == "cancelled"


def test_a_full_output_is_no_traceback(cli: Cli) -> None:
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("This system has no /dev/full.")
    with device.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "captrid_core", "--home", str(cli.home), "lists", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr


def test_known_secrets_leave_every_text() -> None:
    redactor = Redactor()
    redactor.add(f"{SECRET}\n-----END PRIVATE KEY-----")
    redactor.add("abc")
    redactor.add(None)
    assert redactor.clean(f"a {SECRET} abc -----END PRIVATE KEY-----") == "a … abc -----END PRIVATE KEY-----"
    assert (
        redactor.clean_log("authorization: Bearer abcdef.ghi secret='x y'") == "authorization: … secret='… y'"
    )
    assert redactor.clean_log("eyJhbGciOiJub25lIn0.eyJhIjoxfQ.sig client_secret=hush") == "… client_secret=…"


def test_a_strangers_text_does_not_steer_the_terminal() -> None:
    assert printable("Zoë 王 नमस्ते") == "Zoë 王 नमस्ते"
    assert printable("a\x1b[31mb\u202ec\nd") == "a\\x1b[31mb\\u202ec\\nd"
    assert table(("Name", "N"), [("Ä", 5), ("王\x07", None)]) == "Name    N\nÄ       5\n王\\x07  –"
    assert pairs([("A", True), ("Bcd", 1234), ("E", None)]) == "A    yes\nBcd  1,234\nE    –"


def test_json_goes_through_any_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    Output(as_json=True).show({"name": "Zoë"}, "")
    Output(as_json=False).show(None, "Zoë")
    stream.seek(0)
    assert stream.read() == '{"name": "Zo\\u00eb"}\nZo\\xeb\n'
