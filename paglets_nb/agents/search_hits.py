"""From ripgrep's output to results: one reader for each of its three formats.

A reader takes whole records and gives the results in them; ``whole`` tells where the last
whole record of some bytes ends.
"""

from __future__ import annotations

import base64
import os
import re
from collections import deque
from typing import Protocol

from paglets_nb.agents.search_types import HitEvent, HostTotals, SearchMode, SearchRequest, spans
from paglets_nb.codec.ripgrep import Context, End, Line, Match, Submatch, Summary, Text, decode_lines

__all__ = ["CountReader", "FileReader", "LineReader", "PathReader", "Reader", "reader_for"]

MAX_TEXT = 2_000
"""Characters of a line that a result shows at most."""
_BEFORE_MATCH = 200
MAX_MATCHES = 100
"""Matches of one line of which a result tells the place."""
_COUNTED = re.compile(rb"([^\0]+)\0(\d+)\n")


class Reader(Protocol):
    """Turns records into results, and counts."""

    def whole(self, data: bytes | bytearray) -> int:
        """Where the last whole record ends."""
        ...

    def feed(self, records: bytes) -> list[HitEvent]:
        """The results in whole records."""
        ...

    def finish(self) -> list[HitEvent]:
        """The results that still waited for what may follow them."""
        ...


def shown_path(raw: bytes) -> tuple[str, str]:
    """A file's name as text, and the base64 of one that is not UTF-8."""
    raw = raw.removeprefix(b"./")
    try:
        return raw.decode(), ""
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace"), base64.b64encode(raw).decode()


def _file_event(host: str, raw: bytes) -> HitEvent:
    path, encoded = shown_path(raw)
    event: HitEvent = {"host": host, "path": path}
    if encoded:
        event["raw_path"] = encoded
    return event


class LineReader:
    """Reads ``rg --json``: one result for each line with a match.

    Args:
        host: the name of this host.
        totals: counted here.
        before: lines shown before each result.
        after: lines shown after each.
    """

    def __init__(self, host: str, totals: HostTotals, before: int = 0, after: int = 0) -> None:
        self._host = host
        self._totals = totals
        self._near = bool(before or after)
        self._after = after
        self._earlier: deque[tuple[int, str]] = deque(maxlen=before)
        self._last: HitEvent | None = None

    def whole(self, data: bytes | bytearray) -> int:
        """Behind the last line break."""
        return data.rfind(b"\n") + 1

    def feed(self, records: bytes) -> list[HitEvent]:
        """The results in whole lines; with lines after them, the last one waits for those."""
        found: list[HitEvent] = []
        for message in decode_lines(records):
            if type(message) is Match:
                event = self._event(message.data)
                if self._near:
                    self._place(event, found)
                else:
                    found.append(event)
            elif type(message) is Context:
                self._take_context(message.data)
            elif type(message) is End:
                self._totals.files += 1
                self._totals.binary_files += message.data.binary_offset is not None
                found += self.finish()
                self._earlier.clear()
            elif type(message) is Summary:
                self._count(message)
        return found

    def finish(self) -> list[HitEvent]:
        """The result that waited for the lines after it."""
        last, self._last = self._last, None
        return [] if last is None else [last]

    def _count(self, message: Summary) -> None:
        stats, totals = message.data.stats, self._totals
        totals.files = stats.searches_with_match
        totals.matched_lines = stats.matched_lines
        totals.matches = stats.matches

    def _event(self, line: Line) -> HitEvent:
        """The result of a line, its places in characters."""
        name, text = line.path.text, line.lines.text
        if text is not None and text.isascii():
            places = [(match.start, match.end) for match in line.submatches[:MAX_MATCHES]]
        else:
            text, places = _decoded(line.lines, line.submatches[:MAX_MATCHES])
        text = text.rstrip("\r\n")
        event: HitEvent = {
            "host": self._host,
            "path": "" if name is None else name.removeprefix("./"),
            "line": line.line_number or 0,
            "column": places[0][0] + 1 if places else 1,
            "text": text,
            "matches": spans(places) if len(text) <= MAX_TEXT else "",
        }
        if name is None:
            event.update(_file_event(self._host, line.path.raw()))
        if len(text) > MAX_TEXT:
            event["text"], places = _clipped(text, places)
            event["matches"] = spans(places)
            event["clipped"] = True
        return event

    # ---- the lines around

    def _place(self, event: HitEvent, found: list[HitEvent]) -> None:
        found += self.finish()
        if self._earlier:
            event["before"] = list(self._earlier)
        self._earlier.clear()
        if self._after:
            self._last = event
        else:
            found.append(event)

    def _take_context(self, line: Line) -> None:
        entry = line.line_number or 0, line.lines.readable().rstrip("\r\n")[:MAX_TEXT]
        last = self._last
        if last is not None and entry[0] <= last["line"] + self._after:
            last.setdefault("after", []).append(entry)
        self._earlier.append(entry)


def _decoded(lines: Text, submatches: list[Submatch]) -> tuple[str, list[tuple[int, int]]]:
    """A line that is not ASCII, with the places of its matches in characters."""
    raw = lines.raw()
    places = []
    for match in submatches:
        start = len(raw[: match.start].decode("utf-8", "replace"))
        places.append((start, start + len(raw[match.start : match.end].decode("utf-8", "replace"))))
    return raw.decode("utf-8", "replace"), places


def _clipped(text: str, places: list[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """What is around the first match of a long line, with the places that are still in it."""
    first = places[0][0] if places else 0
    start = min(max(0, first - _BEFORE_MATCH), len(text) - MAX_TEXT)
    inside = [(max(begin - start, 0), min(end - start, MAX_TEXT)) for begin, end in places]
    return text[start : start + MAX_TEXT], [(begin, end) for begin, end in inside if begin < MAX_TEXT and end > 0]


class FileReader(LineReader):
    """Reads ``rg --json --max-count=1``: one result for each file with a match."""

    def _event(self, line: Line) -> HitEvent:
        return _file_event(self._host, line.path.raw())


class PathReader:
    """Reads names that end in NUL: one result for each file.

    Args:
        host: the name of this host.
        totals: counted here.
        details: tell each file's size and time too.
    """

    def __init__(self, host: str, totals: HostTotals, *, details: bool) -> None:
        self._host = host
        self._totals = totals
        self._details = details

    def whole(self, data: bytes | bytearray) -> int:
        """Behind the last NUL."""
        return data.rfind(b"\0") + 1

    def feed(self, records: bytes) -> list[HitEvent]:
        """The files."""
        found = []
        for raw in records.split(b"\0")[:-1]:
            event = _file_event(self._host, raw)
            if self._details:
                try:
                    status = os.stat(raw, follow_symlinks=False)
                except OSError:  # gone since
                    continue
                event["size_bytes"], event["modified_at"] = status.st_size, status.st_mtime
            found.append(event)
        self._totals.files += len(found)
        return found

    def finish(self) -> list[HitEvent]:
        """Nothing waits."""
        return []


class CountReader:
    """Reads how many lines of each file match.

    Args:
        host: the name of this host.
        totals: counted here.
    """

    def __init__(self, host: str, totals: HostTotals) -> None:
        self._host = host
        self._totals = totals

    def whole(self, data: bytes | bytearray) -> int:
        """Behind the last number; a line break may also stand in a name."""
        last = 0
        for found in _COUNTED.finditer(data):
            last = found.end()
        return last

    def feed(self, records: bytes) -> list[HitEvent]:
        """The files with their numbers."""
        found = []
        for record in _COUNTED.finditer(records):
            event = _file_event(self._host, record[1])
            event["count"] = int(record[2])
            self._totals.matched_lines += event["count"]
            found.append(event)
        self._totals.files += len(found)
        return found

    def finish(self) -> list[HitEvent]:
        """Nothing waits."""
        return []


def reader_for(request: SearchRequest, host: str, totals: HostTotals) -> Reader:
    """The reader of what ripgrep writes for a request."""
    if request.mode is SearchMode.LINES:
        return LineReader(host, totals, request.before, request.after)
    if request.mode is SearchMode.COUNT:
        return CountReader(host, totals)
    if request.mode is SearchMode.FILES_WITH:
        return FileReader(host, totals)
    return PathReader(host, totals, details=request.mode is SearchMode.FIND)
