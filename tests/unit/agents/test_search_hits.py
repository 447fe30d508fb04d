from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from paglets_nb.agents.search_hits import (
    MAX_TEXT,
    CountReader,
    FileReader,
    LineReader,
    PathReader,
    reader_for,
)
from paglets_nb.agents.search_types import HitEvent, HostTotals, SearchMode, SearchRequest, matches_of


@pytest.fixture
def totals() -> HostTotals:
    """The totals of a host that has found nothing yet."""
    return HostTotals("alpha")


def line(kind: str, number: int, text: str | bytes, *places: tuple[int, int], path: str | bytes = "a.py") -> bytes:
    """A line of ``rg --json``."""

    def said(value: str | bytes) -> dict[str, str]:
        if isinstance(value, str):
            return {"text": value}
        return {"bytes": base64.b64encode(value).decode()}

    data: dict[str, Any] = {"path": said(path), "lines": said(text), "line_number": number}
    data["submatches"] = [{"match": {"text": ""}, "start": start, "end": end} for start, end in places]
    return json.dumps({"type": kind, "data": data}).encode() + b"\n"


END = json.dumps({"type": "end", "data": {"path": {"text": "a.py"}, "binary_offset": None}}).encode() + b"\n"


def test_a_hit_has_line_column_and_places(totals: HostTotals) -> None:
    """The line break is not part of the text; the column counts from 1."""
    [event] = LineReader("alpha", totals).feed(line("match", 7, "to be or be\r\n", (3, 5), (9, 11), path="./b/a.py"))
    assert event == {
        "host": "alpha",
        "path": "b/a.py",
        "line": 7,
        "column": 4,
        "text": "to be or be",
        "matches": "3-5,9-11",
    }


@pytest.mark.parametrize(
    ("text", "place", "wanted"),
    [
        ("äöü be\n", (7, 9), ("äöü be", (4, 6))),
        (b"\xff\xfe be\n", (3, 5), ("\ufffd\ufffd be", (3, 5))),
        ("\U0001f600\U0001f600be\n", (8, 10), ("\U0001f600\U0001f600be", (2, 4))),
    ],
)
def test_places_are_characters(
    totals: HostTotals, text: str | bytes, place: tuple[int, int], wanted: tuple[str, tuple[int, int]]
) -> None:
    """Bytes of rg become characters, also of a line that is not UTF-8."""
    [event] = LineReader("alpha", totals).feed(line("match", 1, text, place))
    assert (event["text"], matches_of(event)) == (wanted[0], [wanted[1]])
    assert event["column"] == wanted[1][0] + 1


def test_a_name_that_is_not_utf8_is_kept_whole(totals: HostTotals) -> None:
    """It is shown readably, and its bytes come along."""
    [event] = LineReader("alpha", totals).feed(line("match", 1, "be\n", (0, 2), path=b"./b\xff.py"))
    assert event["path"] == "b\\xff.py"
    assert base64.b64decode(event["raw_path"]) == b"b\xff.py"


def test_a_long_line_is_cut_around_its_match(totals: HostTotals) -> None:
    """The text is bounded, its places fit it, and the column is still that of the line."""
    text = "x" * 50_000 + "be" + "y" * 50_000 + "be\n"
    [event] = LineReader("alpha", totals).feed(line("match", 1, text, (50_000, 50_002), (100_002, 100_004)))
    assert len(event["text"]) == MAX_TEXT
    assert [event["text"][start:end] for start, end in matches_of(event)] == ["be"]
    assert (event["column"], event["clipped"]) == (50_001, True)


def test_lines_around_go_with_their_hits(totals: HostTotals) -> None:
    """A hit waits for the lines after it; a line between two hits belongs to both."""
    reader = LineReader("alpha", totals, before=1, after=2)
    assert reader.feed(line("context", 1, "a\n") + line("match", 2, "be\n", (0, 2)) + line("context", 3, "c\n")) == []
    first = reader.feed(line("context", 4, "d\n") + line("match", 5, "be\n", (0, 2)))
    assert [(hit["line"], hit["before"], hit["after"]) for hit in first] == [(2, [(1, "a")], [(3, "c"), (4, "d")])]
    [second] = reader.feed(END)
    assert (second["before"], second.get("after")) == ([(4, "d")], None)
    [third] = reader.feed(line("match", 9, "be\n", (0, 2)) + END)
    assert "before" not in third


def test_totals_are_counted(totals: HostTotals) -> None:
    """The last message of rg says what was searched."""
    stats = {"searches_with_match": 1, "matched_lines": 2, "matches": 3}
    binary = END.replace(b"null", b"17")
    LineReader("alpha", totals).feed(
        binary + json.dumps({"type": "summary", "data": {"stats": stats}}).encode() + b"\n"
    )
    assert (totals.files, totals.matched_lines, totals.matches, totals.binary_files) == (1, 2, 3, 1)


def test_files_are_read_with_their_size(totals: HostTotals, tmp_path: Path) -> None:
    """One that has gone since is left out; a line break may stand in a name."""
    (tmp_path / "a\nb").write_bytes(b"12345")
    records = b"".join(str(tmp_path / name).encode() + b"\0" for name in ("a\nb", "gone"))
    [event] = PathReader("alpha", totals, details=True).feed(records)
    assert (event["path"], event["size_bytes"]) == (str(tmp_path / "a\nb"), 5)
    assert event["modified_at"] > 0
    assert [hit["path"] for hit in PathReader("alpha", totals, details=False).feed(b"x\0y\0")] == ["x", "y"]


def test_counts_are_read_behind_names_with_line_breaks(totals: HostTotals) -> None:
    """Only whole records count as such."""
    reader = CountReader("alpha", totals)
    records = b"a\n7\x003\nb\x0012\nc\x00"
    assert reader.whole(records) == len(records) - 2
    events: list[HitEvent] = reader.feed(records[: reader.whole(records)])
    assert [(event["path"], event["count"]) for event in events] == [("a\n7", 3), ("b", 12)]
    assert totals.matched_lines == 15


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (SearchMode.LINES, LineReader),
        (SearchMode.COUNT, CountReader),
        (SearchMode.FILES_WITH, FileReader),
        (SearchMode.FILES_WITHOUT, PathReader),
        (SearchMode.FIND, PathReader),
    ],
)
def test_each_mode_has_its_reader(totals: HostTotals, mode: SearchMode, kind: type) -> None:
    """What rg writes for a mode is read by the reader of that format."""
    assert isinstance(reader_for(SearchRequest("x", mode=mode), "alpha", totals), kind)
