"""The layout and the bounds of frames."""

from __future__ import annotations

import struct

import pytest

from paglets_nb.errors import FrameError
from paglets_nb.transport import frames
from paglets_nb.transport.frames import (
    ERROR,
    MAX_FRAME,
    MAX_HEADER,
    MOVED,
    PREFIX,
    REPLY,
    REQUEST,
    buffer_lengths,
    check_bounds,
    frame_head,
)


def test_the_layout_is_the_documented_one() -> None:
    """A frame's head is prefix, header, payload and the table of its buffers, little-endian."""
    head = frame_head(REQUEST, 1, 7, b"he", b"pay", [b"12345", bytearray(b"123")])
    prefix = struct.Struct("<IIHBBQ")
    assert prefix.unpack_from(head) == (2, 3, 2, REQUEST, 1, 7)
    assert head[prefix.size :] == b"hepay" + struct.pack("<QQ", 5, 3 | 1 << 63)
    assert frame_head(REPLY, 0, 9, b"", b"x") == prefix.pack(0, 1, 0, REPLY, 0, 9) + b"x"


def test_writable_buffers_are_marked() -> None:
    """What was writable is received as writable memory: bytearrays and views of them, not bytes."""
    buffers = [b"a", bytearray(b"b"), memoryview(b"c"), memoryview(bytearray(b"d"))]
    head = frame_head(REQUEST, 0, 1, b"", b"", buffers)
    assert [mutable for _length, mutable in buffer_lengths(head[PREFIX.size :], 0)] == [False, True, False, True]


def test_buffers_are_measured_in_bytes() -> None:
    """A view of doubles counts its bytes, not its items."""
    view = memoryview(bytes(80)).cast("d")
    assert buffer_lengths(frame_head(REQUEST, 0, 1, b"", b"", [view])[PREFIX.size :], 0) == [(80, False)]


def test_a_message_past_a_bound_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header, payload, sum of buffers or number of buffers past its bound is refused by the sender."""
    with pytest.raises(FrameError, match="past the bound"):
        frame_head(REQUEST, 0, 1, b"x" * (MAX_HEADER + 1), b"")
    monkeypatch.setattr(frames, "MAX_FRAME", 1000)
    with pytest.raises(FrameError, match="past the bound of 1000"):
        frame_head(REQUEST, 0, 1, b"", b"x" * 1001)
    with pytest.raises(FrameError, match="past the bound of 1000"):
        frame_head(REQUEST, 0, 1, b"", b"x" * 500, [b"x" * 300, b"x" * 300])
    with pytest.raises(FrameError, match="4097 buffers"):
        frame_head(REQUEST, 0, 1, b"", b"", [b""] * 4097)
    assert frame_head(REQUEST, 0, 1, b"", b"x" * 500, [b"x" * 500])


@pytest.mark.parametrize("kind", [REQUEST, REPLY, ERROR, MOVED])
def test_a_prefix_at_the_bounds_is_accepted(kind: int) -> None:
    """The bounds themselves are allowed."""
    check_bounds(MAX_HEADER, MAX_FRAME, 4096, kind)


@pytest.mark.parametrize(
    "prefix",
    [
        (MAX_HEADER + 1, 0, 0, REQUEST),
        (0, MAX_FRAME + 1, 0, REQUEST),
        (0, 0, 4097, REQUEST),
        (0, 0, 0, 0),
        (0, 0, 0, 6),
        (0, 0, 0, 255),
    ],
)
def test_a_prefix_past_a_bound_is_refused(prefix: tuple[int, int, int, int]) -> None:
    """The receiver refuses sizes past the bounds and unknown types before it reads any further."""
    with pytest.raises(FrameError, match="not a frame"):
        check_bounds(*prefix)


def test_buffers_that_sum_past_the_bound_are_refused() -> None:
    """Buffers are refused by their sum, before memory is taken for any of them."""
    table = struct.pack("<QQ", MAX_FRAME // 2, MAX_FRAME // 2)
    assert len(buffer_lengths(table, 0)) == 2
    with pytest.raises(FrameError, match="buffers past the bound"):
        buffer_lengths(table, 1)
    with pytest.raises(FrameError, match="buffers past the bound"):
        buffer_lengths(struct.pack("<Q", (1 << 63) - 1), 0)
