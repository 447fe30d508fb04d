"""The fields of a request as a form has to know them: which control, bounds, choices, help.

Plain Python, of use without any widget. It must not know how a control is drawn.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import math
import pathlib
import types
import typing
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Union

from paglets_nb.codec.typed_text import NO_VALUE, field_types
from paglets_nb.errors import SerializationError
from paglets_nb.widgets.forms.docstrings import field_helps

__all__ = ["Bounds", "Choice", "Control", "FieldSpec", "describe_fields"]

_SEQUENCES: tuple[Any, ...] = (
    list,
    tuple,
    set,
    frozenset,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Collection,
    collections.abc.Set,
)
_MAPPINGS: tuple[Any, ...] = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_HINTS: dict[Any, str] = {
    datetime.datetime: "2026-01-31 18:30",
    datetime.date: "2026-01-31",
    datetime.time: "18:30",
    datetime.timedelta: "seconds",
    uuid.UUID: "a UUID",
    decimal.Decimal: "",
}
_MOST = 1e15
"""Beyond this a number is better typed than found on a slider."""
_MOST_STEPS = 10_000
"""Positions of a slider beyond which a number is better typed."""


class Control(enum.Enum):
    """How a field is filled in."""

    CHECKBOX = "checkbox"
    NUMBER = "number"
    TEXT = "text"
    LINES = "lines"
    CHOICE = "choice"
    PATH = "path"
    BYTES = "bytes"
    ITEMS = "items"
    """Scalars, one per line or between commas."""
    ROWS = "rows"
    """Dataclasses, each a group of fields."""
    PAIRS = "pairs"
    """Scalars by scalars."""
    GROUP = "group"
    """The fields of a dataclass."""
    LITERAL = "literal"
    """Anything else: a Python literal or JSON."""


@dataclass(frozen=True)
class Choice:
    """One entry of a dropdown."""

    label: str
    value: Any


@dataclass(frozen=True)
class Bounds:
    """Between what a number has to be; None where there is no bound.

    Attributes:
        low_open: ``low`` itself is too low.
        high_open: ``high`` itself is too high.
        step: between two positions of a slider; None for one that is found.
    """

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    step: float | None = None

    def refusal(self, value: Any) -> str:
        """What is wrong with a number; empty when it is within the bounds."""
        above = self.low is None or (value > self.low if self.low_open else value >= self.low)
        below = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return "" if above and below else f"must be {self.words()}"

    def words(self) -> str:
        """What may be typed; empty for any number."""
        low = f"{'above' if self.low_open else 'at least'} {self.low}" if self.low is not None else ""
        high = f"{'below' if self.high_open else 'at most'} {self.high}" if self.high is not None else ""
        return ", ".join(part for part in (low, high) if part)

    def slider(self, kind: Any) -> tuple[float, float, float] | None:
        """The lowest, the highest and the step of a slider; None where a number is better typed."""
        if self.low is None or self.high is None or not all(-_MOST < end < _MOST for end in (self.low, self.high)):
            return None
        low, high = self.low, self.high
        if kind is int:
            low, high = math.ceil(low), math.floor(high)
            low += self.low_open and low == self.low
            high -= self.high_open and high == self.high
        step = self.step if self.step is not None and self.step > 0 else (1 if kind is int else (high - low) / 100)
        return (low, high, step) if low < high and (high - low) / step <= _MOST_STEPS else None


@dataclass(frozen=True)
class FieldSpec:
    """One field of a request.

    Attributes:
        kind: its type, without ``None`` and what annotates it.
        optional: it may be None.
        required: it has no default.
        default: NO_VALUE where it has none, or it cannot be made.
        help: what is known of it, in one line.
        nested: the dataclass of a GROUP, or of the rows of ROWS.
        item: the type of an item of ITEMS, or of a value of PAIRS.
        key: the type of a key of PAIRS.
        hint: how a value is written.
    """

    name: str
    kind: Any
    control: Control
    optional: bool = False
    required: bool = False
    default: Any = NO_VALUE
    help: str = ""
    bounds: Bounds = Bounds()
    choices: tuple[Choice, ...] = ()
    nested: type | None = None
    item: Any = None
    key: Any = None
    hint: str = ""


def _unwrapped(kind: Any) -> tuple[Any, list[Any]]:
    """A type without aliases and ``Annotated``, and what the latter says."""
    extras: list[Any] = []
    while True:
        if typing.get_origin(kind) is typing.Annotated:
            extras += kind.__metadata__
            kind = kind.__origin__
        elif isinstance(kind, typing.NewType):
            kind = kind.__supertype__
        elif hasattr(kind, "__value__") and type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        else:
            return (Any if isinstance(kind, str) else kind), extras


def _without_none(kind: Any) -> tuple[Any, bool]:
    """The other member of a union with None, or the union of them, and whether None is one."""
    if typing.get_origin(kind) not in (Union, types.UnionType):
        return kind, False
    others = [member for member in typing.get_args(kind) if member is not type(None)]
    if len(others) == len(typing.get_args(kind)):
        return kind, False
    return Union[tuple(others)], True  # noqa: UP007 - it is made of what is found


def _is_dataclass(kind: Any) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def _is_scalar(kind: Any) -> bool:
    """Whether a value is one word."""
    kind, _extras = _unwrapped(kind)
    if typing.get_origin(kind) in (Union, types.UnionType):
        return all(member is type(None) or _is_scalar(member) for member in typing.get_args(kind))
    if typing.get_origin(kind) is Literal or kind in _HINTS:
        return True
    return isinstance(kind, type) and issubclass(kind, str | int | float | enum.Enum | pathlib.PurePath)


def _choices(kind: Any) -> tuple[Choice, ...]:
    """The choices of an Enum or a Literal, under labels that differ."""
    if isinstance(kind, enum.EnumMeta):
        members: Any = kind
        return tuple(Choice(member.name, member) for member in members)
    values = typing.get_args(kind)
    texts = [str(value) for value in values]
    return tuple(
        Choice(text if texts.count(text) == 1 else repr(value), value)
        for text, value in zip(texts, values, strict=True)
    )


def _sequence(kind: Any, args: tuple[Any, ...]) -> dict[str, Any]:
    if typing.get_origin(kind) is tuple and not (len(args) == 2 and args[1] is ...):
        if args and all(map(_is_scalar, args)):
            return {"control": Control.ITEMS, "item": None}
        return {"control": Control.LITERAL}
    item = _unwrapped(args[0])[0] if args else Any
    if _is_dataclass(item):
        return {"control": Control.ROWS, "nested": item}
    return {"control": Control.ITEMS, "item": item} if _is_scalar(item) else {"control": Control.LITERAL}


def _control(kind: Any, *, lines: bool) -> dict[str, Any]:
    """The control of a type, with what it needs to know."""
    origin, args = typing.get_origin(kind) or kind, typing.get_args(kind)
    if kind is bool:
        return {"control": Control.CHECKBOX}
    if kind in (int, float):
        return {"control": Control.NUMBER}
    if kind is str:
        return {"control": Control.LINES if lines else Control.TEXT}
    if kind in _HINTS:
        return {"control": Control.TEXT, "hint": _HINTS[kind]}
    if kind in (bytes, bytearray):
        return {"control": Control.BYTES}
    if origin is Literal:
        return {"control": Control.CHOICE, "choices": _choices(kind)}
    if _is_dataclass(kind):
        return {"control": Control.GROUP, "nested": kind}
    if isinstance(kind, type) and not args:
        if issubclass(kind, enum.Enum) and not issubclass(kind, enum.Flag):
            return {"control": Control.CHOICE, "choices": _choices(kind)}
        if issubclass(kind, pathlib.PurePath):
            return {"control": Control.PATH}
    if origin in _SEQUENCES:
        return _sequence(kind, args)
    if origin in _MAPPINGS and len(args) == 2 and all(map(_is_scalar, args)):
        return {"control": Control.PAIRS, "key": args[0], "item": args[1]}
    return {"control": Control.LITERAL}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _tightest(limits: Iterable[tuple[Any, bool]], *, low: bool) -> tuple[float | None, bool]:
    """The tightest of limits, each with whether it is open; None where there is none."""
    sign = 1 if low else -1
    found = [(sign * number, is_open) for limit, is_open in limits if (number := _number(limit)) is not None]
    if not found:
        return None, False
    tightest, is_open = max(found)
    return sign * tightest, is_open


def _bounds(extras: Iterable[Any], metadata: Any) -> Bounds:
    """The bounds that annotations and a field's metadata set; the tightest count."""
    lows: list[tuple[Any, bool]] = [(metadata.get("min"), False)]
    highs: list[tuple[Any, bool]] = [(metadata.get("max"), False)]
    for extra in extras:
        lows += [(getattr(extra, name, None), name == "gt") for name in ("ge", "gt", "minimum")]
        highs += [(getattr(extra, name, None), name == "lt") for name in ("le", "lt", "maximum")]
    low, low_open = _tightest(lows, low=True)
    high, high_open = _tightest(highs, low=False)
    return Bounds(low, high, low_open, high_open, _number(metadata.get("step")))


def _told(extras: Iterable[Any]) -> str:
    """What annotations tell of a field."""
    for extra in extras:
        for text in (extra, getattr(extra, "description", None), getattr(extra, "documentation", None)):
            if isinstance(text, str) and text:
                return text
    return ""


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        try:
            return field.default_factory()
        except Exception:  # user code: then the class makes it, or not, when the request is built
            return NO_VALUE
    return NO_VALUE


def _described(field: dataclasses.Field[Any], kind: Any, annotated: Any, told: str) -> FieldSpec:
    outer, extras = _unwrapped(annotated)
    inner, _optional = _without_none(outer)
    extras += _unwrapped(inner)[1]
    plain, optional = _without_none(_unwrapped(kind)[0])
    plain = _unwrapped(plain)[0]
    default, metadata = _default(field), field.metadata
    lines = bool(metadata.get("multiline", isinstance(default, str) and "\n" in default))
    return FieldSpec(
        name=field.name,
        kind=plain,
        optional=optional or default is None,
        required=field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        default=default,
        help=" ".join(str(metadata.get("help", "") or _told(extras) or told).split()),
        bounds=_bounds(extras, metadata),
        **_control(plain, lines=lines),
    )


def describe_fields(request_type: type) -> list[FieldSpec]:
    """The fields of a dataclass, in order; those of dataclasses in it are described when asked for.

    Args:
        request_type: the dataclass.

    Raises:
        SerializationError: it is none.
    """
    if not _is_dataclass(request_type):
        raise SerializationError(f"wanted a dataclass, got {request_type!r}")
    kinds, annotated = field_types(request_type), field_types(request_type, annotated=True)
    told = field_helps(request_type)
    return [
        _described(field, kinds[field.name], annotated[field.name], told.get(field.name, ""))
        for field in dataclasses.fields(request_type)
        if field.init
    ]
