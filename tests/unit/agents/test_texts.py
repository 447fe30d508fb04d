from __future__ import annotations

import pytest

from paglets_nb.agents.texts import aligned, duration, rate


def test_columns_are_aligned() -> None:
    """Each column is as wide as its widest cell; nothing stands behind the last."""
    assert aligned(("a", "bb"), [("long", 1), ("x", "")]) == "a     bb\nlong  1\nx"


@pytest.mark.parametrize(
    ("per_second", "counted", "said"),
    [
        (12_300_000, "operations", "12.3 M operations/s"),
        (4200, "files", "4.2 k files/s"),
        (3, "syncs", "3.0 syncs/s"),
        (2.5e9, "operations", "2.5 G operations/s"),
        (1.5 * 2**30, "bytes", "1.5 GiB/s"),
    ],
)
def test_rates_read_well(per_second: float, counted: str, said: str) -> None:
    """Bytes by powers of two, everything else by thousands."""
    assert rate(per_second, counted) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(12.345, "12.35 s"), (0.00456, "4.56 ms"), (0.000789, "789 us"), (-0.002, "-2.00 ms")]
)
def test_times_read_well(seconds: float, said: str) -> None:
    """In the unit that suits them."""
    assert duration(seconds) == said
