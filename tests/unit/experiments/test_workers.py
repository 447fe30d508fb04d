from __future__ import annotations

import threading
import time

import pytest

from paglets_nb import Paglet, PagletState
from paglets_nb.core.messages import Message
from paglets_nb.errors import LifecycleError
from paglets_nb.experiments import workers
from paglets_nb.experiments.workers import CALL, FUNCTION, lease, worker_of
from paglets_nb.host.host import Host
from paglets_nb.testing import wait_until
from tests.unit.experiments.conftest import Adder, Tally


def double(n: int = 1) -> int:
    """A function."""
    return n * 2


async def later(n: int = 1) -> int:
    """A function that is awaited."""
    return n * 2


class Keeper(Paglet[PagletState]):
    """Wants to sleep for good, and is told what its creator handed over."""

    durability = "message"
    handed = ""

    def on_creation(self, event: object) -> None:
        """Remember what was handed over."""
        self.handed = getattr(event, "init", "")

    def handle_message(self, message: Message) -> object:
        """Say it, or try to leave."""
        if message.kind == "leave":
            self.dispatch_to("beta")
        if message.kind == "sleep":
            self.deactivate()
        return self.handed


def test_a_class_has_one_worker_which_is_never_durable() -> None:
    """The worker is a subclass with the class's own name and state; the same one each time."""
    worker = worker_of(Adder)
    assert worker is worker_of(Adder)
    assert issubclass(worker, Adder)
    assert (worker.__name__, worker.State) == ("Adder", Tally)
    assert worker_of(Keeper).durability == "memory"


@pytest.mark.parametrize("function", [double, later])
def test_calls_are_timed(hosts: list[Host], function: object) -> None:
    """The reply to a timed call is the handler's, with the seconds it ran; also of an ``async def``."""
    proxy = hosts[0].create(worker_of(function), init=lease(30.0))
    reply = proxy.send(CALL, {"kind": FUNCTION, "content": {"n": 4}})
    assert reply["reply"] == 8
    assert 0 <= reply["seconds"] < 10
    proxy.dispose()


def test_the_users_hook_is_handed_its_own_init(hosts: list[Host]) -> None:
    """And other messages are the class's, as ever."""
    proxy = hosts[0].create(worker_of(Keeper), init=lease(30.0, "mine"))
    assert proxy.send("what") == "mine"
    for kind, said in (("leave", "stays on its host"), ("sleep", "does not sleep")):
        with pytest.raises(LifecycleError, match=said):
            proxy.send(kind)
    proxy.dispose()


def test_a_worker_that_nobody_ends_ends_itself(hosts: list[Host], monkeypatch: pytest.MonkeyPatch) -> None:
    """Soon after its fan-out's deadline, also while a handler has the turn; and its timer ends with it."""
    monkeypatch.setattr(workers, "_MARGIN", 0.05)
    proxy = hosts[0].create(worker_of(double), init=lease(0.05))
    wait_until(lambda: not proxy.is_valid(), 5.0)
    before = set(threading.enumerate())
    early = hosts[0].create(worker_of(double), init=lease(60.0))
    (timer,) = (thread for thread in set(threading.enumerate()) - before if isinstance(thread, threading.Timer))
    early.dispose()
    timer.join(5.0)
    assert not timer.is_alive()


def test_one_that_is_made_too_late_is_refused(hosts: list[Host]) -> None:
    """A host that goes on after the deadline makes no stray."""
    late = {**lease(1.0), "until": time.time() - 1.0}
    with pytest.raises(LifecycleError, match="has ended"):
        hosts[0].create(worker_of(double), init=late)
    assert hosts[0].get_proxies() == []
