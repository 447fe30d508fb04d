"""Mesh Search: grep and find on the hosts of a mesh, with results that stream by cursor.

The workflow, in the order in which it happens:

1. ``start``, at the parent: the pattern is checked, the hosts are chosen, and the parent
   clones itself to each of them. Each clone is a child.
2. ``run``, in each child: ripgrep searches the child's host. The child turns what it writes
   into results and calls ``child_events`` at the parent; one call is on its way while the
   next results are read, so that a child never runs ahead of the parent by more. Without
   results it calls all the same, to say that it goes on. The answer may tell it to stop.
3. ``drain``, at the parent, all the while: readers take the numbered results from any cursor.
4. ``child_done``: the child's totals; after the last one the stream is closed.
5. ``summary`` at any time, ``cancel`` before the end, ``cleanup`` after it.

The search itself is ripgrep's. This module must not know how one is started or read
(``search_worker`` and what it stands on), nor what a user holds (``search_client``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from paglets_nb.agents.search_process import check_command
from paglets_nb.agents.search_types import (
    CANCEL,
    CHILD_DONE,
    CHILD_EVENTS,
    CHILD_STOP,
    CLEANUP,
    DRAIN,
    START,
    SUMMARY,
    ChildDone,
    ChildEvents,
    ChildOrders,
    CleanupReply,
    HitEvent,
    HostTotals,
    SearchDrained,
    SearchMode,
    SearchRequest,
    SearchStarted,
    SearchSummary,
    check_request,
)
from paglets_nb.agents.search_worker import MOVED, REPLY, HostSearch
from paglets_nb.core.events import CloneEvent, DisposalEvent
from paglets_nb.core.messages import FutureReply
from paglets_nb.core.references import HostRef
from paglets_nb.errors import CallTimeoutError, PagletError, SearchError
from paglets_nb.patterns.coordination import MeshFanoutMixin, MeshFanoutState
from paglets_nb.patterns.cursor_drain import CursorDrainMixin, CursorDrainRequest
from paglets_nb.patterns.operations import OperationClient, OperationPaglet
from paglets_nb.services.contracts import EmptyPayload, ServiceOperation

if TYPE_CHECKING:
    from paglets_nb.agents.search_client import Search

__all__ = ["MeshSearch", "SearchState", "find", "grep", "one_per_machine"]

QUIET = 3.0
"""Seconds of silence after which the parent looks whether a child is still there."""
_LOOK = 2.0
_GRACE = 5.0
"""Seconds that a child has to say that its time is over, before the parent does."""


@dataclass
class SearchState(MeshFanoutState):
    """A search.

    Attributes:
        request: what is searched for; None before the start.
        events: the results, numbered.
        totals: what each host did, in the order in which they were asked.
        begun: of a child: its search has begun.
        started_at: POSIX seconds.
        ended_at: POSIX seconds; 0 until then.
    """

    request: SearchRequest | None = None
    events: list[HitEvent] = field(default_factory=list)
    next_cursor: int = 1
    events_closed: bool = False
    totals: dict[str, HostTotals] = field(default_factory=dict)
    truncated: bool = False
    cancelled: bool = False
    begun: bool = False
    started_at: float = 0.0
    ended_at: float = 0.0


def one_per_machine(hosts: Sequence[HostRef]) -> list[HostRef]:
    """Of hosts that share a machine, and so its files, the first.

    A Unix socket is reached on this machine alone; any other address names its machine.
    """
    machines: dict[str, HostRef] = {}
    for host in hosts:
        address = urlsplit(host.url)
        machines.setdefault("" if address.scheme == "unix" else address.hostname or host.url, host)
    return list(machines.values())


class MeshSearch(CursorDrainMixin, MeshFanoutMixin, OperationPaglet[SearchState]):
    """One search over the mesh: the parent, or the child that searches one host."""

    Drain = DRAIN
    interleaved_kinds: ClassVar[frozenset[str]] = frozenset({CHILD_STOP.name, DRAIN.name})
    fanout_clone_timeout = 3.0

    def __init__(self, state: SearchState | None = None, *, agent_id: str | None = None) -> None:
        super().__init__(state, agent_id=agent_id)
        self._search: HostSearch | None = None
        self._heard: dict[str, float] = {}

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """What the reader asks of the parent, what the child tells it, and what it tells the child."""
        return {
            START: self.start,
            DRAIN: self.cursor_drain,
            CHILD_EVENTS: self.child_events,
            CHILD_DONE: self.child_done,
            SUMMARY: self.summary,
            CANCEL: self.cancel,
            CLEANUP: self.cleanup,
            CHILD_STOP: self.child_stop,
        }

    # ---- the parent: begin

    def start(self, request: SearchRequest) -> SearchStarted:
        """Check the request and send a clone to each host, which begins at once.

        Raises:
            SearchError: the request is wrong, no host is there, or this paglet has searched already.
        """
        check_request(request)
        check_command(request)
        state = self.state
        if state.request is not None:
            raise SearchError("this paglet has its search already; create another one")
        self.fanout_reset(timeout=request.timeout + _GRACE)
        hosts = self.fanout_select_hosts(request.targets)
        if request.one_per_machine:
            hosts = one_per_machine(hosts)
        if not hosts:
            wanted = ", ".join(request.targets) or "every one"
            known = ", ".join(host.name for host in self.fanout_available_hosts()) or "none"
            raise SearchError(f"no host to search on: wanted {wanted} (hosts: {known})")
        with self.locked():
            state.request, state.started_at = request, time.time()
        for host in hosts:
            self.fanout_clone_to(host)
            self._heard[host.name] = time.monotonic()
        with self.locked():
            for host in hosts:
                failed = host.name in state.errors
                state.totals[host.name] = HostTotals(host.name, "failed" if failed else "searching")
        self._close_when_all_are_done()
        return SearchStarted([host.name for host in hosts])

    # ---- the child

    def on_clone(self, event: CloneEvent) -> None:
        """A child begins with the request alone."""
        state = self.state
        state.events, state.next_cursor, state.totals = [], 1, {}
        state.pending_hosts, state.child_proxies, state.errors = [], {}, {}

    def run(self) -> None:
        """Search this host, if this is a child."""
        state = self.state
        if not self.fanout_is_child() or state.request is None:
            return
        parent = OperationClient(self.context.get_proxy(state.parent_agent_id, state.parent_host_url))
        totals = HostTotals(state.target_host_name)
        self._search = HostSearch(state.request, totals, lambda events: self._tell(parent, events))
        self.resources.callback(self._search.leave)
        try:
            if state.begun:
                raise SearchError(MOVED)
            state.begun = True
            self._search.run()
            error = ""
        except (SearchError, OSError) as failure:
            error, totals.status = str(failure), "failed"
        except PagletError:  # the parent is gone: nobody wants to know
            self._leave()
            return
        with suppress(PagletError, OSError):
            parent.call(CHILD_DONE, ChildDone(totals, error), timeout=REPLY)
        self._leave()

    def _tell(self, parent: OperationClient, events: list[HitEvent]) -> FutureReply:
        return parent.submit(CHILD_EVENTS, ChildEvents(self.state.target_host_name, events), timeout=REPLY)

    def _leave(self) -> None:
        """A child whose part is done ends itself."""
        with suppress(PagletError):
            self.dispose()

    def child_stop(self, _request: EmptyPayload) -> EmptyPayload:
        """At the child: end the search."""
        if self._search is not None:
            self._search.stop()
        return EmptyPayload()

    # ---- the parent: what the children tell

    def child_events(self, told: ChildEvents) -> ChildOrders:
        """Keep a child's results, as many as are wanted."""
        with self.locked():
            state = self.state
            if told.host not in state.pending_hosts or state.request is None:
                return ChildOrders(stop=True)
            self._heard[told.host] = time.monotonic()
            room = state.request.max_results - (state.next_cursor - 1)
            kept = told.events[: max(room, 0)]
            if kept:
                self.cursor_append_events(kept)
                state.totals[told.host].hits += len(kept)
            over = len(told.events) > len(kept)
            first = over and not state.truncated
            state.truncated = state.truncated or over
            stop = state.truncated or state.cancelled
        if first:
            self._stop_children(but=told.host)
        return ChildOrders(stop)

    def child_done(self, done: ChildDone) -> EmptyPayload:
        """Keep a child's totals; it ends itself now."""
        with self.locked():
            state, host = self.state, done.totals.host
            if host in state.pending_hosts:
                done.totals.hits = state.totals[host].hits
                state.totals[host] = done.totals
                state.child_proxies.pop(host, None)
                if done.error:
                    self.fanout_record_error(host, done.error)
                else:
                    self.fanout_record_done(host)
        self._close_when_all_are_done()
        return EmptyPayload()

    def _close_when_all_are_done(self) -> None:
        with self.locked():
            state = self.state
            for host in state.errors:
                if host in state.totals:
                    state.totals[host].status = "failed"
            if not state.pending_hosts and not state.events_closed and state.request is not None:
                state.ended_at = time.time()
                self.cursor_close()

    def _stop_children(self, but: str = "") -> None:
        """Tell the children to stop; each says so by ``child_done``."""
        with self.locked():
            children = {name: dict(wired) for name, wired in self.state.child_proxies.items() if name != but}
        for wired in children.values():
            child = OperationClient(self.context.get_proxy(wired["agent_id"], wired["host_url"]))
            child.submit(CHILD_STOP, timeout=_LOOK)  # one that is gone is noticed by its silence

    def _look_after_children(self) -> None:
        """Give up on children past the deadline, and on those that are gone with their host."""
        with self.locked():
            state, now = self.state, time.monotonic()
            if state.request is None or state.events_closed:
                return
            expired = self.fanout_expire_pending("it did not say how it ended")
            quiet = {
                host: dict(state.child_proxies.get(host, {}))
                for host in state.pending_hosts
                if now - self._heard.setdefault(host, now) > QUIET
            }
        if expired:
            self._stop_children()
        for host, wired in quiet.items():
            if not self._is_there(wired):
                self.fanout_record_error(host, "it is gone, and its search with it")
        self._close_when_all_are_done()

    def _is_there(self, wired: Mapping[str, str]) -> bool:
        """Whether a child still exists; one that only does not answer does."""
        if not wired:
            return True  # it has reported meanwhile
        child = self.context.get_proxy(wired["agent_id"], wired["host_url"])
        try:
            child.info(timeout=_LOOK)
        except CallTimeoutError:
            return True
        except (PagletError, OSError):
            return False
        return True

    # ---- the parent: what readers ask

    def cursor_drain(self, request: CursorDrainRequest) -> Any:
        """The results behind a cursor; waits for some where there are none."""
        self._look_after_children()
        drained = super().cursor_drain(request)
        return SearchDrained(**vars(drained))

    def summary(self, _request: EmptyPayload) -> SearchSummary:
        """Where the search stands."""
        self._look_after_children()
        with self.locked():
            state = self.state
            return SearchSummary(
                state.events_closed,
                state.next_cursor - 1,
                state.truncated,
                state.cancelled,
                (state.ended_at or time.time()) - state.started_at if state.started_at else 0.0,
                list(state.totals.values()),
                dict(state.errors),
            )

    def cancel(self, request: EmptyPayload) -> SearchSummary:
        """Stop every host's search; what was found stays."""
        with self.locked():
            self.state.cancelled = self.state.cancelled or not self.state.events_closed
        self._stop_children()
        return self.summary(request)

    def cleanup(self, request: EmptyPayload) -> CleanupReply:
        """Stop what still runs and dispose of the children."""
        self.cancel(request)
        self.fanout_cleanup_children()
        with self.locked():
            for host in list(self.state.pending_hosts):
                self.state.totals[host].status = "stopped"
                self.fanout_record_done(host)
        self._close_when_all_are_done()
        with self.locked():
            return CleanupReply(dict(self.state.cleanup_errors))

    def on_disposing(self, event: DisposalEvent) -> None:
        """A parent takes its children along."""
        if not self.fanout_is_child():
            self._stop_children()
            self.fanout_cleanup_children()


# ---- what a user calls


def grep(mesh: Any, pattern: str, *paths: str, **options: Any) -> Search:
    """Search for lines that match a pattern, on every host unless ``targets`` says otherwise.

    Args:
        mesh: a Mesh; anything that creates paglets will do.
        pattern: a regular expression; text with ``literal=True``.
        *paths: files and folders on the hosts; their working folder where there are none.
        **options: further fields of ``SearchRequest``; ``context=N`` is ``before`` and ``after`` at once.

    Returns:
        The search, at once; its hits come while it runs.

    Raises:
        SearchError: the pattern, a type or an option is wrong, or no host is there.
    """
    from paglets_nb.agents.search_client import begin

    return begin(mesh, pattern, paths, **options)


def find(mesh: Any, pattern: str = "*", *paths: str, **options: Any) -> Search:
    """Search for files by name, on every host unless ``targets`` says otherwise.

    Args:
        mesh: a Mesh; anything that creates paglets will do.
        pattern: a glob of names, or a part of them.
        *paths: folders on the hosts; their working folder where there are none.
        **options: further fields of ``SearchRequest``.

    Raises:
        SearchError: a glob, a type or an option is wrong, or no host is there.
    """
    from paglets_nb.agents.search_client import begin

    return begin(mesh, pattern, paths, mode=SearchMode.FIND, **options)
