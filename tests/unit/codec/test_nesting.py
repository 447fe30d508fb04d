"""The depth of msgpack values, against bytes made by hand."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paglets_nb.codec.nesting import depth


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x00", 0),
        (b"\x7f", 0),
        (b"\xff", 0),
        (b"\xc0", 0),
        (b"\xc3", 0),
        (b"\xa3abc", 0),
        (b"\xc4\x02ab", 0),
        (b"\xca\x00\x00\x00\x00", 0),
        (b"\x90", 0),
        (b"\x80", 0),
        (b"\x91\x01", 1),
        (b"\x92\x01\x02", 1),
        (b"\x91\x90", 1),
        (b"\x91\x91\x01", 2),
        (b"\x81\xa1a\x01", 1),
        (b"\x81\xa1a\x91\x01", 2),
        (b"\x82\xa1a\x91\x01\xa1b\x91\x91\x01", 3),
        (b"\x92\x91\x91\x01\x02", 3),
        (b"\xdc\x00\x01\x91\x01", 2),
        (b"\xdd\x00\x00\x00\x01\x91\x01", 2),
        (b"\xde\x00\x01\xa1a\x91\x01", 2),
        (b"\xdf\x00\x00\x00\x01\xa1a\x91\x01", 2),
    ],
)
def test_depth_by_hand(data: bytes, expected: int) -> None:
    """Each container of the specification counts one level, scalars none."""
    assert depth(data) == expected


@pytest.mark.parametrize(
    "item",
    [
        b"\xcc\x91", b"\xcd\x91\x91", b"\xce\x91\x91\x91\x91", b"\xcf" + b"\x91" * 8,
        b"\xd0\x91", b"\xd1\x91\x91", b"\xd2\x91\x91\x91\x91", b"\xd3" + b"\x91" * 8,
        b"\xca" + b"\x91" * 4, b"\xcb" + b"\x91" * 8,
        b"\xd9\x02\x91\x91", b"\xda\x00\x02\x91\x91", b"\xdb\x00\x00\x00\x02\x91\x91",
        b"\xc4\x02\x91\x91", b"\xc5\x00\x02\x91\x91", b"\xc6\x00\x00\x00\x02\x91\x91",
        b"\xd4\x01\x91", b"\xd5\x01\x91\x91", b"\xd6\x01" + b"\x91" * 4, b"\xd7\x01" + b"\x91" * 8,
        b"\xd8\x01" + b"\x91" * 16,
        b"\xc7\x02\x01\x91\x91", b"\xc8\x00\x02\x01\x91\x91", b"\xc9\x00\x00\x00\x02\x01\x91\x91",
        b"\xa2\x91\x91",
    ],
)  # fmt: skip
def test_the_inside_of_scalars_is_not_looked_at(item: bytes) -> None:
    """Every scalar is stepped over by its exact length, whatever its bytes look like."""
    assert depth(item) == 0
    assert depth(b"\x93" + item + item + b"\x91\x01") == 2


def test_very_deep_values_need_no_recursion() -> None:
    """A million levels are counted."""
    assert depth(b"\x91" * 1_000_000 + b"\x01") == 1_000_000


@pytest.mark.parametrize("data", [b"", b"\x91", b"\xdd\xff\xff\xff\xff", b"\xdc", b"\xc6\xff", b"\xdb"])
def test_torn_values_end(data: bytes) -> None:
    """A value that is cut off, or claims more than it holds, does not raise."""
    assert depth(data) in (0, 1)


@given(st.recursive(st.integers(-10, 300) | st.text(max_size=40), lambda inner: st.lists(inner, min_size=1)))
def test_agrees_with_a_recursive_count(value: object) -> None:
    """The count agrees with a plain recursive one."""

    def deep(item: object) -> int:
        return 1 + max(map(deep, item)) if isinstance(item, list) else 0

    assert depth(msgspec.msgpack.encode(value)) == deep(value)


@given(st.binary(max_size=100))
def test_any_bytes_end(data: bytes) -> None:
    """Whatever the bytes, the count ends."""
    assert depth(data) >= 0
