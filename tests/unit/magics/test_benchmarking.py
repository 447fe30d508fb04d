from __future__ import annotations

import argparse

import pytest

from paglets_nb.magics.benchmarking import size_in_bytes


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("0", 0), ("4096", 4096), ("64k", 65536), ("64KiB", 65536), ("1M", 1 << 20), ("2mb", 2 << 20), ("1g", 1 << 30)],
)
def test_sizes_are_read(text: str, size_bytes: int) -> None:
    """Units are powers of two."""
    assert size_in_bytes(text) == size_bytes


@pytest.mark.parametrize("text", ["", "many", "-1", "1.5M", "1T"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """With an example of what is wanted."""
    with pytest.raises(argparse.ArgumentTypeError, match="wants a number of bytes, e.g. 4096, 64k or 1M"):
        size_in_bytes(text)
