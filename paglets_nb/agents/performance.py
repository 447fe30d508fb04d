"""The performance benchmark: a parent that clones itself to every host, and what its children do there.

The workflow, from top to bottom: ``collect`` makes the children and waits; each child waits
for its machine's turn, takes its measures and reports each by ``child_result``; readers
``drain`` what has come, while others still work; ``summary`` tells what it came to;
``cleanup`` ends it. What is measured is in ``performance_plan``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from paglets_nb.agents.gathering import GatherMixin, GatherState, ParentGoneError, report_to
from paglets_nb.agents.machines import machine_name, machine_turn
from paglets_nb.agents.performance_plan import FULL, QUICK, measure_host
from paglets_nb.agents.performance_results import (
    ChildAnswer,
    ChildReport,
    HostPerformance,
    Measurement,
    PerformanceRequest,
    PerformanceResult,
)
from paglets_nb.agents.performance_workers import Workers, core_count
from paglets_nb.agents.volumes import SkippedVolume
from paglets_nb.core.events import DisposalEvent
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.errors import CallTimeoutError, PagletError
from paglets_nb.patterns.cursor_drain import CURSOR_DRAIN
from paglets_nb.patterns.operations import OperationPaglet
from paglets_nb.services.contracts import EmptyPayload, ServiceOperation

__all__ = [
    "CHILD_RESULT",
    "CLEANUP",
    "COLLECT",
    "DRAIN",
    "SUMMARY",
    "HostPerformance",
    "Measurement",
    "PerformanceBenchmark",
    "PerformanceRequest",
    "PerformanceResult",
    "PerformanceState",
]

COLLECT = ServiceOperation("collect", PerformanceRequest, PerformanceResult)
DRAIN = CURSOR_DRAIN
CHILD_RESULT = ServiceOperation("child_result", ChildReport, ChildAnswer)
SUMMARY = ServiceOperation("summary", EmptyPayload, PerformanceResult)
CLEANUP = ServiceOperation("cleanup", EmptyPayload, PerformanceResult)
_LAST_KINDS = ("done", "error", "expired")
_LATE = "it was not done by the deadline"
_LAST_BREATH = 2.0
"""Seconds for a child that is disposed of to remove what it wrote."""


@dataclass
class PerformanceState(GatherState):
    """The state of the parent, and of its children.

    Attributes:
        request: what is measured.
    """

    request: PerformanceRequest = field(default_factory=PerformanceRequest)


class PerformanceBenchmark(GatherMixin, OperationPaglet[PerformanceState]):
    """Measures every host of the mesh; hosts of one machine one after the other, machines side by side."""

    Operations = (COLLECT, CHILD_RESULT, SUMMARY, CLEANUP)
    interleaved_kinds = frozenset((CHILD_RESULT.name, SUMMARY.name, CLEANUP.name))
    _child: _Child | None = None

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """``collect``, ``child_result``, ``summary`` and ``cleanup``; ``drain`` is served by the mixin."""
        return {
            COLLECT: self.collect,
            CHILD_RESULT: self.child_result,
            SUMMARY: self.summary,
            CLEANUP: self.cleanup,
        }

    # ---- the parent

    def collect(self, request: PerformanceRequest) -> PerformanceResult:
        """Measure the hosts; returns when all have reported, or failed, or the time is up.

        Raises:
            HostError: the time-out is none.
            LifecycleError: a run is under way.
        """
        self.gather_begin(request.timeout, quick=request.quick)
        try:
            self.state.request = request
            hosts = self.fanout_select_hosts(request.hosts)
            self.cursor_append_events([{"event": "chosen", "hosts": [host.name for host in hosts]}])
            for host in hosts:
                if self.state.cancelled:
                    break
                self.fanout_clone_to(host)
            self.gather_wait(lambda: not self.state.pending_hosts)
            self.fanout_expire_pending(_LATE)
        finally:
            self.gather_end()
        return self.summary()

    def child_result(self, report: ChildReport) -> ChildAnswer:
        """Keep what a child reports; it counts once."""
        with self.locked():
            if self.gather_heard(report.host_name, report.run, report.number):
                if report.kind in ("error", "expired"):
                    self.gather_failed(report.host_name, report.error, report.kind)
                else:
                    self.cursor_append_events([report.to_event()])
                if report.kind == "done":
                    self.fanout_record_done(report.host_name)
            return ChildAnswer(self.gather_expects(report.host_name, report.run))

    def summary(self, _request: EmptyPayload | None = None) -> PerformanceResult:
        """What it has come to, also while it runs."""
        return PerformanceResult.from_events(self.gather_events())

    def cleanup(self, _request: EmptyPayload) -> PerformanceResult:
        """End the run, if there is one, and dispose of the children; what it has come to."""
        self.gather_cancel()
        return self.summary()

    # ---- a child

    def run(self) -> None:
        """As a child: measure this host and report."""
        if not self.fanout_is_child():
            return
        child = self._child = _Child(self)
        try:
            wanted = child.work()
        finally:
            child.over.set()
        if not wanted:
            with suppress(PagletError):  # somebody may just be about it
                self.dispose()

    def on_disposing(self, event: DisposalEvent) -> None:
        """A child stops measuring and removes what it wrote; a parent ends its children."""
        if self._child is not None:
            self._child.end()
        super().on_disposing(event)


class _Child:
    """The work of one child, in the thread of its ``run``.

    Attributes:
        over: set when it is done, whatever the reason.
    """

    def __init__(self, paglet: PerformanceBenchmark) -> None:
        state, self._context = paglet.state, paglet.context
        self._parent = PagletProxyRef(state.parent_host_url, state.parent_agent_id)
        self._host, self._run, self._request = state.target_host_name, state.run, state.request
        self._until = time.monotonic() + state.patience
        self._number = 0
        self._stop = threading.Event()
        self._workers = Workers(core_count())
        self.over = threading.Event()

    def work(self) -> bool:
        """Wait for the machine's turn, measure, and report each thing as it happens.

        Returns:
            Whether the parent is still there to dispose of the child.
        """
        try:
            self._report("started", machine=machine_name(), cores=core_count())
            left = max(0.0, self._until - time.monotonic())
            with machine_turn(timeout=left, stop=self._stop, on_wait=lambda: self._report("waiting")) as waited:
                self._report("running", seconds=waited)
                began = time.monotonic()
                self._measure()
                self._report("done", seconds=time.monotonic() - began)
        except ParentGoneError:
            return False
        except Exception as error:  # the parent's to show; nobody waits for run()
            return self._stop.is_set() or self._failed(error)
        return True

    def _failed(self, error: Exception) -> bool:
        """Report a failure; whether there was somebody to hear it."""
        expired = isinstance(error, CallTimeoutError)
        try:
            self._report("expired" if expired else "error", error=f"{type(error).__name__}: {error}")
        except ParentGoneError:
            return False
        return True

    def _measure(self) -> None:
        def cleanup_error(error: str) -> None:
            self._report("clean-up error", error=error)

        request = self._request
        effort = QUICK if request.quick else FULL
        with self._workers as workers:
            measures = measure_host(workers, request.volumes, effort, machine_name(), cleanup_error)
            with closing(measures):  # or what is written would outlive an exception here
                for found in measures:
                    if isinstance(found, SkippedVolume):
                        self._report("skipped", skipped=found)
                    else:
                        self._report("measured", measurement=found)

    def _report(self, kind: str, **about: Any) -> None:
        self._number += 1
        report = ChildReport(self._host, self._run, self._number, kind, **about)
        answer: ChildAnswer = report_to(self._parent, self._context, CHILD_RESULT, report, self._until)
        if not answer.go_on and kind not in _LAST_KINDS:
            raise ParentGoneError("the parent has ended the run")

    def end(self) -> None:
        """Stop, from another thread; returns when what was written is removed."""
        self._stop.set()
        self._workers.stop()
        self.over.wait(_LAST_BREATH)
