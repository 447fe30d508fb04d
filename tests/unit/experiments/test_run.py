"""Runs that are disturbed: hosts that die, come back or hang, and deadlines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from paglets_nb import FanOut
from paglets_nb.core.events import CreationEvent
from paglets_nb.errors import CallTimeoutError, ExperimentError, HostDiedError, InvalidAgentError
from paglets_nb.experiments import run as run_module
from paglets_nb.host.host import Host
from paglets_nb.testing import wait_until
from tests.unit.experiments.conftest import ADD, ENTERED, Adder, Chore, LocalMesh, Tally
from tests.unit.host.crashes import Hosts


def in_thread(function: Callable[[], Any]) -> threading.Thread:
    """Call a function in a thread."""
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def nothing_left(hosts: list[Host]) -> bool:
    """Whether no paglet is on any host."""
    return not any(host.get_proxies() for host in hosts)


def test_the_deadline_ends_every_cell(mesh: LocalMesh, hosts: list[Host], gate: threading.Event) -> None:
    """What is under way then is unknown, what was never sent has failed, what has come stays."""
    grid = [{"by": 1}, {"by": 2, "gate": "gate"}, {"by": 3}]
    fan_out = FanOut(mesh, Adder, ADD, grid, hosts=["alpha"], timeout=1.0).run()
    assert not gate.is_set()
    assert [cell.state for cell in fan_out.cells] == ["ok", "unknown", "failed"]
    assert isinstance(fan_out.cells[1].exception, CallTimeoutError)
    assert "it is under way" in fan_out.cells[1].error
    assert "it was never sent" in fan_out.cells[2].error
    assert [cell.attempts for cell in fan_out.cells] == [1, 1, 0]
    gate.set()
    wait_until(lambda: nothing_left(hosts), 5.0, "the worker is ended once its handler has returned")


def test_a_host_that_dies_costs_the_cell_under_way(crashing: Hosts, fragile: LocalMesh, gate: threading.Event) -> None:
    """That cell is unknown; the others run on the host once it is back, with a new worker."""
    fan_out = FanOut(fragile, Adder, ADD, {"gate": ["gate", "", ""]}, hosts=["beta"], timeout=10.0)
    running = in_thread(fan_out.run)
    wait_until(lambda: ENTERED == ["beta"], 5.0)
    fragile.is_down("beta")
    stopping = in_thread(lambda: crashing.kill("beta"))
    wait_until(lambda: fan_out.cells[0].ended, 5.0)
    gate.set()
    stopping.join()
    fragile.is_up(crashing.start("beta"))
    running.join(10.0)
    assert [cell.state for cell in fan_out.cells] == ["unknown", "ok", "ok"]
    assert isinstance(fan_out.cells[0].exception, HostDiedError)
    assert fan_out.cells[0].exception.reason == "killed by a test"
    assert [cell.value.total for cell in fan_out.ok] == [1, 2]
    wait_until(lambda: nothing_left(list(crashing.running.values())))


def test_others_take_what_was_spread(crashing: Hosts, fragile: LocalMesh, gate: threading.Event) -> None:
    """A host that dies and stays away loses its cell only; the rest is done elsewhere."""
    grid = [{"gate": "gate"}, {"gate": "gate"}, *[{"by": 1}] * 4]
    fan_out = FanOut(fragile, Adder, ADD, grid, placement="spread", timeout=10.0)
    running = in_thread(fan_out.run)
    wait_until(lambda: sorted(ENTERED) == ["alpha", "beta"], 5.0)
    fragile.is_down("beta", "dead")
    stopping = in_thread(lambda: crashing.kill("beta"))
    wait_until(lambda: len(fan_out.unknown) == 1, 5.0)
    gate.set()
    running.join(10.0)
    stopping.join()
    assert fan_out.counts == {"ok": 5, "unknown": 1}
    assert {cell.host for cell in fan_out.ok} == {"alpha"}


def test_what_was_spread_is_retried_anywhere(fragile: LocalMesh) -> None:
    """A cell that failed on one host is done by another when that one is gone."""
    fan_out = FanOut(fragile, lambda n: 1 / n, None, {"n": [0]}, placement="spread").run()
    (first,) = (cell.host for cell in fan_out.failed)
    fragile.is_down(first, "dead")
    fan_out.retry_failed()
    assert fan_out.failed[0].error == "ZeroDivisionError: division by zero"
    assert {first, fan_out.failed[0].host} == {"alpha", "beta"}
    assert fan_out.failed[0].attempts == 2


def test_a_host_that_is_dead_fails_at_once(fragile: LocalMesh) -> None:
    """Its cells say why, long before the deadline; nobody else's do."""
    fragile.is_down("beta", "dead")
    fan_out = FanOut(fragile, Adder, ADD, {"by": [1, 2]}, timeout=30.0).run()
    assert [(cell.host, cell.state) for cell in fan_out.cells] == [("alpha", "ok"), ("beta", "failed")] * 2
    assert "killed by a test" in fan_out.failed[0].error
    assert fan_out.elapsed < 10


def test_a_worker_that_went_unnoticed_is_made_again(crashing: Hosts, fragile: LocalMesh) -> None:
    """A host that was restarted between two cells refuses the second one, which is sent to a new worker."""
    fan_out = FanOut(fragile, Adder, ADD, {"by": [1, 1]}, hosts=["beta"], timeout=10.0)

    def restart(_cell: object) -> None:
        if len(fan_out.ok) == 1:
            crashing.restart("beta")

    fan_out.run(restart)
    assert [(cell.state, cell.attempts) for cell in fan_out.cells] == [("ok", 1)] * 2
    assert [cell.value.total for cell in fan_out.cells] == [1, 1]


def test_a_paglet_that_is_gone_fails_its_cells(mesh: LocalMesh, hosts: list[Host]) -> None:
    """Paglets that are called as they are, are not made again."""
    proxies = [hosts[0].create(Adder), hosts[1].create(Adder)]
    proxies[1].dispose()
    fan_out = FanOut(mesh, proxies, ADD, {"by": [1, 2]}).run()
    assert [cell.state for cell in fan_out.cells] == ["ok", "failed"] * 2
    assert isinstance(fan_out.failed[0].exception, InvalidAgentError)


def test_no_more_workers_are_made_than_cells_wait(mesh: LocalMesh) -> None:
    """However many cells a host could take at once."""
    made: list[str] = []

    class Counted(Adder):
        def on_creation(self, event: Any) -> None:
            made.append(event.host_name)

    FanOut(mesh, Counted, ADD, {"by": [1, 2]}, per_host=8).run()
    assert sorted(made) == ["alpha", "alpha", "beta", "beta", "gamma", "gamma"]


def test_workers_that_cannot_be_made_fail_their_cells(mesh: LocalMesh, hosts: list[Host]) -> None:
    """What the hook raised is every cell's error; no worker stays."""

    class Broken(Adder):
        def on_creation(self, event: object) -> None:
            raise ValueError("no start")

    fan_out = FanOut(mesh, Broken, ADD, {"by": [1, 2]}).run()
    assert fan_out.counts == {"failed": 6}
    assert {cell.error for cell in fan_out.cells} == {"ValueError: no start"}
    assert nothing_left(hosts)


def test_what_cannot_travel_fails_and_the_rest_goes_on(mesh: LocalMesh) -> None:
    """A request that cannot be encoded costs its own cell."""
    fan_out = FanOut(mesh, lambda n: n, None, {"n": [object(), 2]}, hosts=["alpha"]).run()
    assert [cell.state for cell in fan_out.cells] == ["failed", "ok"]
    assert "cannot travel" in fan_out.cells[0].error


def test_cancelled_tasks_stop(mesh: LocalMesh, hosts: list[Host]) -> None:
    """``cancel`` asks the tasks that run to stop, so that their workers end at once; the others are not run."""
    fan_out = FanOut(mesh, Chore, None, {"gate": ["x", "x"]}, timeout=30.0).start()
    wait_until(lambda: sum(cell.state == "running" for cell in fan_out.cells) == 3, 5.0)
    fan_out.cancel()
    assert fan_out.wait(5.0)
    assert fan_out.counts == {"unknown": 3, "not run": 3}
    assert "cancelled; it is under way" in fan_out.unknown[0].error
    assert "cancelled; it was never sent" in fan_out.not_run[0].error
    assert isinstance(fan_out.not_run[0].exception, ExperimentError)
    assert [state for _count, state, _error in fan_out.errors] == ["unknown"] * 3
    wait_until(lambda: nothing_left(hosts), 5.0)


def test_what_was_not_run_is_run_by_a_retry(mesh: LocalMesh, gate: threading.Event) -> None:
    """And in tables it has a word of its own, which they lack where everything was run."""
    fan_out = FanOut(mesh, Adder, ADD, {"by": [1, 2], "gate": "gate"}, hosts=["alpha"]).start()
    wait_until(lambda: ENTERED == ["alpha"], 5.0)
    fan_out.cancel()
    assert fan_out.wait(5.0)
    assert [cell.state for cell in fan_out.cells] == ["unknown", "not run"]
    assert fan_out.done
    assert "1 unknown, 1 not run" in fan_out.headline()
    assert fan_out.summary().column("not run") == [0, 1]
    assert fan_out.to_table().column("state") == ["unknown", "not run"]
    gate.set()
    fan_out.retry_failed()
    assert [cell.state for cell in fan_out.cells] == ["unknown", "ok"]
    assert "not run" not in fan_out.summary().columns


class Slow(Adder):
    """The second is still being made when the run is interrupted, and for a while after."""

    first = threading.Lock()
    interrupted = threading.Event()
    made = threading.Semaphore(0)

    def on_creation(self, event: CreationEvent) -> None:
        """It is there."""
        self.made.release()

    def __init__(self, state: Tally | None = None, *, agent_id: str | None = None) -> None:
        if not self.first.acquire(blocking=False):
            self.interrupted.wait(5.0)
            threading.Event().wait(0.1)
        super().__init__(state, agent_id=agent_id)


def test_workers_that_are_being_made_end_too(
    mesh: LocalMesh, hosts: list[Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to end before it is there, one would stay."""
    monkeypatch.setattr(run_module, "_TEAR_DOWN", 5.0)
    monkeypatch.setattr(Slow, "first", threading.Lock())
    monkeypatch.setattr(Slow, "interrupted", threading.Event())
    monkeypatch.setattr(Slow, "made", threading.Semaphore(0))

    def interrupt(_cell: object) -> None:
        Slow.interrupted.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FanOut(mesh, Slow, ADD, {"by": [1, 2]}, hosts=["alpha", "beta"]).run(interrupt)
    assert Slow.made.acquire(timeout=5.0)
    assert Slow.made.acquire(timeout=5.0)
    wait_until(lambda: nothing_left(hosts), 2.0)


def test_an_interrupt_ends_it_in_order(mesh: LocalMesh, hosts: list[Host], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell has ended, no worker is left, and the interrupt goes on."""
    monkeypatch.setattr(run_module, "_TEAR_DOWN", 5.0)

    def interrupt(_cell: object) -> None:
        raise KeyboardInterrupt

    fan_out = FanOut(mesh, Adder, ADD, {"by": [1, 2, 3]})
    with pytest.raises(KeyboardInterrupt):
        fan_out.run(interrupt)
    assert fan_out.done
    assert fan_out.ok
    assert not fan_out.running
    assert not fan_out.failed
    assert nothing_left(hosts)
    fan_out.retry_failed(unknown=True)
    assert fan_out.counts == {"ok": 9}
