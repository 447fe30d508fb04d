"""Payloads: msgpack with large buffers out of band.

A payload is one msgpack value and a list of buffers. Bytes, bytearrays, memoryviews of
at least ``OUT_OF_BAND`` bytes and all numpy arrays leave the msgpack and travel as they
are; an extension in their place says which buffer it is.
"""

from __future__ import annotations

import dataclasses
import operator
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

import msgspec

from paglets_nb.codec import wire
from paglets_nb.codec.nesting import depth
from paglets_nb.core.ports import Body
from paglets_nb.errors import SerializationError

__all__ = [
    "CODING_ERRORS",
    "MAX_DEPTH",
    "OUT_OF_BAND",
    "SHORT",
    "WireBody",
    "decode",
    "decoder",
    "encode",
    "encode_plain",
    "encode_whole",
    "plain_types",
]

T = TypeVar("T")
CODING_ERRORS = wire.CODING_ERRORS
OUT_OF_BAND = 32 * 1024
"""Bytes from which on a buffer leaves the msgpack."""
MAX_DEPTH = 512
"""Nesting accepted where the interpreter's own recursion limit does not bound it."""
SHORT = MAX_DEPTH
"""Bytes of a payload that cannot be nested too deep."""

_SAFE_RECURSION_LIMIT = 20_000
_BUFFER, _ARRAY = 1, 2
_PLAIN = frozenset((str, int, float, bool, type(None)))
_NO_BUFFERS: tuple[Any, ...] = ()
_encoder = msgspec.msgpack.Encoder(enc_hook=wire.encode_hook, order="deterministic")
_encode = encode_plain = _encoder.encode
"""Encodes a value of one of ``plain_types``; raises one of ``CODING_ERRORS``, which ``encode`` explains."""
plain_types: set[Any] = set(_PLAIN)
"""Types whose values are known to hold no buffers."""
KEPT = 4096
"""Types that are remembered."""
_Binary = (
    msgspec.inspect.AnyType
    | msgspec.inspect.BytesType
    | msgspec.inspect.ByteArrayType
    | msgspec.inspect.MemoryViewType
    | msgspec.inspect.CustomType
    | msgspec.inspect.RawType
    | msgspec.inspect.ExtType
)


def _binary_in(info: Any, seen: set[type]) -> bool:
    if isinstance(info, _Binary):
        return True
    cls = getattr(info, "cls", None)
    if cls is not None:
        if cls in seen:
            return False
        seen.add(cls)
    nested: list[Any] = [field.type for field in getattr(info, "fields", ())]
    for name in ("item_type", "key_type", "value_type"):
        if (inner := getattr(info, name, None)) is not None:
            nested.append(inner)
    nested.extend(getattr(info, "item_types", ()))
    nested.extend(getattr(info, "types", ()))
    return any(_binary_in(inner, seen) for inner in nested)


@lru_cache(maxsize=KEPT)
def may_hold_buffers(cls: type) -> bool:
    """Whether values of a dataclass or a record may hold bytes, arrays or values of any type."""
    try:
        return _binary_in(msgspec.inspect.type_info(cls), set())
    except (TypeError, NameError):
        return True


def _array_hook(buffers: list[Any], value: Any) -> Any:
    if wire.is_array(value):
        numpy = sys.modules["numpy"]
        whole = numpy.ascontiguousarray(value)
        header = _encoder.encode((len(buffers), whole.dtype.str, whole.shape))
        buffers.append(memoryview(whole.reshape(-1).view("u1")) if whole.size else b"")
        return msgspec.msgpack.Ext(_ARRAY, header)
    return wire.encode_hook(value)


def _is_small(value: Any) -> bool:
    """Whether it is made of plain values only, without large buffers, and can be encoded as it is."""
    cls = type(value)
    if cls in _PLAIN:
        return True
    if cls is dict:
        value = value.values()
    elif cls is not list and cls is not tuple:
        return cls in wire.BINARY and (value.nbytes if cls is memoryview else len(value)) < OUT_OF_BAND
    return _PLAIN.issuperset(map(type, value)) or all(map(_is_small, value))


@lru_cache(maxsize=KEPT)
def _buffer_values(cls: type) -> Callable[[Any], Any]:
    """What gives the values of those fields that may hold buffers, of which there is one at least."""
    try:
        fields: Any = getattr(msgspec.inspect.type_info(cls), "fields", ())
        names = [field.name for field in fields if _binary_in(field.type, set())]
    except (TypeError, NameError):
        names = [field.name for field in dataclasses.fields(cls)]
    return operator.attrgetter(*names)


def _take_out(value: Any, buffers: list[Any]) -> Any:
    """``value`` with its large buffers replaced by extensions."""
    cls = type(value)
    if cls is dict:
        return {key: _take_out(entry, buffers) for key, entry in value.items()}
    if cls is list or cls is tuple:
        return [_take_out(entry, buffers) for entry in value]
    if cls in wire.BINARY:
        size = value.nbytes if cls is memoryview else len(value)
        if size >= OUT_OF_BAND:
            buffers.append(value if cls is not memoryview else value.cast("B"))
            return msgspec.msgpack.Ext(_BUFFER, _encoder.encode(len(buffers) - 1))
    return value


def encode(value: Any) -> tuple[bytes, Sequence[Any]]:
    """A value as msgpack and the buffers that travel beside it.

    Raises:
        SerializationError: something in it cannot travel; names where and what.
    """
    cls: Any = type(value)
    try:
        if cls in plain_types:
            return _encode(value), _NO_BUFFERS
        if cls is dict:
            if _is_small(value):
                return _encode(value), _NO_BUFFERS
        elif hasattr(cls, "__struct_fields__") or hasattr(cls, "__dataclass_fields__"):
            if not may_hold_buffers(cls):
                if len(plain_types) >= KEPT:
                    plain_types.intersection_update(_PLAIN)
                plain_types.add(cls)
                return _encode(value), _NO_BUFFERS
            if _is_small(_buffer_values(cls)(value)):
                return _encode(value), _NO_BUFFERS
        buffers: list[Any] = []
        plain = msgspec.to_builtins(
            value,
            builtin_types=(*wire.BINARY, msgspec.msgpack.Ext),
            enc_hook=partial(_array_hook, buffers),
            order="deterministic",
        )
        return _encode(_take_out(plain, buffers)), buffers
    except wire.CODING_ERRORS as error:
        wire.refuse_value(value, error)


def encode_whole(value: Any) -> bytes:
    """A value as one msgpack, large buffers in it; for what is stored.

    Raises:
        SerializationError: something in it cannot travel; names where and what.
    """
    try:
        return _encode(value)
    except wire.CODING_ERRORS as error:
        wire.refuse_value(value, error)


@lru_cache(maxsize=KEPT)
def decoder(cls: Any) -> Callable[[bytes], Any]:
    """What decodes short payloads without buffers into ``cls``; raises one of ``CODING_ERRORS``."""
    wire.describe(cls)
    return msgspec.msgpack.Decoder(cls, dec_hook=wire.decode_hook, ext_hook=_refuse_ext).decode


def _refuse_ext(code: int, _data: memoryview) -> Any:
    raise SerializationError(f"an extension of type {code} without its buffer")


def _ext_hook(buffers: Sequence[Any], code: int, data: memoryview) -> Any:
    if code == _BUFFER:
        return buffers[msgspec.msgpack.decode(data, type=int)]
    if code == _ARRAY:
        try:
            import numpy
        except ImportError as error:
            raise SerializationError("a numpy array came, and numpy is not installed here") from error
        index, dtype, shape = msgspec.msgpack.decode(data, type=tuple[int, str, tuple[int, ...]])
        return numpy.frombuffer(buffers[index], dtype=numpy.dtype(dtype)).reshape(shape)
    raise SerializationError(f"unknown extension {code}")


def _depth_bounded(payload: bytes) -> None:
    """Refuse deep nesting where only a raised recursion limit would stop the decoder."""
    if sys.getrecursionlimit() > _SAFE_RECURSION_LIMIT and depth(payload) > MAX_DEPTH:
        raise SerializationError(f"nested deeper than {MAX_DEPTH}")


def decode(payload: bytes, buffers: Sequence[Any], cls: Any = Any) -> Any:
    """A value from its payload, straight into ``cls`` where it has no buffers.

    Raises:
        SerializationError: not msgpack, too deep, or not of the type; names the field.
    """
    if len(payload) > SHORT:
        _depth_bounded(payload)
    try:
        if not buffers:
            return decoder(cls)(payload)
        plain = msgspec.msgpack.decode(payload, ext_hook=partial(_ext_hook, buffers))
    except (*wire.CODING_ERRORS, IndexError, ValueError) as error:
        wire.refuse_payload(cls, error)
    return plain if cls is Any else wire.convert(plain, cls)


class WireBody(Body):
    """The content of a message as it arrived; decoded when somebody looks.

    Args:
        payload: msgpack.
        buffers: what travelled beside it.
        typed: encoded from a dataclass, so that unknown fields need not be looked for.
    """

    __slots__ = ("buffers", "payload", "typed")

    def __init__(self, payload: bytes, buffers: Sequence[Any] = (), typed: bool = False) -> None:
        self.payload = payload
        self.buffers = buffers
        self.typed = typed

    def decode(self, cls: type[T]) -> T:
        """Decode straight into ``cls``; an unknown field is an error."""
        if not self.typed:
            value = self.to_value()
            if isinstance(value, dict):
                wire.refuse_unknown(cls, value)
        result: T = decode(self.payload, self.buffers, cls)
        return result

    def to_value(self) -> Any:
        """Decode into plain values."""
        return decode(self.payload, self.buffers)
