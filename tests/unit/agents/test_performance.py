"""The performance benchmark over hosts of one process; the processes that measure are real."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from paglets_nb import FutureReply, Host, OperationClient, PagletProxy, drain
from paglets_nb.agents.performance import (
    CHILD_RESULT,
    CLEANUP,
    COLLECT,
    SUMMARY,
    PerformanceBenchmark,
    PerformanceRequest,
    PerformanceResult,
)
from paglets_nb.agents.performance_results import ChildAnswer, ChildReport
from paglets_nb.errors import HostError, LifecycleError
from paglets_nb.testing import wait_until

Busy = Callable[[], AbstractContextManager[float]]
MEASURES = 12


@pytest.fixture
def parent(hosts: list[Host]) -> PagletProxy:
    """A benchmark on the first host."""
    return hosts[0].create(PerformanceBenchmark)


def request(volume: str, *names: str, timeout: float = 30.0) -> PerformanceRequest:
    """Measure some hosts, or all."""
    return PerformanceRequest(list(names), [volume], quick=True, timeout=timeout)


def submit(parent: PagletProxy, asked: PerformanceRequest) -> FutureReply:
    """Begin a run."""
    return OperationClient(parent).submit(COLLECT, asked, timeout=50)


def collect(parent: PagletProxy, asked: PerformanceRequest) -> PerformanceResult:
    """Run to the end."""
    result: PerformanceResult = OperationClient(parent).call(COLLECT, asked, timeout=50)
    return result


def summary(parent: PagletProxy) -> PerformanceResult:
    """What it has come to."""
    result: PerformanceResult = OperationClient(parent).call(SUMMARY)
    return result


def guests(hosts: list[Host]) -> list[str]:
    """Where paglets live, a name for each."""
    return [host.name for host in hosts for _resident in host.guests()]


def children() -> set[int]:
    """The living child processes of this one."""
    found: set[int] = set()
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children") as listing:
                found.update(map(int, listing.read().split()))
        except FileNotFoundError:  # a thread that has just ended
            continue
    return found


def wait_for_waiting(parent: PagletProxy, *names: str) -> None:
    """Until the children on these hosts wait for the machine."""
    wait_until(lambda: {host.host for host in summary(parent).hosts if host.state == "waiting"} == set(names))


def test_hosts_are_measured_one_after_the_other(hosts: list[Host], parent: PagletProxy, volume: str) -> None:
    """Each host has every measure, none while another one measures; nothing is left behind."""
    before = children()
    result = collect(parent, request(volume))
    assert [host.host for host in result.hosts] == ["alpha", "beta", "gamma"]
    assert {host.state for host in result.hosts} == {"done"}
    assert [len(host.measurements) for host in result.hosts] == [MEASURES] * 3
    assert (result.done, result.errors, result.expired, result.cleanup_errors) == (True, {}, [], {})
    turns = [(event["event"], event["host"]) for event in drain(parent) if event["event"] in ("running", "done")]
    assert [kind for kind, _host in turns] == ["running", "done"] * 3
    assert all(turns[at][1] == turns[at + 1][1] for at in (0, 2, 4))
    assert guests(hosts) == ["alpha"]
    assert os.listdir(volume) == []
    assert children() == before


def test_readers_see_hits_while_hosts_still_work(
    hosts: list[Host], parent: PagletProxy, volume: str, busy_machine: Busy
) -> None:
    """Events and the summary come while the children wait; one that comes back reads on, none lost or doubled."""
    with busy_machine():
        future = submit(parent, request(volume, "alpha", "beta"))
        wait_for_waiting(parent, "alpha", "beta")
        first = list(drain(parent, follow=False))
        assert {event["event"] for event in first} == {"begun", "chosen", "started", "waiting"}
        assert summary(parent).pending == ["alpha", "beta"]
        assert not future.is_available()
    some: list[dict[str, Any]] = []
    for event in drain(parent, after_cursor=first[-1]["cursor"]):
        some.append(event)
        if event["event"] == "measured":
            break
    rest = list(drain(parent, after_cursor=some[-1]["cursor"]))
    read = [*first, *some, *rest]
    assert [event["cursor"] for event in read] == list(range(1, len(read) + 1))
    assert sum(event["event"] == "measured" for event in read) == 2 * MEASURES
    assert PerformanceResult.from_events(read) == future.get_reply(5)


def test_what_is_not_done_in_time_expires(
    hosts: list[Host], parent: PagletProxy, volume: str, busy_machine: Busy
) -> None:
    """Hosts whose turn does not come are told as expired, and their children are gone."""
    with busy_machine():
        result = collect(parent, request(volume, "alpha", "beta", timeout=1.0))
        assert result.expired == ["alpha", "beta"]
        assert result.errors == {}
        wait_until(lambda: guests(hosts) == ["alpha"])


def test_a_run_is_cancelled(hosts: list[Host], parent: PagletProxy, volume: str, busy_machine: Busy) -> None:
    """``cleanup`` ends it at once; readers and whoever waits for the result are told."""
    with busy_machine():
        future = submit(parent, request(volume))
        wait_for_waiting(parent, "alpha", "beta", "gamma")
        result = OperationClient(parent).call(CLEANUP)
        assert (result.done, result.cancelled) == (True, True)
        assert {host.state for host in result.hosts} == {"stopped"}
        assert guests(hosts) == ["alpha"]
        assert [event["event"] for event in drain(parent)][-1] == "ended"
        assert future.get_reply(5) == result


def test_a_measure_that_is_cancelled_leaves_nothing(hosts: list[Host], parent: PagletProxy, volume: str) -> None:
    """Processes are killed and files removed when the parent is disposed of in the middle."""
    before = children()
    submit(parent, PerformanceRequest(["beta"], [volume], timeout=30))  # in full, so that it takes its time
    wait_until(lambda: os.listdir(volume))
    parent.dispose()
    assert guests(hosts) == []
    assert os.listdir(volume) == []
    wait_until(lambda: children() == before)


def test_a_host_that_ends_fails_alone(hosts: list[Host], parent: PagletProxy, volume: str, busy_machine: Busy) -> None:
    """Its error says so, and the others' results are there."""
    with busy_machine():
        future = submit(parent, request(volume))
        wait_for_waiting(parent, "alpha", "beta", "gamma")
        hosts[1].stop()
        wait_until(lambda: summary(parent).errors)
    result = future.get_reply(30)
    assert list(result.errors) == ["beta"]
    assert result.errors["beta"].startswith("its host died")
    assert [len(result[name].measurements) for name in ("alpha", "beta", "gamma")] == [MEASURES, 0, MEASURES]
    assert result.cleanup_errors == {}


def test_a_child_without_a_parent_ends_itself(
    hosts: list[Host], parent: PagletProxy, volume: str, busy_machine: Busy
) -> None:
    """When the parent's host ends, the children on other hosts leave by themselves."""
    with busy_machine():
        submit(parent, request(volume, "beta", "gamma"))
        wait_for_waiting(parent, "beta", "gamma")
        hosts[0].stop()
    wait_until(lambda: guests(hosts[1:]) == [], 20)
    assert os.listdir(volume) == []


def test_a_stranger_is_an_error_and_the_others_are_measured(
    hosts: list[Host], parent: PagletProxy, volume: str
) -> None:
    """The fan-out's own words."""
    result = collect(parent, request(volume, "delta", "gamma"))
    assert result.errors == {"delta": "target host is not online or not visible in the mesh"}
    assert len(result["gamma"].measurements) == MEASURES


def test_what_goes_wrong_on_a_host_is_told(
    hosts: list[Host], parent: PagletProxy, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that cannot start a process says so."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    result = collect(parent, request(volume, "beta"))
    assert "FileNotFoundError" in result.errors["beta"]
    assert guests(hosts) == ["alpha"]


def test_skipped_volumes_are_told(hosts: list[Host], parent: PagletProxy, volume: str) -> None:
    """With the reason, and the others are measured."""
    result = collect(parent, PerformanceRequest(["beta"], [f"{volume}/none", volume], quick=True))
    (skipped,) = result["beta"].skipped
    assert (skipped.path, skipped.reason) == (f"{volume}/none", "there is no such folder")
    assert len(result["beta"].measurements) == MEASURES


def test_a_report_counts_once(hosts: list[Host], parent: PagletProxy, volume: str, busy_machine: Busy) -> None:
    """One that is sent again changes nothing; one of another run is told to stop."""
    client = OperationClient(parent)
    with busy_machine():
        future = submit(parent, request(volume, "beta"))
        wait_for_waiting(parent, "beta")
        before = list(drain(parent, follow=False))
        again = ChildReport("beta", 1, 1, "waiting")
        assert client.call(CHILD_RESULT, again) == ChildAnswer(True)
        assert client.call(CHILD_RESULT, ChildReport("beta", 0, 99, "waiting")) == ChildAnswer(False)
        assert client.call(CHILD_RESULT, ChildReport("gamma", 1, 99, "waiting")) == ChildAnswer(False)
        assert list(drain(parent, follow=False)) == before
    assert len(future.get_reply(30)["beta"].measurements) == MEASURES


def test_one_run_at_a_time(hosts: list[Host], parent: PagletProxy, volume: str, busy_machine: Busy) -> None:
    """A second one is refused while the first is under way, and may follow it."""
    with busy_machine():
        future = submit(parent, request(volume, "beta"))
        wait_for_waiting(parent, "beta")
        with pytest.raises(LifecycleError, match="running already"):
            collect(parent, request(volume, "beta"))
    first = future.get_reply(30)
    second = collect(parent, request(volume, "gamma"))
    assert [host.host for host in first.hosts] == ["beta"]
    assert [host.host for host in second.hosts] == ["gamma"]
    cursors = [event["cursor"] for event in drain(parent)]
    assert cursors == list(range(1, len(cursors) + 1))


def test_no_time_is_refused(hosts: list[Host], parent: PagletProxy, volume: str) -> None:
    """And the benchmark is as it was."""
    with pytest.raises(HostError, match="timeout wants seconds above 0"):
        collect(parent, request(volume, timeout=0.0))
    assert summary(parent) == PerformanceResult()
