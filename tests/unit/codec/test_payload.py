"""Payloads: msgpack with large buffers out of band."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paglets_nb.codec.payload import MAX_DEPTH, OUT_OF_BAND, WireBody, decode, encode, may_hold_buffers
from paglets_nb.core.records import Record
from paglets_nb.errors import SerializationError

LARGE = bytes(range(256)) * (OUT_OF_BAND // 256)


@dataclass
class Plain:
    name: str = ""
    sizes: list[int] = field(default_factory=list)


@dataclass
class Blob:
    name: str = ""
    data: bytes = b""
    more: list[bytes] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)


class Noted(Record):
    name: str
    anything: Any = None


@dataclass
class Kinds:
    mutable: bytearray = field(default_factory=bytearray)
    view: memoryview = field(default_factory=lambda: memoryview(b""))
    anything: Any = None


@dataclass
class Nested:
    inner: Plain | None = None
    blobs: dict[str, Blob] = field(default_factory=dict)


@dataclass
class Ring:
    ring: Ring | None = None


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=10)
    | st.binary(max_size=20)
    | st.sampled_from([LARGE, LARGE + b"x", bytearray(LARGE)]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60)
@given(values)
def test_round_trip(value: Any) -> None:
    """Any plain value comes back equal, its large buffers beside the msgpack."""
    payload, buffers = encode(value)
    assert decode(payload, buffers) == value
    assert len(payload) < OUT_OF_BAND or not buffers


def test_small_bytes_stay_in_the_payload() -> None:
    """Bytes below the bound are part of the msgpack."""
    payload, buffers = encode({"data": LARGE[:-1]})
    assert not buffers
    assert decode(payload, buffers) == {"data": LARGE[:-1]}


def test_large_bytes_travel_beside_without_a_copy() -> None:
    """Bytes from the bound on are handed over as the very object, not a copy."""
    payload, buffers = encode({"data": LARGE, "n": 1})
    assert len(payload) < 50
    assert buffers[0] is LARGE
    assert decode(payload, buffers) == {"data": LARGE, "n": 1}


def test_buffers_of_a_dataclass_come_back_typed() -> None:
    """Large bytes in fields and lists of a dataclass come back in their places, other fields typed."""
    blob = Blob("a", LARGE, [LARGE + b"1", b"small", LARGE + b"2"], {"y", "x"})
    payload, buffers = encode(blob)
    assert len(buffers) == 3
    back = decode(payload, buffers, Blob)
    assert back == blob
    assert type(back.tags) is set


def test_bytearray_and_memoryview() -> None:
    """A bytearray stays mutable, a memoryview comes back as a view of the same bytes."""
    mutable = bytearray(LARGE)
    payload, buffers = encode(Kinds(mutable, memoryview(LARGE)))
    assert buffers[0] is mutable
    back = decode(payload, [bytearray(buffers[0]), bytes(buffers[1])], Kinds)
    assert isinstance(back.mutable, bytearray)
    back.mutable[0] = 255
    assert isinstance(back.view, memoryview)
    assert bytes(back.view) == LARGE


def test_small_bytearray_and_memoryview_in_band() -> None:
    """Small ones travel in the msgpack and come back as the annotated types."""
    payload, buffers = encode(Kinds(bytearray(b"ab"), memoryview(b"cd")))
    assert not buffers
    back = decode(payload, buffers, Kinds)
    assert (back.mutable, bytes(back.view)) == (bytearray(b"ab"), b"cd")


def test_a_strided_memoryview_is_refused() -> None:
    """A view that is not contiguous has no bytes to send; the error names it."""
    with pytest.raises(SerializationError):
        encode({"view": memoryview(LARGE * 2)[::2]})


def test_a_typed_memoryview_travels_as_bytes() -> None:
    """A view of doubles travels by its bytes, counted in bytes."""
    view = memoryview(bytearray(LARGE)).cast("d")
    payload, buffers = encode([view])
    assert memoryview(buffers[0]).nbytes == len(LARGE)
    assert bytes(decode(payload, buffers)[0]) == LARGE


@pytest.mark.parametrize("dtype", ["<i8", "<f4", "|u1", ">i2", "<c16", "|b1", "<M8[s]", "<U3"])
def test_numpy_arrays_travel_raw(dtype: str) -> None:
    """An array of any plain type comes back equal, with dtype and shape, as one buffer."""
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(24).astype(dtype).reshape(2, 3, 4)
    payload, buffers = encode({"a": array})
    assert len(buffers) == 1
    back = decode(payload, [bytes(buffer) for buffer in buffers])["a"]
    assert back.dtype == array.dtype
    assert back.shape == (2, 3, 4)
    assert (back == array).all()


def test_numpy_corner_cases() -> None:
    """Empty, transposed, strided arrays and scalars travel; an array of objects does not."""
    numpy = pytest.importorskip("numpy")
    base = numpy.arange(12.0).reshape(3, 4)
    for array in (numpy.empty((0, 3)), base.T, base[:, ::2], numpy.asfortranarray(base)):
        payload, buffers = encode([array])
        back = decode(payload, [bytes(buffer) for buffer in buffers])[0]
        assert back.shape == array.shape
        assert (back == array).all()
    assert decode(*encode([numpy.float64(1.5), numpy.int32(3), numpy.bool_(True), numpy.array(7)])) == [1.5, 3, True, 7]


@pytest.mark.parametrize("dtype", ["O", [("x", "i4"), ("y", "f8")]])
def test_arrays_that_are_no_plain_memory_are_refused(dtype: Any) -> None:
    """Arrays of objects and of records are named, not sent half; arrays beside them are not blamed."""
    numpy = pytest.importorskip("numpy")
    with pytest.raises(SerializationError, match=r"\['bad'\]: .* of type ndarray cannot travel"):
        encode({"good": numpy.zeros(3), "bad": numpy.zeros(3, dtype=dtype)})


def test_a_contiguous_array_is_not_copied() -> None:
    """The buffer of a contiguous array is its own memory."""
    numpy = pytest.importorskip("numpy")
    array = numpy.zeros(100)
    _payload, buffers = encode(array)
    array[3] = 7.0
    assert numpy.frombuffer(buffers[0])[3] == 7.0


def test_an_array_field_of_a_dataclass() -> None:
    """A dataclass with an array field comes back with the array."""
    numpy = pytest.importorskip("numpy")
    cls: Any = dataclass(type("Holder", (), {"__annotations__": {"a": numpy.ndarray, "n": int}}))
    payload, buffers = encode(cls(numpy.arange(5), 3))
    back = decode(payload, [bytes(buffer) for buffer in buffers], cls)
    assert back.n == 3
    assert back.a.tolist() == [0, 1, 2, 3, 4]


def test_an_array_in_a_state_has_a_wire_form() -> None:
    """Arrays pass through the wire form of a dataclass, so that states and replies may hold them."""
    numpy = pytest.importorskip("numpy")
    from paglets_nb.codec.wire import dataclass_from_wire, dataclass_to_wire

    cls: Any = dataclass(type("Holder", (), {"__annotations__": {"a": numpy.ndarray, "n": int}}))
    wire = dataclass_to_wire(cls(numpy.arange(5), 3))
    payload, buffers = encode(wire)
    back = dataclass_from_wire(cls, decode(payload, [bytes(buffer) for buffer in buffers]))
    assert back.a.tolist() == [0, 1, 2, 3, 4]


def test_which_types_may_hold_buffers() -> None:
    """Only types that may hold bytes or unknown values take the slower path."""
    assert not may_hold_buffers(Plain)
    assert not may_hold_buffers(Ring)
    assert may_hold_buffers(Blob)
    assert may_hold_buffers(Kinds)
    assert may_hold_buffers(Nested)


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**100])
def test_ints_past_64_bits_are_refused_by_name(number: int) -> None:
    """An int that msgpack cannot hold is an error that names field and value."""
    with pytest.raises(SerializationError, match=rf"^Plain\.sizes\[1\]: {str(number)[:60]}") as caught:
        encode(Plain("a", [1, number]))
    assert caught.value.path == "Plain.sizes[1]"


def test_what_cannot_travel_is_named() -> None:
    """A value that cannot travel is named in a dataclass and in a dict."""
    with pytest.raises(SerializationError, match=r"^Kinds\.anything\['k'\]: .*of type object cannot travel"):
        encode(Kinds(anything={"k": object()}))
    with pytest.raises(SerializationError, match=r"^dict\.\['k'\]|^dict\['k'\]"):
        encode({"k": object()})


def test_a_record_travels_as_a_dataclass_does() -> None:
    """A record's large buffers leave the msgpack, and what cannot travel in it is named."""
    payload, buffers = encode(Noted("a", {"data": LARGE}))
    assert len(payload) < len(LARGE)
    assert decode(payload, buffers, Noted) == Noted("a", {"data": LARGE})
    assert not encode(Noted("a", {"data": LARGE[:16]}))[1]
    with pytest.raises(SerializationError, match=r"^Noted\.anything\['k'\]\[1\]: 18446744073709551616 of type int"):
        encode(Noted("a", {"k": [1, 2**64]}))


def test_text_that_is_no_unicode_is_named() -> None:
    """A str with lone surrogates has no UTF-8; the error names its field."""
    with pytest.raises(SerializationError, match=r"^Plain\.name: .*udcff"):
        encode(Plain("bad \udcff"))


def test_cycles_and_deep_nesting_are_refused() -> None:
    """A value that holds itself, or nests too deeply, is a SerializationError."""
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(SerializationError):
        encode(ring)
    knot = Ring()
    knot.ring = knot
    with pytest.raises(SerializationError):
        encode(knot)
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    with pytest.raises(SerializationError):
        encode({"deep": deep})
    while deep:
        deep = deep.pop()


def test_deep_payloads_are_refused() -> None:
    """Bytes that nest deeper than the decoder can follow are a SerializationError."""
    with pytest.raises(SerializationError):
        decode(b"\x91" * 200_000 + b"\x00", ())


@pytest.fixture
def raised_recursion_limit() -> Iterator[None]:
    """An interpreter in which recursion would run out of stack before it ran into its limit."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("raised_recursion_limit")
def test_deep_payloads_are_refused_where_recursion_is_not_bounded() -> None:
    """With a raised recursion limit the depth is bounded by counting, and the process lives."""
    with pytest.raises(SerializationError, match=f"deeper than {MAX_DEPTH}"):
        decode(b"\x91" * 500_000 + b"\x00", ())
    with pytest.raises(SerializationError, match=f"deeper than {MAX_DEPTH}"):
        decode(b"\x81\xa1a" * 500_000 + b"\x00", (), Ring)
    flat = encode([[1]] * 1000)[0]
    assert decode(flat, ()) == [[1]] * 1000


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\x93\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x01\x02",
        b"\xa2\xff\xfe",
        b"\xd4\x09\x00",
    ],
)
def test_garbage_is_a_serialization_error(payload: bytes) -> None:
    """Bytes that are no msgpack value are a typed error, whatever they claim to hold."""
    with pytest.raises(SerializationError):
        decode(payload, ())
    with pytest.raises(SerializationError):
        decode(payload, [b"x"], Plain)


@settings(max_examples=200)
@given(st.binary(max_size=60), st.lists(st.binary(max_size=8), max_size=2))
def test_random_bytes_never_raise_anything_else(payload: bytes, buffers: list[bytes]) -> None:
    """Whatever arrives, decoding gives a value or a SerializationError."""
    for cls in (Any, Plain, Blob):
        try:
            decode(payload, buffers, cls)
        except SerializationError:
            pass


@pytest.mark.parametrize(
    "extension",
    [
        msgspec.msgpack.Ext(1, msgspec.msgpack.encode(5)),
        msgspec.msgpack.Ext(1, b"\xc1"),
        msgspec.msgpack.Ext(1, b""),
        msgspec.msgpack.Ext(2, msgspec.msgpack.encode((0, "<i8", (1000,)))),
        msgspec.msgpack.Ext(2, msgspec.msgpack.encode((0, "nonsense", (1,)))),
        msgspec.msgpack.Ext(2, msgspec.msgpack.encode((0, "|O", (1,)))),
        msgspec.msgpack.Ext(2, msgspec.msgpack.encode((9, "<i8", (1,)))),
        msgspec.msgpack.Ext(7, b"abc"),
    ],
)
def test_broken_extensions_are_refused(extension: Any) -> None:
    """An extension that points nowhere, or describes no array, is a SerializationError."""
    pytest.importorskip("numpy")
    payload = msgspec.msgpack.encode({"data": extension})
    with pytest.raises(SerializationError):
        decode(payload, [b"12345678"])
    with pytest.raises(SerializationError):
        decode(payload, ())


def test_a_wrong_type_is_named_with_and_without_buffers() -> None:
    """A field of another type is named, also when buffers travel beside."""
    payload, buffers = encode({"name": 3, "data": LARGE})
    with pytest.raises(SerializationError, match=r"Blob\.name: expected str, got int"):
        decode(payload, buffers, Blob)
    payload, buffers = encode({"name": 3})
    with pytest.raises(SerializationError, match=r"Blob\.name: expected str, got int"):
        decode(payload, buffers, Blob)


class TestWireBody:
    def test_decodes_straight_into_a_type(self) -> None:
        """A body decodes into the wanted type, and into plain values."""
        body = WireBody(*encode(Plain("a", [1])))
        assert body.decode(Plain) == Plain("a", [1])
        assert body.to_value() == {"name": "a", "sizes": [1]}

    def test_refuses_unknown_fields_of_untyped_content(self) -> None:
        """Fields given by name are checked; those of a dataclass are known to be its own."""
        body = WireBody(*encode({"name": "a", "colour": 1}))
        with pytest.raises(SerializationError, match="Plain: unknown field 'colour'"):
            body.decode(Plain)

    def test_content_that_is_no_mapping(self) -> None:
        """A body that holds a list instead of fields is an error that says so."""
        with pytest.raises(SerializationError, match="expected object, got array"):
            WireBody(*encode([1])).decode(Plain)
