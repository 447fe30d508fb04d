"""The layout of a frame.

::

    header bytes u32 | payload bytes u32 | buffers u16 | type u8 | flags u8 | request u64
    header | payload | one u64 per buffer (its length; the top bit: writable) | the buffers

All little-endian. The header is at most 1 MiB, a whole frame at most 1 GiB.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from paglets_nb.core.records import Record
from paglets_nb.errors import FrameError

__all__ = [
    "ERROR",
    "MAX_FRAME",
    "MAX_HEADER",
    "MOVED",
    "QUEUED",
    "REPLY",
    "REQUEST",
    "TYPES",
    "Frame",
    "buffer_lengths",
    "check_bounds",
    "frame_head",
]

PREFIX = struct.Struct("<IIHBBQ")
MAX_HEADER = 1 << 20
MAX_FRAME = 1 << 30
MAX_BUFFERS = 4096
REQUEST, REPLY, ERROR, MOVED, QUEUED = 1, 2, 3, 4, 5
PIPELINED = 1
"""Flag of a request whose sender goes on without waiting for the reply."""
RESUMES = 2
"""Flag of a pipelined request: nothing that its sender sent to the same target is under way."""
TYPES = frozenset((REQUEST, REPLY, ERROR, MOVED, QUEUED))
_MUTABLE = 1 << 63


class Frame(Record, frozen=True, gc=False):
    """One frame as it was read.

    Attributes:
        type: REQUEST, REPLY, ERROR, MOVED, or QUEUED for a request that waits for a sleeper.
        request_id: which request of its connection it is, or answers.
    """

    type: int
    flags: int
    request_id: int
    header: bytes
    payload: bytes
    buffers: Sequence[Any]


def _writable(buffer: Any) -> bool:
    return type(buffer) is bytearray or (type(buffer) is memoryview and not buffer.readonly)


def frame_head(
    kind: int, flags: int, request_id: int, header: bytes, payload: bytes, buffers: Sequence[Any] = ()
) -> bytes:
    """Everything of a frame before its buffers.

    Raises:
        FrameError: past a bound.
    """
    if not buffers:
        if len(header) > MAX_HEADER or len(payload) > MAX_FRAME:
            raise FrameError(f"a message of {len(header)} + {len(payload)} bytes is past the bound of {MAX_FRAME}")
        return PREFIX.pack(len(header), len(payload), 0, kind, flags, request_id) + header + payload
    lengths = [memoryview(buffer).nbytes for buffer in buffers]
    if len(buffers) > MAX_BUFFERS or len(header) > MAX_HEADER or len(payload) + sum(lengths) > MAX_FRAME:
        raise FrameError(
            f"a message of {len(payload) + sum(lengths)} bytes in {len(buffers)} buffers is past the bound "
            f"of {MAX_FRAME} in {MAX_BUFFERS}"
        )
    table = struct.pack(
        f"<{len(buffers)}Q",
        *(n | _MUTABLE if _writable(b) else n for n, b in zip(lengths, buffers, strict=True)),
    )
    prefix = PREFIX.pack(len(header), len(payload), len(buffers), kind, flags, request_id)
    return b"".join((prefix, header, payload, table))


def check_bounds(header_len: int, payload_len: int, buffers: int, kind: int) -> None:
    """Refuse a prefix past the bounds or of no known type."""
    if header_len > MAX_HEADER or payload_len > MAX_FRAME or buffers > MAX_BUFFERS or kind not in TYPES:
        raise FrameError(f"not a frame: type {kind}, {header_len} + {payload_len} bytes, {buffers} buffers")


def buffer_lengths(table: bytes, payload_len: int) -> list[tuple[int, bool]]:
    """Length, and whether it is writable, of each buffer; FrameError when they sum past the bound."""
    raw = struct.unpack(f"<{len(table) // 8}Q", table)
    lengths = [(entry & ~_MUTABLE, bool(entry & _MUTABLE)) for entry in raw]
    if payload_len + sum(length for length, _ in lengths) > MAX_FRAME:
        raise FrameError(f"buffers past the bound of {MAX_FRAME} bytes")
    return lengths
