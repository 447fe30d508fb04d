"""A plain table: rows of values by column, which shows itself and becomes a pandas frame where there is pandas."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["Table", "cell_text", "quantity"]

MAX_ROWS = 60
"""Rows shown of a longer table: the first ones."""
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
_WIDEST = 40


def quantity(seconds: float | None) -> str:
    """A duration for people, e.g. ``12.3 ms``."""
    if seconds is None or math.isnan(seconds):
        return ""
    factor, unit = next((pair for pair in _UNITS if abs(seconds) >= pair[0]), _UNITS[-1] if seconds else _UNITS[0])
    return f"{seconds / factor:.3g} {unit}" if abs(seconds) < 1000 else f"{seconds:.0f} s"


def cell_text(column: str, value: Any, times: frozenset[str]) -> str:
    """One value of a table as text."""
    if value is None:
        return ""
    if column in times and isinstance(value, int | float):
        return quantity(float(value))
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3g}"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


class Table(list[dict[str, Any]]):
    """Rows by column's name.

    Args:
        rows: the rows.
        columns: their order; those of the first row when None.
        times: the columns that hold seconds.
        note: stands under the table.
    """

    def __init__(
        self,
        rows: Iterable[dict[str, Any]],
        columns: Sequence[str] | None = None,
        *,
        times: Iterable[str] = (),
        note: str = "",
    ) -> None:
        super().__init__(rows)
        self.columns = list(columns if columns is not None else (self[0] if self else ()))
        self.times = frozenset(times)
        self.note = note

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        return [row.get(name) for row in self]

    def to_frame(self) -> Any:
        """The table as a ``pandas.DataFrame``; itself where pandas is not installed."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            return self
        return pandas.DataFrame(list(self), columns=self.columns)

    def text_rows(self) -> list[list[str]]:
        """The cells that are shown, as text."""
        return [[cell_text(name, row.get(name), self.times) for name in self.columns] for row in self[:MAX_ROWS]]

    def footer(self) -> str:
        """What stands under the table: how many rows are not shown, and the note."""
        more = len(self) - MAX_ROWS
        return "\n".join(part for part in (f"and {more} more rows" if more > 0 else "", self.note) if part)

    def __repr__(self) -> str:
        lines = [self.columns, *self.text_rows()]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        shown = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([*shown, *([self.footer()] if self.footer() else [])])
