"""Serving the sandbox over HTTPS, from a thread of this process."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_START_TIMEOUT: Final = 30.0


class _Protocol(HttpToolsProtocol):
    """Hands the connection to the application, which may have to break it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"sandbox.transport": self.transport}  # type: ignore[dict-item]


class _Server(uvicorn.Server):
    """Tells when it serves, and runs something in its loop before it stops."""

    def __init__(self, config: uvicorn.Config, before_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._before_stop = before_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._before_stop()
        # Closing a TLS connection waits for the other side, and idle clients do not listen.
        self._abort(idle_only=True)
        await super().shutdown(sockets=sockets)
        self._abort(idle_only=False)

    def _abort(self, *, idle_only: bool) -> None:
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if not idle_only or cycle is None or cycle.response_complete:
                connection.transport.abort()


@contextlib.contextmanager
def serving(
    app: ASGIApp, *, host: str, port: int, context: ssl.SSLContext, before_stop: Callable[[], None]
) -> Iterator[int]:
    """Serve an application from a daemon thread and yield the port; port 0 takes a free one.

    `before_stop` is called in the server's loop when it is about to wait for open requests.

    Raises:
        OSError: The port is taken, or the host is not this machine's.
    """
    listener = socket.create_server((host, port), family=_family(host), backlog=128)
    # An answer is written in two pieces; without this the second waits for the first's receipt.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        ssl_context_factory=lambda _config, _default: context,
    )
    server = _Server(config, before_stop)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    try:
        if not server.ready.wait(_START_TIMEOUT):
            raise OSError("The sandbox did not start.")
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
