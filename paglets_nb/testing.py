"""What tests of paglets need: an in-process mesh, waiting for conditions, a sample paglet.

Hosts made here are real ones on real sockets, all in this process; no kernel is started.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from paglets_nb.core.state import PagletState
from paglets_nb.core.values import new_message_id
from paglets_nb.host.host import Host
from paglets_nb.patterns.operations import OperationPaglet
from paglets_nb.services.contracts import EmptyPayload, ServiceOperation

__all__ = [
    "ADD",
    "TOTAL",
    "AddRequest",
    "Counter",
    "CounterState",
    "TotalReply",
    "in_process_mesh",
    "wait_until",
]

T = TypeVar("T")
_POLL = 0.002


@contextmanager
def in_process_mesh(names: Sequence[str] = ("alpha", "beta"), **options: Any) -> Iterator[list[Host]]:
    """Started hosts of one fresh mesh, stopped at the end of the block.

    Args:
        names: of the hosts.
        **options: further arguments of each ``Host``.

    Yields:
        The hosts, in the order of their names.
    """
    mesh = f"test-{new_message_id()}"
    with ExitStack() as stack:
        yield [stack.enter_context(Host(name, mesh=mesh, **options)) for name in names]


def wait_until(condition: Callable[[], T], timeout: float = 5.0, what: str = "") -> T:
    """Wait until ``condition()`` is true and return what it returned.

    Args:
        condition: looked at every 2 ms; must not block.
        timeout: seconds.
        what: names the condition in the error.

    Raises:
        AssertionError: it did not come true in time.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or condition} did not come true within {timeout:g} s (last: {value!r})")
        time.sleep(_POLL)
    return value


@dataclass
class CounterState(PagletState):
    """A number."""

    total: int = 0


@dataclass(frozen=True)
class AddRequest:
    """How much to add."""

    amount: int = 1


@dataclass(frozen=True)
class TotalReply:
    """The number."""

    total: int = 0


ADD = ServiceOperation("add", AddRequest, TotalReply)
TOTAL = ServiceOperation("total", EmptyPayload, TotalReply)


class Counter(OperationPaglet[CounterState]):
    """A paglet that counts: operations ``ADD`` and ``TOTAL``."""

    Operations = (ADD, TOTAL)

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """``add`` and ``total``."""
        return {ADD: self.add, TOTAL: self.total}

    def add(self, request: AddRequest) -> TotalReply:
        """Add to the number."""
        with self.locked_state() as state:
            state.total += request.amount
            self.notify_all_state_changed()
            return TotalReply(state.total)

    def total(self, _request: EmptyPayload) -> TotalReply:
        """The number."""
        return TotalReply(self.state.total)
