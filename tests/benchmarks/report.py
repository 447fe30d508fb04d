"""The table of figures, and whether each promise was kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Row:
    """One contender.

    Attributes:
        name: what was measured.
        pinned: its figure with everything on one core, as text.
        unpinned: its figure on every core, as text.
        note: ratios and remarks.
    """

    name: str
    pinned: str
    unpinned: str = ""
    note: str = ""


@dataclass(frozen=True)
class Promise:
    """One promised figure.

    Attributes:
        name: what is promised, its limit included.
        figure: what was measured, as text.
        kept: whether it holds; None when it could not be measured.
        aim: the aim beyond the promise, and whether it was reached.
    """

    name: str
    figure: str
    kept: bool | None
    aim: str = ""

    def line(self) -> str:
        """The promise as one line."""
        verdict = {True: "PASS", False: "FAIL", None: "SKIP"}[self.kept]
        return f"{verdict}  {self.name}: {self.figure}{f'  ({self.aim})' if self.aim else ''}"


@dataclass
class Report:
    """Everything a run found.

    Attributes:
        facts: raw figures by name, for machines.
    """

    title: str
    rows: list[Row] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    def text(self) -> str:
        """The report for people."""
        table = [("", "one core", "all cores", "")]
        table += [(row.name, row.pinned, row.unpinned, row.note) for row in self.rows]
        return "\n".join([self.title, "", *_aligned(table), "", *(promise.line() for promise in self.promises)])

    def save(self, path: str) -> None:
        """Write everything as JSON."""
        Path(path).write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str) -> Self:
        """A report that was saved."""
        saved = json.loads(Path(path).read_text(encoding="utf-8"))
        rows, promises = [Row(**row) for row in saved["rows"]], [Promise(**one) for one in saved["promises"]]
        return cls(saved["title"], rows, promises, saved["facts"])

    @property
    def kept(self) -> bool:
        """Whether no promise was broken."""
        return all(promise.kept is not False for promise in self.promises)


def _aligned(table: Sequence[tuple[str, str, str, str]]) -> list[str]:
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    return [f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}".rstrip() for row in table]


def microseconds(seconds: float) -> str:
    """A time per call for people."""
    return f"{seconds * 1e6:,.1f} us"


def rate(seconds: float) -> str:
    """How many in a second, given the time of one."""
    return f"{1 / seconds:,.0f}/s"
