"""Serving: what it refuses, what it guards, and what its log does not say."""

from __future__ import annotations

import logging
import socket

import pytest
from streamlit import config

from captrid_core import serving
from captrid_core.errors import Invalid
from captrid_core.settings import Settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "dashboard.example", ""])
def test_others_cannot_reach_it_while_nobody_signs_in(tmp_path, host):
    with pytest.raises(Invalid, match="nobody signs in"):
        serving.serve(Settings(home=tmp_path), host=host, port=0)

    assert not (tmp_path / "masterlists.duckdb").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.0.0.2"])
def test_this_machines_own_addresses_will_do(host):
    assert serving._loopback(host) in ("127.0.0.1", "127.0.0.2", "::1")


def test_a_taken_port_is_said_so(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(Invalid, match=f"Port {port}"):
            serving.serve(Settings(home=tmp_path), port=port)


def test_no_port_is_refused(tmp_path):
    with pytest.raises(Invalid, match="no port"):
        serving.serve(Settings(home=tmp_path), port=70_000)


def test_every_option_is_one_that_streamlit_knows():
    unknown = [
        name for name in serving.options("127.0.0.1", 1) if name not in config._config_options_template
    ]

    assert not unknown


def test_the_options_guard_the_dashboard():
    given = serving.options("127.0.0.1", 8501)

    assert given["client.showErrorDetails"] == "none"
    assert given["client.toolbarMode"] == "viewer"
    assert given["server.allowedHosts"] == ["localhost", "127.0.0.1", "::1"]
    assert given["server.enableXsrfProtection"] is True
    assert given["server.enableAgentApi"] is False
    assert given["browser.gatherUsageStats"] is False


def test_the_dashboard_is_found_beside_the_package():
    root = serving.dashboard_root()

    assert (root / "pages" / "router.py").is_file()
    assert (root / ".streamlit" / "config.toml").is_file()


@pytest.mark.parametrize(
    "text",
    [
        "client_secret=Abc8Q~hunter2 was refused",
        "{'client_secret': 'Abc8Q~hunter2'}",
        "Authorization: Bearer Abc8Q~hunter2",
        "password: Abc8Q~hunter2",
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.Abc8Q~hunter2.xyzxyz",
    ],
)
def test_what_looks_secret_is_not_logged(caplog, text):
    with caplog.at_level(logging.ERROR, logger="captrid_core.serving"):
        reference = serving.report(RuntimeError(text))

    assert "hunter2" not in caplog.text
    assert reference in caplog.text
    assert "RuntimeError" in caplog.text


def test_the_log_says_where_it_happened(caplog):
    try:
        {}["nothing"]
    except KeyError as error:
        serving.report(error)

    assert "test_serving.py" in caplog.text
    assert "test_the_log_says_where_it_happened" in caplog.text
