"""Text as people type it, to the types of a dataclass's fields.

What ``field=value`` on a magic's line and a field of a form have in common. It must not
know where the text was typed; whoever does shows the ``FieldError``.
"""

from __future__ import annotations

import ast
import dataclasses
import datetime
import difflib
import json
import types
import typing
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, Literal, Self, Union

from paglets_nb.codec.wire import convert
from paglets_nb.errors import FieldError, SerializationError

__all__ = [
    "NO_VALUE",
    "Word",
    "converted",
    "did_you_mean",
    "field_types",
    "field_value",
    "from_words",
    "read_literal",
    "type_name",
    "unknown_field",
    "words_of",
]

NO_VALUE: Any = object()
"""Stands where a word was typed rather than taken from a variable."""


class Word(str):
    """One word of a line: its text, quotes removed and variables filled in.

    Args:
        text: the text.
        value: the object that a lone ``{expr}`` or ``$var`` stood for, else NO_VALUE.
        field: the name before ``=`` where the word is a ``field=value``, whose text and
            value are then those of the value; else empty.
        exact: the value is meant as it is, and must not be read from its text.
    """

    __slots__ = ("exact", "field", "value")

    value: Any
    field: str
    exact: bool

    def __new__(cls, text: str, value: Any = NO_VALUE, field: str = "", *, exact: bool = False) -> Self:
        """Make a word."""
        word = super().__new__(cls, text)
        word.value, word.field, word.exact = value, field, exact
        return word


_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
_SEQUENCES = (list, tuple, set, frozenset)
_MOMENTS = (datetime.datetime, datetime.date, datetime.time)


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` where one of the known words is near, else nothing."""
    cutoff = 0.5 if len(wrong) <= 2 else 0.65  # of two letters one may be wrong
    near = difflib.get_close_matches(wrong, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


def field_types(cls: type, *, annotated: bool = False) -> dict[str, Any]:
    """The types of a dataclass's fields by name, text annotations resolved where they can be.

    Args:
        cls: the dataclass.
        annotated: keep ``Annotated`` as it is rather than the type in it.
    """
    try:
        hints = typing.get_type_hints(cls, include_extras=annotated)
    except (NameError, TypeError):
        hints = {}
    return {field.name: hints.get(field.name, field.type) for field in dataclasses.fields(cls) if field.init}


def type_name(kind: Any) -> str:
    """A type as a person writes it; the choices where it is an Enum or a Literal."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"{kind.__name__} ({', '.join(str(member.value) for member in kind)})"
    origin = typing.get_origin(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, typing.get_args(kind)))}"
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(part) for part in typing.get_args(kind))
    if isinstance(kind, type) and origin is None:
        return "None" if kind is type(None) else kind.__name__
    return str(kind).replace("typing.", "")


def read_literal(text: str) -> Any:
    """The Python literal or JSON that a text is; the text itself where it is neither."""
    for read in (ast.literal_eval, json.loads):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return text


def _members(kind: Any) -> tuple[Any, ...]:
    """The alternatives of a union; the type alone where it is none."""
    return typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)


def _special(text: str, kind: Any) -> Any:
    """What a text means to one type by a rule of its own; NO_VALUE where there is none."""
    origin = typing.get_origin(kind) or kind
    if kind is type(None) and text.lower() in ("none", "null"):
        return None
    if kind is str:
        return text
    if kind is bool and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if kind in (bytes, bytearray) and not text.startswith(("b'", 'b"')):
        return kind(text.encode())
    if kind in _MOMENTS or kind is float:
        with suppress(ValueError):
            return float(text) if kind is float else kind.fromisoformat(text)
    if isinstance(kind, type) and issubclass(kind, Enum):
        by_name = {member.name.lower(): member for member in kind}
        return by_name.get(text.lower(), NO_VALUE)
    if origin in _SEQUENCES and not text.startswith(("[", "(", "{")):
        return [part.strip() for part in text.split(",") if part.strip()]
    return NO_VALUE


def _readings(word: Word, kind: Any) -> list[Any]:
    """What a word may mean, likeliest first."""
    if word.exact and not (isinstance(word.value, str) and kind is not Any):
        return [word.value]
    readings = [] if word.value is NO_VALUE else [word.value]
    members = _members(kind)
    ordered = sorted(members, key=lambda member: (member is not type(None), member is str))
    if kind is Any or kind is object:
        return [*readings, read_literal(str(word))]
    for member in ordered:
        special = _special(str(word), member)
        if special is not NO_VALUE:
            readings.append(special)
        if member is not str:
            readings.extend((read_literal(str(word)), str(word)))
    return readings


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is already what the type wants, so that no conversion may touch it."""
    return isinstance(kind, type) and kind is not object and type(value) is kind


def _nested(value: Any, kind: Any) -> Any:
    """A value whose mappings have become dataclasses where the type has them, by field name."""
    for member in _members(kind):
        if isinstance(member, type) and dataclasses.is_dataclass(member) and isinstance(value, Mapping):
            return from_words(member, words_of(value))
        inner = typing.get_args(member)[:1]
        if inner and typing.get_origin(member) in _SEQUENCES and isinstance(value, _SEQUENCES):
            return [_nested(entry, inner[0]) for entry in value]
    return value


def converted(word: Word, kind: Any) -> Any:
    """What a word means to a type.

    Args:
        word: what was typed, or stands for an object.
        kind: any annotation that the codec knows.

    Raises:
        SerializationError: it means nothing to it.
    """
    failure: SerializationError | None = None
    for reading in (_nested(reading, kind) for reading in _readings(word, kind)):
        if _fits(reading, kind):
            return reading
        if word.exact:  # "1" where both "1" and 1 are choices
            with suppress(SerializationError):
                return convert(reading, kind)
        try:
            return convert(reading, kind, strict=False)
        except SerializationError as error:
            failure = failure or error
    if failure is None:
        return str(word)
    raise failure


def _example(kind: Any) -> str:
    """How a value of a type of several parts is written."""
    if dataclasses.is_dataclass(kind):
        return "{" + ", ".join(f'"{name}": ...' for name in field_types(kind)) + "}"  # type: ignore[arg-type]
    return '{"key": ...}' if typing.get_origin(kind) is dict else "[..., ...]"


def field_value(owner: str, name: str, kind: Any, word: Word) -> Any:
    """One field from its word; FieldError names it and what it wanted."""
    try:
        return converted(word, kind)
    except SerializationError as error:
        wanted = error
    shown = str(word) if len(word) <= 60 else f"{word[:57]}..."
    detail = ""
    if dataclasses.is_dataclass(kind) or typing.get_origin(kind) in (*_SEQUENCES, dict):
        detail = f" ({' '.join(str(wanted).split())})"
        if not isinstance(read_literal(str(word)), Mapping | list | tuple | set):
            detail = f"; write {name}={_example(kind)}"
    raise FieldError(f"{owner}: field {name!r} wants {type_name(kind)}, got {shown!r}{detail}", field=name) from None


def unknown_field(owner: str, name: str, known: Iterable[str]) -> str:
    """What is said of a field that there is not."""
    known = list(known)
    return f"{owner} has no field {name!r} (fields: {', '.join(known) or 'none'}){did_you_mean(name, known)}"


def from_words(cls: type, fields: Mapping[str, Word], *, owner: str = "") -> Any:
    """An instance of a dataclass from words by field name.

    Args:
        cls: the dataclass.
        fields: what was typed; fields left out take their defaults.
        owner: what the fields belong to, for messages; the class's name when empty.

    Raises:
        FieldError: a field is unknown, missing, or of another type; names it.
    """
    owner = owner or cls.__name__
    known = field_types(cls)
    for name in fields:
        if name not in known:
            raise FieldError(unknown_field(owner, name, known), field=name)
    values = {name: field_value(owner, name, known[name], word) for name, word in fields.items()}
    for field in dataclasses.fields(cls):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if field.init and required and field.name not in values:
            raise FieldError(f"{owner} needs {field.name}=... ({type_name(known[field.name])})", field=field.name)
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise FieldError(f"{owner}: {' '.join(str(error).split()) or type(error).__name__}") from None


def words_of(values: Mapping[Any, Any]) -> dict[str, Word]:
    """Words that stand for objects by name."""
    return {str(name): Word(str(value), value, exact=True) for name, value in values.items()}
