"""The chart of a fan-out: every cell's time as a point, every group's median as a tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from paglets_nb.experiments.statistics import Sample
from paglets_nb.plots import Plot, altair

if TYPE_CHECKING:
    from paglets_nb.experiments.results import Results

__all__ = ["chart_of"]

MAX_POINTS = 5000
"""Cells drawn of a larger grid: evenly chosen ones. Altair refuses more."""
_SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


def _label(values: Mapping[str, Any]) -> str:
    """A group as its axis says it: the values of its fields."""
    parts = [f"{name}={value}" for name, value in values.items()]
    return ", ".join(part if len(part) <= 40 else f"{part[:37]}..." for part in parts) or "all"


def chart_of(results: Results, by: Sequence[str] | str | None, time: str) -> Plot:
    """The chart of results, a line of points for each group."""
    alt = altair()
    names = results._keys(by)
    points: list[dict[str, Any]] = []
    medians: list[dict[str, Any]] = []
    for values, cells in results.groups(by).items():
        known = dict(zip(names, values, strict=True))
        host = str(known.pop("host", ""))
        label = _label(known)
        times = results.times(cells, time)
        points += [{"group": label, "host": host, "seconds": seconds} for seconds in times]
        if times:
            medians.append({"group": label, "host": host, "seconds": Sample(times).median})
    return Plot(_draw(alt, points, medians, results.title, time), repr(results.summary(by, time=time)))


def _draw(alt: Any, points: list[dict[str, Any]], medians: list[dict[str, Any]], title: str, time: str) -> Any:
    longest = max((point["seconds"] for point in points), default=1.0)
    factor, unit = next(((f, u) for f, u in _SCALES if longest >= f), _SCALES[-1])
    for one in (*points, *medians):
        one["time"] = one.pop("seconds") / factor
    step = max(1, -(-len(points) // MAX_POINTS))
    groups = list(dict.fromkeys(row["group"] for row in medians))
    hosts = list(dict.fromkeys(row["host"] for row in medians))
    several = len(groups) > 1
    row, colour = ("group", "host") if several else ("host", "host")
    y = alt.Y(f"{row}:N", sort=groups if several else hosts, title=None)
    x = alt.X("time:Q", title=f"{time} ({unit})", scale=alt.Scale(zero=False, nice=True))
    shade = alt.Color(
        f"{colour}:N", sort=hosts, title="host", legend=alt.Legend() if several and len(hosts) > 1 else None
    )
    offset = {"yOffset": alt.YOffset("host:N", sort=hosts)} if several and len(hosts) > 1 else {}
    tips = [
        alt.Tooltip("group:N"),
        alt.Tooltip("host:N"),
        alt.Tooltip("time:Q", title=f"{time} ({unit})", format=".4g"),
    ]
    dots = alt.Chart(alt.Data(values=points[::step])).mark_circle(opacity=0.55, size=40)
    ticks = alt.Chart(alt.Data(values=medians)).mark_tick(thickness=2.5, size=14, opacity=1)
    layers = [layer.encode(x=x, y=y, color=shade, tooltip=tips, **offset) for layer in (dots, ticks)]
    return alt.layer(*layers).properties(title=title, width=420)
