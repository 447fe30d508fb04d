from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from paglets_nb.agents.search_types import (
    HostTotals,
    SearchHit,
    SearchMode,
    SearchRequest,
    SearchSummary,
    check_request,
    hit_of,
)
from paglets_nb.errors import SearchError

GOOD = SearchRequest("x")


def test_a_plain_request_is_fine() -> None:
    """The defaults can be searched for."""
    check_request(GOOD)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pattern": ""}, "needs a pattern"),
        ({"paths": []}, "needs paths"),
        ({"paths": ["a", ""]}, "needs paths"),
        ({"pattern": "a\0b"}, "no NUL"),
        ({"mode": SearchMode.FIND, "globs": ["*.py"]}, r"further globs only exclude \(!GLOB\)"),
        ({"before": -1}, "before wants a number from 0, got -1"),
        ({"max_per_file": 0}, "max_per_file wants a number from 1, got 0"),
        ({"max_results": 0}, "max_results wants a number from 1, got 0"),
        ({"timeout": 0.0}, "timeout wants seconds above 0, got 0"),
        ({"timeout": float("nan")}, "timeout wants seconds above 0, got nan"),
    ],
)
def test_a_request_that_cannot_be_is_refused(change: dict[str, Any], said: str) -> None:
    """The error names what was wrong and what was wanted."""
    with pytest.raises(SearchError, match=said):
        check_request(replace(GOOD, **change))


def test_a_hit_says_where_it_is() -> None:
    """As grep writes it; files and counts in their own way."""
    assert str(SearchHit("alpha", "a.py", 3, 7, "value")) == "a.py:3:7: value"
    assert str(SearchHit("alpha", "a.py", count=4)) == "a.py: 4 lines"
    assert str(SearchHit("alpha", "a.py")) == "a.py"


def test_a_name_that_is_not_utf8_can_be_opened() -> None:
    """``file_name`` gives back its bytes as the file system knows them."""
    hit = hit_of({"host": "alpha", "path": "b\\xff", "raw_path": "Yv8=", "cursor": 5})
    assert (hit.file_name().encode("utf-8", "surrogateescape"), hit.cursor) == (b"b\xff", 5)
    assert SearchHit("alpha", "a.py").file_name() == "a.py"


def test_a_summary_is_one_line() -> None:
    """Hits, files, hosts, and whatever did not go as it should."""
    totals = [HostTotals("alpha", "done", 3, 10), HostTotals("beta", "failed", error_count=2)]
    summary = SearchSummary(True, 3, hosts=totals, errors={"beta": "it is gone"})
    assert str(summary) == "3 hits in 10 files on alpha, beta; 2 could not be read; beta: it is gone"
    assert str(replace(summary, truncated=True, hosts=[], errors={})) == "3 hits, and there are more"
    assert "still searching" in str(replace(summary, done=False))
    assert "cancelled" in str(replace(summary, cancelled=True))
