"""How the agents' results read where only text can be shown: aligned columns, rates, durations."""

from __future__ import annotations

from collections.abc import Sequence

from paglets_nb.patterns.file_placement import format_bytes

__all__ = ["aligned", "duration", "rate"]

_STEPS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def aligned(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in aligned columns."""
    lines = [[str(cell) for cell in line] for line in (headers, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def rate(per_second: float, counted: str) -> str:
    """How much a second: ``2.1 GiB/s``, ``12.3 M operations/s``."""
    if counted == "bytes":
        return f"{format_bytes(per_second)}/s"
    for size, letter in _STEPS:
        if per_second >= size:
            return f"{per_second / size:.1f} {letter} {counted}/s"
    return f"{per_second:.1f} {counted}/s"


def duration(seconds: float) -> str:
    """A time for people: ``12.3 s``, ``4.56 ms``, ``789 us``."""
    if abs(seconds) >= 1:
        return f"{seconds:.2f} s"
    if abs(seconds) >= 1e-3:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds * 1e6:.0f} us"
