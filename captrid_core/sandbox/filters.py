"""The `$filter` and `$search` expressions that Entra objects understand.

Which operators need advanced parameters: "Advanced query capabilities on Microsoft Entra ID
objects". Strings compare without regard to case, as Entra compares them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, Protocol

from captrid_core.sandbox.errors import GraphError, unsupported
from captrid_core.sandbox.identifiers import Kind
from captrid_core.sandbox.properties import ADVANCED_ONLY, Type, is_directory_extension
from captrid_core.sandbox.represent import TABLES

_MOST_IN_VALUES: Final = 15
_LONGEST_VALUE: Final = 120
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z_][\w./-]*)|(?P<other>[\d-][\w:.+-]*)|(?P<sign>[(),:]))"
)
_ORDERED: Final = {"lt", "le", "gt", "ge"}
_COMPARISONS: Final = {"eq", "ne", *_ORDERED}
_FUNCTIONS: Final = {"startswith", "endswith", "contains"}

Record = Mapping[str, Any]


class Finder(Protocol):
    """Something that knows which objects may have a value, without looking at each."""

    def candidates(self, name: str, value: str) -> set[int] | None:
        """Return a superset of the objects with this value, or None if it is not known."""


class Node(Protocol):
    """A part of an expression."""

    def matches(self, record: Record) -> bool:
        """Tell whether an object passes."""

    def needs_advanced(self) -> bool:
        """Tell whether the expression works with advanced parameters only."""

    def names(self) -> Iterator[str]:
        """Yield the properties that the expression looks at."""

    def candidates(self, finder: Finder) -> set[int] | None:
        """Return a superset of the objects that pass, or None if any may."""


def _value(record: Record, path: str) -> Any:
    value: Any = record
    for part in path.split("/"):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value.casefold() if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Compare:
    """`property eq 'value'` and the other comparisons."""

    path: str
    operator: str
    value: Any

    def matches(self, record: Record) -> bool:
        """Tell whether an object passes."""
        held, wanted = _value(record, self.path), self.value
        wanted = wanted.casefold() if isinstance(wanted, str) else wanted
        if self.operator in {"eq", "ne"}:
            return bool(held == wanted) is (self.operator == "eq")
        if held is None or wanted is None:
            return False
        return bool(
            {"lt": held < wanted, "le": held <= wanted, "gt": held > wanted, "ge": held >= wanted}[
                self.operator
            ]
        )

    def needs_advanced(self) -> bool:
        """Tell whether the comparison works with advanced parameters only."""
        return self.operator == "ne" or self.value is None or self.path.split("/")[0] in ADVANCED_ONLY

    def names(self) -> Iterator[str]:
        """Yield the property."""
        yield self.path.split("/")[0]

    def candidates(self, finder: Finder) -> set[int] | None:
        """Return who may have the value."""
        if self.operator == "eq" and isinstance(self.value, str):
            return finder.candidates(self.path, self.value)
        return None


@dataclass(frozen=True, slots=True)
class Function:
    """`startswith(property,'value')`, `endswith` and `contains`."""

    name: str
    path: str
    value: str

    def matches(self, record: Record) -> bool:
        """Tell whether an object passes."""
        held, wanted = _value(record, self.path), self.value.casefold()
        if not isinstance(held, str):
            return False
        return {"startswith": held.startswith, "endswith": held.endswith, "contains": held.__contains__}[
            self.name
        ](wanted)

    def needs_advanced(self) -> bool:
        """Tell whether the function works with advanced parameters only."""
        return self.name == "endswith" or self.path.split("/")[0] in ADVANCED_ONLY

    def names(self) -> Iterator[str]:
        """Yield the property."""
        yield self.path.split("/")[0]

    def candidates(self, finder: Finder) -> set[int] | None:
        """Anyone may pass."""
        return None


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`property/any(x:x eq 'value')` over a list of strings."""

    path: str
    value: str

    def matches(self, record: Record) -> bool:
        """Tell whether an object passes."""
        return any(str(item).casefold() == self.value.casefold() for item in record.get(self.path) or ())

    def needs_advanced(self) -> bool:
        """A plain lambda needs no advanced parameters."""
        return False

    def names(self) -> Iterator[str]:
        """Yield the property."""
        yield self.path

    def candidates(self, finder: Finder) -> set[int] | None:
        """Anyone may pass."""
        return None


@dataclass(frozen=True, slots=True)
class Not:
    """`not(…)`."""

    inner: Node

    def matches(self, record: Record) -> bool:
        """Tell whether an object passes."""
        return not self.inner.matches(record)

    def needs_advanced(self) -> bool:
        """Negation always needs advanced parameters."""
        return True

    def names(self) -> Iterator[str]:
        """Yield the properties."""
        return self.inner.names()

    def candidates(self, finder: Finder) -> set[int] | None:
        """Anyone may pass."""
        return None


@dataclass(frozen=True, slots=True)
class Several:
    """Parts joined by `and`, or by `or`."""

    parts: tuple[Node, ...]
    all: bool

    def matches(self, record: Record) -> bool:
        """Tell whether an object passes."""
        return (all if self.all else any)(part.matches(record) for part in self.parts)

    def needs_advanced(self) -> bool:
        """Tell whether a part works with advanced parameters only."""
        return any(part.needs_advanced() for part in self.parts)

    def names(self) -> Iterator[str]:
        """Yield the properties."""
        for part in self.parts:
            yield from part.names()

    def candidates(self, finder: Finder) -> set[int] | None:
        """Return who may pass, by what is known of the parts."""
        found = [part.candidates(finder) for part in self.parts]
        known = [some for some in found if some is not None]
        if self.all:
            return reduce(set.intersection, known) if known else None
        return set().union(*known) if len(known) == len(found) else None


def parse(text: str, kind: Kind) -> Node:
    """Return the expression of a `$filter` on users or groups.

    Raises:
        GraphError: It is malformed, or names what there is not.
    """
    return _Parser(text, kind).whole()


def ids_only(node: Node) -> list[str] | None:
    """Return the ids of `id eq '…' or id eq '…'`, or None if the expression is anything else."""
    if isinstance(node, Compare) and node.path == "id" and node.operator == "eq":
        return [str(node.value)]
    if isinstance(node, Several) and not node.all:
        found = [ids_only(part) for part in node.parts]
        return None if None in found else [one for some in found for one in some or ()]
    return None


class _Parser:
    """A recursive descent through the tokens of an expression."""

    def __init__(self, text: str, kind: Kind) -> None:
        self._text = text
        self._kind = kind
        self._tokens: list[tuple[str, str]] = []
        self._next = 0
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if found is None:
                raise self._broken()
            position = found.end()
            self._tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))

    def whole(self) -> Node:
        node = self._or()
        if self._next < len(self._tokens):
            raise self._broken()
        return node

    def _or(self) -> Node:
        return self._several("or", self._and, all_of=False)

    def _and(self) -> Node:
        return self._several("and", self._unary, all_of=True)

    def _several(self, word: str, part: Any, *, all_of: bool) -> Node:
        parts = [part()]
        while self._peek() == ("word", word):
            self._next += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else Several(tuple(parts), all=all_of)

    def _unary(self) -> Node:
        kind, text = self._take()
        if (kind, text) == ("sign", "("):
            node = self._or()
            self._expect(")")
            return node
        if kind != "word":
            raise self._broken()
        if text == "not":
            return Not(self._unary())
        if text.lower() in _FUNCTIONS and self._peek() == ("sign", "("):
            return self._function(text.lower())
        if text.endswith("/any"):
            return self._any(text.removesuffix("/any"))
        return self._comparison(self._path(text))

    def _function(self, name: str) -> Node:
        self._expect("(")
        path = self._path(self._word())
        self._expect(",")
        value = self._literal()
        self._expect(")")
        if not isinstance(value, str) or name == "contains":
            raise unsupported(f"Unsupported query function: {name}.")
        return Function(name, path, value)

    def _any(self, path: str) -> Node:
        self._path(path)
        self._expect("(")
        variable = self._word()
        self._expect(":")
        if self._word() != variable or self._word() != "eq":
            raise unsupported("Unsupported lambda expression.")
        value = self._literal()
        self._expect(")")
        return AnyOf(path, str(value))

    def _comparison(self, path: str) -> Node:
        operator = self._word()
        if operator == "in":
            return self._in(path)
        if operator not in _COMPARISONS:
            raise self._broken()
        value = self._literal()
        if isinstance(value, str) and len(value) > _LONGEST_VALUE:
            raise unsupported("A filter value is longer than 120 characters.")
        self._check_type(path, value)
        return Compare(path, operator, value)

    def _in(self, path: str) -> Node:
        self._expect("(")
        values = [self._literal()]
        while self._peek() == ("sign", ","):
            self._next += 1
            values.append(self._literal())
        self._expect(")")
        if len(values) > _MOST_IN_VALUES:
            raise unsupported(f"Too many values in an 'in' expression: the most is {_MOST_IN_VALUES}.")
        return Several(tuple(Compare(path, "eq", value) for value in values), all=False)

    def _path(self, path: str) -> str:
        table = TABLES[self._kind]
        first = path.split("/")[0]
        if first not in table and not is_directory_extension(first):
            type_name = f"microsoft.graph.{self._kind.name.lower()}"
            raise GraphError(
                400,
                "BadRequest",
                f"Invalid filter clause: Could not find a property named '{first}' on type '{type_name}'.",
            )
        return path

    def _check_type(self, path: str, value: Any) -> None:
        declared = TABLES[self._kind].get(path.split("/")[0])
        if declared is Type.BOOLEAN and value is not None and not isinstance(value, bool):
            raise GraphError(
                400,
                "BadRequest",
                "Invalid filter clause: A binary operator with incompatible types was detected. Found operand "
                "types 'Edm.Boolean' and 'Edm.String' for operator kind 'Equal'.",
            )

    def _literal(self) -> Any:
        kind, text = self._take()
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "word" and text in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[text]
        if kind == "other":
            return int(text) if text.lstrip("-").isdigit() else text
        raise self._broken()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._next += 1
        return token

    def _word(self) -> str:
        kind, text = self._take()
        if kind != "word":
            raise self._broken()
        return text

    def _expect(self, sign: str) -> None:
        if self._take() != ("sign", sign):
            raise self._broken()

    def _broken(self) -> GraphError:
        return GraphError(400, "BadRequest", f"Invalid filter clause: Syntax error in '{self._text}'.")


# `$search="displayName:some words"`, several joined by AND or OR.
_CLAUSE = re.compile(r'"(\w+):((?:[^"\\]|\\.)*)"(?:\s+(AND|OR)\s+|\s*$)')


@dataclass(frozen=True, slots=True)
class Search:
    """A `$search`: every word of a clause begins a word of the property (names), or its whole (others)."""

    clauses: tuple[tuple[str, str], ...]
    all: bool

    def matches(self, record: Record) -> bool:
        """Tell whether an object is found."""
        return (all if self.all else any)(self._found(record, *clause) for clause in self.clauses)

    @staticmethod
    def _found(record: Record, path: str, text: str) -> bool:
        held = _value(record, path)
        if not isinstance(held, str):
            return False
        if path not in {"displayName", "description"}:
            return held.startswith(text.casefold())
        words = re.split(r"[^\w'&]+", held)
        return all(any(word.startswith(part) for word in words) for part in text.casefold().split())


def parse_search(text: str) -> Search:
    """Return the clauses of a `$search`.

    Raises:
        GraphError: It is not of the form "property:text".
    """
    clauses: list[tuple[str, str]] = []
    joins: set[str] = set()
    position = 0
    text = text.strip()
    while position < len(text):
        found = _CLAUSE.match(text, position)
        if found is None:
            raise unsupported(f"Syntax error: the $search query is invalid: {text}")
        clauses.append((found[1], re.sub(r"\\(.)", r"\1", found[2])))
        joins.add(found[3] or "")
        position = found.end()
    if not clauses or joins >= {"AND", "OR"}:
        raise unsupported(f"Syntax error: the $search query is invalid: {text}")
    return Search(tuple(clauses), all="OR" not in joins)
