from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import pytest

from paglets_nb.agents.search_types import HostTotals, SearchHit, SearchSummary
from paglets_nb.widgets.searches import MAX_LINE, PICTURES, SHOWN, hit_html, search_html, summary_html

HIT = SearchHit("alpha", "<a>.py", 3, 4, "if a < b & c", [(5, 6), (9, 10)])


class Found(list[SearchHit]):
    """Stands for a search: a sequence of hits with a headline."""

    def headline(self) -> str:
        """Where it stands."""
        return f"{len(self)} hits <here>"


def test_matches_are_marked_and_all_is_escaped() -> None:
    """Neither a name nor a line becomes markup."""
    html = hit_html(HIT)
    assert "if a <mark>&lt;</mark> b <mark>&amp;</mark> c" in html
    assert "&lt;a&gt;.py:3:4" in html


def test_lines_around_are_small_print() -> None:
    """Before and after the hit, in order."""
    html = hit_html(replace(HIT, before=[(2, "<before>")], after=[(4, "after")]))
    assert html.index("&lt;before&gt;") < html.index("<mark>") < html.index("after</span>")


def test_a_long_line_shows_its_match() -> None:
    """What is around it, bounded."""
    html = hit_html(SearchHit("alpha", "a", 1, 1001, "x" * 1000 + "be" + "y" * 1000, [(1000, 1002)]))
    assert "<mark>be</mark>" in html
    assert "y" * (MAX_LINE // 2) in html
    assert "y" * MAX_LINE not in html
    assert html.count("...") == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [({"count": 1234}, "1,234 lines"), ({"size_bytes": 5000, "modified_at": 1e9}, "5,000 bytes, 2001-09-0")],
)
def test_files_say_what_they_are(change: dict[str, Any], said: str) -> None:
    """How many lines match, or how large a file is."""
    assert said in hit_html(SearchHit("alpha", "a.py", **change))


def test_a_search_shows_its_first_hits() -> None:
    """Hosts only where there are several; how many more there are; its headline."""
    html = search_html(Found([HIT] * (SHOWN + 7)))
    assert html.count("<tr>") == SHOWN
    assert "and 7 more" in html
    assert "57 hits &lt;here&gt;" in html
    assert "alpha" not in html
    assert "beta" in search_html(Found([HIT, replace(HIT, host="beta")]))
    assert search_html(Found()) == "<div>0 hits &lt;here&gt;</div>"


def test_a_summary_has_a_row_for_each_host() -> None:
    """With why one failed."""
    totals = [HostTotals("alpha", "done", 3, 2, elapsed=0.25), HostTotals("beta", "failed", error_count=4)]
    html = summary_html(SearchSummary(True, 3, hosts=totals, errors={"beta": "no <path>"}))
    assert html.count("<tr>") == 3
    assert "failed: no &lt;path&gt;" in html
    assert "0.25" in html


def test_each_type_has_a_picture() -> None:
    """The names lead to types that there are."""
    for name in PICTURES:
        module, _, cls = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), cls), type)
    assert PICTURES["paglets_nb.agents.search_types.SearchHit"].text(HIT) == "<a>.py:3:4: if a < b & c"
