from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import threading

import pytest
import requests
from cryptography import x509

from captrid_core.sandbox import Sandbox, SandboxControl

SCRIPT = """
import json, sys
from pathlib import Path
from captrid_core.sandbox import serve_forever

def tell(sandbox):
    print(json.dumps({
        "authority_url": sandbox.authority_url, "graph_url": sandbox.graph_url, "ca_file": str(sandbox.ca_file),
        "tenant_id": sandbox.tenant_id, "client_id": sandbox.client_id, "client_secret": sandbox.client_secret,
    }), flush=True)

serve_forever("127.0.0.1", 0, 30, 4, state_dir=Path(sys.argv[1]), on_ready=tell)
print("stopped", flush=True)
"""


@pytest.fixture(scope="module")
def running():
    with Sandbox(users=200, seed=3).running() as sandbox:
        yield sandbox


def test_a_sandbox_answers_over_https_with_its_own_authority(running, session):
    assert running.graph_url == f"{running.authority_url}/v1.0"
    assert session(running).get(f"{running.graph_url}/organization", timeout=10).status_code == 200
    with requests.Session() as stranger:
        stranger.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            stranger.get(running.graph_url, timeout=10)


def test_the_certificate_names_this_machine_and_the_host():
    with Sandbox(users=0).running(host="localhost") as sandbox:
        port = int(sandbox.graph_url.split(":")[2].split("/")[0])
        assert sandbox.graph_url.startswith("https://localhost:")
        context = ssl.create_default_context(cafile=str(sandbox.ca_file))
        for name in ("127.0.0.1", "localhost"):
            with (
                socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname=name),
            ):
                pass


def test_answers_are_compressed_for_those_who_ask(running, session):
    signed_in, url = session(running), f"{running.graph_url}/users"
    compressed = signed_in.get(url, timeout=10)
    plain = signed_in.get(url, headers={"Accept-Encoding": "identity"}, timeout=10)

    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert len(compressed.json()["value"]) == len(plain.json()["value"]) == 100
    assert int(compressed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 3


def test_one_connection_serves_many_requests(running, session):
    signed_in = session(running)
    for _ in range(5):
        signed_in.get(f"{running.graph_url}/users?$top=1", timeout=10)

    pools = signed_in.get_adapter("https://").poolmanager.pools
    assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118  (it is no dict)


def test_many_clients_at_once(running, session):
    signed_in = [session(running) for _ in range(4)]
    found = []

    def read(one):
        url = f"{running.graph_url}/users?$top=20"
        while url:
            page = one.get(url, timeout=10).json()
            found.extend(user["id"] for user in page["value"])
            url = page.get("@odata.nextLink")

    threads = [threading.Thread(target=read, args=(one,)) for one in signed_in]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 800
    assert len(set(found)) == 200


def test_requests_are_recorded(session):
    with Sandbox(users=5).running() as sandbox:
        session(sandbox).get(f"{sandbox.graph_url}/users?$top=2", timeout=10)

        signing_in, asking = sandbox.requests
        assert signing_in.path == f"/{sandbox.tenant_id}/oauth2/v2.0/token"
        assert (asking.method, asking.path, asking.query, asking.status) == (
            "GET",
            "/v1.0/users",
            "$top=2",
            200,
        )
        assert asking.time >= signing_in.time
        assert sandbox.requests.paths()[1] == "/v1.0/users"
        sandbox.requests.clear()
        assert len(sandbox.requests) == 0


def test_a_sandbox_that_does_not_run_has_no_address():
    sandbox = Sandbox(users=0)
    with sandbox.running():
        pass

    for name in ("origin", "graph_url", "authority_url", "ca_file"):
        with pytest.raises(RuntimeError):
            getattr(sandbox, name)


def test_the_same_sandbox_can_run_again(session):
    sandbox = Sandbox(users=5)
    for _ in range(2):
        with sandbox.running():
            assert session(sandbox).get(f"{sandbox.graph_url}/users", timeout=10).ok


def test_a_taken_port_is_an_error(running):
    port = int(running.origin.rsplit(":", 1)[1])

    with pytest.raises(OSError, match="in use"), Sandbox(users=0).running(port=port):
        pass


def test_the_authority_is_kept_in_the_folder(tmp_path):
    found = []
    for _ in range(2):
        with Sandbox(users=0).running(state_dir=tmp_path / "state") as sandbox:
            found.append(x509.load_pem_x509_certificate(sandbox.ca_file.read_bytes()))

    assert found[0] == found[1]
    assert (tmp_path / "state" / "sandbox-ca.key").stat().st_mode & 0o077 == 0


# The control routes


@pytest.fixture
def control(running):
    with SandboxControl(running.origin, running.ca_file, running.client_secret) as control:
        yield control
    running.faults.clear()


def test_people_come_and_go_by_remote_control(running, control):
    directory = running.directory
    done = control.change(hire=2, leave=1, move=1, rename=1)
    users = {user["id"]: user for user in directory.users()}

    assert set(done["hire"]) <= set(users)
    assert set(done["leave"]).isdisjoint(users)
    assert len(done["move"]) == len(done["rename"]) == 1
    assert len(control.hire(3)) == 3
    assert len(control.leave()) == len(control.move()) == len(control.rename()) == 1


def test_single_changes_by_remote_control(running, control):
    directory = running.directory
    [user] = control.change(add={"properties": {"displayName": "Ada", "employeeId": "9001"}})["add"]
    [group] = control.change(add_group="Chess Club")["add_group"]
    control.update(user, department="Science", employeeId=None)
    boss = next(directory.users())["id"]
    control.change(
        set_manager={"id": user, "manager": boss},
        add_member=[{"group": group, "member": user}, {"group": group, "member": boss}],
        remove_member={"group": group, "member": boss},
        update_group={"id": group, "properties": {"displayName": "Chess & Go Club"}},
    )

    assert directory.user(user)["department"] == "Science"
    assert "employeeId" not in directory.user(user)
    assert directory.user(user)["manager"] == boss
    assert directory.members(directory.group_id("Chess & Go Club")) == {user}
    control.change(delete=user)
    control.change(restore=user)
    assert directory.user(user)["displayName"] == "Ada"
    control.change(purge=user, delete_group=group)
    assert user not in {one["id"] for one in directory.users()}


def test_faults_by_remote_control(running, control, session):
    fault = control.add_fault("throttle", match="users", times=1, retry_after=9)
    answer = session(running).get(f"{running.graph_url}/users", timeout=10)

    assert (fault["kind"], fault["match"]) == ("throttle", "users")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "9")
    assert control.state()["faults"][0]["struck"] == 1
    control.clear_faults()
    assert control.state()["faults"] == []


def test_faults_do_not_strike_the_control_routes(control):
    control.add_fault("unavailable", match="any")

    assert control.state()["tenant_id"]


def test_the_state_tells_how_much_there_is(running, control):
    state = control.state()

    assert state["users"] == len(list(running.directory.users()))
    assert state["groups"] == len(running.directory.group_ids())
    assert state["changes"] == len(running.directory.log)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fire": 1}, "fire"),
        ({"hire": "many"}, "hire"),
        ({"update": {"properties": {}}}, "names the id"),
        ({"update": {"id": "x", "properties": {}}}, "There is no x"),
        ({"add": {"properties": {"shoeSize": 42}}}, "shoeSize"),
    ],
)
def test_impossible_changes_are_refused(control, changes, message):
    with pytest.raises(ValueError, match=message):
        control.change(**changes)


def test_impossible_faults_are_refused(control):
    with pytest.raises(ValueError, match="earthquake"):
        control.add_fault("earthquake")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "changes"), ("POST", "faults"), ("DELETE", "faults"), ("GET", "state")]
)
def test_strangers_control_nothing(running, session, method, path):
    answer = session(running).request(method, f"{running.origin}/sandbox/{path}", data="{}", timeout=10)

    assert answer.status_code == 403


def test_environment_variables_do_not_mislead_the_control(running, monkeypatch, tmp_path):
    (tmp_path / "other.pem").write_text("")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    with SandboxControl(running.origin, running.ca_file, running.client_secret) as control:
        assert control.state()["users"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_serves_until_it_is_told_to_stop(tmp_path, number):
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    told = json.loads(process.stdout.readline())
    with SandboxControl(told["authority_url"], told["ca_file"], told["client_secret"]) as control:
        state = control.state()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)

    assert state["users"] == 30
    assert told["ca_file"] == str(tmp_path / "sandbox-ca.pem")
    assert (process.returncode, out, err) == (0, "stopped\n", "")
