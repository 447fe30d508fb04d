"""Pictures of experiments: their tables, and where a fan-out stands."""

from __future__ import annotations

from collections import Counter
from typing import Any

from paglets_nb.widgets.markup import Markup, clipped, escaped, muted, table

__all__ = ["results_html", "table_html"]

MAX_ERRORS = 5
"""Different errors that are shown; the commonest ones."""
_COLOURS = {"ok": "#2e7d32", "failed": "#c62828", "unknown": "#b26a00"}


def table_html(shown: Any) -> str:
    """A table with the note under it."""
    drawn = table(shown.columns, shown.text_rows()).html
    return drawn + (muted(shown.footer()).html if shown.footer() else "")


def _counts(results: Any) -> str:
    """How many cells are in each state, each in its colour."""
    parts = [
        f"<span style='color:{_COLOURS.get(state, 'inherit')}'>{count} {escaped(state)}</span>"
        for state, count in results.counts.items()
    ]
    return ", ".join(parts)


def _errors(results: Any) -> str:
    """The errors of the cells, the commonest first."""
    found = Counter((cell.state, clipped(cell.error, 200)) for cell in results.cells if cell.error)
    rows = [(f"{count}x {state}", error) for (state, error), count in found.most_common(MAX_ERRORS)]
    return table((), rows).html if rows else ""


def results_html(results: Any) -> str:
    """Where it stands, what went wrong, and the medians."""
    shown = results.comparison() if hasattr(results, "comparison") else results.summary()
    head = Markup(f"<b>{escaped(results.headline())}</b> ({_counts(results)})")
    return f"{head.html}{_errors(results)}{table_html(shown)}"
