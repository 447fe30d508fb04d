"""The seconds that a magic's line has, as its ``--timeout`` says, shared by all that its verb does."""

from __future__ import annotations

import time

__all__ = ["Deadline"]

_LEAST = 0.1
"""Seconds that a step has at least, and to which what is left is rounded."""


class Deadline:
    """What is left of a line's time.

    Args:
        seconds: its ``--timeout``; None for a line without.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + (seconds or 0.0)

    def left(self) -> float | None:
        """The seconds left; None for a line without a time-out."""
        if self._seconds is None:
            return None
        return min(self._seconds, max(_LEAST, round(self._end - time.monotonic(), 1)))

    def patience(self, most: float) -> float:
        """The seconds that a step may take which has ``most`` of its own."""
        left = self.left()
        return most if left is None else min(most, left)
