"""The fan-out: one thing asked of many, over a grid of requests, hosts and repetitions."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.state import PagletState
from paglets_nb.errors import ExperimentError, UnknownHostError
from paglets_nb.experiments.cells import FAILED, NOT_RUN, UNKNOWN, Cell
from paglets_nb.experiments.grid import EVERY, Placement, cells_of
from paglets_nb.experiments.results import Results
from paglets_nb.experiments.run import Place, Run
from paglets_nb.experiments.targets import Target, target_of

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["FanOut", "known_hosts"]

MAX_PER_HOST = 64
_LONGEST_STEP = 3600.0


class FanOut(Results):
    """Calls an operation, a task or a function over a grid of requests, hosts and repetitions.

    Each cell of the grid ends as ``ok``, ``failed`` (the handler raised, or it was never
    delivered) or ``unknown`` (it was delivered, and what became of it is not known) by the
    deadline plus a second; what has come until then are results. Those whose turn had not
    come when the run was cancelled end as ``not run``.

    Args:
        mesh: whose hosts are used.
        target: a paglet class or a function, of which workers are made on the hosts and ended
            afterwards; or the proxy of a paglet, or several, which are called as they are. A
            function is called with the fields as its keyword arguments.
        operation: a ``ServiceOperation``, its name, or the kind of a raw message; None for a
            task or a function.
        grid: fields by name, each one value or an axis of values (list, tuple, range, array),
            of which every combination is asked; or a list of requests.
        hosts: names of hosts; every host of the mesh when None. With paglets: those on these hosts.
        repeat: how often each request is made of each host.
        placement: ``every`` request to every host; ``spread`` over the hosts that are free;
            ``pinned`` to hosts in turn, the same way each time; or a function from fields to host.
        per_host: cells at once on each host, each with a worker of its own.
        concurrency: cells at once in all; None for as many as the hosts take.
        timeout: seconds until the deadline, counted from the beginning of each run.
        state: the state that workers of a class begin with.
        init: handed to their ``on_creation``.

    Attributes:
        cells: the cells of the grid; each tells how it stands.

    Raises:
        ExperimentError: it cannot be run as described.
        UnknownHostError: no host has that name.
    """

    def __init__(
        self,
        mesh: Mesh,
        target: Any,
        operation: Any = None,
        grid: Any = None,
        *,
        hosts: Iterable[str] | str | None = None,
        repeat: int = 1,
        placement: Placement = EVERY,
        per_host: int = 1,
        concurrency: int | None = None,
        timeout: float = 60.0,
        state: PagletState | None = None,
        init: Any = None,
    ) -> None:
        _check(repeat, per_host, concurrency, timeout)
        self._mesh = mesh
        self._target = target_of(mesh, target, operation, state, init)
        self._per_host, self._concurrency, self._timeout = per_host, concurrency, timeout
        self._paglets = _labelled(mesh, self._target.proxies, hosts)
        self._hosts = list(self._paglets) or known_hosts(mesh, hosts)
        cells, given = cells_of(grid, self._hosts, repeat, placement)
        super().__init__(_title(self._target), cells)
        self._requests = _requests(self._target, cells, given)
        self._wanted = [cell.host for cell in cells]
        self._changed = threading.Condition()
        self._ended: list[Cell] = []
        self._run: Run | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._listeners: list[weakref.WeakMethod[Callable[[FanOut], None]]] = []

    # ---- running

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._run is not None

    @property
    def deadline(self) -> float:
        """Seconds that a run may take."""
        return self._timeout

    @property
    def wanted_hosts(self) -> list[str]:
        """The host that each cell is meant for; empty where the first that is free takes it."""
        return list(self._wanted)

    def _places(self) -> list[Place]:
        every = [(label, *self._paglets.get(label, (label, None))) for label in self._hosts]
        return [Place(label, host, proxy) for _ in range(self._per_host) for label, host, proxy in every]

    def _prepared(self, cells: Sequence[Cell], on_cell: Callable[[Cell], None] | None) -> Run:
        """The run of these cells, which is the one that ``cancel`` ends from now on."""

        def ended(cell: Cell) -> None:
            if self._thread is not None:
                with self._changed:
                    self._ended.append(cell)
                    self._changed.notify_all()
            if on_cell is not None:
                on_cell(cell)

        with self._changed:
            if self._run is not None:
                raise ExperimentError("it runs already; wait for it, or cancel it")
            for cell in cells:
                cell.reset()
                cell.host = self._wanted[cell.number]
            self._run = Run(
                self._mesh,
                self._target,
                cells,
                self._requests,
                self._places(),
                concurrency=self._concurrency or len(self.cells) + 1,
                timeout=self._timeout,
                on_cell=ended,
            )
            return self._run

    def on_begin(self, listener: Callable[[FanOut], None]) -> None:
        """Have a method called with the fan-out whenever a run of it begins, as long as its object lives.

        Args:
            listener: a bound method; must not block.
        """
        self._listeners = [known for known in self._listeners if known() is not None] + [weakref.WeakMethod(listener)]

    def _go(self, run: Run) -> None:
        began = time.monotonic()
        try:
            for known in self._listeners:
                if (listener := known()) is not None:
                    listener(self)
            run.go()
        finally:
            self.elapsed += time.monotonic() - began
            with self._changed:
                self._run = None
                self._changed.notify_all()

    def run(self, on_cell: Callable[[Cell], None] | None = None) -> FanOut:
        """Run the cells that have not ended, and wait for the end; a KeyboardInterrupt cancels.

        Args:
            on_cell: called with each cell as it ends, from the thread that runs this.

        Returns:
            The fan-out itself.

        Raises:
            ExperimentError: it runs already.
        """
        cells = [cell for cell in self.cells if not cell.ended]
        if cells:
            self._go(self._prepared(cells, on_cell))
        return self

    def retry_failed(self, *, unknown: bool = False, on_cell: Callable[[Cell], None] | None = None) -> FanOut:
        """Run the cells again that failed, and those that were not run, and wait for the end.

        Args:
            unknown: also those of which is not known what became of them, which may have had their effect.
            on_cell: as for ``run``.

        Returns:
            The fan-out itself; its other cells stay as they are.
        """
        states = (FAILED, NOT_RUN, UNKNOWN) if unknown else (FAILED, NOT_RUN)
        cells = [cell for cell in self.cells if cell.state in states]
        if cells:
            self._go(self._prepared(cells, on_cell))
        return self

    def start(self) -> FanOut:
        """Run the cells that have not ended in a thread of its own, and return at once."""
        cells = [cell for cell in self.cells if not cell.ended]
        if not cells or self._thread is not None:
            return self
        run = self._prepared(cells, None)
        self._ended = []
        self._thread = threading.Thread(target=self._in_thread, args=(run,), name="paglets-fan-out", daemon=True)
        self._thread.start()
        return self

    def _in_thread(self, run: Run) -> None:
        try:
            self._go(run)
        except BaseException as error:  # raised where somebody waits
            self._failure = error
            with self._changed:
                self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until a started run has ended.

        Args:
            timeout: seconds; None waits for the deadline.

        Returns:
            Whether it has ended.
        """
        with self._changed:
            ended = self._changed.wait_for(lambda: self._run is None, _LONGEST_STEP if timeout is None else timeout)
        if ended and self._thread is not None:
            self._thread.join(5.0)
            self._thread = None
            self._raise_failure()
        return ended

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def cancel(self) -> None:
        """End a run, from any thread: what was not sent is not run, what is under way ends as unknown."""
        run = self._run
        if run is not None:
            run.cancelled = True

    # ---- as they arrive

    def _next(self, after: int, timeout: float | None = None) -> Cell | None:
        """The cell that ended as number ``after``; None when there is no further one."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._ended) > after or self._run is None, timeout)
            return self._ended[after] if len(self._ended) > after else None

    def __iter__(self) -> Iterator[Cell]:
        """Start it, unless it was, and yield each cell as it ends; leaving the loop cancels what is left."""
        if self._thread is None and all(cell.ended for cell in self.cells):
            yield from self.cells
            return
        self.start()
        count = 0
        try:
            while (cell := self._next(count)) is not None:
                count += 1
                yield cell
        finally:
            self.cancel()
            self.wait()

    async def __aiter__(self) -> AsyncIterator[Cell]:
        """The same, awaited."""
        import anyio

        if self._thread is None and all(cell.ended for cell in self.cells):
            for cell in self.cells:
                yield cell
            return
        self.start()
        count = 0
        try:
            while (found := await anyio.to_thread.run_sync(self._next, count, abandon_on_cancel=True)) is not None:
                count += 1
                yield found
        finally:
            self.cancel()

    async def run_async(self) -> FanOut:
        """``run``, awaited; a cancellation ends it."""
        async for _cell in self:
            pass
        self._raise_failure()
        return self

    @classmethod
    def load(cls, path: Any) -> Results:
        """Results that were saved; see ``Results.load``."""
        return Results.load(path)


def _check(repeat: int, per_host: int, concurrency: int | None, timeout: float) -> None:
    if not (isinstance(repeat, int) and repeat >= 1):
        raise ExperimentError(f"repeat is a whole number from 1, not {repeat!r}")
    if not (isinstance(per_host, int) and 1 <= per_host <= MAX_PER_HOST):
        raise ExperimentError(f"per_host is a whole number from 1 to {MAX_PER_HOST}, not {per_host!r}")
    if concurrency is not None and not (isinstance(concurrency, int) and concurrency >= 1):
        raise ExperimentError(f"concurrency is a whole number from 1, or None, not {concurrency!r}")
    if not 0 < timeout < float("inf"):
        raise ExperimentError(f"timeout is seconds above 0, not {timeout!r}")


def _names(hosts: Iterable[str] | str | None) -> list[str] | None:
    if hosts is None:
        return None
    names = hosts.split(",") if isinstance(hosts, str) else [str(getattr(host, "name", host)) for host in hosts]
    if not names:
        raise ExperimentError("hosts names no host; None stands for all of them")
    return list(dict.fromkeys(names))


def known_hosts(mesh: Mesh, hosts: Iterable[str] | str | None) -> list[str]:
    """The names of hosts, checked; all of them for None.

    Raises:
        UnknownHostError: no host has that name.
        ExperimentError: none is named, or there is none.
    """
    names, known = _names(hosts), mesh.supervisor.records
    for name in names or ():
        if name not in known:
            raise UnknownHostError(name, known)
    if not known:
        raise ExperimentError(f"mesh {mesh.name!r} has no hosts")
    return list(known) if names is None else names


def _labelled(
    mesh: Mesh, proxies: Sequence[PagletProxy], hosts: Iterable[str] | str | None
) -> dict[str, tuple[str, PagletProxy]]:
    """Paglets and their hosts, by the host's name, or by host and paglet where several are on one.

    Raises:
        ExperimentError: hosts are named, and none of the paglets is on one of them.
    """
    placed = [(mesh.host_name(proxy.host_url), proxy) for proxy in proxies]
    if placed and hosts is not None:
        names = known_hosts(mesh, hosts)
        taken = {host for host, _proxy in placed}
        lacking = [name for name in names if name not in taken]
        if lacking:
            raise ExperimentError(
                f"none of the paglets is on {', '.join(lacking)}; give their class, or clone one there"
            )
        placed = [(host, proxy) for host, proxy in placed if host in names]
    counted: dict[str, int] = {}
    for host, _proxy in placed:
        counted[host] = counted.get(host, 0) + 1
    return {
        host if counted[host] == 1 else f"{host}/{proxy.name or proxy.agent_id}": (host, proxy)
        for host, proxy in placed
    }


def _title(target: Target) -> str:
    return target.label if target.kind in ("function", "start") else f"{target.label}.{target.kind}"


def _requests(target: Target, cells: Sequence[Cell], given: dict[int, tuple[int, Any]]) -> dict[int, tuple[int, Any]]:
    """By cell's number, the number of its request and the request; cells of one request share it."""
    built: dict[int, Any] = {}
    for cell in cells:
        index, whole = given[cell.number]
        if index not in built:
            built[index] = target.request(cell.fields) if whole is None else whole
    return {number: (index, built[index]) for number, (index, _whole) in given.items()}
