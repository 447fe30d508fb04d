"""Dataclasses to plain wire values and back, with errors that name the field.

Wire values are dicts, lists, str, int, float, bool, None and bytes. Sets become sorted
lists, enums their values, paths text, proxies ``{host_url, agent_id}``.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

import msgspec

from paglets_nb.errors import SerializationError

__all__ = ["WireCodec", "dataclass_from_wire", "dataclass_to_wire", "field_names", "schema"]

T = TypeVar("T")
BINARY = (bytes, bytearray, memoryview)
CODING_ERRORS = (msgspec.MsgspecError, RecursionError, UnicodeError, OverflowError, NotImplementedError, TypeError)
_AT = re.compile(r"(?s)^(.*?)(?: - at (?:key in )?`\$?\.?(.*)`)?$")
_SCALARS = (str, int, float, bool, type(None), *BINARY)


def encode_hook(value: Any) -> Any:
    """The wire value of an object that msgspec does not know."""
    if isinstance(value, pathlib.PurePath):
        return str(value)
    to_wire = getattr(value, "to_wire", None)
    if callable(to_wire) and not isinstance(value, type):
        return to_wire()
    if type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} cannot travel")


def decode_hook(cls: type, value: Any) -> Any:
    """An object of a type that msgspec does not know, from its wire value."""
    if isinstance(value, cls):
        return value
    if isinstance(cls, type) and issubclass(cls, pathlib.PurePath) and isinstance(value, str):
        return cls(value)
    from_wire = getattr(cls, "decode_wire", None)
    if from_wire is not None:
        return from_wire(value)
    raise TypeError(f"expected {getattr(cls, '__name__', cls)}, got {type(value).__name__}")


def find_unfit(value: Any, path: str = "", depth: int = 0) -> tuple[str, Any] | None:
    """Where in ``value`` is something that cannot travel, and what; None when all of it can."""
    if depth > 200:
        return path, value
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return path, value
    if isinstance(value, _SCALARS):
        return None
    items: Any
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        items = [(f"{path}.{f.name}".lstrip("."), getattr(value, f.name, None)) for f in dataclasses.fields(value)]
    elif isinstance(value, Mapping):
        items = [(f"{path}[{key!r}]", entry) for key, entry in value.items()]
    elif isinstance(value, list | tuple | set | frozenset):
        items = [(f"{path}[{index}]", entry) for index, entry in enumerate(value)]
    else:
        try:
            msgspec.to_builtins(value, builtin_types=BINARY, enc_hook=encode_hook)
        except CODING_ERRORS:
            return path, value
        return None
    for where, entry in items:
        found = find_unfit(entry, where, depth + 1)
        if found is not None:
            return found
    return None


def refuse_value(value: Any, error: BaseException) -> NoReturn:
    """Raise the SerializationError that names the field and value that cannot travel."""
    found = find_unfit(value)
    name = type(value).__name__
    if found is None:
        raise SerializationError(f"{name} cannot travel: {error}") from error
    path, culprit = found
    shown = repr(culprit)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    raise SerializationError(
        f"{shown} of type {type(culprit).__name__} cannot travel", path=f"{name}.{path}" if path else name
    ) from error


def refuse_payload(cls: Any, error: BaseException) -> NoReturn:
    """Raise the SerializationError that names the field that does not fit and what it wanted."""
    name = getattr(cls, "__name__", str(cls))
    match = _AT.match(str(error))
    text, path = (match[1], match[2] or "") if match else (str(error), "")
    text = text.replace("`", "")
    text = text[:1].lower() + text[1:]
    raise SerializationError(text, path=f"{name}.{path}" if path else name) from error


def dataclass_to_wire(value: Any) -> dict[str, Any]:
    """The wire form of a dataclass instance.

    Raises:
        SerializationError: not a dataclass instance, or a field whose value cannot travel.
    """
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise SerializationError(f"wanted a dataclass instance, got {value!r}")
    try:
        wire = msgspec.to_builtins(value, builtin_types=BINARY, enc_hook=encode_hook, order="deterministic")
    except CODING_ERRORS as error:
        refuse_value(value, error)
    return dict(wire)


@lru_cache(maxsize=4096)
def field_names(cls: type) -> frozenset[str]:
    """The names of a dataclass's fields."""
    return frozenset(f.name for f in dataclasses.fields(cls))


def refuse_unknown(cls: type, payload: Mapping[Any, Any]) -> None:
    """Raise SerializationError when ``payload`` has names that are no fields of ``cls``."""
    unknown = sorted(str(key) for key in payload if key not in field_names(cls))
    if unknown:
        known = ", ".join(f.name for f in dataclasses.fields(cls)) or "none"
        raise SerializationError(f"unknown field {unknown[0]!r} (fields: {known})", path=cls.__name__)


def dataclass_from_wire(cls: type[T], payload: Mapping[str, Any]) -> T:
    """An instance of the dataclass ``cls``; missing fields take their defaults.

    Raises:
        SerializationError: a field is unknown, is missing and has no default, or has another type.
    """
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise SerializationError(f"wanted a dataclass, got {cls!r}")
    if not isinstance(payload, Mapping):
        raise SerializationError(f"wanted fields by name, got {type(payload).__name__}", path=cls.__name__)
    refuse_unknown(cls, payload)
    return convert(payload, cls)


def convert(value: Any, cls: Any, *, strict: bool = True) -> Any:
    """Plain values to a type, by annotation.

    Args:
        value: dicts, lists and scalars.
        cls: any type msgspec can describe, dataclasses and paths included.
        strict: False also reads numbers, booleans and None from text.
    """
    try:
        return msgspec.convert(value, cls, builtin_types=BINARY, dec_hook=decode_hook, strict=strict)
    except CODING_ERRORS as error:
        refuse_payload(cls, error)
    except NameError as error:
        raise SerializationError(f"an annotation cannot be resolved: {error}", path=str(cls)) from error


def schema(cls: type) -> dict[str, Any]:
    """The JSON schema of a dataclass."""

    def hook(unknown: type) -> dict[str, Any]:
        return {"type": "string" if issubclass(unknown, pathlib.PurePath) else "object"}

    return msgspec.json.schema(cls, schema_hook=hook)


class WireCodec:
    """The codec port of the core room, served from this module."""

    def to_wire(self, value: Any) -> dict[str, Any]:
        """See ``dataclass_to_wire``."""
        return dataclass_to_wire(value)

    def from_wire(self, cls: type[T], payload: Mapping[str, Any]) -> T:
        """See ``dataclass_from_wire``."""
        return dataclass_from_wire(cls, payload)

    def schema(self, cls: type) -> dict[str, Any]:
        """See ``schema``."""
        return schema(cls)
