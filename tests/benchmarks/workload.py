"""What every contender does: add a small number to a counter and say the total."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from paglets_nb import OperationPaglet, PagletState, ServiceOperation

NOTE = "sixteen letters."


@dataclass
class Tally(PagletState):
    """What the counter has counted."""

    total: int = 0
    calls: int = 0


@dataclass(frozen=True)
class Add:
    """A small request."""

    by: int = 1
    note: str = ""


@dataclass(frozen=True)
class Total:
    """A small reply."""

    total: int = 0
    calls: int = 0


ADD = ServiceOperation("add", Add, Total)


class Counter(OperationPaglet[Tally]):
    """The paglet that is called."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """Its one operation."""
        return {ADD: self.add}

    def add(self, request: Add) -> Total:
        """Add and say the total."""
        self.state.total += request.by
        self.state.calls += 1
        return Total(self.state.total, self.state.calls)


class PlainCounter:
    """The same without types, for peers."""

    def __init__(self) -> None:
        self.total = self.calls = 0

    def add(self, by: int, note: str) -> tuple[int, int]:
        """Add and say the total and the number of calls."""
        self.total += by
        self.calls += 1
        return self.total, self.calls
