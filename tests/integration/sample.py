"""Paglets used by several stories."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from paglets_nb import OperationPaglet, PagletState, ServiceOperation


@dataclass
class CounterState(PagletState):
    """A count and who added to it."""

    count: int = 0
    log: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Add:
    """How much to add."""

    amount: int = 1


@dataclass(frozen=True)
class Total:
    """The count, and the process it lives in."""

    count: int = 0
    pid: int = 0


@dataclass(frozen=True)
class Pause:
    """Seconds to be busy."""

    seconds: float = 0.1


ADD = ServiceOperation("add", Add, Total)
BLOCK = ServiceOperation("block", Pause, Total)
COLLECT = ServiceOperation("collect", Add, Total)
DIVIDE = ServiceOperation("divide", Add, Total)
ASLEEP = ServiceOperation("asleep", Pause, Total)


class Counter(OperationPaglet[CounterState]):
    """Counts, blocks, waits and fails on request."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """add, block, collect, divide."""
        return {
            ADD: self.add,
            BLOCK: self.block,
            COLLECT: self.collect,
            DIVIDE: self.divide,
            ASLEEP: self.asleep,
        }

    def _total(self) -> Total:
        return Total(self.state.count, os.getpid())

    def add(self, request: Add) -> Total:
        """Add and wake whoever collects."""
        with self.locked():
            self.state.count += request.amount
            self.notify_all_state_changed()
        return self._total()

    def block(self, request: Pause) -> Total:
        """Hold the turn."""
        time.sleep(request.seconds)
        return self._total()

    async def asleep(self, request: Pause) -> Total:
        """Hold the turn without a thread of its own."""
        import anyio

        await anyio.sleep(request.seconds)
        return self._total()

    def collect(self, request: Add) -> Total:
        """Wait until the count has reached ``amount``."""
        if not self.wait_state(lambda: self.state.count >= request.amount, 10.0):
            raise TimeoutError(f"only {self.state.count} of {request.amount} came")
        return self._total()

    def divide(self, request: Add) -> Total:
        """Divide the count."""
        return Total(self.state.count // request.amount)
