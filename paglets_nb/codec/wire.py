"""Dataclasses to plain wire values and back, with errors that name the field.

Wire values are dicts, lists, str, int, float, bool, None, bytes and numpy arrays. Sets
become sorted lists, enums their values, paths text, proxies ``{host_url, agent_id}``.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import sys
import threading
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

import msgspec

from paglets_nb.errors import SerializationError

__all__ = ["WireCodec", "dataclass_from_wire", "dataclass_to_wire", "field_names", "schema", "state_from_wire"]

T = TypeVar("T")
BINARY = (bytes, bytearray, memoryview)
CODING_ERRORS = (msgspec.MsgspecError, RecursionError, UnicodeError, OverflowError, NotImplementedError, TypeError)
LONGEST_PATH = 120
"""Characters of a field's place in an error."""
_AT = re.compile(r"(?s)^(.*?)(?: - at (?:key in )?`\$?\.?(.*)`)?$")
_describing = threading.RLock()
_known: set[Any] = set()
MAX_KNOWN = 4096
"""Types that are remembered as known to msgspec."""
_SCALARS = (str, int, float, bool, type(None), *BINARY)


def is_array(value: Any) -> bool:
    """Whether the value is a numpy array of plain elements, which travels as a raw buffer."""
    ndarray = getattr(sys.modules.get("numpy"), "ndarray", None)
    if ndarray is None or not isinstance(value, ndarray) or not value.ndim:
        return False
    return not value.dtype.hasobject and value.dtype.names is None


def passed_through() -> tuple[type, ...]:
    """The types that stay as they are in wire values."""
    ndarray = getattr(sys.modules.get("numpy"), "ndarray", None)
    return BINARY if ndarray is None else (*BINARY, ndarray)


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
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeError:
            return path, value
    if isinstance(value, _SCALARS) or is_array(value):
        return None
    items: Any
    if isinstance(value, msgspec.Struct):
        items = [(f"{path}.{name}".lstrip("."), getattr(value, name)) for name in value.__struct_fields__]
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
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
    if isinstance(value, set | frozenset):
        try:
            sorted(value)
        except TypeError:
            return path, value
    for where, entry in items:
        found = find_unfit(entry, where, depth + 1)
        if found is not None:
            return found
    return None


def shown(value: Any, limit: int = 80) -> str:
    """``repr(value)`` in at most ``limit`` characters, whatever the value's own repr does."""
    try:
        text = repr(value)
    except Exception as error:  # user code: it may raise anything
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _instead(value: Any) -> str:
    """What could travel in place of a value of some well-known types."""
    if isinstance(value, int):
        return "; whole numbers have at most 64 bits: give it as text or as a float"
    if type(value).__module__.partition(".")[0] in ("pandas", "polars"):
        ways = {"DataFrame": "to_dict()", "Series": "to_numpy()"}
        way = ways.get(type(value).__name__)
        return f"; give it by {way}, and make it anew from that" if way else ""
    return ""


def refuse_value(value: Any, error: BaseException) -> NoReturn:
    """Raise the SerializationError that names the field and value that cannot travel."""
    found = find_unfit(value)
    name = type(value).__name__
    if found is None:
        raise SerializationError(f"{name} cannot travel: {error}") from error
    path, culprit = found
    if len(path) > LONGEST_PATH:
        path = f"{path[: LONGEST_PATH // 2]}...{path[-LONGEST_PATH // 4 :]}"
    raise SerializationError(
        f"{shown(culprit)} of type {type(culprit).__name__} cannot travel{_instead(culprit)}",
        path=f"{name}.{path}" if path else name,
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
    if not hasattr(type(value), "__dataclass_fields__"):
        raise SerializationError(f"wanted a dataclass instance, got {value!r}")
    try:
        wire: dict[str, Any] = msgspec.to_builtins(
            value, builtin_types=passed_through(), enc_hook=encode_hook, order="deterministic"
        )
    except CODING_ERRORS as error:
        refuse_value(value, error)
    return wire


@lru_cache(maxsize=4096)
def field_names(cls: type) -> frozenset[str]:
    """The names of a dataclass's fields."""
    return frozenset(f.name for f in dataclasses.fields(cls))


def refuse_unknown(cls: type, payload: Mapping[Any, Any]) -> None:
    """Raise SerializationError when ``payload`` has names that are no fields of ``cls``."""
    if not field_names(cls).issuperset(payload):
        unknown = sorted(str(key) for key in payload if key not in field_names(cls))
        known = ", ".join(f.name for f in dataclasses.fields(cls)) or "none"
        raise SerializationError(f"unknown field {unknown[0]!r} (fields: {known})", path=cls.__name__)


def dataclass_from_wire(cls: type[T], payload: Mapping[str, Any]) -> T:
    """An instance of the dataclass ``cls``; missing fields take their defaults.

    Raises:
        SerializationError: a field is unknown, is missing and has no default, or has another type.
    """
    if not (isinstance(cls, type) and hasattr(cls, "__dataclass_fields__")):
        raise SerializationError(f"wanted a dataclass, got {cls!r}")
    if type(payload) is not dict and not isinstance(payload, Mapping):
        raise SerializationError(f"wanted fields by name, got {type(payload).__name__}", path=cls.__name__)
    refuse_unknown(cls, payload)
    result: T = convert(payload, cls)
    return result


def state_from_wire(cls: type[T], payload: Mapping[str, Any]) -> T:
    """``dataclass_from_wire`` for what lives on: fields that were left out are set to their defaults.

    They would otherwise be left to the class, be missing from the wire form, and change with
    the defaults of its next version.
    """
    if type(payload) is dict and payload.keys() == field_names(cls):  # type: ignore[arg-type]
        whole: T = convert(payload, cls)
        return whole
    state = dataclass_from_wire(cls, payload)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.name not in payload and hasattr(state, field.name):
            setattr(state, field.name, getattr(state, field.name))
    return state


@lru_cache(maxsize=4096)
def describe(cls: Any) -> None:
    """Have msgspec learn a type, one thread at a time.

    It publishes what it knows of a dataclass before that is whole, while Python code runs for the
    dataclasses in it: another thread that decodes meanwhile reads through a null pointer (0.22).
    """
    if cls in _known:
        return
    with _describing:
        msgspec.msgpack.Decoder(cls, dec_hook=decode_hook)
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known.add(cls)


def convert(value: Any, cls: Any, *, strict: bool = True) -> Any:
    """Plain values to a type, by annotation.

    Args:
        value: dicts, lists and scalars.
        cls: any type msgspec can describe, dataclasses and paths included.
        strict: False also reads numbers, booleans and None from text.
    """
    try:
        describe(cls)
        return msgspec.convert(value, cls, builtin_types=BINARY, dec_hook=decode_hook, strict=strict)
    except CODING_ERRORS as error:
        refuse_payload(cls, error)
    except NameError as error:
        raise SerializationError(f"an annotation cannot be resolved: {error}", path=str(cls)) from error


def _described(cls: type) -> type:
    """``cls``, or a twin whose defaults that are paths are text, as a schema has to have them."""
    fields = dataclasses.fields(cls)
    if not any(isinstance(f.default, pathlib.PurePath) for f in fields):
        return cls
    hints = typing.get_type_hints(cls, include_extras=True)
    twins: list[Any] = []
    for f in fields:
        default: Any = str(f.default) if isinstance(f.default, pathlib.PurePath) else f.default
        factory: Any = f.default_factory
        twin: Any = dataclasses.field(default=default, default_factory=factory, kw_only=f.kw_only)
        twins.append((f.name, hints[f.name], twin))
    return dataclasses.make_dataclass(cls.__name__, twins, namespace={"__doc__": cls.__doc__})


def schema(cls: type) -> dict[str, Any]:
    """The JSON schema of a dataclass."""

    def hook(unknown: type) -> dict[str, Any]:
        return {"type": "string" if issubclass(unknown, pathlib.PurePath) else "object"}

    return msgspec.json.schema(_described(cls), schema_hook=hook)


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
