"""A parent that is told by its children what happens, and keeps it as events.

Owns what the benchmarks' parents share on top of the patterns: one run at a time, reports
that count once however often they are sent, children whose host has died, cancelling, and
an end that leaves no child behind. What is reported is the paglet's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from paglets_nb.core.events import CloneEvent, DisposalEvent
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.errors import CallTimeoutError, HostDiedError, HostError, InvalidAgentError, LifecycleError, PagletError
from paglets_nb.patterns.coordination import MeshFanoutMixin, MeshFanoutState
from paglets_nb.patterns.cursor_drain import CURSOR_DRAIN, CursorDrainMixin
from paglets_nb.patterns.operations import OperationClient
from paglets_nb.services.contracts import ServiceOperation

__all__ = ["GatherMixin", "GatherState", "ParentGoneError", "report_to"]

T = TypeVar("T")
GONE = "the paglet there is gone: its host ended, or was started again"
_WATCH = 0.25
"""Seconds between two looks at the children that have not reported."""
_LOOK = 2.0
_TOLD = 5.0

if TYPE_CHECKING:
    _Base = Paglet[Any]
else:
    _Base = object


@dataclass
class GatherState(MeshFanoutState):
    """What a parent keeps; its events in order, numbered under ``"cursor"``.

    Attributes:
        events: what happened.
        next_cursor: the number of the next event.
        events_closed: the run has ended.
        run: how many runs there were, this one counted.
        running: one is under way.
        cancelled: it is to end, or was ended, before its time.
        heard: the number of the last report, by child.
        patience: of a child, the seconds that were left when it was made.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    next_cursor: int = 1
    events_closed: bool = False
    run: int = 0
    running: bool = False
    cancelled: bool = False
    heard: dict[str, int] = field(default_factory=dict)
    patience: float = 0.0


class ParentGoneError(LifecycleError):
    """A child's parent is gone, or wants to hear no more of it."""


def report_to(parent: PagletProxyRef, context: Any, operation: ServiceOperation, report: Any, until: float) -> Any:
    """Tell a parent something; a report that is not acknowledged in time is sent again.

    Args:
        parent: whom.
        context: of the child.
        operation: under which; the parent counts reports, so that one counts once.
        report: its request.
        until: monotonic seconds; nothing is sent after that.

    Returns:
        What the parent answers.

    Raises:
        ParentGoneError: there is no parent any more, or it does not answer.
    """
    client = OperationClient(parent.resolve(context))
    while True:
        try:
            return client.call(operation, report, timeout=_TOLD)
        except CallTimeoutError as error:
            if time.monotonic() > until:
                raise ParentGoneError(f"the parent does not answer: {error}") from error
        except (HostDiedError, InvalidAgentError) as error:
            raise ParentGoneError(f"the parent is gone: {error}") from error


class GatherMixin(CursorDrainMixin, MeshFanoutMixin, _Base):
    """The parent's bookkeeping; the state is a ``GatherState``. Put it before the paglet's class."""

    Drain: ClassVar[ServiceOperation | None] = CURSOR_DRAIN
    cursor_max_events: ClassVar[int | None] = 200_000

    # ---- a run

    def gather_begin(self, timeout: float, **about: Any) -> None:
        """Begin a run, its first event ``begun``.

        Args:
            timeout: seconds for the run.
            **about: what the event tells.

        Raises:
            HostError: the time is none.
            LifecycleError: a run is under way.
        """
        if not timeout > 0:
            raise HostError(f"timeout wants seconds above 0, got {timeout!r}")
        with self.locked():
            state = self.state
            if state.running:
                raise LifecycleError(f"{type(self).__name__} {self.agent_id} is running already; cleanup ends the run")
            self.fanout_reset(timeout=timeout)
            state.run, state.running, state.cancelled = state.run + 1, True, False
            state.heard, state.events_closed = {}, False
            self._began = time.monotonic()
            self.cursor_append_events([{"event": "begun", **about}])

    def gather_end(self) -> None:
        """End the run: dispose of the children; the last event is ``ended``, and readers end with it."""
        self.fanout_cleanup_children()
        with self.locked():
            state = self.state
            if not self._ended:
                ending = {
                    "elapsed_seconds": time.monotonic() - self._began,
                    "cleanup_errors": dict(state.cleanup_errors),
                }
                self.cursor_append_events([{"event": "ended", "cancelled": state.cancelled, **ending}])
                self.cursor_close()
            state.running = False
            self.notify_all_state_changed()

    def gather_cancel(self, timeout: float = 30.0) -> None:
        """Have the run end now, if there is one, and wait until it has."""
        with self.locked():
            if self.state.running:
                self.state.cancelled = True
                self.notify_all_state_changed()
        self.wait_state(lambda: not self.state.running, timeout)
        self.fanout_cleanup_children()

    def gather_events(self) -> list[dict[str, Any]]:
        """The events of the last run."""
        with self.locked():
            begun = [at for at, event in enumerate(self.state.events) if event["event"] == "begun"]
            return self.state.events[begun[-1] :] if begun else []

    def gather_left(self) -> float:
        """Seconds left of the run; at least 0."""
        return max(0.0, float(self.state.deadline) - time.monotonic())

    # ---- reports

    def gather_heard(self, child: str, run: int, number: int) -> bool:
        """Whether a report is a new one of this run, whose child is still expected to report; it counts then.

        To be called with the state locked.
        """
        state = self.state
        if not self.gather_expects(child, run) or number <= state.heard.get(child, 0):
            return False
        state.heard[child] = number
        return True

    def gather_expects(self, child: str, run: int) -> bool:
        """Whether this child is to go on."""
        state = self.state
        return bool(state.running and not state.cancelled and run == state.run and child in state.pending_hosts)

    def fanout_record_error(self, host_name: str, error: BaseException | str) -> None:
        """A host has failed, or past the deadline has expired; readers are told."""
        self.gather_failed(host_name, error, "expired" if self.gather_left() <= 0 else "error")

    def gather_failed(self, host_name: str, error: BaseException | str, kind: str) -> None:
        """A host's part is over, and this is the event of it."""
        with self.locked():
            super().fanout_record_error(host_name, error)
            if not self._ended and self.state.running:
                said = self.state.errors[host_name]
                self.cursor_append_events([{"event": kind, "host": host_name, "error": said}])

    # ---- waiting

    def gather_wait(self, ready: Callable[[], bool]) -> bool:
        """Wait for the children until the run's deadline, or until it is cancelled.

        A child that is gone becomes an error of its host meanwhile.

        Returns:
            Whether ``ready`` holds.
        """
        missed: set[str] = set()

        def over() -> bool:
            return self._ended or self.state.cancelled or ready()

        while not self.fanout_wait_for(over, wait_timeout=_WATCH) and self.gather_left() > 0:
            missed = self._look_after(missed)
        with self.locked():
            return ready()

    def _look_after(self, missed: set[str]) -> set[str]:
        """Look at the children that have not reported; those that are gone a second time have failed."""
        with self.locked():
            expected = {name: self.state.child_proxies.get(name) for name in self.state.pending_hosts}
        gone: set[str] = set()
        for name, wired in expected.items():
            reason = "" if wired is None else self._gone(wired)
            if reason and name in missed:
                with self.locked():
                    if name in self.state.pending_hosts and self.state.child_proxies.get(name) == wired:
                        del self.state.child_proxies[name]
                        self.fanout_record_error(name, reason)
            elif reason:
                gone.add(name)
        return gone

    def _gone(self, wired: Mapping[str, str]) -> str:
        """Why a child is gone; nothing where it is there, or does not say."""
        try:
            self.context.get_proxy(wired["agent_id"], wired["host_url"]).info(timeout=_LOOK)
        except InvalidAgentError:
            return GONE
        except HostDiedError as error:
            return f"its host died: {error.reason}"
        except PagletError:
            return ""
        return ""

    def _fanout_dispose(self, wired: Mapping[str, str]) -> str:
        """A child whose host is gone went with it."""
        error = super()._fanout_dispose(wired)
        return "" if error.startswith(HostDiedError.__name__) else error

    # ---- hooks

    def on_cloning(self, event: CloneEvent) -> None:
        """What is left of the time goes with the child, whose host may have another clock."""
        self.state.patience = self.gather_left()

    def on_clone(self, event: CloneEvent) -> None:
        """A child has no children and no events."""
        with self.locked():
            state = self.state
            state.events, state.next_cursor, state.running = [], 1, False
            state.child_proxies, state.pending_hosts, state.done_hosts = {}, [], []
            state.errors, state.cleanup_errors, state.heard = {}, {}, {}

    def on_disposing(self, event: DisposalEvent) -> None:
        """No child outlives its parent."""
        with self.locked():
            self.state.cancelled = True
        with suppress(PagletError):
            self.fanout_cleanup_children()
