"""The movement benchmark over hosts of one process."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from paglets_nb import FutureReply, Host, OperationClient, OperationPaglet, PagletProxy, PagletState, drain
from paglets_nb.agents import movement
from paglets_nb.agents.movement import (
    CLEANUP,
    COLLECT,
    SUMMARY,
    TRAVELLER,
    MovementBenchmark,
    MovementRequest,
    MovementResult,
    host_clock,
)
from paglets_nb.agents.movement_results import Arrived, Onward
from paglets_nb.agents.traveller import ARRIVED, CLOCK, ClockReading, Traveller
from paglets_nb.errors import HostError
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.testing import wait_until

ENDLESS = MovementRequest(repeat=5000, timeout=30)


@pytest.fixture
def parent(hosts: list[Host]) -> PagletProxy:
    """A benchmark on the first host."""
    return hosts[0].create(MovementBenchmark)


def collect(parent: PagletProxy, **options: Any) -> MovementResult:
    """Run to the end."""
    result: MovementResult = OperationClient(parent).call(COLLECT, MovementRequest(**options), timeout=50)
    return result


def travelling(parent: PagletProxy, request: MovementRequest = ENDLESS, hops: int = 5) -> FutureReply:
    """Begin a run, and see some hops."""
    future = OperationClient(parent).submit(COLLECT, request, timeout=50)
    seen = itertools.count(1)
    for _event in drain(parent, stop=lambda event: event["event"] == "hop" and next(seen) == hops):
        pass
    return future


def summary(parent: PagletProxy) -> MovementResult:
    """What it has come to."""
    result: MovementResult = OperationClient(parent).call(SUMMARY)
    return result


def guests(hosts: list[Host]) -> list[str]:
    """Where paglets live, a name for each."""
    return [host.name for host in hosts for _resident in host.guests()]


def paglet_of(host: Host, proxy: PagletProxy) -> MovementBenchmark:
    """The paglet behind a proxy."""
    found: Any = host.residents.require(proxy.agent_id).paglet
    return found


def test_every_pair_is_travelled(hosts: list[Host], parent: PagletProxy) -> None:
    """As often as asked for, each hop from where the last one ended; nothing is left behind."""
    result = collect(parent, repeat=3)
    assert result.hosts == ["alpha", "beta", "gamma"]
    assert {(pair.source, pair.target) for pair in result.pairs} == set(itertools.permutations(result.hosts, 2))
    assert {len(pair.hop_seconds) for pair in result.pairs} == {3}
    assert (result.hops, result.wanted_hops, result.done, result.failure) == (18, 18, True, None)
    assert all(seconds > 0 for pair in result.pairs for seconds in (*pair.hop_seconds, *pair.message_seconds))
    hops = [event for event in drain(parent) if event["event"] == "hop"]
    assert all(before["target"] == after["source"] for before, after in itertools.pairwise(hops))
    assert [hop["round"] for hop in hops] == [1] * 6 + [2] * 6 + [3] * 6
    assert guests(hosts) == ["alpha"]
    assert result.cleanup_errors == {}
    assert MovementResult.from_events(drain(parent)) == result


def test_clocks_of_one_machine_agree(hosts: list[Host], parent: PagletProxy) -> None:
    """Their offset is no more than half of the shortest round trip, which bounds its error."""
    result = collect(parent, repeat=1)
    assert [clock.host for clock in result.clocks] == result.hosts
    assert result.clocks[0].offset_seconds == 0.0
    for clock in result.clocks:
        assert abs(clock.offset_seconds) <= clock.best_round_trip_seconds / 2
        assert 0 < clock.best_round_trip_seconds <= clock.median_round_trip_seconds


class Skewed(OperationPaglet[PagletState]):
    """Has a clock that is five seconds ahead."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """Its clock."""
        return {CLOCK: lambda _request: ClockReading(time.monotonic_ns() + 5_000_000_000)}


def test_a_clock_that_is_ahead_is_noticed(hosts: list[Host]) -> None:
    """By its offset, as exactly as the round trip allows."""
    clock = host_clock(hosts[1].create(Skewed), "beta")
    assert abs(clock.offset_seconds - 5) <= clock.best_round_trip_seconds / 2
    assert clock.probes == 20


def test_hops_are_told_on_one_clock(hosts: list[Host], parent: PagletProxy) -> None:
    """What the traveller stamped on the clocks of two hosts is translated before it is subtracted."""
    paglet, client = paglet_of(hosts[0], parent), OperationClient(parent)
    with paglet.locked_state() as state:
        state.running, state.run, state.pending_hosts, state.deadline = True, 1, [TRAVELLER], time.monotonic() + 60
        state.way, state.wanted = [("alpha", "beta"), ("beta", "alpha")], 2
        state.offsets_ns = {"alpha": 0, "beta": 7_000_000_000}
        for name in ("alpha", "beta"):
            state.child_proxies[name] = {"host_url": "x", "agent_id": name}
    there = Arrived(1, 1, "beta", "url", "alpha", departed_ns=100, arrived_ns=7_000_002_100, message_seconds=0.5)
    answer = client.call(ARRIVED, there)
    assert (answer.go_on, answer.target, answer.responder_id) == (True, "alpha", "alpha")
    assert client.call(ARRIVED, there) == answer  # sent again, it counts once
    back = Arrived(1, 2, "alpha", "url", "beta", departed_ns=7_000_005_000, arrived_ns=6_500)
    assert client.call(ARRIVED, back) == Onward()
    hops = [event for event in drain(parent, follow=False) if event["event"] == "hop"]
    assert [hop["hop_seconds"] for hop in hops] == [2000 / 1e9, 1500 / 1e9]
    assert [hop["message_seconds"] for hop in hops] == [0.5, 0.0]


def test_the_payload_travels(hosts: list[Host], parent: PagletProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traveller has it with it at each arrival, and its rate follows from the hop."""
    carried: list[int] = []
    arrival = Traveller.on_arrival
    monkeypatch.setattr(Traveller, "on_arrival", lambda self, event: _noted(carried, arrival, self, event))
    result = collect(parent, hosts=["alpha", "beta"], repeat=2, payload_bytes=100_000)
    assert carried == [100_000] * 4
    pair = result.pairs[0]
    assert pair.payload_bytes_per_second == pytest.approx(100_000 / pair.median_hop_seconds)


def _noted(carried: list[int], arrival: Callable[..., None], traveller: Traveller, event: Any) -> None:
    arrival(traveller, event)
    carried.append(len(traveller.state.payload))


def test_a_host_can_be_its_own_target(hosts: list[Host], parent: PagletProxy) -> None:
    """By a clone, which is gone afterwards; one host is enough then."""
    result = collect(parent, repeat=2, self_pairs=True)
    assert {(pair.source, pair.target) for pair in result.pairs} == set(itertools.product(result.hosts, repeat=2))
    alone = collect(parent, hosts=["beta"], repeat=3, self_pairs=True)
    assert [(pair.source, pair.target, len(pair.hop_seconds)) for pair in alone.pairs] == [("beta", "beta", 3)]
    assert guests(hosts) == ["alpha"]


def test_it_begins_at_home(hosts: list[Host], parent: PagletProxy) -> None:
    """The parent's own host is the entry host, wherever it stands in the request."""
    assert collect(parent, hosts=["gamma", "alpha"], repeat=1).hosts == ["alpha", "gamma"]
    assert collect(parent, hosts=["gamma", "beta"], repeat=1).hosts == ["gamma", "beta"]


def test_hops_are_read_while_it_travels(hosts: list[Host], parent: PagletProxy) -> None:
    """A reader that comes back reads on behind its cursor, none lost or doubled; a stop keeps what there is."""
    future = travelling(parent)
    assert not summary(parent).done
    first = list(drain(parent, follow=False))
    OperationClient(parent).call(CLEANUP)
    rest = list(drain(parent, after_cursor=first[-1]["cursor"]))
    read = [*first, *rest]
    assert [event["cursor"] for event in read] == list(range(1, len(read) + 1))
    result = future.get_reply(5)
    assert result.cancelled
    assert 5 <= result.hops < result.wanted_hops
    assert MovementResult.from_events(read) == result
    assert guests(hosts) == ["alpha"]


def test_a_host_that_ends_ends_the_journey(hosts: list[Host], parent: PagletProxy) -> None:
    """The hops until then stay, the failure is typed, and no paglet stays."""
    future = travelling(parent)
    hosts[1].stop()
    result = future.get_reply(30)
    assert result.hops >= 5
    assert result.failure is not None
    assert "beta" in (result.failure.source, result.failure.target)
    assert result.failure.error_type
    assert guests([hosts[0], hosts[2]]) == ["alpha"]


def test_a_host_that_does_not_answer_is_left_out(
    hosts: list[Host], parent: PagletProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error is told, and the others are travelled."""
    clock = movement.host_clock

    def silent(responder: PagletProxy, host_name: str) -> movement.HostClock:
        if host_name == "beta":
            hosts[1].stop()
        return clock(responder, host_name)

    monkeypatch.setattr(movement, "host_clock", silent)
    result = collect(parent, repeat=1)
    assert list(result.errors) == ["beta"]
    assert result.errors["beta"].startswith("HostDiedError")
    assert result.hosts == ["alpha", "gamma"]
    assert (result.hops, result.failure, result.cleanup_errors) == (2, None, {})


def test_a_traveller_that_cannot_be_made_is_a_failure(
    hosts: list[Host], parent: PagletProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed, as that of a hop."""
    plan = MovementBenchmark._plan

    def too_late(self: MovementBenchmark, *arguments: Any) -> None:
        plan(self, *arguments)
        hosts[1].stop()

    monkeypatch.setattr(MovementBenchmark, "_plan", too_late)
    result = collect(parent, hosts=["beta", "gamma"], repeat=1)
    assert result.failure is not None
    assert (result.failure.source, result.failure.error_type) == ("beta", "HostDiedError")
    assert guests([hosts[0], hosts[2]]) == ["alpha"]


def test_a_traveller_that_is_lost_ends_the_journey(hosts: list[Host], parent: PagletProxy) -> None:
    """The parent notices, well before its deadline."""
    future = travelling(parent)
    wired = dict(paglet_of(hosts[0], parent).state.child_proxies[TRAVELLER])
    PagletProxy(wired["host_url"], wired["agent_id"], hosts[0].client).dispose()
    result = future.get_reply(20)
    assert result.failure is not None
    assert result.failure.error_type == "HostDiedError"
    assert not result.expired
    assert guests(hosts) == ["alpha"]


def test_the_deadline_ends_the_journey(hosts: list[Host], parent: PagletProxy) -> None:
    """What was travelled until then is there."""
    result = collect(parent, repeat=5000, timeout=0.5)
    assert result.expired
    assert 0 < result.hops < result.wanted_hops
    assert guests(hosts) == ["alpha"]


def test_a_traveller_without_a_parent_ends_itself(hosts: list[Host], parent: PagletProxy) -> None:
    """And so do the responders, with the host or by the parent's end."""
    travelling(parent)
    parent.dispose()
    wait_until(lambda: guests(hosts) == [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"repeat": 0}, "repeat wants a number from 1, got 0"),
        ({"payload_bytes": -1}, "payload_bytes wants 0 to"),
        ({"payload_bytes": movement.MOST_PAYLOAD_BYTES + 1}, "payload_bytes wants 0 to"),
        ({"hosts": ["alpha"]}, "hops want two hosts, or self pairs; there is alpha"),
        ({"hosts": ["nobody"]}, "there is no host"),
        ({"repeat": 100_000}, "are more than 100000"),
        ({"timeout": -1.0}, "timeout wants seconds above 0"),
    ],
)
def test_what_cannot_be_is_refused(hosts: list[Host], parent: PagletProxy, options: dict[str, Any], said: str) -> None:
    """With what is wanted; the benchmark can be used afterwards, and nothing is left."""
    with pytest.raises(HostError, match=said):
        collect(parent, **options)
    assert guests(hosts) == ["alpha"]
    assert collect(parent, hosts=["alpha", "beta"], repeat=1).hops == 2
