"""What every contender does: add a small number to a counter and say the total."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
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


@dataclass(frozen=True)
class Hang:
    """A request that is never answered; a file says that it has been taken."""

    file: str = ""


ADD = ServiceOperation("add", Add, Total)
HANG = ServiceOperation("hang", Hang, Total)


class Counter(OperationPaglet[Tally]):
    """The paglet that is called."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """What it can be asked."""
        return {ADD: self.add, HANG: self.hang}

    def add(self, request: Add) -> Total:
        """Add and say the total."""
        self.state.total += request.by
        self.state.calls += 1
        return Total(self.state.total, self.state.calls)

    def hang(self, request: Hang) -> Total:
        """Say that the request is here, and do not answer for long."""
        Path(request.file).touch()
        time.sleep(60.0)
        return self.add(Add())


class PlainCounter:
    """The same without types, for peers."""

    def __init__(self) -> None:
        self.total = self.calls = 0

    def add(self, by: int, note: str) -> tuple[int, int]:
        """Add and say the total and the number of calls."""
        self.total += by
        self.calls += 1
        return self.total, self.calls
