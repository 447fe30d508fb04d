"""Pictures of experiments: their tables, and where a fan-out stands."""

from __future__ import annotations

from typing import Any

from paglets_nb.experiments.table import quantity
from paglets_nb.widgets.markup import clipped, escaped, muted, table

__all__ = ["results_html", "table_html"]

MAX_ERRORS = 5
"""Different errors that are shown; the commonest ones."""
_COLOURS = {"ok": "#2e7d32", "failed": "#c62828", "unknown": "#b26a00", "not run": "#757575"}


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


def results_html(results: Any) -> str:
    """Where it stands, what went wrong, and the medians."""
    took = quantity(results.elapsed) or "0 s"
    head = f"<b>{escaped(results.title)}</b>: {_counts(results)}, {escaped(took)}"
    errors = [(f"{count}x {state}", clipped(error)) for count, state, error in results.errors[:MAX_ERRORS]]
    return f"{head}{table((), errors).html if errors else ''}{table_html(results.shown())}"
