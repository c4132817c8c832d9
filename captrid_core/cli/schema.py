"""Fields and mappings as they are written on the command line."""

from __future__ import annotations

from collections.abc import Sequence

import click

from captrid_core.errors import Invalid
from captrid_core.lists.model import Field, FieldType


def parse_field(text: str) -> Field:
    """Return the field that `KEY` or `KEY:TYPE` means.

    Raises:
        Invalid: The key cannot be one.
        click.UsageError: There is no such type.
    """
    key, separator, kind = text.partition(":")
    name, equals, listed = kind.partition("=")
    types = ", ".join(one.value for one in FieldType)
    if separator and name not in {one.value for one in FieldType}:
        raise click.UsageError(f"“{kind}” is no type of a field. The types are {types}.")
    if equals and name != FieldType.DROPDOWN:
        raise click.UsageError(f"Only a dropdown has options: “{text}”.")
    options = tuple(dict.fromkeys(one.strip() for one in listed.split(",") if one.strip()))
    return Field(key=key.strip(), type=FieldType(name) if separator else FieldType.TEXT, options=options)


def parse_fields(texts: Sequence[str]) -> tuple[Field, ...]:
    """Return the fields that several `KEY[:TYPE]` mean.

    Raises:
        Invalid: A key is named twice, or cannot be one.
    """
    parsed = tuple(parse_field(text) for text in texts)
    keys = [field.key for field in parsed]
    if doubled := next((key for key in keys if keys.count(key) > 1), None):
        raise Invalid(f"The field “{doubled}” is given twice.")
    return parsed


def parse_mapping(texts: Sequence[str]) -> dict[str, str]:
    """Return {property path: field key} of several `PROPERTY=FIELD`."""
    mapping: dict[str, str] = {}
    for text in texts:
        path, equals, key = (part.strip() for part in text.partition("="))
        if not (path and equals and key):
            raise click.UsageError(f"A mapping is written PROPERTY=FIELD: “{text}”.")
        if path in mapping:
            raise click.UsageError(f"{path} is mapped twice.")
        mapping[path] = key
    return mapping


def parse_values(texts: Sequence[str]) -> dict[str, str | None]:
    """Return {field key: text} of several `KEY=VALUE`; nothing after the sign means blank."""
    values: dict[str, str | None] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key.strip() and equals):
            raise click.UsageError(f"A value is written KEY=VALUE: “{text}”.")
        if key.strip() in values:
            raise click.UsageError(f"{key.strip()} is given twice.")
        values[key.strip()] = value
    return values
