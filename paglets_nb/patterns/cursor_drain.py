"""Numbered events that a paglet keeps and readers drain by cursor.

Owns the paglet's side: ``CursorDrainMixin``, the types of the drain operation, and
retention. Events are numbered without holes, so every look-up is index arithmetic: a
drain costs what it returns, whatever lies before or behind. The reader's side is in
``patterns.drains``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState
from paglets_nb.errors import CursorGapError, LifecycleError
from paglets_nb.services.contracts import ServiceOperation

__all__ = ["CURSOR_DRAIN", "CursorDrainMixin", "CursorDrainReply", "CursorDrainRequest", "CursorDrainState"]

DEFAULT_LIMIT = 1000
"""Events in one reply unless the reader says otherwise."""
LONGEST_WAIT = 300.0
"""Seconds one request may wait at most for events."""
_MOVED_AT_ONCE = 4096
_KEPT_DEAD = 64

if TYPE_CHECKING:
    _Base = Paglet[Any]
else:
    _Base = object


@dataclass(frozen=True)
class CursorDrainRequest:
    """Ask for the events behind a cursor.

    Attributes:
        after_cursor: the last event that was seen; 0 for none.
        limit: events in the reply at most; at least 1.
        wait_timeout: seconds to wait where there is no event yet.
    """

    after_cursor: int = 0
    limit: int = DEFAULT_LIMIT
    wait_timeout: float = 0.0


@dataclass(frozen=True)
class CursorDrainReply:
    """Events in order.

    Attributes:
        events: each with its number under ``"cursor"``.
        cursor: of the last one, or the cursor asked for where there is none.
        more: whether further events are there already.
        first_cursor: the first event still held; the next one where none is.
        closed: the stream has ended and this is its end.
        last_cursor: the last event there is, 0 before the first; None where it is not said.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    cursor: int = 0
    more: bool = False
    first_cursor: int = 1
    closed: bool = False
    last_cursor: int | None = None


CURSOR_DRAIN = ServiceOperation("drain", CursorDrainRequest, CursorDrainReply)


@dataclass
class CursorDrainState(PagletState):
    """The fields that ``CursorDrainMixin`` uses; any state that has them will do.

    Attributes:
        events: what is held, in order, numbered without holes under ``"cursor"``.
        next_cursor: the number of the next event.
        events_closed: no event will follow; optional in other states.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    next_cursor: int = 1
    events_closed: bool = False


class CursorDrainMixin(_Base):
    """Keeps numbered events in ``state.events`` and ``state.next_cursor``.

    Put it before the paglet's class. ``Drain = CURSOR_DRAIN`` is all a paglet needs to
    serve its events, also while another handler or ``run_task`` runs; an
    ``OperationPaglet`` may instead name ``cursor_drain`` among its handlers. Where
    ``durability`` is ``message``, a drain waits for the handler that runs, so that nobody
    reads an event that a crash could still undo.

    Class attributes:
        Drain: the operation under which the events are served; None serves none.
        cursor_max_events: events held at most, the oldest go first; None holds all.
    """

    Drain: ClassVar[ServiceOperation | None] = None
    cursor_max_events: ClassVar[int | None] = None
    _cursor_trimmed: tuple[dict[str, Any], int] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.Drain is None:
            return
        name = cls.Drain.name
        inherited: frozenset[str] = getattr(cls, "interleaved_kinds", frozenset())
        if getattr(cls, "durability", "") != "message":
            cls.interleaved_kinds = inherited | {name}
            return
        cls.reading_kinds = getattr(cls, "reading_kinds", frozenset()) | {name}
        if "interleaved_kinds" not in cls.__dict__:
            cls.interleaved_kinds = inherited - {name}

    # ---- writing

    def cursor_append_events(self, events: Iterable[Mapping[str, Any]]) -> int:
        """Number copies of the events, keep them and wake whoever waits.

        Args:
            events: plain values by name; ``"cursor"`` is set, the rest stays as it is.

        Returns:
            The number of the last event there is; 0 when there never was one.

        Raises:
            LifecycleError: the stream is closed, or the paglet has left or ended.
        """
        with self.locked():
            state = self.state
            if getattr(self, "_ended", False):
                raise LifecycleError(
                    f"{type(self).__name__} {self.agent_id} has left or ended; its events went with it"
                )
            if getattr(state, "events_closed", False):
                raise LifecycleError(f"{type(self).__name__} {self.agent_id} has closed its events")
            start = state.next_cursor
            numbered = [{**event, "cursor": cursor} for cursor, event in enumerate(events, start)]
            if numbered:
                state.events.extend(numbered)
                state.next_cursor = start + len(numbered)
                if self.cursor_max_events is not None:
                    self.cursor_retain(self.cursor_max_events)
                self.notify_all_state_changed()
            last: int = state.next_cursor - 1
            return last

    def cursor_close(self) -> None:
        """Say that no event will follow; readers end once they have seen the last one.

        Raises:
            LifecycleError: the state has no field ``events_closed`` to say so in.
        """
        with self.locked():
            if not hasattr(self.state, "events_closed"):
                raise LifecycleError(f"{type(self.state).__name__} has no field events_closed; override cursor_closed")
            self.state.events_closed = True
            self.notify_all_state_changed()

    def cursor_closed(self) -> bool:
        """Whether no event will follow; override where something else in the state says so."""
        return bool(getattr(self.state, "events_closed", False))

    # ---- reading

    def cursor_first(self) -> int:
        """The number of the first event still held; of the next one where none is."""
        with self.locked():
            events = self.state.events
            if not events:
                return int(self.state.next_cursor)
            trimmed = self._cursor_trimmed
            if trimmed is not None and trimmed[0] is events[0]:
                return int(trimmed[1])
            return int(events[0]["cursor"])

    def cursor_drain_events(self, *, after_cursor: int, limit: int) -> tuple[list[dict[str, Any]], int, bool]:
        """The events behind a cursor; what they cost is how many they are.

        Args:
            after_cursor: the last event that was seen.
            limit: how many at most; less than 1 counts as 1.

        Returns:
            The events, not copied and not to be changed; the number of the last one, or
            ``after_cursor`` where there is none; whether further ones are left.

        Raises:
            CursorGapError: some of the events asked for were trimmed.
        """
        with self.locked():
            events = self.state.events
            first = self.cursor_first()
            wanted = max(after_cursor, 0) + 1
            if wanted < first:
                raise CursorGapError(after_cursor, first)
            if not events:
                return [], after_cursor, False
            start = wanted - events[0]["cursor"]
            end = start + max(1, limit)
            found = events[start:end]
            return found, found[-1]["cursor"] if found else after_cursor, end < len(events)

    def cursor_wait(self, after_cursor: int, timeout: float) -> bool:
        """Wait for an event behind a cursor, or for the end of the stream.

        In a handler the turn is given up meanwhile.

        Args:
            after_cursor: the last event that was seen.
            timeout: seconds.

        Returns:
            Whether there is an event behind the cursor.
        """
        state = self.state
        self.wait_state(lambda: state.next_cursor > after_cursor + 1 or self.cursor_closed(), timeout)
        return bool(state.next_cursor > after_cursor + 1)

    # ---- retention

    def cursor_trim(self, up_to: int) -> int:
        """Forget the events up to and including a number.

        Few among many are only marked: the list is moved up once the marked ones are worth
        it, so that trimming costs the same for each event trimmed, however many are held.

        Returns:
            How many were forgotten.
        """
        with self.locked():
            events = self.state.events
            first = self.cursor_first()
            kept = min(up_to + 1, self.state.next_cursor)
            if kept <= first or not events:
                return 0
            dead = kept - events[0]["cursor"]
            left = len(events) - dead
            if left <= _MOVED_AT_ONCE or dead * _KEPT_DEAD >= left:
                del events[:dead]
                self._cursor_trimmed = None
            else:
                self._cursor_trimmed = (events[0], kept)
            return int(kept - first)

    def cursor_retain(self, max_events: int) -> int:
        """Forget all but the newest ``max_events`` events; how many were forgotten."""
        return self.cursor_trim(self.state.next_cursor - 1 - max(0, max_events))

    # ---- serving

    def cursor_drain(self, request: CursorDrainRequest) -> CursorDrainReply:
        """The handler of a drain operation: wait for events where there are none, then hand them out.

        Raises:
            CursorGapError: some of the events asked for were trimmed.
        """
        after = request.after_cursor
        if request.wait_timeout > 0:
            self.cursor_wait(after, min(request.wait_timeout, LONGEST_WAIT))
        with self.locked():
            first, last = self.cursor_first(), self.state.next_cursor - 1
            if getattr(self, "_ended", False):  # where it went is asked next; what it has here may be stale
                return CursorDrainReply([], after, False, first, False, max(last, after))
            events, cursor, more = self.cursor_drain_events(after_cursor=after, limit=request.limit)
            return CursorDrainReply(events, cursor, more, first, not more and self.cursor_closed(), last)

    def handle_message(self, message: Message) -> Any:
        """Serve ``Drain``; the rest goes on to the paglet's class."""
        operation = self.Drain
        if operation is not None and message.kind == operation.name:
            return self.cursor_drain(message.decode(operation.request_type))
        return super().handle_message(message)

    def operation_names(self) -> list[str]:
        """The names of the operations, ``Drain`` among them."""
        operation = self.Drain
        names: list[str] = super().operation_names()
        return names if operation is None or operation.name in names else [*names, operation.name]

    def operations(self) -> list[ServiceOperation]:
        """The operations, ``Drain`` among them."""
        declared: list[ServiceOperation] = getattr(super(), "operations", list)()
        operation = self.Drain
        if operation is None or any(other.name == operation.name for other in declared):
            return declared
        return [*declared, operation]
