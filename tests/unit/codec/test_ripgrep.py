from __future__ import annotations

import pytest

from paglets_nb.codec.ripgrep import Begin, End, Match, Summary, decode_lines
from paglets_nb.errors import SerializationError

LINES = rb"""{"type":"begin","data":{"path":{"text":"a.py"}}}
{"type":"match","data":{"path":{"bytes":"/w=="},"lines":{"text":"be\n"},"line_number":3,"submatches":[{"end":5,"start":3}]}}
{"type":"end","data":{"path":{"text":"a.py"},"binary_offset":null,"stats":{"searches":1}}}
{"type":"summary","data":{"elapsed_total":{"secs":0},"stats":{"searches_with_match":7,"matched_lines":2}}}
"""


def test_each_kind_of_message_is_read() -> None:
    """Names that are not UTF-8 come as their bytes; what is not needed is passed over."""
    begin, match, end, summary = decode_lines(LINES)
    assert isinstance(begin, Begin)
    assert isinstance(match, Match)
    assert isinstance(end, End)
    assert isinstance(summary, Summary)
    assert match.data.path.raw() == b"\xff"
    assert (match.data.line_number, match.data.lines.readable()) == (3, "be\n")
    assert [(found.start, found.end) for found in match.data.submatches] == [(3, 5)]
    assert (summary.data.stats.searches_with_match, summary.data.stats.matched_lines) == (7, 2)


@pytest.mark.parametrize("line", [b"what\n", b'{"type":"other"}\n', b'{"type":"match","data":{}}\n', b"\xff\n"])
def test_what_rg_does_not_write_is_refused(line: bytes) -> None:
    """Anything else is a typed error."""
    with pytest.raises(SerializationError, match="what is not its JSON"):
        decode_lines(line)
