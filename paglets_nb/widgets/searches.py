"""Pictures of searches: hits with their matches marked, totals by host."""

from __future__ import annotations

import html
import time
from typing import Any

from paglets_nb.widgets.markup import Markup, escaped, muted, table
from paglets_nb.widgets.pictures import Picture

__all__ = ["PICTURES", "hit_html", "search_html", "summary_html"]

SHOWN = 50
"""Hits shown of a search."""
MAX_LINE = 300
"""Characters shown of a line: what is around its first match."""
_CODE = "font-family:monospace;white-space:pre-wrap"
_BREAK = "\n"


def _window(hit: Any) -> tuple[int, int]:
    """What is shown of a hit's line."""
    first = hit.matches[0][0] if hit.matches else 0
    start = 0 if len(hit.text) <= MAX_LINE or first < MAX_LINE // 2 else first - MAX_LINE // 4
    return start, min(len(hit.text), start + MAX_LINE)


def _marked(hit: Any) -> str:
    """A hit's line as HTML, its matches marked."""
    begin, end = _window(hit)
    parts, at = ["..." if begin or hit.clipped else ""], begin
    for start, stop in hit.matches:
        start, stop = max(start, at), min(stop, end)  # noqa: PLW2901
        if start < stop:
            parts += [html.escape(hit.text[at:start]), f"<mark>{html.escape(hit.text[start:stop])}</mark>"]
            at = stop
    return "".join([*parts, html.escape(hit.text[at:end]), "..." if end < len(hit.text) else ""])


def _near(lines: Any) -> list[str]:
    return [muted(text[:MAX_LINE]).html for _number, text in lines]


def _content(hit: Any) -> Markup:
    """What a hit says beside its place."""
    if hit.line:
        lines = [*_near(hit.before), _marked(hit), *_near(hit.after)]
        return Markup(f"<span style='{_CODE}'>{_BREAK.join(lines)}</span>")
    if hit.count:
        return Markup(f"{hit.count:,} lines")
    if hit.modified_at:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(hit.modified_at))
        return Markup(f"{hit.size_bytes:,} bytes, {when}")
    return Markup("")


def _hits_table(hits: Any, *, several: bool) -> str:
    rows = [([hit.host] if several else []) + [Markup(html.escape(hit.where())), _content(hit)] for hit in hits]
    return table((), rows).html


def hit_html(hit: Any) -> str:
    """One hit."""
    return _hits_table([hit], several=True)


def summary_html(summary: Any) -> str:
    """Where a search stands: one line, and a row for each host."""
    headers = ("host", "state", "hits", "files", "not read", "seconds")
    rows = [
        (
            totals.host,
            f"{totals.status}: {summary.errors[totals.host]}" if totals.host in summary.errors else totals.status,
            totals.hits,
            totals.files,
            totals.error_count or "",
            f"{totals.elapsed:.2f}",
        )
        for totals in summary.hosts
    ]
    return f"<div>{escaped(str(summary))}</div>{table(headers, rows).html}"


def search_html(search: Any) -> str:
    """The first hits of a search, and where it stands."""
    shown = search[:SHOWN]
    several = len({hit.host for hit in shown}) > 1
    left = len(search) - len(shown)
    more = f"<div>{muted(f'and {left:,} more').html}</div>" if left else ""
    found = _hits_table(shown, several=several) if shown else ""
    return f"{found}{more}<div>{escaped(search.headline())}</div>"


PICTURES = {
    "paglets_nb.agents.search_client.Search": Picture(search_html, repr),
    "paglets_nb.agents.search_types.SearchHit": Picture(hit_html, str),
    "paglets_nb.agents.search_types.SearchSummary": Picture(summary_html, str),
}
"""The pictures by the full name of their type."""
