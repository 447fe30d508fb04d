"""A live list of events: a view of a paglet's drain, or of a mesh's events.

The page has only the rows that it shows: it asks for them by messages, and is told how many
there are and what the last ones say. Owns that conversation; the rows are the buffer's, the
reading is the follower's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.patterns.cursor_drain import CURSOR_DRAIN
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.widgets.background import Coalesced, post
from paglets_nb.widgets.drain_buffer import CAPACITY, DrainBuffer, Gap, Row
from paglets_nb.widgets.drain_follower import (
    ENDED,
    FAILED,
    LOST,
    PAUSED,
    READING,
    DrainFollower,
    EventSource,
    PagletSource,
)
from paglets_nb.widgets.markup import Markup, escaped, muted, table, text_table
from paglets_nb.widgets.shown import Shown, close_tree

__all__ = ["DrainView"]

_STATIC = Path(__file__).parent / "static"
_TAIL = 80
"""Rows that the page is sent unasked: the last ones."""
_UPDATES_PER_SECOND = 8.0
_PICTURED = 50
"""Rows in the picture that stays: the last ones."""
_MAX_FILTER = 200


class _EventList(anywidget.AnyWidget):
    """The list in the page."""

    _esm = _STATIC / "drain_view.js"
    _css = _STATIC / "drain_view.css"
    head = traitlets.Dict().tag(sync=True)
    tail = traitlets.Dict().tag(sync=True)


class DrainView(Shown):
    """A list of events that follows them as they come; displays itself in a notebook.

    Args:
        source: the paglet whose events are shown, or an ``EventSource``.
        operation: the paglet's drain operation, or the name of one of ``CURSOR_DRAIN``'s types.
        after: the last event that was seen; 0 for none.
        title: what the list is called; the paglet's name or id when empty.
        capacity: rows held at most; older ones are let go, which a row says.
        follow: begin to read at once; else when ``resume`` is called, or the button pressed.

    Attributes:
        buffer: the rows.
        follower: reads them.
        widget: the widget to display.
    """

    def __init__(
        self,
        source: PagletProxy | EventSource,
        operation: ServiceOperation | str = CURSOR_DRAIN,
        after: int = 0,
        *,
        title: str = "",
        capacity: int = CAPACITY,
        follow: bool = True,
    ) -> None:
        super().__init__()
        origin = PagletSource(source, operation, after) if isinstance(source, PagletProxy) else source
        self.title = title or origin.title
        self.buffer = DrainBuffer(capacity)
        self.widget = _EventList()
        self._closed = False
        self._changed = Coalesced(self._paint, _UPDATES_PER_SECOND)
        self.follower = DrainFollower(origin, self.buffer, self._changed)
        self.widget.on_msg(self._on_message)
        self._paint()
        if follow:
            self.follower.start()

    # ---- what a user does

    def pause(self) -> None:
        """Read no further events."""
        self.follower.pause()

    def resume(self) -> None:
        """Read on."""
        self.follower.start()

    def filter(self, text: str) -> None:
        """Show only events that have a text in a field; the empty text shows all. May take a moment."""
        self.buffer.set_filter(text[:_MAX_FILTER])
        self._changed()
        while self.buffer.scan():
            self._changed()
        self._changed()

    def settle(self) -> None:
        """Who read for it says that it has ended: it is paused, and the picture is as things are now."""
        self.follower.pause()
        self._changed.paint()
        self.picture_now()

    def close(self) -> None:
        """Read no more, and take the widget away; harmless when repeated."""
        if self._closed:
            return
        self.follower.close()
        self._changed.close()
        self._closed = True
        close_tree(self.widget)

    # ---- what the page is told

    def _status(self) -> str:
        count, cursor = self.buffer.events, self.follower.source.cursor
        said = {
            READING: "reading",
            PAUSED: "paused",
            ENDED: "the stream has ended",
            LOST: "lost; asking again",
            FAILED: "stopped",
        }
        parts = [f"{count:,} event{'s' * (count != 1)}, up to cursor {cursor}", said[self.follower.state]]
        return "; ".join(part for part in (*parts, self.follower.note) if part)

    def _paint(self) -> None:
        if self._closed:
            return
        buffer = self.buffer
        generation = buffer.generation
        start, rows = buffer.tail(_TAIL)
        first, end = buffer.span()
        columns = [
            {"name": column.name, "width": column.width, "numeric": column.numeric} for column in list(buffer.columns)
        ]
        with self.widget.hold_sync():
            self.widget.head = {
                "title": self.title,
                "status": self._status(),
                "state": self.follower.state,
                "generation": generation,
                "first": first,
                "end": max(end, start + len(rows)),
                "held": buffer.held,
                "gone": buffer.gone(),
                "filter": buffer.filter,
                "columns": columns,
            }
            self.widget.tail = {"generation": generation, "start": start, "rows": [buffer.texts(row) for row in rows]}
        self.changed()

    # ---- what the page asks

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Answer the page from what is held; what takes longer is posted."""
        if not isinstance(content, Mapping) or self._closed:
            return
        kind, value = content.get("kind"), content.get("value")
        if kind == "rows":
            self._send_rows(content)
        elif kind in ("details", "copy") and isinstance(value, int):
            self._send_details(content, value)
        elif kind == "jump" and isinstance(value, int):
            place = self.buffer.place_of(value)
            self.widget.send({"kind": "jump", "view": content.get("view"), "place": place, "cursor": value})
        elif kind == "filter" and isinstance(value, str):
            post(lambda: self.filter(value), self._on_error)
        elif kind == "pause":
            self.pause()
        elif kind == "resume":
            self.resume()

    def _send_rows(self, content: Mapping[str, Any]) -> None:
        start, count, generation = (content.get(name) for name in ("start", "count", "generation"))
        if not (isinstance(start, int) and isinstance(count, int)) or generation != self.buffer.generation:
            return
        first, rows = self.buffer.rows(start, count)
        texts = [self.buffer.texts(row) for row in rows]
        self.widget.send({"kind": "rows", "generation": generation, "asked": start, "start": first, "rows": texts})

    def _send_details(self, content: Mapping[str, Any], place: int) -> None:
        start, rows = self.buffer.rows(place, 1)
        text = self.buffer.details(rows[0]) if rows and start == place else "this event was let go"
        self.widget.send({"kind": content["kind"], "view": content.get("view"), "place": place, "text": text})

    def _on_error(self, error: Exception) -> None:
        self.follower.note = f"{type(error).__name__}: {error}"
        self._changed()

    # ---- its pictures

    def _pictured(self) -> tuple[list[str], list[list[object]], str]:
        """Headers, rows and what stands above them."""
        start, rows = self.buffer.tail(_PICTURED)
        columns = [column.name for column in list(self.buffer.columns)]
        lines = [_line(row, self.buffer.texts(row), len(columns)) for row in rows]
        earlier = start - self.buffer.span()[0]
        parts = [self._status(), f"filter: {self.buffer.filter}" if self.buffer.filter else ""]
        parts += [self.buffer.gone(), f"{earlier:,} earlier ones, and" if earlier else ""]
        return ["cursor", *columns], lines, "\n".join(part for part in parts if part)

    def text(self) -> str:
        """The last events, as text."""
        headers, lines, above = self._pictured()
        return f"{self.title}: {above}\n{text_table(headers, lines)}" if lines else f"{self.title}: {above}"

    def html(self) -> str:
        """The last events, as HTML."""
        headers, lines, above = self._pictured()
        shown = table(headers, lines).html if lines else ""
        return f"<b>{escaped(self.title)}</b>: {'<br>'.join(muted(line).html for line in above.splitlines())}{shown}"


def _line(row: Row, texts: Mapping[str, Any], width: int) -> list[object]:
    """A row of the picture."""
    if isinstance(row, Gap):
        return [Markup("...") if width == 0 else "...", *([texts["gap"], *[""] * (width - 1)] if width else [])]
    cells = texts["cells"]
    return [texts["cursor"], *cells, *[""] * (width - len(cells))]
