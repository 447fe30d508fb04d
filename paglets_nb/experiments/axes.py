"""Texts to axes: what a person types into the fields of a grid, as values of the fields' types."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from paglets_nb.codec.wire import convert
from paglets_nb.errors import ExperimentError, SerializationError
from paglets_nb.experiments.grid import MAX_CELLS

__all__ = ["AxisField", "fields_of_type", "parameters_of", "read_axis", "read_grid", "written"]

_RANGE = re.compile(r"range\(\s*(-?\d+)\s*(?:,\s*(-?\d+)\s*)?(?:,\s*(-?\d+)\s*)?\)")
_SEQUENCES = (list, tuple, set, frozenset)
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class AxisField:
    """A field that a request has.

    Attributes:
        name: of the field.
        kind: its type; ``Any`` where none is known.
        hint: the type and the default, for people.
        required: whether it has no default.
    """

    name: str
    kind: Any
    hint: str
    required: bool


def _label(kind: Any) -> str:
    if kind is Any:
        return "value"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " | ".join(str(member.value) for member in kind)
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind).replace("typing.", "")


def fields_of_type(cls: type) -> list[AxisField]:
    """The fields of a request's dataclass."""
    try:
        hints = typing.get_type_hints(cls)
    except (NameError, TypeError):
        hints = {}
    found = []
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        kind = hints.get(field.name, Any)
        plain = field.default is not dataclasses.MISSING
        required = not plain and field.default_factory is dataclasses.MISSING
        default = field.default.value if isinstance(field.default, Enum) else field.default
        found.append(AxisField(field.name, kind, f"{_label(kind)} = {default!r}" if plain else _label(kind), required))
    return found


def parameters_of(function: Any) -> list[AxisField]:
    """The parameters of a function; none where it does not tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    empty = inspect.Parameter.empty
    return [
        AxisField(one.name, Any, "value" if one.default is empty else f"value = {one.default!r}", one.default is empty)
        for one in parameters
        if one.kind in kinds
    ]


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return text


def _listed(text: str) -> list[Any] | None:
    """The entries of a text that is a list or a range; None for another one."""
    ranged = _RANGE.fullmatch(text)
    if ranged is not None:
        numbers = range(*(int(number) for number in ranged.groups() if number is not None))
        if len(numbers) > MAX_CELLS:
            raise ExperimentError(f"{text} has {len(numbers):,} values; at most {MAX_CELLS:,} are run at once")
        return list(numbers)
    if not (text.startswith(("[", "(")) and text.endswith(("]", ")"))):
        return None
    value = _literal(text)
    if isinstance(value, str):  # words without quotes
        return [part.strip() for part in text[1:-1].split(",") if part.strip()]
    return list(value) if isinstance(value, list | tuple) else None


def _converted(value: Any, kind: Any, name: str) -> Any:
    """A value of a field's type; texts are read as people write them."""
    if kind is Any or kind is object:
        return _literal(value) if isinstance(value, str) else value
    readings = [value]
    if isinstance(value, str) and kind is not str:
        members = {member.name.lower(): member for member in kind} if _is_enum(kind) else {}
        readings = [members.get(value.lower(), value), _TRUTHS.get(value.lower(), value), _literal(value), value]
    elif kind is str and not isinstance(value, str):
        readings = [str(value)]
    for reading in readings:
        if isinstance(kind, type) and type(reading) is kind:
            return reading
        try:
            return convert(reading, kind, strict=False)
        except SerializationError:
            continue
    raise ExperimentError(f"field {name!r} wants {_label(kind)}, got {value!r}")


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def read_axis(field: AxisField, text: str) -> Any:
    """What a text says of a field: one value, or a list of values that is an axis.

    ``[1, 2]``, ``[red, blue]`` and ``range(10)`` are axes; for a field that is a list itself, a
    list of lists is.

    Raises:
        ExperimentError: it is none of the field's type.
    """
    text = text.strip()
    entries = _listed(text)
    origin = typing.get_origin(field.kind) or field.kind
    if entries is not None and origin in _SEQUENCES:
        inner = bool(entries) and all(isinstance(entry, list | tuple) for entry in entries)
        entries = entries if inner else None
    if entries is None:
        return [_converted(text, field.kind, field.name)]
    if not entries:
        raise ExperimentError(f"field {field.name!r} has no values")
    return [_converted(entry, field.kind, field.name) for entry in entries]


def read_grid(fields: Sequence[AxisField], texts: Mapping[str, str]) -> dict[str, Any]:
    """The grid that texts describe; a field without a text has its default.

    Raises:
        ExperimentError: a field that is required has none, or one of them is not of its type.
    """
    given = {name: text for name, text in texts.items() if text.strip()}
    for field in fields:
        if field.required and field.name not in given:
            raise ExperimentError(f"field {field.name!r} is required ({field.hint})")
    return {field.name: read_axis(field, given[field.name]) for field in fields if field.name in given}


def written(values: Any) -> str:
    """An axis, or a value, as the text that stands for it."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, range):
        return repr(values)
    if not isinstance(values, list | tuple):
        return _word(values)
    if len(values) == 1:
        return _word(values[0])
    return f"[{', '.join(repr(_plain(value)) for value in values)}]"


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _word(value: Any) -> str:
    value = _plain(value)
    return value if isinstance(value, str) else repr(value)
