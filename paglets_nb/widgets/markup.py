"""HTML and text of the shapes that pictures are made of; everything shown is escaped here."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Markup", "bar", "clipped", "details", "escaped", "muted", "table", "text_table"]

MAX_TEXT = 400
_CELL = "text-align:left;vertical-align:top"


@dataclass(frozen=True)
class Markup:
    """HTML that was made by this module, and so is not escaped again."""

    html: str


def clipped(value: object, limit: int = MAX_TEXT) -> str:
    """A value as text of at most ``limit`` characters."""
    if isinstance(value, bytes | bytearray) and len(value) > limit:  # their whole repr would cost their size
        value = bytes(value[:limit])
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def escaped(value: object) -> str:
    """A value as HTML: markup as it is, anything else as escaped text."""
    return value.html if isinstance(value, Markup) else html.escape(clipped(value))


def muted(value: object) -> Markup:
    """Small print."""
    return Markup(f"<span style='opacity:0.65'>{escaped(value)}</span>")


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, caption: object = "") -> Markup:
    """A table; headers may be empty."""
    parts = ["<table>"]
    if caption:
        parts.append(f"<caption style='text-align:left'>{escaped(caption)}</caption>")
    if headers:
        cells = "".join(f"<th style='{_CELL}'>{escaped(header)}</th>" for header in headers)
        parts.append(f"<thead><tr>{cells}</tr></thead>")
    parts.append("<tbody>")
    for row in rows:
        cells = "".join(f"<td style='{_CELL}'>{escaped(value)}</td>" for value in row)
        parts.append(f"<tr>{cells}</tr>")
    parts.append("</tbody></table>")
    return Markup("".join(parts))


def text_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in aligned columns."""
    lines = [[str(header) for header in headers], *([clipped(value, 80) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def bar(fraction: float, colour: str) -> Markup:
    """A progress bar."""
    width = 100 * min(1.0, max(0.0, fraction))
    return Markup(
        "<div style='display:inline-block;width:200px;height:10px;border:1px solid #8888;vertical-align:middle'>"
        f"<div style='width:{width:.1f}%;height:100%;background:{html.escape(colour, quote=True)}'></div></div>"
    )


def details(summary: str, text: str) -> Markup:
    """Long text behind a line that opens it."""
    return Markup(f"<details><summary>{html.escape(summary)}</summary><pre>{html.escape(text)}</pre></details>")
