"""What a cancel raises in the thread that runs a paglet's code."""

from __future__ import annotations

__all__ = ["HandlerInterrupt"]


class HandlerInterrupt(KeyboardInterrupt):
    """Raised in the midst of a handler that did not stop when it was asked to.

    No ``Exception``, so that a loop that passes over its errors does not pass over this one.
    Whoever waits for the handler is told of a ``HandlerInterruptedError``.
    """

    def __str__(self) -> str:
        return "interrupted by a cancel"
