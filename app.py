"""The dashboard's launcher: starts the server on `pages/router.py`, and nothing else.

Start it with `captrid serve`, which gives it a home and the options that guard it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from captrid_core import serving
from captrid_core.errors import CaptridError

_HEADERS = {
    b"content-security-policy": b"frame-ancestors 'none'; base-uri 'self'; object-src 'none'; form-action 'self'",
    b"permissions-policy": b"camera=(self), microphone=(), geolocation=()",
    b"referrer-policy": b"same-origin",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}


class SecurityHeaders:
    """Adds to every answer the headers that keep it out of frames and from being guessed at."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the headers added."""

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = [pair for pair in message["headers"] if pair[0].lower() not in _HEADERS]
                message["headers"] = [*given, *_HEADERS.items()]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


async def healthz(_request: Request) -> JSONResponse:
    """Answer whether the home can be read."""
    try:
        await asyncio.to_thread(lambda: serving.workspace().lists.all())
    except CaptridError as error:
        return JSONResponse({"status": "failing", "code": error.code}, status_code=503)
    return JSONResponse({"status": "ok"})


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Import what pages need before the first visitor comes, and say when the server answers."""
    import altair  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401

    serving.workspace()
    # the collection that follows every run of a page then leaves all this alone: several times cheaper
    gc.collect()
    gc.freeze()
    address, port = st.get_option("server.address"), st.get_option("server.port")
    telling = asyncio.create_task(serving.tell_when_ready(address, port)) if address else None
    yield
    if telling is not None:
        telling.cancel()


def on_script_error(error: Exception) -> bool:
    """Show a page's error as people can use it; never its traceback."""
    from pages.parts.errors import show_error, show_fault

    if isinstance(error, CaptridError):
        show_error(error)
    else:
        show_fault(serving.report(error))
    return True


# Streamlit would log errors whole, secrets and all; `serving.report` logs them instead
logging.getLogger("streamlit.error_util").addFilter(
    lambda record: not record.getMessage().startswith("Uncaught app exec")
)

app = st.App(
    Path(__file__).parent / "pages" / "router.py",
    lifespan=lifespan,
    routes=[Route("/api/healthz", healthz)],
    middleware=[Middleware(SecurityHeaders)],
    on_script_error=on_script_error,
)
