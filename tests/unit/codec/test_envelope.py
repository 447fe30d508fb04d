"""Envelopes on requests."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paglets_nb.codec.envelope import ONEWAY, TYPED, Envelope, decode_envelope, encode_envelope
from paglets_nb.errors import FrameError


def test_round_trip() -> None:
    """Every field of an envelope comes back."""
    full = Envelope("t", "add", "m1", 12.5, 9, ONEWAY | TYPED, "cell", ("unix:///a", "x"), ("unix:///b", "y"))
    assert decode_envelope(encode_envelope(full)) == full
    assert decode_envelope(encode_envelope(Envelope("t", "add"))) == Envelope("t", "add")


@pytest.mark.parametrize(
    "header",
    [b"", b"\xc0", b"\x90", b"\x91\xa1t", msgspec.msgpack.encode([1, 2]), msgspec.msgpack.encode({"target": "t"})],
)
def test_what_is_no_envelope_is_a_frame_error(header: bytes) -> None:
    """A header that is no envelope is a FrameError."""
    with pytest.raises(FrameError, match="not an envelope"):
        decode_envelope(header)


@given(st.binary(max_size=60))
def test_random_headers_never_raise_anything_else(header: bytes) -> None:
    """Whatever the header, the answer is an envelope or a FrameError."""
    try:
        decode_envelope(header)
    except FrameError:
        pass
