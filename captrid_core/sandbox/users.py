"""The Graph routes about users: lists, counts, one user, managers, the recycle bin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from starlette.responses import PlainTextResponse, Response

from captrid_core.sandbox.answers import json_response
from captrid_core.sandbox.ask import Ask, Pages, keyed, with_members
from captrid_core.sandbox.directory import Directory
from captrid_core.sandbox.errors import GraphError, not_found
from captrid_core.sandbox.identifiers import Kind, kind_of
from captrid_core.sandbox.people import People
from captrid_core.sandbox.portraits import SIZES, has_portrait, portrait
from captrid_core.sandbox.properties import USER_DEFAULTS
from captrid_core.sandbox.represent import TYPE_NAMES, Shape

READ_USERS: Final = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")


class Sieve:
    """Decides which users a request asks for.

    A condition that looks only at what the college's plan decides is answered once for each place
    of the plan: a million users are then counted without making one of them.
    """

    def __init__(self, people: People, ask: Ask) -> None:
        self._people = people
        self._condition = ask.query.condition(Kind.USER)
        self._search = ask.query.searched()
        self.is_open = self._condition is None and self._search is None
        looked_at = set(self._condition.names()) if self._condition is not None else set()
        self._by_place = self._search is None and looked_at.isdisjoint(people.college.personal)
        self._places: dict[int, bool] = {}

    def passes(self, number: int) -> bool:
        """Tell whether the request asks for a user."""
        if self.is_open:
            return True
        if not self._by_place or self._people.is_changed(number):
            return self._matches(number)
        place = number % self._people.college.campus
        if place not in self._places:
            self._places[place] = self._matches(number)
        return self._places[place]

    def numbers(self, start: int = 0) -> Iterator[int]:
        """Yield the live users that the request asks for, from `start` on."""
        known = self._condition.candidates(self._people) if self._condition is not None else None
        if known is not None:
            some = (number for number in sorted(known) if number >= start and kind_of(number) is Kind.USER)
            return (number for number in some if self._people.is_live(number) and self.passes(number))
        if self.is_open:
            return self._people.live(start)
        return (number for number in self._people.live(start) if self.passes(number))

    def _matches(self, number: int) -> bool:
        record = self._people.record(number)
        condition_holds = self._condition is None or self._condition.matches(record)
        return condition_holds and (self._search is None or self._search.matches(record))


class Users:
    """Answers what is asked of users."""

    def __init__(self, directory: Directory, pages: Pages) -> None:
        self._directory = directory
        self._people = directory.people
        self._pages = pages
        self._sorted: tuple[tuple[int, str, bool], list[int]] | None = None

    def listing(self, ask: Ask) -> Response:
        """GET /users."""
        ask.grant.require(*READ_USERS)
        names = ask.query.names(Kind.USER, ask.grant.roles)
        size = ask.query.page_size(names)
        sieve = Sieve(self._people, ask)
        order = ask.query.order()
        context = f"users({','.join(names)})" if ask.query.select else "users"
        return self._pages.answer(
            ask,
            context,
            items=(lambda start: keyed(sieve.numbers(start)))
            if order is None
            else partial(self._in_order, sieve, order),
            text=self._text(Shape(Kind.USER, names), ask.query.expanded_manager()),
            size=size,
            total=lambda: self._total(sieve),
        )

    def count(self, ask: Ask) -> Response:
        """GET /users/$count."""
        ask.grant.require(*READ_USERS)
        ask = counting(ask)
        return PlainTextResponse(str(self._total(Sieve(self._people, ask))))

    def one(self, ask: Ask, user_id: str) -> Response:
        """GET /users/{id or user principal name}."""
        ask.grant.require(*READ_USERS)
        number = self._find(user_id)
        names = ask.query.names(Kind.USER, ask.grant.roles, single=True)
        text = self._text(Shape(Kind.USER, names), ask.query.expanded_manager())(number)
        return entity(ask, "users", text)

    def manager(self, ask: Ask, user_id: str) -> Response:
        """GET /users/{id}/manager."""
        ask.grant.require(*READ_USERS)
        manager = self._people.manager(self._find(user_id))
        if manager is None or not self._people.is_live(manager):
            raise not_found("manager")
        names = ask.query.names(Kind.USER, ask.grant.roles)
        return entity(
            ask, "directoryObjects", self._people.text(manager, Shape(Kind.USER, names, typed=True))
        )

    def photo(self, ask: Ask, user_id: str, size: str) -> Response:
        """GET /users/{id}/photo/$value and /users/{id}/photos/{size}/$value."""
        ask.grant.require(*READ_USERS, "ProfilePhoto.Read.All")
        number = self._find(user_id)
        if size not in SIZES or not has_portrait(number):
            raise GraphError(404, "ImageNotFound", "The photo wasn't found.")
        return Response(portrait(number, size), media_type="image/jpeg")

    def reports(self, ask: Ask, user_id: str) -> Response:
        """GET /users/{id}/directReports."""
        ask.grant.require(*READ_USERS)
        live = sorted(one for one in self._people.reports(self._find(user_id)) if self._people.is_live(one))
        shape = Shape(Kind.USER, ask.query.names(Kind.USER, ask.grant.roles), typed=True)
        return self._pages.answer(
            ask,
            "directoryObjects",
            items=lambda start: keyed(number for number in live if number >= start),
            text=lambda number: self._people.text(number, shape),
            size=ask.query.page_size(()),
            total=lambda: len(live),
        )

    def deleted(self, ask: Ask) -> Response:
        """GET /directory/deletedItems/microsoft.graph.user."""
        ask.grant.require(*READ_USERS)
        shape = Shape(Kind.USER, self._deleted_names(ask))
        binned = self._people.binned
        return self._pages.answer(
            ask,
            "users",
            items=lambda start: keyed(number for number in sorted(binned) if number >= start),
            text=lambda number: shape.text(self._directory.record(number)),
            size=ask.query.page_size(shape.names),
            total=lambda: len(binned),
        )

    def one_deleted(self, ask: Ask, user_id: str) -> Response:
        """GET /directory/deletedItems/{id}."""
        ask.grant.require(*READ_USERS)
        number = self._directory.identifiers.key(user_id)
        if number is None or number not in self._people.binned:
            raise not_found(user_id)
        shape = Shape(Kind.USER, self._deleted_names(ask), typed=True)
        return entity(ask, "directoryObjects", shape.text(self._directory.record(number)))

    def _deleted_names(self, ask: Ask) -> tuple[str, ...]:
        return (
            ask.query.names(Kind.USER, ask.grant.roles)
            if ask.query.select
            else (*USER_DEFAULTS, "deletedDateTime")
        )

    def _find(self, user_id: str) -> int:
        number = self._people.find(user_id)
        if number is None:
            raise not_found(user_id)
        return number

    def _total(self, sieve: Sieve) -> int:
        return len(self._people) if sieve.is_open else sum(1 for _ in sieve.numbers())

    def _text(self, shape: Shape, manager_names: tuple[str, ...] | None) -> Callable[[int], str]:
        """Return how to write a user, with the manager if that was asked for."""
        if manager_names is None:
            return lambda number: self._people.text(number, shape)
        manager_shape = Shape(Kind.USER, manager_names)

        def text(number: int) -> str:
            manager = self._people.manager(number)
            if manager is None or not self._people.is_live(manager):
                return self._people.text(number, shape)
            shown = {"@odata.type": TYPE_NAMES[Kind.USER]} | manager_shape.of(self._people.record(manager))
            return with_members(self._people.text(number, shape), manager=shown)

        return text

    def _in_order(self, sieve: Sieve, order: tuple[str, bool], start: int) -> Iterator[tuple[int, int]]:
        """Yield (position, number) in the order that was asked for."""
        stamp = (len(self._directory.log), *order)
        if self._sorted is None or self._sorted[0] != stamp:
            name, downwards = order
            numbers = list(self._people.live())
            numbers.sort(key=lambda n: str(self._people.record(n).get(name)).casefold(), reverse=downwards)
            self._sorted = (stamp, numbers)
        numbers = self._sorted[1]
        return (
            (position, numbers[position])
            for position in range(start, len(numbers))
            if sieve.passes(numbers[position])
        )


def counting(ask: Ask) -> Ask:
    """Return the request for a `/$count` segment.

    Raises:
        GraphError: The header that the segment needs is not there.
    """
    if not ask.query.eventual:
        raise GraphError(400, "Request_BadRequest", "$count is not currently supported.")
    return replace(ask, query=ask.query.counting())


def entity(ask: Ask, collection_name: str, text: str) -> Response:
    """Return the answer with one object, given as JSON text."""
    selected = f"({','.join(ask.query.select)})" if ask.query.select else ""
    context = ask.context(f"{collection_name}{selected}/$entity")
    return json_response(f'{{"@odata.context":"{context}",{text[1:]}'.encode())
