"""``timeit`` on every host: the same code in each host's kernel, and how the hosts compare."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from paglets_nb.errors import CallTimeoutError, ExperimentError, HostDiedError, PagletError, RemoteHostError
from paglets_nb.experiments.cells import FAILED, UNKNOWN, Cell
from paglets_nb.experiments.fan_out import known_hosts
from paglets_nb.experiments.results import Results
from paglets_nb.experiments.statistics import Sample, ratio
from paglets_nb.experiments.stopwatch import MIME
from paglets_nb.experiments.table import Table, quantity

if TYPE_CHECKING:
    from concurrent.futures import Future

    from paglets_nb.mesh.handles import HostHandle
    from paglets_nb.mesh.mesh import Mesh
    from paglets_nb.mesh.relay import CodeResult

__all__ = ["Timings", "time_code"]

MAX_REPEAT = 10_000
_POLL = 0.1
_AFTER_INTERRUPT = 5.0


class _TimesSink:
    """Takes the times from what the code puts out, and hands the rest on.

    Args:
        rest: what takes the rest; None drops it.
    """

    def __init__(self, rest: Any = None) -> None:
        self.found: dict[str, Any] | None = None
        self._rest = rest

    def stream(self, name: str, text: str) -> None:
        """Text on ``stdout`` or ``stderr``."""
        if self._rest is not None:
            self._rest.stream(name, text)

    def display(self, data: dict[str, Any], metadata: dict[str, Any], transient: dict[str, Any], update: bool) -> None:
        """The times, or an output of the code."""
        if MIME in data:
            self.found = data[MIME]
        elif self._rest is not None:
            self._rest.display(data, metadata, transient, update)

    def error(self, ename: str, evalue: str, traceback: list[str]) -> None:
        """The code's failure is told by its result."""

    def clear(self, wait: bool) -> None:
        """Clear what was shown."""
        if self._rest is not None:
            self._rest.clear(wait)


class Timings(Results):
    """The times of code on hosts: a cell for each host and repetition, its ``run`` in seconds per loop.

    Attributes:
        loops: in each repetition, by host.
        first: seconds of the run that warmed up, by host.
    """

    def __init__(self, title: str, cells: Sequence[Cell], elapsed: float = 0.0) -> None:
        super().__init__(title, cells, elapsed)
        self.loops = {cell.host: int(cell.value["loops"]) for cell in cells if cell.ok}
        self.first = {cell.host: float(cell.value["first"]) for cell in cells if cell.ok}

    @property
    def fastest(self) -> str:
        """The host with the smallest median; empty where none has times."""
        medians = {key[0]: Sample(self.times(cells, "run")).median for key, cells in self.groups("host").items()}
        known = {host: median for host, median in medians.items() if median == median}
        return min(known, key=known.__getitem__) if known else ""

    def comparison(self) -> Table:
        """The hosts, each with how many times as long as on the fastest it took there."""
        groups = {key[0]: cells for key, cells in self.groups("host").items()}
        base = self.times(groups.get(self.fastest, []), "run")
        rows = []
        for host, cells in groups.items():
            times = self.times(cells, "run")
            compared = ratio(times, base)
            rows.append(
                {
                    "host": host,
                    "loops": self.loops.get(host),
                    "repeats": len(times),
                    "best": min(times) if times else None,
                    "median": Sample(times).median,
                    "spread": Sample(times).spread,
                    "ratio": compared.value if times else None,
                    "low": compared.low if times and host != self.fastest else None,
                    "high": compared.high if times and host != self.fastest else None,
                }
            )
        columns = list(rows[0]) if rows else []
        note = f"ratio: to {self.fastest}, the fastest; low and high hold it with 95 % from 7 repeats on"
        note = note if base else "no host has times"
        return Table(rows, columns, times=("best", "median", "spread"), note=note)

    def headline(self) -> str:
        """What was timed, in one line."""
        hosts = len({cell.host for cell in self.cells})
        return f"{self.title} on {hosts} host{'s' * (hosts != 1)}, {quantity(self.elapsed)}"

    def shown(self) -> Table:
        """The table that stands for it in a notebook."""
        return self.comparison()


def _code(statement: str, loops: int, repeat: int) -> str:
    module = "paglets_nb.experiments.stopwatch"
    return f"__import__({module!r}, fromlist=['tell']).tell({statement!r}, globals(), display, {loops}, {repeat})"


def time_code(
    mesh: Mesh,
    statement: str,
    hosts: Iterable[str] | str | None = None,
    *,
    loops: int = 0,
    repeat: int = 7,
    parallel: bool = False,
    timeout: float = 120.0,
    on_host: Callable[[str], None] | None = None,
    sink: Callable[[str], Any] | None = None,
) -> Timings:
    """Time code in hosts' kernels, where it finds the names that cells have defined there.

    Args:
        mesh: whose hosts they are.
        statement: the code.
        hosts: names of hosts; every host when None.
        loops: in each repetition; 0 chooses as ``timeit`` does.
        repeat: how many repetitions.
        parallel: on all hosts at once, where they may be in each other's way; else one after the other.
        timeout: seconds that each host may take; then the code there is interrupted.
        on_host: called with each host's name as its turn comes.
        sink: gives for a host's name what takes the code's output; None drops it.

    Raises:
        ExperimentError: it cannot be run as described.
        UnknownHostError: no host has that name.
    """
    if not 1 <= repeat <= MAX_REPEAT or loops < 0 or not timeout > 0:
        raise ExperimentError(f"repeat is 1 to {MAX_REPEAT}, loops is 0 or more, and timeout is seconds above 0")
    names = known_hosts(mesh, hosts)
    began = time.monotonic()
    cells: list[Cell] = []
    for chosen in [names] if parallel else [[name] for name in names]:
        for name in chosen:
            if on_host is not None:
                on_host(name)
        code = _code(statement, loops, repeat)
        for name, (result, sink_of) in _run(mesh, chosen, code, timeout, sink).items():
            cells += _cells(name, result, sink_of.found, repeat, timeout, len(cells))
    return Timings("time", cells, time.monotonic() - began)


def _run(
    mesh: Mesh, names: list[str], code: str, timeout: float, sink: Callable[[str], Any] | None
) -> dict[str, tuple[CodeResult | PagletError | None, _TimesSink]]:
    """Run code on hosts at once; their results, errors in place of those that could not, None for those too late."""
    sinks = {name: _TimesSink(None if sink is None else sink(name)) for name in names}
    running: dict[Future[CodeResult], HostHandle] = {}
    ended: dict[str, CodeResult | PagletError | None] = {}
    for name in names:
        try:
            running[mesh[name].submit_code(code, sink=sinks[name])] = mesh[name]
        except PagletError as error:
            ended[name] = error
    deadline = time.monotonic() + timeout
    try:
        while time.monotonic() < deadline and concurrent.futures.wait(running, _POLL).not_done:
            continue
    finally:
        late = [host for future, host in running.items() if not future.done()]
        for host in late:
            try:
                host.interrupt()
            except PagletError:
                continue  # it died meanwhile: then nothing runs there
        if late:
            concurrent.futures.wait(running, _AFTER_INTERRUPT)
    for future, host in running.items():
        ended[host.name] = None if host in late or not future.done() else future.result()
    return {name: (ended[name], sinks[name]) for name in names}


def _cells(
    host: str,
    result: CodeResult | PagletError | None,
    found: dict[str, Any] | None,
    repeat: int,
    timeout: float,
    first: int,
) -> list[Cell]:
    cells = [Cell(first + number, {}, number, host, attempts=1) for number in range(repeat)]
    if found is not None and result is not None and getattr(result, "status", "") == "ok":
        for cell, seconds in zip(cells, found["times"], strict=True):
            cell.succeed({"loops": found["loops"], "first": found["first"]}, seconds, seconds)
        return cells
    state, error = _failure(host, result, timeout)
    for cell in cells:
        cell.fail(state, error)
    return cells


def _failure(host: str, result: CodeResult | PagletError | None, timeout: float) -> tuple[str, PagletError]:
    if result is None:
        return UNKNOWN, CallTimeoutError(f"code on {host}", timeout)
    if isinstance(result, PagletError):
        return FAILED, result
    if result.status == "died":
        return UNKNOWN, HostDiedError(host, result.evalue or "it died")
    return FAILED, RemoteHostError(result.evalue, type_name=result.ename)
