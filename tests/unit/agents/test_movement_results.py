from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.agents.movement_results import HopFailure, MovementResult
from paglets_nb.codec import wire
from paglets_nb.errors import HostDiedError, UnknownHostError


def _hop(source: str, target: str, hop: float, message: float = 0.001) -> dict[str, Any]:
    return {
        "event": "hop",
        "source": source,
        "target": target,
        "round": 1,
        "hop_seconds": hop,
        "message_seconds": message,
    }


CLOCK = {
    "event": "clock",
    "host": "beta",
    "offset_seconds": 1.5,
    "best_round_trip_seconds": 0.001,
    "median_round_trip_seconds": 0.002,
    "probes": 20,
}
EVENTS = [
    {"event": "begun", "cursor": 1, "payload_bytes": 1 << 20, "repeat": 3},
    {"event": "planned", "cursor": 2, "hosts": ["alpha", "beta"], "wanted_hops": 6},
    CLOCK,
    _hop("alpha", "beta", 0.002),
    _hop("beta", "alpha", 0.004),
    _hop("alpha", "beta", 0.006),
    _hop("alpha", "beta", 0.003),
]
ENDED = {"event": "ended", "cancelled": False, "elapsed_seconds": 2.0, "cleanup_errors": {}}


def test_events_come_to_a_result() -> None:
    """Medians of each pair, and what follows from them."""
    result = MovementResult.from_events(EVENTS)
    pair = result.pair("alpha", "beta")
    assert pair is not None
    assert pair.hop_seconds == [0.002, 0.006, 0.003]
    assert pair.median_hop_seconds == 0.003
    assert pair.overhead_seconds == pytest.approx(0.002)
    assert pair.payload_bytes_per_second == pytest.approx((1 << 20) / 0.003)
    assert result.matrix() == [[None, 0.003], [0.004, None]]
    assert (result.hops, result.wanted_hops, result.done) == (4, 6, False)
    assert result.clocks[0].offset_seconds == 1.5
    assert result.pair("beta", "beta") is None
    with pytest.raises(UnknownHostError):
        result.pair("alpha", "gamma")
    assert MovementResult.from_events([]) == MovementResult()


def test_a_second_run_forgets_the_first() -> None:
    """Only its own events count."""
    assert MovementResult.from_events([*EVENTS, ENDED, *EVENTS[:2]]) == MovementResult.from_events(EVENTS[:2])


def test_how_it_ended_is_told() -> None:
    """Done, failed, expired or stopped."""
    failed = {"event": "failed", "source": "alpha", "target": "beta", "error_type": "HostDiedError", "error": "gone"}
    assert repr(MovementResult.from_events([*EVENTS, ENDED])).startswith("4 of 6 hops between 2 hosts, done in 2.0 s")
    result = MovementResult.from_events([*EVENTS, failed, ENDED])
    assert result.failure == HopFailure("alpha", "beta", "HostDiedError", "gone")
    assert "failed in 2.0 s" in repr(result)
    assert "the journey ended on the way from alpha to beta: HostDiedError: gone" in repr(result)
    expired = MovementResult.from_events(
        [*EVENTS, {"event": "expired", "host": "the traveller", "error": "late"}, ENDED]
    )
    assert expired.expired
    assert "expired in" in repr(expired)
    assert "stopped in" in repr(MovementResult.from_events([*EVENTS, {**ENDED, "cancelled": True}]))
    assert MovementResult.from_events([*EVENTS, {"event": "error", "host": "x", "error": "no"}]).errors == {"x": "no"}


def test_a_lost_parent_is_a_failure() -> None:
    """Unless the run had ended before."""
    lost = MovementResult.from_events(EVENTS).lost(HostDiedError("alpha"))
    assert lost.failure is not None
    assert lost.failure.error_type == "HostDiedError"
    assert lost.hops == 4
    done = MovementResult.from_events([*EVENTS, ENDED])
    assert done.lost(HostDiedError("alpha")) is done


def test_it_reads_well() -> None:
    """A matrix, then what the pairs have in common; self pairs are no part of that."""
    text = repr(MovementResult.from_events([*EVENTS, _hop("alpha", "alpha", 100.0)]))
    assert "from \\ to  alpha     beta\nalpha      100.00 s  3.00 ms\nbeta       4.00 ms" in text
    assert "hop: 3.50 ms (median of the pairs)" in text
    assert "message round trip: 1.00 ms" in text
    assert "overhead of a hop: 2.50 ms" in text
    assert "payload: 291.7 MiB/s" in text
    assert "host  clock offset     message round trip\nbeta  1.50 s ± 500 us  2.00 ms" in text


def test_it_is_a_frame_and_a_heat_map() -> None:
    """A row, and a square, for each pair."""
    result = MovementResult.from_events(EVENTS)
    frame = result.to_frame()
    assert list(frame["source"]) == ["alpha", "beta"]
    assert list(frame["hops"]) == [3, 1]
    assert list(frame["median_hop_seconds"]) == [0.003, 0.004]
    assert list(MovementResult().to_frame().columns) == list(frame.columns)
    values = result.plot().chart.to_dict()["data"]["values"]
    assert values == [{"from": "alpha", "to": "beta", "ms": 3.0}, {"from": "beta", "to": "alpha", "ms": 4.0}]
    assert "3.00 ms" in repr(result.plot())
    assert MovementResult(hosts=["alpha"]).plot().chart.to_dict()


def test_it_travels() -> None:
    """The wire brings back an equal one."""
    result = MovementResult.from_events([*EVENTS, ENDED])
    assert wire.dataclass_from_wire(MovementResult, wire.dataclass_to_wire(result)) == result
