"""The runs of a fan-out view: begun, cancelled and repeated in the background, and kept for comparison.

Owns the threads. It must not know what shows the runs.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.fan_out import FanOut
from paglets_nb.experiments.table import Table

__all__ = ["MAX_RUNS", "FanOutRuns", "KeptRun"]

MAX_RUNS = 12
"""Runs that are kept; the oldest goes."""
_TICK = 0.1
_CELLS_PER_TICK = 20_000
"""Cells above which a tick is longer, so that looking at them stays cheap."""


@dataclass(frozen=True)
class KeptRun:
    """One run.

    Attributes:
        number: counts from 1.
        fan_out: the fan-out and its cells.
        at: POSIX seconds of its beginning.
    """

    number: int
    fan_out: FanOut
    at: float

    @property
    def label(self) -> str:
        """What it is called."""
        counts = ", ".join(f"{count} {state}" for state, count in self.fan_out.counts.items())
        return f"{self.number}: {self.fan_out.title}, {time.strftime('%H:%M:%S', time.localtime(self.at))}, {counts}"


class FanOutRuns:
    """Runs one fan-out at a time.

    Args:
        on_change: called ten times a second while one runs, and when something else has changed;
            from several threads; must not block.

    Attributes:
        kept: the runs, the latest last.
        error: what a run could not begin or end for; None where there is no such thing.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.kept: deque[KeptRun] = deque(maxlen=MAX_RUNS)
        self.error: Exception | None = None
        self._on_change = on_change
        self._changed = threading.Condition()
        self._busy = self._mine = self._cancelled = self._closed = self._told = False
        self._count = 0

    @property
    def busy(self) -> bool:
        """Whether one runs, or is about to."""
        return self._busy

    @property
    def current(self) -> KeptRun | None:
        """The latest."""
        return self.kept[-1] if self.kept else None

    def start(self, make: Callable[[], FanOut]) -> None:
        """Make a fan-out and run it, both in the background.

        Args:
            make: makes it; may ask hosts.

        Raises:
            ExperimentError: one runs already.
        """

        def work() -> None:
            fan_out = make()
            self._keep(fan_out)
            if not self._cancelled:
                fan_out.run()

        self._begin(work)

    def retry(self, *, unknown: bool = False) -> None:
        """Run the cells of the latest again that failed or were not run, in the background.

        See ``FanOut.retry_failed``.

        Raises:
            ExperimentError: one runs already, or there is none.
        """
        run = self.current
        if run is None:
            raise ExperimentError("nothing has been run yet")

        def work() -> None:
            run.fan_out.retry_failed(unknown=unknown)

        self._begin(work)

    def follow(self, fan_out: FanOut) -> None:
        """Watch a fan-out that somebody else runs, until it has ended.

        Raises:
            ExperimentError: one runs already.
        """
        self._keep(fan_out)
        self._begin(lambda: self._watch(fan_out), mine=False)

    def _watch(self, fan_out: FanOut) -> None:
        while fan_out.running or not fan_out.done:
            with self._changed:
                if self._changed.wait_for(lambda: self._closed or self._told, _TICK):
                    return

    def _begun(self, fan_out: FanOut) -> None:
        """The latest is run again, perhaps not from here."""
        run = self.current
        if run is not None and run.fan_out is fan_out and not self._busy and not self._closed:
            with suppress(ExperimentError):  # another one was quicker
                self._begin(lambda: self._watch(fan_out), mine=False)

    def followed(self) -> None:
        """What is followed has ended, as its runner says."""
        with self._changed:
            self._told = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """End what runs: see ``FanOut.cancel``."""
        run = self.current
        with self._changed:
            if not self._busy:
                return
            self._cancelled = True
        if run is not None:
            run.fan_out.cancel()

    def compare(self, number: int) -> Table:
        """The latest compared with an earlier one; see ``Results.compare``.

        Raises:
            ExperimentError: it is not kept, or nothing in them can be compared.
        """
        run = self.current
        other = next((kept for kept in self.kept if kept.number == number), None)
        if run is None or other is None:
            raise ExperimentError(f"run {number} is not kept (runs: {', '.join(str(k.number) for k in self.kept)})")
        return run.fan_out.compare(other.fan_out)

    def wait(self, timeout: float) -> bool:
        """Wait until nothing runs; whether that is so within ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, timeout)

    def close(self) -> None:
        """Cancel what was started here, and watch no more."""
        with self._changed:
            self._closed = True
            mine = self._mine
            self._changed.notify_all()
        if mine:
            self.cancel()

    def _keep(self, fan_out: FanOut) -> None:
        if not any(run.fan_out is fan_out for run in self.kept):
            self._count += 1
            self.kept.append(KeptRun(self._count, fan_out, time.time()))
            fan_out.on_begin(self._begun)
        self._on_change()

    def _begin(self, work: Callable[[], None], *, mine: bool = True) -> None:
        with self._changed:
            if self._closed:
                raise ExperimentError("this view is closed")
            if self._busy:
                raise ExperimentError("it runs already; wait for it, or cancel it")
            self._busy, self._mine, self._cancelled, self._told, self.error = True, mine, False, False, None
        threading.Thread(target=self._work, args=(work,), name="paglets-fan-out-run", daemon=True).start()
        threading.Thread(target=self._tick, name="paglets-fan-out-tick", daemon=True).start()
        self._on_change()

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # shown where the user looks
            self.error = error
        finally:
            with self._changed:
                self._busy = self._mine = False
                self._changed.notify_all()
            self._on_change()

    def _tick(self) -> None:
        while True:
            run = self.current
            cells = len(run.fan_out.cells) if run is not None else 0
            with self._changed:
                self._changed.wait_for(lambda: not self._busy, _TICK * max(1.0, cells / _CELLS_PER_TICK))
                if not self._busy:
                    return
                again = self._cancelled and run is not None and run.fan_out.running
            if again and run is not None:
                run.fan_out.cancel()  # it may have begun just after the first time
            self._on_change()
