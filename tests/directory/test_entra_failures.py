"""No exception of the layers below gets through: each becomes one of ours."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.client import HTTPException, RemoteDisconnected
from pathlib import Path

import pytest
import requests
import urllib3

from captrid_core.directory.entra.failures import Hitch, translated
from captrid_core.errors import CaptridError, DirectoryError, NotADirectory, TlsFailed


def every(base: type[BaseException]) -> Iterator[type[BaseException]]:
    yield base
    for kind in base.__subclasses__():
        yield from every(kind)


LAYERS = sorted(
    {*every(requests.RequestException), *every(urllib3.exceptions.HTTPError), *every(ssl.SSLError)},
    key=lambda kind: f"{kind.__module__}.{kind.__name__}",
)


def ours(exc: BaseException, *, ca_file: Path | None = None, reached: bool = False) -> CaptridError | Hitch:
    return translated(exc, "graph.test", ca_file=ca_file, timeout=(1, 2), reached=reached)


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_below_http_becomes_an_error_of_the_directory(kind):
    exc = kind.__new__(kind)

    problem = ours(exc)

    error = problem.error if isinstance(problem, Hitch) else problem
    assert isinstance(error, DirectoryError)
    assert "graph.test" in error.message


@pytest.mark.parametrize(
    "exc",
    [
        ssl.SSLCertVerificationError(1, "certificate verify failed"),
        requests.exceptions.SSLError(urllib3.exceptions.SSLError("odd")),
    ],
)
def test_a_lack_of_trust_is_not_tried_again(exc):
    assert isinstance(ours(exc), TlsFailed)


def test_what_nobody_expects_becomes_one_too():
    assert isinstance(ours(OSError("odd")), Hitch)
    assert isinstance(ours(HTTPException("odd")), Hitch)
    assert isinstance(ours(ValueError("odd")), NotADirectory)


def test_only_the_words_of_the_standard_library_are_repeated():
    told = requests.ConnectionError(
        "https://me:geheim@proxy", RemoteDisconnected("Remote end closed connection")
    )
    untold = requests.ConnectionError("https://me:geheim@proxy")

    assert "Remote end closed connection" in ours(told).error.message
    assert "geheim" not in ours(told).error.message + ours(untold).error.message


def test_a_host_that_answered_before_is_waited_for():
    exc = requests.ConnectionError("gone")

    assert ours(exc).tries == 3
    assert ours(exc, reached=True).tries is None


def test_an_address_that_cannot_be_used_is_not_tried_again():
    assert isinstance(ours(requests.exceptions.InvalidURL("odd")), NotADirectory)
