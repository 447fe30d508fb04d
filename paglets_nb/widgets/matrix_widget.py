"""The matrix of a fan-out in the page: told of changes as they come, asked for what a cell says.

Between two snapshots the page is sent what changed. A page that misses some of it, such as one
that was opened later, is right again with the next snapshot.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from paglets_nb.experiments.results import Results
from paglets_nb.experiments.table import quantity
from paglets_nb.widgets.fan_out_matrix import STATES, Matrix

__all__ = ["MatrixWidget"]

_STATIC = Path(__file__).parent / "static"
_SNAPSHOT = 2.0
"""Seconds between two snapshots while cells change."""


class _Page(anywidget.AnyWidget):
    """The matrix's page."""

    _esm = _STATIC / "fan_out_matrix.js"
    _css = _STATIC / "fan_out_matrix.css"
    plan = traitlets.Dict().tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True)
    head = traitlets.Dict().tag(sync=True)


class MatrixWidget:
    """Shows the cells of one fan-out at a time.

    Attributes:
        widget: the widget to display.
        matrix: what is shown; None before the first.
    """

    def __init__(self) -> None:
        self.widget = _Page()
        self.matrix: Matrix | None = None
        self._lock = threading.Lock()
        self._shown: Results | None = None
        self._plan = 0
        self._count = 0
        self._sent_at = 0.0
        self._behind = False
        self.widget.on_msg(self._on_message)

    def update(self, results: Results, note: str, *, busy: bool) -> None:
        """Show how cells stand now.

        Args:
            results: whose cells they are; others than the last time make another matrix.
            note: stands beside the counts.
            busy: whether more is to come soon.
        """
        with self._lock:  # two that lay out at once would leave the page with a plan of which nothing more is told
            if results is not self._shown or self.matrix is None:
                self._lay_out(results)
            else:
                self._send_changes(busy)
        counts = results.counts
        head = {
            "title": results.title,
            "counts": [[state, counts.get(state, 0)] for state in STATES],
            "note": note,
            "took": quantity(results.elapsed),
        }
        if head != self.widget.head:
            self.widget.head = head

    def matrix_of(self, results: Results) -> Matrix:
        """The matrix of these results: the one that is shown, or one for a picture while it is not shown yet."""
        if self.matrix is not None and results is self._shown:
            return self.matrix
        return Matrix(results.cells, getattr(results, "wanted_hosts", None) or [cell.host for cell in results.cells])

    def _lay_out(self, results: Results) -> None:
        self.matrix = matrix = self.matrix_of(results)
        self._shown = results
        self._plan += 1
        self._count = 0
        with self.widget.hold_sync():
            self.widget.plan = {"number": self._plan, "rows": matrix.row_labels(), "columns": matrix.columns}
            self._take_snapshot()

    def _take_snapshot(self) -> None:
        assert self.matrix is not None
        self.widget.snapshot = {"plan": self._plan, "count": self._count, **self.matrix.whole()}
        self._sent_at, self._behind = time.monotonic(), False

    def _send_changes(self, busy: bool) -> None:
        assert self.matrix is not None
        delta = self.matrix.changes()
        if len(delta):
            self._count += 1
            self._behind = True
            content = {"kind": "delta", "plan": self._plan, "count": self._count}
            self.widget.send(content, [delta.places, delta.states, delta.times])
        if self._behind and (not busy or time.monotonic() - self._sent_at > _SNAPSHOT):
            self._take_snapshot()

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Answer the page's question what a cell says, from what is here."""
        if not isinstance(content, Mapping) or content.get("kind") != "details" or self.matrix is None:
            return
        place = content.get("place")
        if isinstance(place, int) and content.get("plan") == self._plan:
            where, text = self.matrix.details(place)
            answer = {"kind": "details", "view": content.get("view"), "pinned": bool(content.get("pinned"))}
            self.widget.send({**answer, "place": place, "where": where, "text": text})
