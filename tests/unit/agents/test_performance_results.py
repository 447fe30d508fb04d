from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from paglets_nb.agents.performance_results import ChildReport, HostPerformance, Measurement, PerformanceResult
from paglets_nb.agents.volumes import SkippedVolume
from paglets_nb.codec import wire
from paglets_nb.errors import HostDiedError, UnknownHostError

INTEGER = Measurement("cpu", "integer", "operations", 12.5e6, 12e6, 13e6, 0.1)
WRITE = Measurement("disk", "write", "bytes", 2**30, volume="/data", size_bytes=2**20, note="in memory (tmpfs)")


def _event(host: str, kind: str, **about: Any) -> dict[str, Any]:
    return ChildReport(host, 1, 1, kind, **about).to_event()


EVENTS = [
    {"event": "begun", "quick": True},
    {"event": "chosen", "hosts": ["alpha", "beta"]},
    _event("beta", "started", machine="m", cores=4),
    _event("beta", "waiting"),
    _event("alpha", "started", machine="m", cores=4),
    _event("alpha", "running", seconds=0.0),
    _event("alpha", "measured", measurement=INTEGER),
    _event("alpha", "measured", measurement=WRITE),
    _event("alpha", "skipped", skipped=SkippedVolume("/full", "it is full")),
    _event("alpha", "clean-up error", error="/x could not be removed"),
    _event("alpha", "done", seconds=1.0),
    _event("beta", "running", seconds=1.5),
]
ENDED = {"event": "ended", "cancelled": False, "elapsed_seconds": 2.0, "cleanup_errors": {}}


def test_events_come_to_a_result() -> None:
    """At any moment: who is done, who is at work, what was measured and what was not."""
    result = PerformanceResult.from_events(EVENTS)
    alpha, beta = result["alpha"], result["beta"]
    assert (alpha.state, alpha.machine, alpha.cores) == ("done", "m", 4)
    assert alpha.measurements == [INTEGER, WRITE]
    assert alpha.skipped == [SkippedVolume("/full", "it is full")]
    assert alpha.cleanup_errors == ["/x could not be removed"]
    assert (beta.state, beta.waited_seconds, beta.measurements) == ("running", 1.5, [])
    assert result.pending == ["beta"]
    assert not result.done
    assert PerformanceResult.from_events([]) == PerformanceResult()
    with pytest.raises(UnknownHostError, match="gamma"):
        _ = result["gamma"]


def test_failures_and_what_expired_are_told_apart() -> None:
    """And what was under way when it ended was stopped."""
    failed = [*EVENTS[:2], {"event": "error", "host": "alpha", "error": "it hurts"}]
    result = PerformanceResult.from_events([*failed, {"event": "expired", "host": "beta", "error": "late"}, ENDED])
    assert result.errors == {"alpha": "it hurts"}
    assert result.expired == ["beta"]
    assert result.done
    stopped = PerformanceResult.from_events([*EVENTS, {**ENDED, "cancelled": True}])
    assert stopped["beta"].state == "stopped"
    assert "stopped in 2.0 s: alpha done, beta stopped" in repr(stopped)


def test_a_second_run_forgets_the_first() -> None:
    """Only its own events count."""
    assert PerformanceResult.from_events([*EVENTS, ENDED, *EVENTS[:2]]) == PerformanceResult.from_events(EVENTS[:2])


def test_a_lost_parent_fails_what_was_under_way() -> None:
    """What was done stays."""
    lost = PerformanceResult.from_events(EVENTS).lost(HostDiedError("alpha"))
    assert lost["alpha"].state == "done"
    assert "alpha" in lost.errors["beta"]


def test_it_reads_well() -> None:
    """A row for each measure, a column for each host, and what one should know."""
    text = repr(PerformanceResult.from_events(EVENTS))
    assert "performance of 2 hosts, running: alpha done, beta running" in text
    assert "cpu integer       12.5 M operations/s\n" in text
    assert "disk write /data  1.0 GiB/s\n" in text
    for remark in ("/full was skipped: it is full", "/data: in memory (tmpfs)", "/x could not be removed"):
        assert f"alpha: {remark}" in text


def test_it_is_a_frame_and_a_plot() -> None:
    """A row for each measurement; a bar for each too."""
    result = PerformanceResult.from_events(EVENTS)
    frame = result.to_frame()
    assert list(frame["label"]) == ["cpu integer", "disk write"]
    assert list(frame["rate_per_second"]) == [12.5e6, 2**30]
    assert list(PerformanceResult().to_frame().columns) == list(frame.columns)
    values = result.plot().chart.to_dict()["data"]["values"]
    assert [value["measure"] for value in values] == ["cpu integer, operations/s", "disk write /data, bytes/s"]
    assert "disk write /data  1.0 GiB/s" in repr(result.plot())


def test_it_travels() -> None:
    """The wire brings back an equal one, properties and all."""
    result = PerformanceResult.from_events([*EVENTS, ENDED])
    assert wire.dataclass_from_wire(PerformanceResult, wire.dataclass_to_wire(result)) == result


def test_a_measurement_is_found_by_its_label() -> None:
    """And by its volume, where there are several."""
    host = HostPerformance("alpha", measurements=[WRITE, dataclasses.replace(WRITE, volume="/other")])
    assert host.measurement("disk write") == WRITE
    assert host.measurement("disk write", "/other") != WRITE
    assert host.measurement("disk read") is None
