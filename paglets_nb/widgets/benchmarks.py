"""Pictures of what the benchmarks found, as HTML: bars of rates, a heat-map of hops."""

from __future__ import annotations

from typing import Any

from paglets_nb.widgets.markup import Markup, escaped, muted, table

__all__ = ["host_performance_html", "movement_html", "performance_html"]

_BLUE = "33,150,243"


def _barred(text: str, fraction: float) -> Markup:
    """Text on a bar as long as a fraction of its cell."""
    to = f"{100 * min(1.0, max(0.0, fraction)):.0f}%"
    paint = f"linear-gradient(to right,rgba({_BLUE},0.3) {to},transparent {to})"
    return Markup(f"<div style='min-width:130px;padding:0 4px;background:{paint}'>{escaped(text)}</div>")


def _heated(text: str, fraction: float) -> Markup:
    """Text on a ground as strong as a fraction."""
    strength = 0.05 + 0.6 * min(1.0, max(0.0, fraction))
    return Markup(f"<div style='padding:2px 8px;background:rgba({_BLUE},{strength:.2f})'>{escaped(text)}</div>")


def _remarks(lines: list[str]) -> str:
    return "".join(f"<div>{muted(line).html}</div>" for line in lines)


def performance_html(result: Any) -> str:
    """Measures down, hosts across; the bar is the share of the quickest host."""
    rows: list[tuple[object, ...]] = []
    for label, found in result.rows():
        best = max((entry.rate_per_second for entry in found if entry is not None), default=0.0) or 1.0
        rows.append(
            (label, *("" if entry is None else _barred(entry.rate, entry.rate_per_second / best) for entry in found))
        )
    shown = table(("measure", *(host.host for host in result.hosts)), rows).html if rows else ""
    return f"<div>{escaped(result.headline())}</div>{shown}{_remarks(result.remarks())}"


def host_performance_html(host: Any) -> str:
    """One host: its measures, and what was left out."""
    rows = [(entry.label, entry.rate, entry.volume) for entry in host.measurements]
    shown = table(("measure", "rate", "volume"), rows).html if rows else ""
    what = f"{host.host} {host.state}" + (f": {host.error}" if host.error else "")
    skipped = [f"{entry.path} was skipped: {entry.reason}" for entry in host.skipped]
    return f"<div>{escaped(what)}</div>{shown}{_remarks(skipped)}"


def movement_html(result: Any) -> str:
    """Sources down, targets across, the median hop; then what the pairs have in common, and the hosts' clocks."""
    matrix = result.matrix()
    known = [seconds for row in matrix for seconds in row if seconds is not None]
    least, span = min(known, default=0.0), (max(known, default=0.0) - min(known, default=0.0)) or 1.0

    def cell(seconds: float | None) -> object:
        return "" if seconds is None else _heated(f"{seconds * 1e3:.2f} ms", (seconds - least) / span)

    rows = [(source, *map(cell, row)) for source, row in zip(result.hosts, matrix, strict=True)]
    shown = table(("from \\ to", *result.hosts), rows).html if known else ""
    facts = table((), result.facts()).html if known else ""
    clocks = table(("host", "clock offset", "message round trip"), result.clock_rows()).html if result.clocks else ""
    return f"<div>{escaped(result.headline())}</div>{shown}{facts}{clocks}{_remarks(result.remarks())}"
