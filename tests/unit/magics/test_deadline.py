from __future__ import annotations

import pytest

from paglets_nb.magics import deadline
from paglets_nb.magics.deadline import Deadline


def test_a_line_without_a_time_out() -> None:
    """Each step has its own time."""
    assert Deadline().left() is None
    assert Deadline().patience(10.0) == 10.0


def test_what_is_left_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step has what those before it left, in tenths of a second, and never nothing."""
    now = 100.0
    monkeypatch.setattr(deadline, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now)}))
    line, short = Deadline(3.0), Deadline(0.02)
    assert (line.left(), short.left()) == (3.0, 0.02)
    now += 0.01
    assert (line.left(), short.left()) == (3.0, 0.02)
    now += 1.99
    assert (line.left(), line.patience(10.0), line.patience(0.5)) == (1.0, 1.0, 0.5)
    now += 60.0
    assert line.left() == 0.1
