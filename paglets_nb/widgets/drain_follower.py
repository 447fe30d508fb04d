"""Reads events as they come, from a paglet or from a mesh, with gaps in their places instead of errors.

Owns the reading and its pauses. It must not know what shows the events.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import CursorGapError, FrameError, HostDiedError, MeshError, PagletError
from paglets_nb.mesh.events import GAP, MeshEvent
from paglets_nb.patterns.cursor_drain import CURSOR_DRAIN, DEFAULT_LIMIT
from paglets_nb.patterns.drains import drain
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.widgets.drain_buffer import DrainBuffer, Gap, Row

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["DrainFollower", "EventSource", "MeshSource", "PagletSource"]

_WAIT = 1.0
"""Seconds for which one request waits, and so the longest that a closed follower's thread stays."""
_SHORTEST_WAIT = 0.05
_RETRY = 60.0
"""Seconds for which a host that is gone is asked again."""
_RETRY_PAUSE = 0.5
READING, PAUSED, ENDED, LOST, FAILED = "reading", "paused", "ended", "lost", "failed"


class EventSource(Protocol):
    """Where events come from."""

    @property
    def title(self) -> str:
        """Whose events they are."""
        ...

    @property
    def cursor(self) -> int:
        """Of the last one that was read."""
        ...

    @property
    def ended(self) -> bool:
        """No further one will come."""
        ...

    def read(self, wait: float, limit: int = ...) -> Sequence[Row]:
        """The next events, once there are some, or none after ``wait`` seconds."""
        ...


class PagletSource:
    """The events of a paglet, by cursor.

    Args:
        proxy: the paglet.
        operation: its drain operation, or the name of one of ``CURSOR_DRAIN``'s types.
        after: the last event that was seen; 0 for none.
        title: how the paglet is called; its name or id when empty.
    """

    def __init__(
        self,
        proxy: PagletProxy,
        operation: ServiceOperation | str = CURSOR_DRAIN,
        after: int = 0,
        title: str = "",
    ) -> None:
        self._drain = drain(proxy, operation, after)
        self.title = title or proxy.name or proxy.agent_id
        self.ended = False

    @property
    def cursor(self) -> int:
        """Of the last event that was read."""
        return self._drain.cursor

    def read(self, wait: float, limit: int = DEFAULT_LIMIT) -> Sequence[Row]:
        """The next events, or a gap; none after ``wait`` seconds, or at the stream's end.

        Raises:
            PagletError: what a call of the operation raises, but for trimmed events.
        """
        reader = self._drain
        wait = max(wait, _SHORTEST_WAIT)
        reader.timeout = reader.wait_timeout = wait
        reader.limit = max(1, limit)
        began = time.monotonic()
        try:
            for events in reader.batches():
                return events
        except CursorGapError as gap:
            first = gap.first_cursor
            reader.cursor = first - 1
            return [Gap(gap.after_cursor + 1, first - 1) if first > gap.after_cursor else Gap(first, 0)]
        except HostDiedError:
            if getattr(reader.proxy.client, "closed", False):  # then nobody comes back
                raise MeshError("the mesh was stopped") from None
            raise
        self.ended = time.monotonic() < began + wait  # before its time: the stream has told its end
        return []


class MeshSource:
    """The events of a mesh: what happened on its hosts.

    Args:
        mesh: the mesh.
        since: the last event that was seen; 0 for none.
        wanted: which of them; all when None.

    Attributes:
        latest: the events that were read last.
    """

    def __init__(self, mesh: Mesh, since: int = 0, wanted: Callable[[MeshEvent], bool] | None = None) -> None:
        self._mesh = mesh
        self._wanted = wanted
        self.title = f"events of {mesh.name}"
        self.cursor = since
        self.latest: list[MeshEvent] = []

    @property
    def ended(self) -> bool:
        """Whether the mesh is down."""
        return not self._mesh.running

    def read(self, wait: float, limit: int = DEFAULT_LIMIT) -> Sequence[Row]:
        """The next events, and gaps; none after ``wait`` seconds."""
        events = self._mesh.events(self.cursor, limit, wait_timeout=wait)
        if events:
            self.cursor = events[-1].number
        wanted = self._wanted
        self.latest = [event for event in events if wanted is None or wanted(event)]
        return [_row(event) for event in events if event.kind == GAP or wanted is None or wanted(event)]


def _row(event: MeshEvent) -> Row:
    from paglets_nb.widgets.records import EventTable

    if event.kind == GAP:
        host = f"host {event.host_name}" if event.host_name else ""
        first = event.details.get("first_number", event.number + 1)
        return Gap(event.details.get("after", 0) + 1, first - 1, host, event.number)
    number, *cells = EventTable().row(event)
    return {"cursor": number, **dict(zip(EventTable.headers[1:], cells, strict=True))}


class DrainFollower:
    """Reads a source into a buffer from a thread of its own, until it is closed or the source ends.

    Args:
        source: where the events come from.
        buffer: where they go.
        on_change: called after each change, from the follower's thread; must not block.

    Attributes:
        note: why it does not read, where it does not.
    """

    def __init__(self, source: EventSource, buffer: DrainBuffer, on_change: Callable[[], None]) -> None:
        self.source = source
        self.buffer = buffer
        self.note = ""
        self._on_change = on_change
        self._changed = threading.Condition()
        self._state = PAUSED
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> str:
        """``reading``, ``paused``, ``ended``, ``lost`` (a host is gone, and asked again) or ``failed``."""
        return self._state

    def start(self) -> None:
        """Read, or read on."""
        with self._changed:
            if self._closed:
                return
            self._set(READING)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="paglets-drain-view", daemon=True)
                self._thread.start()

    def pause(self) -> None:
        """Read no further; what comes meanwhile is read later, as far as it is held then."""
        with self._changed:
            if self._state in (READING, LOST):
                self._set(PAUSED)

    def read(self, wait: float, limit: int = DEFAULT_LIMIT) -> Sequence[Row]:
        """Read once in the thread of a cell, while it is not started; ``pause`` says when that is over.

        Args:
            wait: seconds to wait for events.
            limit: events at most.

        Raises:
            PagletError: what reading the source raises.
        """
        with self._changed:
            if self._state != READING:
                self._set(READING, "the stop button of the notebook ends it")
        rows = self.source.read(wait, limit)
        self._take(rows)
        return rows

    def close(self) -> None:
        """Stop reading; harmless when repeated."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, timeout: float) -> bool:
        """Wait until its thread has ended; whether it has within ``timeout`` seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _set(self, state: str, note: str = "") -> None:
        self._state, self.note = state, note
        self._changed.notify_all()
        self._on_change()

    def _go_on(self) -> bool:
        """Wait while it is paused; False once it is closed or has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._state != PAUSED)
            if self._closed or self._state not in (READING, LOST):
                self._thread = None  # what starts it again makes another
                return False
            return True

    def _run(self) -> None:
        lost_at: float | None = None
        while self._go_on():
            try:
                rows = self.source.read(_WAIT)
            except (HostDiedError, FrameError) as error:
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at < _RETRY:
                    self._stop(LOST, error)
                    with self._changed:
                        self._changed.wait_for(lambda: self._closed, _RETRY_PAUSE)
                else:
                    self._stop(FAILED, error)
                continue
            except (PagletError, TimeoutError, OSError) as error:
                self._stop(FAILED, error)
                continue
            lost_at = None
            self._take(rows)

    def _take(self, rows: Sequence[Row]) -> None:
        """Keep what was read, once it may be shown."""
        if rows and self._go_on():
            self.buffer.extend(rows)
        with self._changed:
            if self.source.ended and self._state != PAUSED:
                self._set(ENDED)
            elif self._state == LOST:
                self._set(READING)
        if rows:
            self._on_change()

    def _stop(self, state: str, error: Any) -> None:
        with self._changed:
            if self._state != PAUSED or state == FAILED:
                self._set(state, f"{type(error).__name__}: {error}")
