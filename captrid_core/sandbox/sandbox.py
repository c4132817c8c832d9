"""The sandbox: a made-up Microsoft Entra tenant with its token endpoint and its Graph."""

from __future__ import annotations

import contextlib
import random
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

from cryptography.x509 import Certificate
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from captrid_core.sandbox import batch, tls
from captrid_core.sandbox.answers import Answer, json_response
from captrid_core.sandbox.apps import DEFAULT_ROLES, App, Apps
from captrid_core.sandbox.ask import VERSION, Pages
from captrid_core.sandbox.college import College
from captrid_core.sandbox.control import Control
from captrid_core.sandbox.delta import Delta, DeltaOptions
from captrid_core.sandbox.directory import Clock, Directory
from captrid_core.sandbox.entra import Entra
from captrid_core.sandbox.errors import no_such_segment
from captrid_core.sandbox.exchange import Exchange
from captrid_core.sandbox.faults import Faults
from captrid_core.sandbox.graph import Graph, origin_of
from captrid_core.sandbox.identifiers import Identifiers, Kind, key
from captrid_core.sandbox.plan import DOMAIN, NAME
from captrid_core.sandbox.server import serving
from captrid_core.sandbox.tokens import Seal

PAGE_TOKEN_LIFE: Final = 3600.0
_TENANT: Final = key(Kind.OTHER, 1)


class Sandbox:
    """A directory to practise on: `users` made-up people, decided by `seed`.

    The same seed gives the same people, ids and secrets. `groups` False leaves out the groups,
    `quirks` False everything odd about people. `roles` are the application permissions that the
    default app has the consent for. `clock` is what the sandbox takes for the time.

    Example:
        ```python
        with Sandbox(users=200, seed=3).running() as sandbox:
            sandbox.directory.hire(2)
            sandbox.faults.add("throttle", match="users", times=1, retry_after=0)
        ```
    """

    def __init__(
        self,
        users: int = 1200,
        seed: int = 1,
        *,
        groups: bool = True,
        quirks: bool = True,
        roles: Iterable[str] = DEFAULT_ROLES,
        clock: Clock | None = None,
        delta: DeltaOptions | None = None,
        page_token_life: float = PAGE_TOKEN_LIFE,
    ) -> None:
        self.seed = seed
        self._clock = clock or _system_clock
        identifiers = Identifiers(seed)
        college = College(users, seed, identifiers, quirks=quirks)
        self.directory = Directory(college, identifiers, self._clock, seed=seed, groups=groups)
        self.faults = Faults()
        self.tenant_id = identifiers.guid(_TENANT)
        self.tenant_name = NAME
        self.tenant_domain = DOMAIN
        self._apps = Apps(identifiers)
        self.app = self._apps.register("CaptrID Directory Sync", roles=roles)
        self.delta = delta or DeltaOptions()
        self._origin: str | None = None
        self._ca_file: Path | None = None
        self.exchange = self._wire(identifiers, page_token_life)
        self.requests = self.exchange.requests

    @property
    def client_id(self) -> str:
        """The application (client) id of the default app."""
        return self.app.client_id

    @property
    def client_secret(self) -> str:
        """The client secret of the default app."""
        return self.app.client_secret

    @property
    def origin(self) -> str:
        """The URL of the running sandbox without a path: the sign-in host and the control routes' base."""
        if self._origin is None:
            raise RuntimeError("The sandbox is not running.")
        return self._origin

    @property
    def authority_url(self) -> str:
        """The sign-in host, without the tenant."""
        return self.origin

    @property
    def graph_url(self) -> str:
        """The root of Graph, with its version."""
        return f"{self.origin}{VERSION}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority that clients have to trust, as PEM."""
        if self._ca_file is None:
            raise RuntimeError("The sandbox is not running.")
        return self._ca_file

    def register_app(
        self,
        name: str = "Another app",
        *,
        roles: Iterable[str] = DEFAULT_ROLES,
        secret_expired: bool = False,
        disabled: bool = False,
        in_tenant: bool = True,
        certificate: Certificate | bytes | None = None,
        certificates: Sequence[Certificate | bytes] = (),
    ) -> App:
        """Add an app registration and return it; a certificate is an object or PEM."""
        return self._apps.register(
            name,
            roles=roles,
            secret_expired=secret_expired,
            disabled=disabled,
            in_tenant=in_tenant,
            certificates=[*certificates, *([certificate] if certificate is not None else [])],
        )

    @contextlib.contextmanager
    def running(
        self, *, host: str = "127.0.0.1", port: int = 0, state_dir: Path | None = None
    ) -> Iterator[Sandbox]:
        """Serve the sandbox over HTTPS from a daemon thread while the context lasts.

        The certificate authority is kept below `state_dir`, or made for this once.

        Raises:
            OSError: The port is taken.
        """
        with contextlib.ExitStack() as stack:
            folder = state_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-")))
            certificates = tls.prepare(folder, host)
            taken = stack.enter_context(
                serving(
                    self.exchange,
                    host=host,
                    port=port,
                    context=certificates.context,
                    before_stop=self.exchange.stop,
                )
            )
            name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
            self._origin, self._ca_file = f"https://{name}:{taken}", certificates.ca_file
            try:
                yield self
            finally:
                self._origin = self._ca_file = None

    def state(self) -> dict[str, Any]:
        """Return how much there is, what was asked and which faults are on."""
        directory = self.directory
        with directory.lock:
            return {
                "tenant_id": self.tenant_id,
                "users": len(directory.people),
                "groups": len(directory.group_ids()),
                "changes": len(directory.log),
                "requests": len(self.requests),
                "faults": self.faults.listing(),
            }

    def _wire(self, identifiers: Identifiers, page_token_life: float) -> Exchange:
        """Put the routes together."""
        secret = f"sandbox {self.tenant_id}".encode()
        started = self._clock().timestamp()
        # Positions in the change log mean nothing to another run of the same sandbox.
        run = int(started * 1000)
        entra = Entra(self.tenant_id, self.tenant_domain, self._apps, self._clock, secret)
        seal = Seal(secret)

        def now() -> float:
            return self._clock().timestamp()

        pages = Pages(seal, run, now, page_token_life)
        graph = Graph(self.directory, entra, pages, Delta(self.directory, seal, run, now, self.delta))
        control = Control(self.directory, self.faults, self.client_secret, self.state)
        shuffling = random.Random(f"batch {self.seed}")  # noqa: S311  (the order of answers is no secret)

        async def inside(scope: Scope, body: bytes) -> Answer:
            return (await exchange.deliver(scope, body, batched=True)).answer

        async def answer_batch(request: Request) -> Response:
            graph.ask(request)
            return await batch.answer(request, inside, shuffling)

        routes = [
            *graph.routes(),
            Route(f"{VERSION}/$batch", answer_batch, methods=["POST"]),
            *_entra_routes(entra),
            *control.routes(),
        ]
        router = Router(routes, redirect_slashes=False, default=_no_such_path)
        exchange = Exchange(
            router, faults=self.faults, entra=entra, identifiers=identifiers, clock=self._clock
        )
        return exchange


def serve_forever(
    host: str,
    port: int,
    users: int,
    seed: int,
    *,
    state_dir: Path,
    on_ready: Callable[[Sandbox], None],
) -> None:
    """Serve a sandbox until this process gets an interrupt or termination signal, and return then.

    `on_ready` is called once with the running sandbox. To be called from the main thread.

    Raises:
        OSError: The port is taken.
    """
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Sandbox(users, seed).running(host=host, port=port, state_dir=state_dir) as sandbox:
            on_ready(sandbox)
            stopped.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _entra_routes(entra: Entra) -> list[Route]:
    async def discovery(request: Request) -> Response:
        return json_response(entra.discovery(request.path_params["tenant"], origin_of(request)))

    async def token(request: Request) -> Response:
        tenant, origin = request.path_params["tenant"], origin_of(request)
        issued = entra.token(tenant, await request.body(), request.headers, origin)
        return json_response(issued, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    async def keys(_request: Request) -> Response:
        # Tokens are signed with a secret that only the sandbox has: to clients they are opaque.
        return json_response({"keys": []})

    return [
        Route("/{tenant}/v2.0/.well-known/openid-configuration", discovery, methods=["GET"]),
        Route("/{tenant}/oauth2/v2.0/token", token, methods=["POST"]),
        Route("/{tenant}/discovery/v2.0/keys", keys, methods=["GET"]),
    ]


async def _no_such_path(scope: Scope, _receive: Receive, _send: Send) -> None:
    segment = str(scope["path"]).removeprefix(VERSION).strip("/").split("/")[0]
    raise no_such_segment(segment)


def _system_clock() -> datetime:
    return datetime.now(UTC)
