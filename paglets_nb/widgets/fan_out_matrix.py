"""The cells of a fan-out as a matrix of requests and hosts, and what changed in it since it was last looked at.

Owns the layout, the deltas and the still picture. It must not know what runs the cells.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from paglets_nb.experiments.cells import FAILED, NOT_RUN, OK, RUNNING, UNKNOWN, WAITING, Cell
from paglets_nb.experiments.grid import axes_of
from paglets_nb.experiments.table import quantity
from paglets_nb.widgets.markup import clipped, escaped, muted

__all__ = ["STATES", "Delta", "Matrix"]

STATES = (WAITING, RUNNING, OK, FAILED, UNKNOWN, NOT_RUN)
"""The states of a cell by their number in the page."""
EMPTY = 255
"""The number of a place that has no cell."""
NO_TIME = -1.0
MAX_LABELS = 20_000
"""Rows whose labels are sent; the others are numbered."""
MAX_LABEL = 60
MAX_DETAILS = 20_000
MAX_PICTURED_ROWS, MAX_PICTURED_COLUMNS = 40, 24
_SPARSEST = 4
_SCROLLED = "max-width:100%;overflow-x:auto;white-space:nowrap"
"""How a picture's table is held, so that neither its heads break nor its last columns are out of reach."""
_SYMBOLS = {WAITING: ".", RUNNING: "~", OK: "+", FAILED: "x", UNKNOWN: "?", NOT_RUN: "-"}
_COLOURS = {WAITING: "128,128,128,.12", RUNNING: "25,118,210,.25", OK: "46,125,50,.22"}
_BAD = {FAILED: "198,40,40,.30", UNKNOWN: "239,140,0,.32", NOT_RUN: "128,128,128,.12"}


@dataclass(frozen=True)
class Delta:
    """What changed.

    Attributes:
        places: of the cells, row by row, as unsigned 32-bit numbers.
        states: as numbers of ``STATES``, a byte each.
        times: in seconds as 32-bit floats, below 0 for none.
    """

    places: bytes
    states: bytes
    times: bytes

    def __len__(self) -> int:
        return len(self.states)


def _key(fields: dict[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{name}={clipped(fields.get(name), MAX_LABEL)}" for name in names)


class Matrix:
    """Cells by row and column.

    A row is a request and a column a host, with its repetitions, where every request goes to
    every host. Else hosts take what comes, and the last axis of the grid makes the columns.

    Args:
        cells: the cells.
        hosts: the host that each is meant for; empty where any host may take it.

    Attributes:
        rows: the labels of the rows.
        columns: of the columns.
    """

    def __init__(self, cells: Sequence[Cell], hosts: Sequence[str]) -> None:
        self.cells = cells
        found = set(axes_of(cells))
        axes = list(dict.fromkeys(name for cell in cells for name in cell.fields if name in found))
        self._repeats = max((cell.repeat for cell in cells), default=0) + 1
        requests = self._numbered(cells)
        placed = set(hosts)
        if "" not in placed and len(cells) == (max(requests, default=-1) + 1) * len(placed) * self._repeats:
            rows, columns = self._by_host(axes, requests, hosts)
        else:
            rows, columns = self._by_axis(axes, requests)
        self.rows, self._row_of = _labels(rows)
        self.columns, self._column_of = _labels(columns)
        self._place_of = [
            row * len(self.columns) + column for row, column in zip(self._row_of, self._column_of, strict=True)
        ]
        self._cell_at = {place: number for number, place in enumerate(self._place_of)}
        self._states = array("B", bytes([EMPTY])) * self.size
        self._times = array("f", [NO_TIME]) * self.size
        self.changes()

    @staticmethod
    def _numbered(cells: Sequence[Cell]) -> list[int]:
        """The number of each cell's request; those of one request share their fields, or have equal ones."""
        by_id: dict[int, int] = {}
        by_value: dict[str, int] = {}
        for cell in cells:
            if id(cell.fields) not in by_id:
                text = repr(cell.fields)
                by_id[id(cell.fields)] = by_value.setdefault(text, len(by_value))
        return [by_id[id(cell.fields)] for cell in cells]

    def _with_repeat(self, label: str, cell: Cell) -> str:
        return f"{label} {cell.repeat + 1}".strip() if self._repeats > 1 else label

    def _request_labels(self, axes: Sequence[str], requests: Sequence[int]) -> list[tuple[Any, str]]:
        labels: dict[int, str] = {}
        for cell, number in zip(self.cells, requests, strict=True):
            if number not in labels:
                labels[number] = clipped(_key(cell.fields, axes) or "all", MAX_LABEL)
        return [(number, labels[number]) for number in requests]

    def _by_host(
        self, axes: Sequence[str], requests: Sequence[int], hosts: Sequence[str]
    ) -> tuple[list[tuple[Any, str]], list[tuple[Any, str]]]:
        order = {host: number for number, host in enumerate(dict.fromkeys(hosts))}
        columns = [
            ((order[host], cell.repeat), self._with_repeat(host, cell))
            for cell, host in zip(self.cells, hosts, strict=True)
        ]
        return self._request_labels(axes, requests), columns

    def _by_axis(
        self, axes: Sequence[str], requests: Sequence[int]
    ) -> tuple[list[tuple[Any, str]], list[tuple[Any, str]]]:
        if len(axes) > 1:
            rows = [_key(cell.fields, axes[:-1]) for cell in self.cells]
            values = [_key(cell.fields, axes[-1:]) for cell in self.cells]
            order = {value: number for number, value in enumerate(dict.fromkeys(values))}
            if len(set(rows)) * len(order) * self._repeats <= _SPARSEST * len(self.cells):
                columns = [
                    ((order[value], cell.repeat), self._with_repeat(clipped(value, MAX_LABEL), cell))
                    for value, cell in zip(values, self.cells, strict=True)
                ]
                numbers = {row: number for number, row in enumerate(dict.fromkeys(rows))}
                return [(numbers[row], clipped(row, MAX_LABEL)) for row in rows], columns
        single = [(cell.repeat, self._with_repeat("run" if self._repeats > 1 else "cell", cell)) for cell in self.cells]
        return self._request_labels(axes, requests), single

    # ---- what the page has of it

    @property
    def size(self) -> int:
        """Places, those without a cell among them."""
        return len(self.rows) * len(self.columns)

    def row_labels(self) -> list[str]:
        """What the page calls the rows."""
        return self.rows if len(self.rows) <= MAX_LABELS else [f"#{number}" for number in range(len(self.rows))]

    def changes(self) -> Delta:
        """What changed since it was asked last."""
        places, states, times = array("I"), array("B"), array("f")
        known, since = self._states, self._times
        codes = {state: number for number, state in enumerate(STATES)}
        for place, cell in zip(self._place_of, self.cells, strict=True):
            code, taken = codes[cell.state], cell.run if cell.run is not None else cell.total
            time = NO_TIME if taken is None else taken
            if code != known[place] or abs(time - since[place]) > 1e-6 * abs(time):
                known[place], since[place] = code, time
                places.append(place)
                states.append(code)
                times.append(time)
        return Delta(places.tobytes(), states.tobytes(), times.tobytes())

    def whole(self) -> dict[str, bytes]:
        """All of it, as it was when its changes were asked for last."""
        return {"states": self._states.tobytes(), "times": self._times.tobytes()}

    def cell_at(self, place: int) -> Cell | None:
        """The cell at a place; None where there is none."""
        number = self._cell_at.get(place)
        return None if number is None else self.cells[number]

    def details(self, place: int) -> tuple[str, str]:
        """What stands for a cell: one line of where and how, and its reply or error in full."""
        cell = self.cell_at(place)
        if cell is None:
            return "", ""
        taken = quantity(cell.run if cell.run is not None else cell.total)
        fields = _key(cell.fields, list(cell.fields))
        where = [fields, f"on {cell.host or 'any host'}", f"repetition {cell.repeat + 1}" if self._repeats > 1 else ""]
        parts = [part for part in (*where, f"{cell.state}{f' after {taken}' if taken else ''}") if part]
        parts += [f"sent {cell.attempts} times"] if cell.attempts > 1 else []
        text = cell.error
        if cell.exception is not None:
            told = getattr(cell.exception, "remote_traceback", "")
            text = f"{cell.error}\n\n{told}" if told else cell.error
        elif cell.ok:
            text = clipped(cell.value, MAX_DETAILS)
        return ", ".join(parts), text[:MAX_DETAILS]

    # ---- its picture

    def _pictured(self) -> list[tuple[str, list[Cell | None]]]:
        width = len(self.columns)
        shown = range(min(width, MAX_PICTURED_COLUMNS))
        rows = self.rows[:MAX_PICTURED_ROWS]
        return [(label, [self.cell_at(row * width + column) for column in shown]) for row, label in enumerate(rows)]

    def _left(self) -> str:
        rows, columns = len(self.rows) - MAX_PICTURED_ROWS, len(self.columns) - MAX_PICTURED_COLUMNS
        parts = [f"{rows:,} more rows" if rows > 0 else "", f"{columns:,} more columns" if columns > 0 else ""]
        left = " and ".join(part for part in parts if part)
        return f"and {left}" if left else ""

    def html(self) -> str:
        """A table of its first rows and columns, each cell in its colour."""
        heads = "".join(f"<th>{escaped(label)}</th>" for label in self.columns[:MAX_PICTURED_COLUMNS])
        parts = [f"<div style='{_SCROLLED}'><table><thead><tr><th></th>{heads}</tr></thead><tbody>"]
        for label, cells in self._pictured():
            drawn = "".join(_drawn(cell) for cell in cells)
            parts.append(f"<tr><th>{escaped(label)}</th>{drawn}</tr>")
        left = self._left()
        return "".join([*parts, "</tbody></table></div>", muted(left).html if left else ""])

    def text(self) -> str:
        """Its first rows and columns, a sign for each cell."""
        left_out = any(cell.state == NOT_RUN for cell in self.cells)
        told = [f"{symbol} {state}" for state, symbol in _SYMBOLS.items() if state != NOT_RUN or left_out]
        legend, rows = ", ".join(told), self._pictured()
        width = max((len(label) for label, _cells in rows), default=0)
        signs = [(label, "".join(_SYMBOLS[cell.state] if cell else " " for cell in cells)) for label, cells in rows]
        lines = [f"{label.ljust(width)}  {line}".rstrip() for label, line in signs]
        return "\n".join(part for part in (*lines, self._left(), f"({legend})") if part)


def _labels(entries: Sequence[tuple[Any, str]]) -> tuple[list[str], list[int]]:
    """The labels in the order of their keys, and the number of each entry's."""
    labels = dict(entries)
    order = {key: number for number, key in enumerate(sorted(labels))}
    return [labels[key] for key in order], [order[key] for key, _label in entries]


def _drawn(cell: Cell | None) -> str:
    if cell is None:
        return "<td></td>"
    colour = _COLOURS.get(cell.state) or _BAD[cell.state]
    taken = quantity(cell.run if cell.run is not None else cell.total)
    shown = taken if cell.ok else cell.state
    tip = f" title='{escape(clipped(cell.error), quote=True)}'" if cell.error else ""
    return f"<td style='background:rgba({colour})'{tip}>{escaped(shown)}</td>"
