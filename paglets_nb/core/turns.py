"""The turn a handler holds, as the handler sees it.

A paglet handles one message at a time; the thread that does holds the paglet's turn.
Waits give it up and take it again. Owns the context variable that says which turn,
of which paglet, for which cell; the host room provides the turns.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Protocol

__all__ = ["Turn", "current_origin", "current_turn", "default_origin", "request_origin"]


class Turn(Protocol):
    """One message being handled by one paglet."""

    paglet: Any
    origin: str

    def give_up(self) -> bool:
        """Let the next message in; False when this turn holds nothing to give up."""
        ...

    def take_back(self, timeout: float | None = None) -> None:
        """Block until the turn is ours again."""
        ...


current_turn: ContextVar[Turn | None] = ContextVar("paglets_nb_turn", default=None)
"""The turn of the code that runs now; None outside handlers."""


class _Origin:
    """The notebook cell that messages of this process speak for."""

    __slots__ = ("cell",)

    def __init__(self) -> None:
        self.cell = ""


default_origin = _Origin()
"""Whom messages speak for outside handlers; a notebook sets it for each cell."""

request_origin: ContextVar[str] = ContextVar("paglets_nb_origin", default="")
"""The cell on whose behalf a host serves a request of its own."""


def current_origin() -> str:
    """The id of the notebook cell on whose behalf this code runs; empty when there is none."""
    turn = current_turn.get()
    if turn is not None:
        return turn.origin
    return request_origin.get() or default_origin.cell
