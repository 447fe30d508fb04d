"""Values as the text that a person would type for them; what ``codec.typed_text`` reads back."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import pathlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any

from paglets_nb.codec.typed_text import Word, converted
from paglets_nb.errors import SerializationError

__all__ = ["MAX_TEXT", "plain", "readings", "reads_back", "same", "text_of"]

MAX_TEXT = 100_000
"""Characters of a value's text; a longer one is cut, and then stands for the value it was made of."""


def same(one: Any, other: Any) -> bool:
    """Whether two values are of one type and equal, whatever their comparison does."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    try:
        return bool(one == other)
    except Exception:  # user code, or an array: its comparison may raise anything
        return False


def plain(value: Any) -> Any:
    """A value as literals: dataclasses as dicts, sets as lists, enums by value, paths as text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {plain(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, set | frozenset):
        with suppress(TypeError):
            return [plain(entry) for entry in sorted(value)]
        return [plain(entry) for entry in value]
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, bool | int | float | str | bytes | type(None)):
        return value
    return str(value)


def readings(value: Any) -> Iterator[str]:
    """The texts that may stand for a value, likeliest first."""
    if isinstance(value, Enum):
        yield value.name or ""
        yield str(value.value)
    elif isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, str):
        yield value
    elif isinstance(value, bytes | bytearray):
        with suppress(UnicodeError):
            yield value.decode()
        yield repr(bytes(value))
    elif isinstance(value, datetime.datetime):
        yield value.isoformat(" ")
    elif isinstance(value, datetime.date | datetime.time):
        yield value.isoformat()
    elif isinstance(value, pathlib.PurePath):
        yield str(value)
    literal = plain(value)
    yield repr(literal)
    with suppress(TypeError, ValueError):
        yield json.dumps(literal)
    if isinstance(literal, str):
        yield literal


def reads_back(text: str, value: Any, kind: Any) -> bool:
    """Whether a text means exactly this value to a type."""
    try:
        return same(converted(Word(text), kind), value)
    except SerializationError:
        return False


def text_of(value: Any, kind: Any) -> tuple[str, bool]:
    """The text for a value of a type, and whether it reads back as the value."""
    first: str | None = None
    for text in readings(value):
        if len(text) > MAX_TEXT:
            return f"{text[: MAX_TEXT - 3]}...", False
        if reads_back(text, value, kind):
            return text, True
        first = text if first is None else first
    return first or "", False
