"""Reading a list of Graph page by page, one page ahead of whoever uses it.

The rules are those of Graph's page "Paging": follow `@odata.nextLink` as it is until there is
none, whatever a page holds; an empty page in between is normal.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from captrid_core.directory.entra.graph import Graph, PageTokenExpired
from captrid_core.directory.entra.patience import Patience
from captrid_core.directory.port import Watch
from captrid_core.errors import ReadIncomplete

T = TypeVar("T")

_MOST_RESTARTS: Final = 3
_GLANCE: Final = 0.1
"""Seconds between two looks at the watch while a page is under way."""


@dataclass(frozen=True, slots=True)
class RawPage:
    """The objects of one page, each a JSON text without line breaks."""

    objects: Sequence[bytes | msgspec.Raw]
    restarts: bool = False

    def ndjson(self) -> bytes:
        """Return the objects, one a line."""
        return b"\n".join([*self.objects, b""])


class _Body(msgspec.Struct):
    """A page as it comes, the objects left as they are: parsing them is the database's work."""

    value: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


_DECODER: Final = msgspec.json.Decoder(_Body)


def split_page(body: bytes) -> tuple[list[bytes | msgspec.Raw], str | None]:
    """Return a page's objects and the address of the next page, None after the last.

    Raises:
        ValueError: The text is broken.
        ReadIncomplete: It is sound JSON, but no page of a list.
    """
    if not body.isascii():
        body.decode()  # the objects are not looked into here, so broken UTF-8 has to be found this way
    problem = "Microsoft Graph answered with something that is no page of a list."
    try:
        page = _DECODER.decode(body)
    except msgspec.ValidationError:
        raise ReadIncomplete(problem) from None
    if page.value is msgspec.UNSET:
        raise ReadIncomplete(problem)
    objects: list[bytes | msgspec.Raw] = list(page.value)
    if b"\n" in body or b"\r" in body:  # pretty-printed: one line for each object all the same
        objects = [msgspec.json.format(bytes(raw), indent=-1) for raw in page.value]
    return objects, page.next_link


def walk(
    graph: Graph, url: str, *, headers: Mapping[str, str], permission: str, patience: Patience
) -> Iterator[RawPage]:
    """Yield the pages of the list at `url` to its very end.

    When Graph gives up the place in the list, the walk begins anew and says so on its next page.

    Raises:
        ReadIncomplete: The list leads in a circle, or its place was given up again and again.
        DirectoryError, SignInError: A page cannot be read.
        Cancelled: The watch asked to stop.
    """
    restarts = 0
    restarting = False
    seen = {url}
    current = url
    while True:
        try:
            objects, following = graph.ask(
                "GET", current, headers=headers, permission=permission, patience=patience, read=split_page
            )
        except PageTokenExpired as expired:
            restarts += 1
            if restarts > _MOST_RESTARTS:
                message = f"Microsoft Graph gave up the place in the list {restarts} times ({expired})."
                raise ReadIncomplete(message) from None
            current, seen, restarting = url, {url}, True
            continue
        yield RawPage(objects, restarts=restarting)
        restarting = False
        if following is None:
            return
        if following in seen:
            raise ReadIncomplete(
                "Microsoft Graph’s list leads in a circle: a page names one that was read before."
            )
        seen.add(following)
        current = following


@dataclass(frozen=True, slots=True)
class _End:
    """What the worker leaves last: why it ended."""

    error: BaseException | None


def read_ahead(source: Iterator[T], watch: Watch) -> Iterator[T]:
    """Yield what `source` yields, fetching the next item in a thread while the last one is used.

    One item waits at most, and one more is under way. The watch is looked at all the time, so that
    a read stops at once even while a request hangs.

    Raises:
        Cancelled: The watch asked to stop.
    """
    waiting: queue.Queue[T | _End] = queue.Queue(maxsize=1)
    abandoned = threading.Event()

    def hand_over(item: T | _End) -> bool:
        while not abandoned.is_set():
            try:
                waiting.put(item, timeout=_GLANCE)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        error: BaseException | None = None
        try:
            for item in source:
                if not hand_over(item):
                    return
        except BaseException as exc:  # noqa: BLE001 - whatever it is, the reader raises it
            error = exc
        hand_over(_End(error))

    # A daemon, so that a request that hangs keeps no process from ending.
    threading.Thread(target=work, name="captrid-read-ahead", daemon=True).start()
    try:
        while True:
            watch.check()
            try:
                item = waiting.get(timeout=_GLANCE)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        abandoned.set()
