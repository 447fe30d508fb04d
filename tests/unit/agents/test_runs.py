from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from paglets_nb import Host
from paglets_nb.agents import movement, performance
from paglets_nb.agents.runs import BenchmarkRun
from paglets_nb.errors import HostDiedError, HostError

Busy = Callable[[], AbstractContextManager[float]]
Run = BenchmarkRun[performance.PerformanceResult]


def start(host: Host, volume: str, *names: str) -> Run:
    """Begin to measure some hosts."""
    request = performance.PerformanceRequest(list(names), [volume], quick=True, timeout=30)
    return BenchmarkRun(host.create(performance.PerformanceBenchmark), performance.COLLECT, request)


def test_a_run_is_followed_to_its_result(hosts: list[Host], volume: str) -> None:
    """The events come as they happen; what they come to in the end is the result."""
    with start(hosts[0], volume, "alpha", "beta") as run:
        batches = list(run.follow())
        assert [event for batch in batches for event in batch] == run.events
        assert len(batches) > 1
        assert run.so_far() == run.result()
        assert run.result().done
    assert not run.proxy.is_valid()


def test_a_run_is_cancelled(hosts: list[Host], volume: str, busy_machine: Busy) -> None:
    """What had come until then is the result."""
    with busy_machine(), start(hosts[0], volume, "beta") as run:
        next(run.follow())
        assert run.cancel().cancelled
        assert run.result().cancelled


def test_leaving_ends_the_run(hosts: list[Host], volume: str, busy_machine: Busy) -> None:
    """Also in the middle; nothing stays on any host."""
    with busy_machine(), start(hosts[0], volume) as run:
        next(run.follow())
    assert [host.guests() for host in hosts] == [[], [], []]


def test_what_cannot_be_is_an_error(hosts: list[Host]) -> None:
    """A request that is refused before it begins has no events to wait for."""
    request = movement.MovementRequest(repeat=0)
    run: BenchmarkRun[movement.MovementResult] = BenchmarkRun(
        hosts[0].create(movement.MovementBenchmark), movement.COLLECT, request
    )
    with run, pytest.raises(HostError, match="repeat"):
        run.result()


def test_a_lost_parent_leaves_what_was_read(hosts: list[Host], volume: str, busy_machine: Busy) -> None:
    """The result is made of the events that were drained."""
    with busy_machine():
        run = start(hosts[2], volume, "alpha", "beta")
        run._client.proxy.client = run.proxy.client = hosts[0].client
        events = run.follow()
        while not any(host.state == "waiting" for host in run.so_far().hosts):
            next(events)
        hosts[2].stop()
        result = run.result()
    assert result.done
    assert set(result.errors) == {"alpha", "beta"}
    with pytest.raises(HostDiedError):
        list(run.follow())
    run.close()
