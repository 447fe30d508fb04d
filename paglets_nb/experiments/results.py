"""What a fan-out found: its cells, and what is made of them.

Owns the counting, the summary and the comparison. Needs neither mesh nor hosts, so that
results that were saved are worth as much as fresh ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from typing import Any

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.cells import ENDED, FAILED, NOT_RUN, OK, UNKNOWN, Cell
from paglets_nb.experiments.grid import axes_of
from paglets_nb.experiments.statistics import CONFIDENCE, Sample, ratio
from paglets_nb.experiments.table import Table, quantity
from paglets_nb.plots import Plot

__all__ = ["TIMES", "Results"]

MAX_ERRORS = 5
"""Different errors that are shown; the commonest ones."""
_LINE = 200

TIMES = ("queued", "run", "total")
"""The times of a cell, in seconds, all on the caller's clock; ``run`` is a duration on the host's."""
_INTERVAL = "low and high: the median's interval by order statistics, with the confidence that it has"
_RATIO = "ratio of medians; low and high hold it with at least the confidence beside them"


class Results:
    """The cells of a grid and what can be said of them.

    Args:
        title: what was called.
        cells: the cells.
        elapsed: seconds that it took, in all runs.

    Attributes:
        cells: the cells, in the grid's order.
    """

    def __init__(self, title: str, cells: Sequence[Cell], elapsed: float = 0.0) -> None:
        self.title = title
        self.cells = list(cells)
        self.elapsed = elapsed

    # ---- cells

    def _in_state(self, state: str) -> list[Cell]:
        return [cell for cell in self.cells if cell.state == state]

    @property
    def ok(self) -> list[Cell]:
        """The cells that were answered."""
        return self._in_state(OK)

    @property
    def failed(self) -> list[Cell]:
        """The cells whose handler raised, or that were never delivered."""
        return self._in_state(FAILED)

    @property
    def unknown(self) -> list[Cell]:
        """The cells that were delivered, and of which is not known what became of them."""
        return self._in_state(UNKNOWN)

    @property
    def not_run(self) -> list[Cell]:
        """The cells that were never sent, since the run was cancelled before."""
        return self._in_state(NOT_RUN)

    @property
    def done(self) -> bool:
        """Whether every cell has ended."""
        return all(cell.ended for cell in self.cells)

    @property
    def values(self) -> list[Any]:
        """The reply of each cell, in the grid's order; None of those that have none."""
        return [cell.value for cell in self.cells]

    @property
    def counts(self) -> dict[str, int]:
        """How many cells are in each state."""
        return dict(Counter(cell.state for cell in self.cells))

    @property
    def axes(self) -> list[str]:
        """The fields that have more than one value."""
        return axes_of(self.cells)

    @property
    def errors(self) -> list[tuple[int, str, str]]:
        """The errors of the cells, the commonest first: how many have it, their state, its text.

        That a cell was not run is none.
        """
        found = Counter((cell.state, cell.error) for cell in self.cells if cell.error and cell.state != NOT_RUN)
        return [(count, state, error) for (state, error), count in found.most_common()]

    def __len__(self) -> int:
        return len(self.cells)

    # ---- tables

    def to_table(self) -> Table:
        """A row for each cell."""
        names = list(dict.fromkeys(name for cell in self.cells for name in cell.fields))
        head = ["cell", *names, "host", "repeat", "state"]
        tail = ["value", "error", "sent", *TIMES, "attempts"]
        rows = [
            {
                "cell": cell.number,
                **{name: cell.fields.get(name) for name in names},
                "host": cell.host,
                "repeat": cell.repeat,
                "state": cell.state,
                "value": cell.value,
                "error": cell.error,
                "sent": cell.sent,
                "queued": cell.queued,
                "run": cell.run,
                "total": cell.total,
                "attempts": cell.attempts,
            }
            for cell in self.cells
        ]
        return Table(rows, [*head, *tail], times=("sent", *TIMES))

    def to_frame(self) -> Any:
        """A row for each cell: a ``pandas.DataFrame``, or a ``Table`` where pandas is not installed."""
        return self.to_table().to_frame()

    def _keys(self, by: Sequence[str] | str | None) -> list[str]:
        """The names to group by, checked."""
        known = [*dict.fromkeys(name for cell in self.cells for name in cell.fields), "host"]
        if by is None:
            return [*self.axes, *(["host"] if not self.axes or self._every_host() else [])]
        names = [by] if isinstance(by, str) else list(by)
        for name in names:
            if name not in known:
                raise ExperimentError(f"cells have no {name!r} to group by (there are: {', '.join(known)})")
        return names

    def groups(self, by: Sequence[str] | str | None = None) -> dict[tuple[Any, ...], list[Cell]]:
        """The cells by the values that they have in common, in the grid's order.

        Args:
            by: names of fields, and ``host``; the axes and the host when None.
        """
        names = self._keys(by)
        grouped: dict[tuple[str, ...], tuple[tuple[Any, ...], list[Cell]]] = {}
        for cell in self.cells:
            values = tuple(cell.host if name == "host" else cell.fields.get(name) for name in names)
            grouped.setdefault(tuple(map(repr, values)), (values, []))[1].append(cell)
        return {_hashable(values): cells for values, cells in grouped.values()}

    def _every_host(self) -> bool:
        """Whether every request was made of every host, so that hosts can be compared."""
        asked = Counter((repr(cell.fields), cell.host) for cell in self.cells)
        hosts = {host for _fields, host in asked}
        return len(hosts) > 1 and len(asked) == len(hosts) * len({fields for fields, _host in asked})

    def _time(self, time: str | None) -> str:
        """The time that is spoken of: ``run`` where hosts told it, else ``total``."""
        if time is None:
            return "run" if any(cell.run is not None for cell in self.cells) else "total"
        if time not in TIMES:
            raise ExperimentError(f"{time!r} is no time of a cell (times: {', '.join(TIMES)})")
        return time

    @staticmethod
    def times(cells: Sequence[Cell], time: str) -> list[float]:
        """One of the times of the cells that are ok."""
        found = (getattr(cell, time) for cell in cells if cell.ok)
        return [seconds for seconds in found if seconds is not None]

    def summary(self, by: Sequence[str] | str | None = None, *, time: str | None = None) -> Table:
        """Medians, spread and confidence, a row for each group.

        Args:
            by: names of fields, and ``host``; the axes and the host when None.
            time: ``run``, ``queued`` or ``total``; ``run`` where it is known when None.

        Returns:
            The median of the time, the interquartile range as its spread, and the interval of the
            median with the confidence that it has.
        """
        names, time = self._keys(by), self._time(time)
        ends = [state for state in ENDED if state != NOT_RUN or self.not_run]
        rows = []
        for values, cells in self.groups(by).items():
            sample = Sample(self.times(cells, time))
            low, high, confidence = sample.interval() if len(sample) > 1 else (None, None, None)
            states = Counter(cell.state for cell in cells)
            rows.append(
                {
                    **dict(zip(names, values, strict=True)),
                    **{state: states[state] for state in ends},
                    "median": sample.median if len(sample) else None,
                    "spread": sample.spread if len(sample) > 1 else None,
                    "low": low,
                    "high": high,
                    "confidence": confidence,
                }
            )
        columns = [*names, *ends, "median", "spread", "low", "high", "confidence"]
        note = f"times: {time}; spread: interquartile range; {_INTERVAL}" if any(c.ok for c in self.cells) else ""
        return Table(rows, columns, times=("median", "spread", "low", "high"), note=note)

    def compare(self, other: Results, by: Sequence[str] | str | None = None, *, time: str | None = None) -> Table:
        """How many times as long as in ``other`` each group took.

        Args:
            other: what it is compared with.
            by: as for ``summary``; both must have these.
            time: as for ``summary``.

        Returns:
            A row for each group that both have: both medians, their ratio and its interval;
            ``differs`` says whether 1 lies outside it.

        Raises:
            ExperimentError: they have no group in common.
        """
        names = self._keys(by)
        theirs = {tuple(map(repr, key)): cells for key, cells in other.groups(names).items()}
        time = self._time(time) if time or self._time(None) == other._time(None) else "total"
        rows = []
        for values, cells in self.groups(names).items():
            found = theirs.get(tuple(map(repr, values)))
            if found is None:
                continue
            ours, base = self.times(cells, time), self.times(found, time)
            compared = ratio(ours, base)
            rows.append(
                {
                    **dict(zip(names, values, strict=True)),
                    "median": Sample(ours).median,
                    "other": Sample(base).median,
                    "ratio": compared.value,
                    "low": compared.low,
                    "high": compared.high,
                    "confidence": compared.confidence,
                    "differs": compared.differs,
                }
            )
        if not rows:
            raise ExperimentError(f"nothing to compare: no group by {', '.join(names)} is in both")
        columns = [*names, "median", "other", "ratio", "low", "high", "confidence", "differs"]
        return Table(
            rows, columns, times=("median", "other"), note=f"times: {time}; {_RATIO} (wanted: {CONFIDENCE:.0%})"
        )

    # ---- files and pictures

    def save(self, path: str | PathLike[str]) -> None:
        """Write the cells to a file, whole or not at all; see ``experiments.files``."""
        from paglets_nb.experiments.files import save

        save(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Results:
        """Results that were saved; replies come back as plain values.

        Raises:
            ExperimentError: the file is damaged, or none of ours.
            OSError: it cannot be read.
        """
        from paglets_nb.experiments.files import load

        return load(path)

    def plot(self, by: Sequence[str] | str | None = None, *, time: str | None = None) -> Plot:
        """A chart of the times of every cell and their medians, by group; see ``experiments.charts``.

        Raises:
            PagletError: Altair is not installed.
        """
        from paglets_nb.experiments.charts import chart_of

        return chart_of(self, by, self._time(time))

    def headline(self) -> str:
        """Where it stands, in one line."""
        counts = self.counts
        parts = [f"{counts[state]} {state}" for state in (*ENDED, "running", "waiting") if counts.get(state)]
        cells = f"{len(self.cells)} cell{'s' * (len(self.cells) != 1)}"
        return f"{self.title}: {cells}, {', '.join(parts)}, {quantity(self.elapsed) or '0 s'}"

    def shown(self) -> Table:
        """The table that stands for it in a notebook."""
        return self.summary()

    def __repr__(self) -> str:
        errors = [f"{count}x {state}: {' '.join(error.split())}"[:_LINE] for count, state, error in self.errors]
        return "\n".join([self.headline(), *errors[:MAX_ERRORS], repr(self.shown())])


def _hashable(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Values that can be a key: as they are where they can, else as text."""
    try:
        hash(values)
    except TypeError:
        return tuple(value if isinstance(value, str | int | float | bool | None) else repr(value) for value in values)
    return values
