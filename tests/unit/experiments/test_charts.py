from __future__ import annotations

from typing import Any

from paglets_nb.experiments.charts import MAX_POINTS
from paglets_nb.experiments.results import Results
from tests.unit.experiments.conftest import done


def drawn(results: Results, **options: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """The points, the medians and the whole of a chart."""
    chart = results.plot(**options).chart.to_dict()
    points, medians = (layer["data"]["values"] for layer in chart["layer"])
    return points, medians, chart


def test_every_cell_is_a_point_and_every_group_has_its_median() -> None:
    """In a unit that fits, hosts apart from each other."""
    cells = [done(n, 0.001 * (1 + n % 3), host, size=n % 2) for n in range(12) for host in ("alpha", "beta")]
    points, medians, chart = drawn(Results("Model.fit", cells))
    assert len(points) == 24
    assert {(row["group"], row["host"]) for row in medians} == {
        (f"size={size}", host) for size in (0, 1) for host in ("alpha", "beta")
    }
    assert {row["time"] for row in points} == {1.0, 2.0, 3.0}
    assert chart["layer"][0]["encoding"]["x"]["title"] == "run (ms)"
    assert "yOffset" in chart["layer"][0]["encoding"]
    assert chart["title"] == "Model.fit"


def test_hosts_alone_are_the_rows() -> None:
    """Without axes there is a row for each host."""
    _points, _medians, chart = drawn(Results("f", [done(0, 1.0), done(1, 2.0, "beta")]), time="total")
    assert chart["layer"][0]["encoding"]["y"]["field"] == "host"
    assert chart["layer"][0]["encoding"]["x"]["title"] == "total (s)"


def test_large_grids_are_thinned_out() -> None:
    """No more points than the page can hold."""
    points, _medians, _chart = drawn(Results("f", [done(n, 1.0) for n in range(MAX_POINTS * 2 + 1)]))
    assert len(points) <= MAX_POINTS


def test_words_stand_for_the_chart() -> None:
    """Where nothing is drawn the summary is read."""
    results = Results("f", [done(0, 1.0)])
    assert repr(results.plot()) == repr(results.summary())
    assert Results("f", []).plot().png().startswith(b"\x89PNG")
