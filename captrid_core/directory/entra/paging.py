"""Reading a list of Graph page by page, one page ahead of whoever uses it.

The rules are those of Graph's page "Paging": follow `@odata.nextLink` as it is until there is
none, whatever a page holds; an empty page in between is normal.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import msgspec

from captrid_core.directory.entra.graph import Graph, PageTokenExpired
from captrid_core.directory.entra.patience import Patience
from captrid_core.directory.port import Watch
from captrid_core.errors import ReadIncomplete

logger = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_RESTARTS: Final = 3
_USUAL_LAG: Final = 10
"""By how many objects a count may always be ahead of a list; beyond that, by one in a hundred."""
_GLANCE: Final = 0.1
"""Seconds between two looks at the watch while a page is under way."""
_FAREWELL: Final = 0.5
"""Seconds that a reader who stops early gives the request under way; it is left to itself then."""


@dataclass(frozen=True, slots=True)
class RawPage:
    """The objects of one page, each a JSON text without line breaks.

    `total` is how many there are on all pages, where the directory was asked and says so.
    """

    objects: Sequence[bytes | msgspec.Raw]
    restarts: bool = False
    total: int | None = None

    def ndjson(self) -> bytes:
        """Return the objects, one a line."""
        return b"\n".join([*self.objects, b""])


class Body(msgspec.Struct):
    """A page as it comes, its objects left as they are: parsing them is the database's work."""

    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")
    total: int | None = msgspec.field(default=None, name="@odata.count")


_DECODER: Final = msgspec.json.Decoder(Body, strict=False)  # a count may come as a string


def read_body(text: bytes) -> Body:
    """Return a page of a list, each of its objects on one line.

    Raises:
        ValueError: The text is broken.
        ReadIncomplete: It is sound JSON, but no page of a list.
    """
    if not text.isascii():
        text.decode()  # the objects are not looked into here, so broken UTF-8 has to be found this way
    try:
        body = _DECODER.decode(text)
    except msgspec.ValidationError:
        raise ReadIncomplete("Microsoft Graph answered with something that is no page of a list.") from None
    if b"\n" in text or b"\r" in text:  # pretty-printed
        body.value = [msgspec.Raw(msgspec.json.format(bytes(raw), indent=-1)) for raw in body.value]
    return body


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
            body = graph.ask(
                "GET", current, headers=headers, permission=permission, patience=patience, read=read_body
            )
        except PageTokenExpired:
            restarts += 1
            if restarts > _MOST_RESTARTS:
                raise
            logger.info("Microsoft Graph gave up the place in the list; the read begins anew.")
            current, seen, restarting = url, {url}, True
            continue
        yield RawPage(body.value, restarts=restarting, total=body.total)
        restarting = False
        following = body.next_link
        if following is None:
            return
        if following in seen:
            raise ReadIncomplete(
                "Microsoft Graph’s list leads in a circle: a page names one that was read before."
            )
        seen.add(following)
        current = following


def complete(pages: Iterator[RawPage], count: int | None) -> Iterator[RawPage]:
    """Yield `pages` with how many objects there are in all, and refuse a list that ends long before its time.

    Counts come from an index that lags behind the directory, so some difference is normal. A list
    that is empty altogether passes: that is for the rules of the sync to judge (rule R23).

    Args:
        pages: A walk.
        count: How many objects there should be where the pages do not say, as far as that is known.

    Raises:
        ReadIncomplete: Clearly fewer objects came than there are.
    """
    read = 0
    for page in pages:
        if page.restarts:
            read = 0
        read += len(page.objects)
        count = page.total if page.total is not None else count
        yield replace(page, total=count)
    if read and count is not None and count - read > max(_USUAL_LAG, count // 100):
        raise ReadIncomplete(f"Microsoft Graph listed {read} of {count} users and said that was all.")


def promptly(work: Callable[[], T], watch: Watch) -> T:
    """Return what `work` returns, leaving it to itself as soon as the watch asks to stop.

    Raises:
        Cancelled: The watch asked to stop.
    """
    return next(read_ahead((work() for _ in range(1)), watch))


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
    worker = threading.Thread(target=work, name="captrid-read-ahead", daemon=True)
    worker.start()
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
        worker.join(_FAREWELL)
