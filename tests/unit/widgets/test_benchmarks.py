from __future__ import annotations

from paglets_nb.agents.movement_results import HopFailure, HostClock, MovementResult, PairTimes
from paglets_nb.agents.performance_results import HostPerformance, Measurement, PerformanceResult
from paglets_nb.agents.volumes import SkippedVolume
from paglets_nb.widgets import pictures
from paglets_nb.widgets.benchmarks import host_performance_html, movement_html, performance_html

EVIL = "<script>x</script>"


def _measured(rate: float) -> Measurement:
    return Measurement("cpu", "integer", "operations", rate)


def test_the_bar_is_the_share_of_the_quickest_host() -> None:
    """A column for each host; what one has not measured is empty; everything is escaped."""
    hosts = [
        HostPerformance("quick", "done", measurements=[_measured(2e6)]),
        HostPerformance("slow", "done", measurements=[_measured(5e5)]),
        HostPerformance(EVIL, "failed", error=EVIL),
    ]
    html = performance_html(PerformanceResult(hosts))
    assert ("0.3) 100%" in html, "0.3) 25%" in html) == (True, True)
    assert "2.0 M operations/s" in html
    assert html.count("<td") == 4
    assert EVIL not in html
    assert "<table" not in performance_html(PerformanceResult())


def test_a_host_shows_its_measures() -> None:
    """Each with its rate and volume; what went wrong and what was left out too."""
    host = HostPerformance(
        "h", "failed", measurements=[_measured(2e6)], skipped=[SkippedVolume("/x", EVIL)], error=EVIL
    )
    html = host_performance_html(host)
    assert ("h failed: " in html, "2.0 M operations/s" in html, "/x was skipped: " in html) == (True, True, True)
    assert EVIL not in html
    assert "<table" not in host_performance_html(HostPerformance("h"))


def test_the_matrix_is_a_heat_map() -> None:
    """The longest hop is the strongest; pairs that were not travelled are empty; a failure is told."""
    pairs = [PairTimes("a", "b", [0.002], [0.001]), PairTimes("b", "a", [0.004], [0.001])]
    clocks = [HostClock("b", 0.0, 0.002, 0.003, 20)]
    failure = HopFailure("a", "b", "HostDiedError", EVIL)
    html = movement_html(MovementResult(["a", "b"], pairs, clocks, failure=failure))
    assert ("0 us ± 1.00 ms" in html, "3.00 ms" in html) == (True, True)
    assert ("0.05)'>2.00 ms" in html, "0.65)'>4.00 ms" in html) == (True, True)
    assert "overhead of a hop" in html
    assert "HostDiedError" in html
    assert EVIL not in html
    assert "<table" not in movement_html(MovementResult([EVIL]))


def test_text_is_the_objects_own() -> None:
    """Where only text can be shown."""
    for name, value in (
        ("paglets_nb.agents.performance_results.PerformanceResult", PerformanceResult()),
        ("paglets_nb.agents.movement_results.MovementResult", MovementResult()),
    ):
        assert pictures.PICTURES[name].text(value) == repr(value)
