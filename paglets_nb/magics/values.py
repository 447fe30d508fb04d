"""Words to the types of a request: ``field=value``, JSON and cells of ``field = value`` lines."""

from __future__ import annotations

import ast
import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, Union

from IPython.core.error import UsageError

from paglets_nb.codec.wire import convert
from paglets_nb.errors import SerializationError
from paglets_nb.magics.boundary import did_you_mean, one_line
from paglets_nb.magics.tokens import NO_VALUE, Word

__all__ = [
    "build",
    "evaluated_fields",
    "field_types",
    "field_value",
    "read_json",
    "read_literal",
    "request_from_cell",
    "type_name",
]

_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
_SEQUENCES = (list, tuple, set, frozenset)


def field_types(cls: type) -> dict[str, Any]:
    """The types of a dataclass's fields by name, text annotations resolved where they can be."""
    try:
        hints = typing.get_type_hints(cls)
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
    if kind is bytes and not text.startswith(("b'", 'b"')):
        return text.encode()
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
            return build(member, words_of(value))
        inner = typing.get_args(member)[:1]
        if inner and typing.get_origin(member) in _SEQUENCES and isinstance(value, _SEQUENCES):
            return [_nested(entry, inner[0]) for entry in value]
    return value


def _converted(word: Word, kind: Any) -> Any:
    failure: SerializationError | None = None
    for reading in (_nested(reading, kind) for reading in _readings(word, kind)):
        if _fits(reading, kind):
            return reading
        try:
            return convert(reading, kind, strict=False)
        except SerializationError as error:
            failure = failure or error
    if failure is None:
        return str(word)
    raise failure


def field_value(owner: str, name: str, kind: Any, word: Word) -> Any:
    """One field from its word; UsageError names it and what it wanted."""
    try:
        return _converted(word, kind)
    except SerializationError as error:
        shown = str(word) if len(word) <= 60 else f"{word[:57]}..."
        detail = ""
        if dataclasses.is_dataclass(kind) or typing.get_origin(kind) in (*_SEQUENCES, dict):
            detail = f" ({one_line(error)})"
        raise UsageError(f"{owner}: field {name!r} wants {type_name(kind)}, got {shown!r}{detail}") from None


def read_json(text: str) -> dict[str, Any]:
    """The object of a ``--json`` option."""
    try:
        value = json.loads(text)
    except ValueError as error:
        value = read_literal(text)
        if not isinstance(value, dict):
            raise UsageError(f"--json: {one_line(error)}") from None
    if not isinstance(value, dict):
        raise UsageError(f"--json wants an object with fields by name, got {type(value).__name__}")
    return value


def build(cls: type, fields: Mapping[str, Word], *, owner: str = "") -> Any:
    """An instance of a dataclass from words by field name.

    Args:
        cls: the dataclass.
        fields: what was typed; fields left out take their defaults.
        owner: what the fields belong to, for messages; the class's name when empty.

    Raises:
        UsageError: a field is unknown, missing, or of another type; names it.
    """
    owner = owner or cls.__name__
    known = field_types(cls)
    for name in fields:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise UsageError(f"{owner} has no field {name!r} (fields: {listed}){did_you_mean(name, known)}")
    values = {name: field_value(owner, name, known[name], word) for name, word in fields.items()}
    for field in dataclasses.fields(cls):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if field.init and required and field.name not in values:
            raise UsageError(f"{owner} needs {field.name}=... ({type_name(known[field.name])})")
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{owner}: {one_line(error)}") from None


def words_of(values: Mapping[Any, Any]) -> dict[str, Word]:
    """Words that stand for objects by name."""
    return {str(name): Word(str(value), value, exact=True) for name, value in values.items()}


def _evaluated(node: ast.expr, label: str, namespace: dict[str, Any]) -> Any:
    code = compile(ast.Expression(node), "<paglet cell>", "eval")
    try:
        return eval(code, namespace)
    except NameError as error:
        raise UsageError(f"{label}: {one_line(error)}") from None


def request_from_cell(cls: type, cell: str, namespace: Mapping[str, Any], *, owner: str = "") -> Any:
    """The request a cell describes.

    Args:
        cls: the request's dataclass.
        cell: ``field = value`` lines, or one expression that is a request or a dict.
        namespace: where names are looked up.
        owner: what the fields belong to, for messages.

    Raises:
        UsageError: the cell is neither, or a field does not fit.
    """
    owner = owner or cls.__name__
    value = evaluated_fields(cell, namespace, owner, f"a {cls.__name__}")
    if isinstance(value, cls):
        return value
    if isinstance(value, Mapping):
        return build(cls, words_of(value), owner=owner)
    raise UsageError(f"{owner} wants a {cls.__name__} or a dict of its fields, got {type(value).__name__}")


def evaluated_fields(cell: str, namespace: Mapping[str, Any], owner: str, wanted: str = "the grid") -> Any:
    """What a cell says: the fields of its ``field = value`` lines, or the value of its one expression.

    Args:
        cell: its text.
        namespace: where names are looked up.
        owner: what the fields belong to, for messages.
        wanted: what the expression should be, for messages.

    Raises:
        UsageError: the cell is neither.
    """
    try:
        body = ast.parse(cell).body
    except SyntaxError as error:
        raise UsageError(f"the cell is not Python: {error.msg} (line {error.lineno})") from None
    scope = dict(namespace)
    if len(body) == 1 and isinstance(body[0], ast.Expr):
        return _evaluated(body[0].value, owner, scope)
    fields: dict[str, Any] = {}
    for statement in body:
        target = _assigned(statement)
        if target is None:
            raise UsageError(
                f"line {statement.lineno}: wanted `field = value` lines, or one expression that is {wanted}"
            )
        name, node = target
        fields[name] = scope[name] = _evaluated(node, f"field {name!r}", scope)
    return fields


def _assigned(statement: ast.stmt) -> tuple[str, ast.expr] | None:
    """The name and expression of a plain ``name = expression``."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return target.id, statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value is not None:
        return statement.target.id, statement.value
    return None
