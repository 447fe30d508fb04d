"""What a view of events holds: the last so many, gaps as rows of their own, and what a filter leaves of them.

Owns the rows and how they become texts. It must not know where they come from, nor what
shows them.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from paglets_nb.widgets.markup import clipped

__all__ = ["CAPACITY", "Column", "DrainBuffer", "Event", "Gap", "Row"]

Event = dict[str, Any]
CAPACITY = 100_000
"""Rows that are held at most unless a view wants another number."""
LARGEST_PAGE = 500
MAX_COLUMNS = 8
"""Fields that have a column; the others are seen in an event's details."""
MAX_CELL = 160
MAX_DETAILS = 20_000
_SAMPLE = 200
_SCANNED_AT_ONCE = 2000
_NARROWEST, _WIDEST = 4, 40


@dataclass(frozen=True, slots=True)
class Gap:
    """Stands in the place of events that cannot be had.

    Attributes:
        first: the cursor of the first of them.
        last: of the last of them; below ``first`` where the paglet has begun to count anew.
        where: whose events they are, where that is not plain.
        number: the gap's own cursor, where it has one.
    """

    first: int
    last: int
    where: str = ""
    number: int = 0

    def __str__(self) -> str:
        of = f" of {self.where}" if self.where else ""
        if self.last < self.first:
            return f"the numbers{of} begin anew at {self.first}"
        if self.last == self.first:
            return f"event {self.first}{of} is no longer held"
        return f"events {self.first} to {self.last}{of} are no longer held"


Row = Event | Gap


class Column:
    """One field of the events, as a column.

    Args:
        name: of the field.

    Attributes:
        width: characters that its texts have, within limits.
        numeric: whether they are all numbers.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.width = min(_WIDEST, max(_NARROWEST, len(name)))
        self.numeric = True

    def see(self, value: Any) -> None:
        """Make room for a value."""
        self.width = max(self.width, min(_WIDEST, len(clipped(value, _WIDEST))))
        self.numeric = self.numeric and isinstance(value, int | float) and not isinstance(value, bool)


def _searchable(row: Row) -> str:
    if isinstance(row, Gap):
        return str(row)
    return " ".join(f"{name}={clipped(value)}" for name, value in row.items()).lower()


class DrainBuffer:
    """The rows that are held, by their place among all that ever came; for several threads.

    A place counts the rows that are shown, from 0, and stays the same while the filter does,
    also when older rows are let go.

    Args:
        capacity: rows held at most; the oldest are let go.

    Attributes:
        generation: counts the filters; places of one are none of another.
        columns: the fields of the events, the commonest eight that came first.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = max(1, capacity)
        self.generation = 0
        self.columns: list[Column] = []
        self._lock = threading.Lock()
        self._rows: deque[Row] = deque()
        self._base = 0
        self._gone = 0
        self._gone_cursor = 0
        self._events = 0
        self._sampled = 0
        self._era = 0
        self._filter = ""
        self._matched: deque[int] = deque()
        self._unmatched = 0
        self._scanned = 0

    # ---- writing

    def extend(self, rows: Iterable[Row]) -> None:
        """Add rows behind the last one, and let the oldest go where there are too many."""
        with self._lock:
            complete = self._scanned == self._end
            for row in rows:
                if isinstance(row, Gap):
                    if row.last < row.first:
                        self._era = self._end
                else:
                    self._events += 1
                    self._see(row)
                self._rows.append(row)
                if len(self._rows) > self.capacity:
                    self._let_go()
            self._scanned = max(self._scanned, self._base)
            if not self._filter:
                self._scanned = self._end
            elif complete:
                self._scan(self._end)

    def _let_go(self) -> None:
        row = self._rows.popleft()
        if isinstance(row, Gap):
            self._gone_cursor = _cursor(row)
        else:
            self._gone += 1
            self._gone_cursor = int(row.get("cursor", 0))
        self._base += 1
        while self._matched and self._matched[0] < self._base:
            self._matched.popleft()
            self._unmatched += 1

    def _see(self, event: Event) -> None:
        """Learn of the event's fields, of the first events only."""
        if self._sampled >= _SAMPLE:
            return
        self._sampled += 1
        known = {column.name: column for column in self.columns}
        for name, value in event.items():
            if name == "cursor":
                continue
            column = known.get(name)
            if column is None and len(self.columns) < MAX_COLUMNS:
                column = Column(name)
                self.columns.append(column)
            if column is not None:
                column.see(value)

    @property
    def _end(self) -> int:
        return self._base + len(self._rows)

    # ---- filtering

    @property
    def filter(self) -> str:
        """The text that shown events have in them; empty for all."""
        return self._filter

    def set_filter(self, text: str) -> None:
        """Show only events that have a text in a field; gaps always are. ``scan`` finds them."""
        with self._lock:
            self._filter = text.strip().lower()
            self.generation += 1
            self._matched.clear()
            self._unmatched = 0
            self._scanned = self._base if self._filter else self._end

    def scan(self, count: int = _SCANNED_AT_ONCE) -> bool:
        """Look for the filter's text in the next rows; whether there are more to look at."""
        with self._lock:
            self._scan(self._scanned + count)
            return self._scanned < self._end

    def _scan(self, end: int) -> None:
        end = min(end, self._end)
        text = self._filter
        for place in range(self._scanned, end):
            row = self._rows[place - self._base]
            if isinstance(row, Gap) or text in _searchable(row):
                self._matched.append(place)
        self._scanned = max(self._scanned, end)

    # ---- reading

    @property
    def held(self) -> int:
        """Rows that are held."""
        return len(self._rows)

    @property
    def events(self) -> int:
        """Events that ever came."""
        return self._events

    def span(self) -> tuple[int, int]:
        """The places of the rows that are shown: the first, and the one behind the last."""
        with self._lock:
            return self._span()

    def _span(self) -> tuple[int, int]:
        if not self._filter:
            return self._base, self._end
        return self._unmatched, self._unmatched + len(self._matched)

    def _row(self, place: int) -> Row:
        if self._filter:
            place = self._matched[place - self._unmatched]
        return self._rows[place - self._base]

    def rows(self, start: int, count: int) -> tuple[int, list[Row]]:
        """The rows that are shown at ``count`` places from ``start``, as far as they are held.

        Returns:
            The place of the first of them, and the rows.
        """
        with self._lock:
            first, end = self._span()
            start = min(max(start, first), end)
            end = min(end, start + min(max(count, 0), LARGEST_PAGE))
            return start, [self._row(place) for place in range(start, end)]

    def tail(self, count: int) -> tuple[int, list[Row]]:
        """The last rows that are shown, in the same way; the last has room in its columns, as numbers grow."""
        start, rows = self.rows(self.span()[1] - count, count)
        if rows and isinstance(rows[-1], Mapping):
            for column in list(self.columns):
                if column.name in rows[-1]:
                    column.see(rows[-1][column.name])
        return start, rows

    def place_of(self, cursor: int) -> int | None:
        """The place of the event with a cursor, else of the next one; None where no event is shown behind it.

        Where the paglet has counted anew, events from then on are meant.
        """
        with self._lock:
            low, end = self._span()
            while low < end and self._filter and self._matched[low - self._unmatched] < self._era:
                low += 1
            low = max(low, self._era) if not self._filter else low
            high = end
            while low < high:
                middle = (low + high) // 2
                if _cursor(self._row(middle)) < cursor:
                    low = middle + 1
                else:
                    high = middle
            return low if low < end else None

    def gone(self) -> str:
        """What is said of the events that were let go; empty where none was."""
        if not self._gone:
            return ""
        noun = "event was" if self._gone == 1 else "events were"
        return (
            f"{self._gone:,} older {noun} let go, up to cursor {self._gone_cursor}; the last {self.capacity:,} are held"
        )

    # ---- texts

    def texts(self, row: Row) -> dict[str, Any]:
        """A row as a page shows it: ``gap``, or ``cursor`` and ``cells`` by column."""
        if isinstance(row, Gap):
            return {"gap": str(row)}
        cells = [clipped(row[column.name], MAX_CELL) if column.name in row else "" for column in list(self.columns)]
        return {"cursor": str(row.get("cursor", "")), "cells": cells}

    @staticmethod
    def details(row: Row) -> str:
        """A row in full, as JSON; what JSON cannot hold as its ``repr``."""
        if isinstance(row, Gap):
            return str(row)
        text = json.dumps(_named(row), indent=2, ensure_ascii=False, default=repr)
        return clipped(text, MAX_DETAILS)


def _named(event: Mapping[Any, Any]) -> dict[str, Any]:
    """An event whose keys JSON can hold."""
    return {
        name if isinstance(name, str) else repr(name): _named(value) if isinstance(value, Mapping) else value
        for name, value in event.items()
    }


def _cursor(row: Row) -> int:
    """The cursor by which a row is found: a gap's last, so that what it stands for leads to it."""
    if isinstance(row, Gap):
        return row.number or max(row.first, row.last)
    return int(row.get("cursor", 0))
