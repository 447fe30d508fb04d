"""A host of the mesh, as its user holds it."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import time
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paglets_nb.core.references import HostRef
from paglets_nb.core.turns import current_origin
from paglets_nb.errors import CallTimeoutError, HostDiedError
from paglets_nb.host.loop import loop_thread
from paglets_nb.host.protocol import HostInfo, Listing, Nothing, PagletInfo
from paglets_nb.mesh.records import HostRecord
from paglets_nb.mesh.relay import CodeResult
from paglets_nb.mesh.sinks import OutputSink, TextSink, cell_sink

if TYPE_CHECKING:
    from paglets_nb.core.proxy import PagletProxy
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["HostHandle"]

_POLL = 0.2
_AFTER_INTERRUPT = 5.0
_CONTROL = 10.0
_RESTART = 70.0
_FIGURES = ("cpu_seconds", "rss_bytes", "pss_bytes", "messages", "uptime")


class _WithoutErrors:
    """A sink but for errors, which are raised here."""

    def __init__(self, sink: OutputSink) -> None:
        self.stream, self.display, self.clear = sink.stream, sink.display, sink.clear

    def error(self, ename: str, evalue: str, traceback: list[str]) -> None:
        """Nothing."""


class HostHandle:
    """One host of a mesh.

    Args:
        mesh: the mesh.
        record: what its supervisor knows of the host.
    """

    def __init__(self, mesh: Mesh, record: HostRecord) -> None:
        self._mesh = mesh
        self._record = record

    @property
    def name(self) -> str:
        """Its name."""
        return self._record.name

    @property
    def url(self) -> str:
        """The address of its data plane."""
        return self._record.url

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._record.pid

    @property
    def state(self) -> str:
        """``starting``, ``up``, ``silent`` (attached, and does not answer), ``restarting``, ``dead`` or ``stopped``."""
        return self._record.state

    @property
    def reason(self) -> str:
        """Why it is dead or was restarted last, e.g. ``killed by SIGKILL`` or ``by request``."""
        return self._record.reason

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return self._record.restarts

    @property
    def lost(self) -> tuple[str, ...]:
        """The paglets that were lost when its process ended last, by name; those that are durable came back."""
        return self._record.lost

    @property
    def log_path(self) -> Path:
        """The file with what its process wrote outside of cells and handlers, over all its restarts."""
        return self._mesh.supervisor.directory / f"{self.name}.log"

    def health(self, *, timeout: float = 2.0) -> HostInfo:
        """Ask the host about itself."""
        return self._mesh.client.ask(self.url, "@health", Nothing(), HostInfo, timeout=timeout)

    def paglet_count(self) -> int:
        """How many paglets live there; 0 when it does not answer."""
        info = self._health()
        return 0 if info is None else info.paglets

    def listing(self, *, timeout: float = 5.0) -> list[PagletInfo]:
        """Its paglets, asleep ones included; those with ``durable`` come back after a restart."""
        return self._mesh.client.ask(self.url, "@list", Nothing(), Listing, timeout=timeout).paglets

    def _health(self) -> HostInfo | None:
        """``health``, or None where it is not up or does not answer."""
        if self.state != "up":
            return None
        try:
            return self.health()
        except (HostDiedError, CallTimeoutError):
            return None

    def status(self) -> HostRef:
        """What the mesh knows of it; the figures of ``health`` stand in ``properties`` while it answers."""
        info = self._health()
        if info is None:
            return self._record.ref()
        figures = {name: getattr(info, name) for name in _FIGURES}
        return dataclasses.replace(
            self._record.ref(), active_count=info.paglets, inactive_count=info.asleep, properties=figures
        )

    def create(self, cls: Any, state: Any = None, *, name: str = "", init: Any = None) -> PagletProxy:
        """Create a paglet here; see ``Mesh.create``."""
        return self._mesh.create(cls, state, on=self.name, name=name, init=init)

    def submit_code(
        self, code: str, *, sink: OutputSink | None = None, store_history: bool = False
    ) -> Future[CodeResult]:
        """Have its kernel execute code; return at once.

        Args:
            code: a cell's text.
            sink: takes what the code puts out; None drops it.
            store_history: number the execution as a cell.
        """
        supervisor = self._mesh.supervisor
        return loop_thread.call(supervisor.execute, self.name, code, sink, store_history, timeout=_CONTROL)

    def run_code(
        self,
        code: str,
        *,
        sink: OutputSink | None = None,
        timeout: float | None = None,
        store_history: bool = False,
        check: bool = False,
    ) -> CodeResult:
        """Have its kernel execute code and block until it is done; a stop here interrupts it there.

        Args:
            code: a cell's text.
            sink: takes what the code puts out, its last expression's value included; None for the
                notebook's cell, or standard output with the host's name before each line.
            timeout: seconds.
            store_history: number the execution as a cell.
            check: raise the code's error; without it the result has it, and the sink its traceback.

        Raises:
            RemoteHostError: the code raised, with ``check``.
            CallTimeoutError: not done in ``timeout`` seconds; it was interrupted.
        """
        sink = sink or cell_sink(current_origin(), self.name) or TextSink(self.name)
        future = self.submit_code(code, sink=_WithoutErrors(sink) if check else sink, store_history=store_history)
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while True:
                try:
                    result = future.result(_POLL)
                    return result.raise_error() if check else result
                except concurrent.futures.TimeoutError:
                    if deadline is not None and time.monotonic() > deadline:
                        raise CallTimeoutError(
                            f"code on {self.name}", timeout or 0.0, hint="it is interrupted"
                        ) from None
        except (KeyboardInterrupt, CallTimeoutError):
            self.interrupt()
            concurrent.futures.wait([future], _AFTER_INTERRUPT)
            raise

    def interrupt(self) -> int:
        """Interrupt the code its kernel executes; how many of this notebook's cells that were."""
        supervisor = self._mesh.supervisor
        return loop_thread.call(supervisor.interrupt, self.name, timeout=_CONTROL, what=f"interrupt {self.name}")

    def restart(self, *, why: str = "by request") -> None:
        """End it and start it again; its durable paglets come back.

        Args:
            why: what ``reason`` says from then on.
        """
        loop_thread.call(self._mesh.supervisor.restart, self.name, why, timeout=_RESTART, what=f"restart {self.name}")

    def stop(self) -> None:
        """End it; its paglets end with it."""
        loop_thread.call(self._mesh.supervisor.stop_host, self.name, timeout=_CONTROL, what=f"stop {self.name}")

    def __repr__(self) -> str:
        why = f" ({self.reason})" if self.state in ("dead", "silent") else ""
        return f"<Host {self.name} {self.state}{why}, pid {self.pid}>"
