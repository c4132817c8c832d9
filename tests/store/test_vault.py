"""The vault: what is sealed opens again, with its own key and for its own owner only."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys

import pytest

from captrid_core.errors import HomeUnusable, KeyMissing, KeyWrong
from captrid_core.store.vault import Vault

SECRET = "a-made-up-value-0123456789"


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_a_secret_comes_back_and_does_not_lie_in_the_home(tmp_path):
    Vault(tmp_path).put("connection:1", SECRET)
    assert Vault(tmp_path).get("connection:1") == SECRET
    for path in tmp_path.rglob("*"):
        content = path.read_bytes()
        assert SECRET.encode() not in content
        assert base64.b64encode(SECRET.encode()) not in content


def test_only_the_owner_may_read_the_files(tmp_path):
    Vault(tmp_path).put("connection:1", SECRET)
    for name in ("key", "secrets.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(HomeUnusable, match="can be read by others"):
        Vault(tmp_path).get("connection:1")


def test_an_entry_moved_to_another_connection_does_not_open(tmp_path):
    Vault(tmp_path).put("connection:1", SECRET)
    stored = json.loads((tmp_path / "secrets.json").read_text())
    (tmp_path / "secrets.json").write_text(json.dumps({"connection:2": stored["connection:1"]}))
    with pytest.raises(KeyWrong, match="belongs to another connection"):
        Vault(tmp_path).get("connection:2")


def test_a_changed_bit_does_not_open(tmp_path):
    Vault(tmp_path).put("connection:1", SECRET)
    stored = json.loads((tmp_path / "secrets.json").read_text())
    sealed = bytearray(base64.b64decode(stored["connection:1"]["sealed"]))
    sealed[-1] ^= 1
    stored["connection:1"]["sealed"] = base64.b64encode(bytes(sealed)).decode()
    (tmp_path / "secrets.json").write_text(json.dumps(stored))
    with pytest.raises(KeyWrong):
        Vault(tmp_path).get("connection:1")


def test_a_missing_key_and_a_wrong_one_say_so(tmp_path):
    Vault(tmp_path).put("connection:1", SECRET)
    with pytest.raises(KeyWrong, match="not the one"):
        Vault(tmp_path, environment_key=new_key()).get("connection:1")
    with pytest.raises(KeyWrong, match="base64"):
        Vault(tmp_path, environment_key="short").get("connection:1")
    (tmp_path / "key").unlink()
    with pytest.raises(KeyMissing):
        Vault(tmp_path).get("connection:1")
    with pytest.raises(KeyMissing):  # and no new key is made over what it cannot open
        Vault(tmp_path).put("connection:2", SECRET)


def test_a_key_in_the_environment_is_never_written_down(tmp_path):
    key = new_key()
    Vault(tmp_path, environment_key=key).put("connection:1", SECRET)
    assert not (tmp_path / "key").exists()
    assert Vault(tmp_path, environment_key=key).get("connection:1") == SECRET


def test_rotation_seals_anew_and_drops_the_old_key(tmp_path):
    vault = Vault(tmp_path)
    vault.put("connection:1", SECRET)
    old_key, old_entries = (tmp_path / "key").read_text(), (tmp_path / "secrets.json").read_text()
    assert vault.rotate() == 1
    assert (tmp_path / "key").read_text() != old_key
    assert (tmp_path / "secrets.json").read_text() != old_entries
    assert vault.get("connection:1") == SECRET
    with pytest.raises(KeyWrong):
        Vault(tmp_path, environment_key=old_key.strip()).get("connection:1")


def test_rotation_by_environment_seals_with_the_first_key(tmp_path):
    old, new = new_key(), new_key()
    Vault(tmp_path, environment_key=old).put("connection:1", SECRET)
    assert Vault(tmp_path, environment_key=f"{new},{old}").rotate() == 1
    assert Vault(tmp_path, environment_key=new).get("connection:1") == SECRET


@pytest.mark.parametrize("step", ["key added", "secrets sealed", "old key dropped"])
def test_a_rotation_killed_midway_loses_nothing(tmp_path, step):
    for number in range(3):
        Vault(tmp_path).put(f"connection:{number}", f"{SECRET}-{number}")
    program = (
        "import os, signal, sys; from pathlib import Path; from captrid_core.store.vault import Vault\n"
        "die = lambda step: step == sys.argv[2] and os.kill(os.getpid(), signal.SIGKILL)\n"
        "Vault(Path(sys.argv[1])).rotate(after_step=die)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path), step], check=False)
    assert killed.returncode == -9
    for _ in range(2):  # as it was left, and after a rotation that goes through
        assert [Vault(tmp_path).get(f"connection:{n}") for n in range(3)] == [
            f"{SECRET}-{n}" for n in range(3)
        ]
        Vault(tmp_path).rotate()
    assert "," not in (tmp_path / "key").read_text()
