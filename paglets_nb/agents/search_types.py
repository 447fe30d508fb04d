"""What a search is asked for and what it answers: requests, hits, totals, operations."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NotRequired, TypedDict

from paglets_nb.errors import SearchError
from paglets_nb.patterns.cursor_drain import CursorDrainRequest
from paglets_nb.services.contracts import EmptyPayload, ServiceOperation

__all__ = [
    "CANCEL",
    "CHILD_DONE",
    "CHILD_EVENTS",
    "CHILD_STOP",
    "CLEANUP",
    "DRAIN",
    "START",
    "SUMMARY",
    "ChildDone",
    "ChildEvents",
    "ChildOrders",
    "CleanupReply",
    "HitEvent",
    "HostTotals",
    "SearchDrained",
    "SearchHit",
    "SearchMode",
    "SearchRequest",
    "SearchStarted",
    "SearchSummary",
    "check_request",
    "hit_of",
    "matches_of",
    "spans",
]

DEFAULT_RESULTS = 100_000
DEFAULT_TIMEOUT = 600.0


class SearchMode(Enum):
    """What is wanted: lines with a match, how many a file has, files with or without one, files by name."""

    LINES = "lines"
    COUNT = "count"
    FILES_WITH = "files-with"
    FILES_WITHOUT = "files-without"
    FIND = "find"


@dataclass(frozen=True)
class SearchRequest:
    """What to search for, and where.

    Attributes:
        pattern: a regular expression in ripgrep's syntax. To find files: a glob of their names,
            ``*`` for every one; without ``*``, ``?`` or ``[`` a part of the name.
        paths: files and folders on each host; relative ones in the host's working folder.
        mode: what a result is.
        ignore_case: letters match in either case.
        smart_case: so they do where the pattern is all lower case.
        literal: the pattern is text, not a regular expression.
        word: only whole words.
        before: lines shown before each hit.
        after: lines shown after each hit.
        types: only files of these types, as ripgrep names them (``py``, ``md``).
        types_not: no files of these.
        globs: only files that match one of these; a leading ``!`` excludes, which is all it may do
            where files are looked for by name.
        hidden: hidden files and folders too.
        no_ignore: files too that ``.gitignore`` and its like exclude.
        follow: follow symbolic links.
        max_depth: folders below a path; None for all.
        max_size_bytes: no larger files; None for all.
        max_per_file: lines with a match in one file; None for all.
        max_results: over all hosts; the search stops there.
        sort: each host's results in the order of their paths; slower.
        targets: hosts by name; every host of the mesh where there are none.
        one_per_machine: of hosts that share a machine, and so its files, only the first.
        timeout: seconds after which hosts that still search are stopped.
    """

    pattern: str = ""
    paths: list[str] = field(default_factory=lambda: ["."])
    mode: SearchMode = SearchMode.LINES
    ignore_case: bool = False
    smart_case: bool = False
    literal: bool = False
    word: bool = False
    before: int = 0
    after: int = 0
    types: list[str] = field(default_factory=list)
    types_not: list[str] = field(default_factory=list)
    globs: list[str] = field(default_factory=list)
    hidden: bool = False
    no_ignore: bool = False
    follow: bool = False
    max_depth: int | None = None
    max_size_bytes: int | None = None
    max_per_file: int | None = None
    max_results: int = DEFAULT_RESULTS
    sort: bool = False
    targets: list[str] = field(default_factory=list)
    one_per_machine: bool = False
    timeout: float = DEFAULT_TIMEOUT


def check_request(request: SearchRequest) -> None:
    """Refuse what no host could search for; SearchError says what was wanted."""
    if not request.pattern:
        raise SearchError("a search needs a pattern")
    if not request.paths or not all(request.paths):
        raise SearchError("a search needs paths that are not empty")
    if any(
        "\0" in text for text in (request.pattern, *request.paths, *request.globs, *request.types, *request.types_not)
    ):
        raise SearchError("patterns, paths, globs and types hold no NUL")
    if request.mode is SearchMode.FIND and not all(glob.startswith("!") for glob in request.globs):
        raise SearchError("to find files, the pattern is the glob; further globs only exclude (!GLOB)")
    lowest = {"before": 0, "after": 0, "max_depth": 0, "max_size_bytes": 0, "max_per_file": 1, "max_results": 1}
    for name, least in lowest.items():
        value = getattr(request, name)
        if value is not None and value < least:
            raise SearchError(f"{name} wants a number from {least}, got {value}")
    if not request.timeout > 0:
        raise SearchError(f"timeout wants seconds above 0, got {request.timeout:g}")


class HitEvent(TypedDict):
    """A result as it travels and is drained; see ``SearchHit``.

    Its ``matches`` are text, e.g. ``3-5,9-11``: a dict of nothing but text and numbers costs
    the collector nothing, and of a large search that was half of all costs.
    """

    host: str
    path: str
    cursor: NotRequired[int]
    line: NotRequired[int]
    column: NotRequired[int]
    text: NotRequired[str]
    matches: NotRequired[str]
    before: NotRequired[list[tuple[int, str]]]
    after: NotRequired[list[tuple[int, str]]]
    count: NotRequired[int]
    size_bytes: NotRequired[int]
    modified_at: NotRequired[float]
    raw_path: NotRequired[str]
    clipped: NotRequired[bool]


@dataclass(frozen=True)
class SearchHit:
    """One result.

    Attributes:
        host: where it is.
        path: the file; bytes of its name that are not UTF-8 are shown in hexadecimal.
        line: its number, from 1; 0 where the result is a file.
        column: of the first match, in characters of the line, from 1.
        text: the line without its line break; of a very long one, what is around the match.
        matches: where in ``text`` the matches are: first character, and the one behind the last.
        before: lines before it with their numbers.
        after: lines after it.
        count: lines with a match in the file, where those were counted.
        size_bytes: the file's size, where files were looked for.
        modified_at: POSIX seconds of its last change, likewise.
        raw_path: base64 of a name that is not UTF-8, else empty.
        clipped: ``text`` is not the whole line.
        cursor: its number in the search.
    """

    host: str
    path: str
    line: int = 0
    column: int = 0
    text: str = ""
    matches: list[tuple[int, int]] = field(default_factory=list)
    before: list[tuple[int, str]] = field(default_factory=list)
    after: list[tuple[int, str]] = field(default_factory=list)
    count: int = 0
    size_bytes: int = 0
    modified_at: float = 0.0
    raw_path: str = ""
    clipped: bool = False
    cursor: int = 0

    def file_name(self) -> str:
        """The path as ``open`` takes it, also where it is not UTF-8."""
        return os.fsdecode(base64.b64decode(self.raw_path)) if self.raw_path else self.path

    def where(self) -> str:
        """The place, e.g. ``src/a.py:12:5``."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path

    def __str__(self) -> str:
        said = self.text if self.line else f"{self.count} lines" if self.count else ""
        return f"{self.where()}: {said}" if said else self.where()


def hit_of(event: HitEvent | dict[str, Any]) -> SearchHit:
    """The hit of an event."""
    return SearchHit(**{**event, "matches": matches_of(event)})


def matches_of(event: HitEvent | dict[str, Any]) -> list[tuple[int, int]]:
    """Where in an event's text its matches are."""
    places = [place.partition("-") for place in event.get("matches", "").split(",") if place]
    return [(int(start), int(end)) for start, _dash, end in places]


def spans(matches: Iterable[tuple[int, int]]) -> str:
    """The places of matches as an event has them."""
    return ",".join([f"{start}-{end}" for start, end in matches])


@dataclass
class HostTotals:
    """What one host's search did.

    Attributes:
        status: ``searching``, ``done``, ``stopped`` or ``failed``.
        hits: results that it found and that were kept.
        files: with a result.
        matched_lines: lines with a match.
        matches: matches, of which a line may have several.
        binary_files: files in which the search ended at a NUL.
        elapsed: seconds.
        errors: what could not be searched, as ripgrep says it; the first hundred.
        error_count: how many there were.
    """

    host: str
    status: str = "searching"
    hits: int = 0
    files: int = 0
    matched_lines: int = 0
    matches: int = 0
    binary_files: int = 0
    elapsed: float = 0.0
    errors: list[str] = field(default_factory=list)
    error_count: int = 0


@dataclass(frozen=True)
class SearchStarted:
    """Which hosts search now."""

    hosts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SearchDrained:
    """Results in order; a ``CursorDrainReply`` whose events are hits."""

    events: list[HitEvent] = field(default_factory=list)
    cursor: int = 0
    more: bool = False
    first_cursor: int = 1
    closed: bool = False
    last_cursor: int | None = None


@dataclass(frozen=True)
class SearchSummary:
    """Where a search stands.

    Attributes:
        done: no host searches any more.
        hits: results so far.
        truncated: there were more than ``max_results``.
        cancelled: it was cancelled.
        elapsed: seconds, to its end.
        hosts: totals, in the order in which the hosts were asked.
        errors: why hosts failed, by name.
    """

    done: bool = False
    hits: int = 0
    truncated: bool = False
    cancelled: bool = False
    elapsed: float = 0.0
    hosts: list[HostTotals] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        files = sum(totals.files for totals in self.hosts)
        parts = [f"{self.hits:,} {'hit' if self.hits == 1 else 'hits'}" + (", and there are more" * self.truncated)]
        if files:
            parts.append(f"in {files:,} {'file' if files == 1 else 'files'}")
        if self.hosts:
            parts.append(f"on {', '.join(totals.host for totals in self.hosts)}")
        state = "cancelled" if self.cancelled else "" if self.done else "still searching"
        errors = sum(totals.error_count for totals in self.hosts)
        could_not = f"{errors} could not be read" if errors else ""
        failed = "; ".join(f"{name}: {error}" for name, error in self.errors.items())
        return "; ".join(part for part in (" ".join(parts), state, could_not, failed) if part)


@dataclass(frozen=True)
class ChildEvents:
    """What a host's search found since it last told; nothing, to say that it goes on."""

    host: str
    events: list[HitEvent] = field(default_factory=list)


@dataclass(frozen=True)
class ChildOrders:
    """What a host's search is to do: go on, or stop."""

    stop: bool = False


@dataclass(frozen=True)
class ChildDone:
    """A host's search has ended.

    Attributes:
        error: why it failed; empty where it did not.
    """

    totals: HostTotals
    error: str = ""


@dataclass(frozen=True)
class CleanupReply:
    """Hosts whose part could not be cleaned up, and why."""

    errors: dict[str, str] = field(default_factory=dict)


START = ServiceOperation("start", SearchRequest, SearchStarted)
DRAIN = ServiceOperation("drain", CursorDrainRequest, SearchDrained)
CHILD_EVENTS = ServiceOperation("child_events", ChildEvents, ChildOrders)
CHILD_DONE = ServiceOperation("child_done", ChildDone, EmptyPayload)
CHILD_STOP = ServiceOperation("child_stop", EmptyPayload, EmptyPayload)
SUMMARY = ServiceOperation("summary", EmptyPayload, SearchSummary)
CANCEL = ServiceOperation("cancel", EmptyPayload, SearchSummary)
CLEANUP = ServiceOperation("cleanup", EmptyPayload, CleanupReply)
