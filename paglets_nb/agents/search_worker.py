"""One host's part of a search: from ripgrep's output to batches that the parent has taken.

Owns the loop between the two. It must not know the paglets: how a batch is told is handed in.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from paglets_nb.agents.search_hits import Reader, reader_for
from paglets_nb.agents.search_process import Ripgrep, present_paths
from paglets_nb.agents.search_types import CHILD_EVENTS, HitEvent, HostTotals, SearchRequest
from paglets_nb.core.messages import FutureReply
from paglets_nb.errors import SearchError

__all__ = ["MOVED", "REPLY", "HostSearch"]

HEARTBEAT = 1.0
"""Seconds after which a search without results says that it goes on."""
REPLY = 30.0
"""Seconds that the parent has for taking a batch."""
MOVED = "it was moved, or ended, while it searched"


class HostSearch:
    """Searches this host once.

    Args:
        request: what to search for.
        totals: counted here; its ``status`` is set at the end.
        tell: sends results, or none as a sign of life, and gives the reply to come.
    """

    def __init__(
        self, request: SearchRequest, totals: HostTotals, tell: Callable[[list[HitEvent]], FutureReply]
    ) -> None:
        self._request = request
        self._totals = totals
        self._tell = tell
        self._ripgrep: Ripgrep | None = None
        self._stopped = False
        self._left = False

    def stop(self) -> None:
        """End it; what was found counts. From any thread, also before it has begun."""
        self._stopped = True
        if self._ripgrep is not None:
            self._ripgrep.stop()

    def leave(self) -> None:
        """End it because its paglet moves or ends; unless it was stopped before, it has failed."""
        self._left = not self._stopped
        self.stop()

    def run(self) -> None:
        """Search, until ripgrep ends, the time is over or it is stopped.

        Raises:
            SearchError: there is none of the paths, the time was over, or the paglet left.
            PagletError: the parent is gone, or did not answer.
        """
        began, totals = time.monotonic(), self._totals
        paths, missing = present_paths(self._request.paths)
        if not paths:
            raise SearchError(f"no such file or folder on {totals.host}: {', '.join(missing)}")
        reader = reader_for(self._request, totals.host, totals)
        with Ripgrep(self._request, paths, reader.whole) as ripgrep:
            self._ripgrep = ripgrep
            self._report(ripgrep, reader, began + self._request.timeout)
            totals.errors = [*(f"{path}: no such file or folder" for path in missing), *ripgrep.errors]
            totals.error_count = len(missing) + ripgrep.error_count
            if ripgrep.left_out:
                totals.errors.append(f"{ripgrep.left_out} lines with a match were too long and left out")
                totals.error_count += ripgrep.left_out
        totals.elapsed = time.monotonic() - began
        if self._left:
            raise SearchError(MOVED)
        if totals.elapsed >= self._request.timeout:
            raise SearchError(f"it had not ended after {self._request.timeout:g} s")
        totals.status = "stopped" if self._stopped else "done"

    def _report(self, ripgrep: Ripgrep, reader: Reader, deadline: float) -> None:
        """Tell results as they come; at most one batch is on its way."""
        sent: FutureReply | None = None
        while not self._stopped and time.monotonic() < deadline:
            records = ripgrep.read(min(HEARTBEAT, max(0.0, deadline - time.monotonic())))
            events = reader.feed(records) if records else reader.finish() if records is None else []
            if records is None and not events:
                break
            if records and not events:
                continue
            if sent is not None and CHILD_EVENTS.decode_reply(sent.get_reply(REPLY)).stop:
                self._stopped = True
                return
            sent = self._tell(events)
        if sent is not None:
            sent.get_reply(REPLY)
