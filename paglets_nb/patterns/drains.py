"""The reader's side of a cursor drain: iterate over a paglet's events as they come.

Owns ``drain``, for ``for`` and for ``async for``. It asks again and again, each time for
what follows the last event, and each request waits at the paglet until there is some.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator, Callable, Iterator
from numbers import Integral, Real
from typing import Any

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import CursorGapError, FrameError, HostDiedError, ServiceContractError
from paglets_nb.patterns.cursor_drain import CURSOR_DRAIN, DEFAULT_LIMIT, CursorDrainReply, CursorDrainRequest
from paglets_nb.patterns.operations import OperationClient
from paglets_nb.services.contracts import ServiceOperation

__all__ = ["Drain", "drain"]

Event = dict[str, Any]
_GRACE = 30.0
_LAST_GRACE = 1.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


def _check_numbers(kind: type, wanted: str, **arguments: object) -> None:
    for name, value in arguments.items():
        if not isinstance(value, kind):
            raise ServiceContractError(f"{name} wants {wanted}, got {value!r}")


def drain(
    proxy: PagletProxy,
    operation: ServiceOperation | str = CURSOR_DRAIN,
    after_cursor: int = 0,
    *,
    limit: int = DEFAULT_LIMIT,
    wait_timeout: float = 5.0,
    follow: bool = True,
    timeout: float | None = None,
    stop: Callable[[Event], bool] | None = None,
    retry_timeout: float = 0.0,
) -> Drain:
    """The events of a paglet behind a cursor, and those to come; for ``for`` and ``async for``.

    Follows a paglet that moves. Ends when the paglet says that its stream has ended.

    Args:
        proxy: the paglet.
        operation: its drain operation, or the name of one of ``CURSOR_DRAIN``'s types. Any
            operation will do whose request has ``after_cursor`` (``limit`` and
            ``wait_timeout`` are used where it has them) and whose reply has ``events``,
            ``cursor`` and ``more`` (``closed`` and ``last_cursor`` where it has them).
        after_cursor: the last event that was seen; 0 for none.
        limit: events asked for at once.
        wait_timeout: seconds for which one request waits at the paglet.
        follow: False ends with the last event there is, rather than waiting for others.
        timeout: seconds after which the iteration ends quietly; None never does.
        stop: the iteration ends after the first event for which it is true.
        retry_timeout: seconds for which a host that is gone is asked again; 0 for none.

    Returns:
        An iterable of the events, each with its number under ``"cursor"``.

    Raises:
        ServiceContractError: an argument is of another type.
        CursorGapError: while iterating: events behind the cursor were trimmed. To go on
            without them, set ``cursor`` to the error's ``first_cursor - 1`` and iterate again.
        PagletError: while iterating: what a call of the operation raises.
    """
    if isinstance(operation, str):
        operation = ServiceOperation(operation, CursorDrainRequest, CursorDrainReply)
    if not isinstance(operation, ServiceOperation):
        raise ServiceContractError(f"wanted a drain operation or its name, got {operation!r}")
    _check_numbers(Integral, "a whole number", after_cursor=after_cursor, limit=limit)
    _check_numbers(Real, "seconds as a number", wait_timeout=wait_timeout, retry_timeout=retry_timeout)
    if timeout is not None:
        _check_numbers(Real, "seconds as a number", timeout=timeout)
    return Drain(
        OperationClient(proxy).proxy,
        operation,
        after_cursor,
        limit=max(1, limit),
        wait_timeout=wait_timeout,
        follow=follow,
        timeout=timeout,
        stop=stop,
        retry_timeout=retry_timeout,
    )


class Drain:
    """An iterable over a paglet's events; made by ``drain``, which explains its arguments.

    Attributes:
        cursor: of the event that was handed out last; iterating again goes on behind it.
    """

    def __init__(
        self,
        proxy: PagletProxy,
        operation: ServiceOperation,
        after_cursor: int,
        *,
        limit: int,
        wait_timeout: float,
        follow: bool,
        timeout: float | None,
        stop: Callable[[Event], bool] | None,
        retry_timeout: float,
    ) -> None:
        self.proxy = proxy
        self.operation = operation
        self.cursor = after_cursor
        self.limit = limit
        self.wait_timeout = wait_timeout
        self.follow = follow
        self.timeout = timeout
        self.stop = stop
        self.retry_timeout = retry_timeout

    def __iter__(self) -> Iterator[Event]:
        stop = self.stop
        for events in self._batches():
            for event in events:
                self.cursor = event["cursor"]
                yield event
                if stop is not None and stop(event):
                    return

    async def __aiter__(self) -> AsyncIterator[Event]:
        stop = self.stop
        async for events in self._batches_async():
            for event in events:
                self.cursor = event["cursor"]
                yield event
                if stop is not None and stop(event):
                    return

    def batches(self) -> Iterator[list[Event]]:
        """The same events by the list, as replies bring them; ``stop`` is not looked at."""
        for events in self._batches():
            self.cursor = events[-1]["cursor"]
            yield events

    async def batches_async(self) -> AsyncIterator[list[Event]]:
        """``batches``, for ``async for``."""
        async for events in self._batches_async():
            self.cursor = events[-1]["cursor"]
            yield events

    def _batches(self) -> Iterator[list[Event]]:
        client, polling = OperationClient(self.proxy), _Polling(self)
        while not polling.finished():
            try:
                reply = client.call(self.operation, polling.request(), timeout=polling.call_timeout)
            except (HostDiedError, FrameError) as error:
                time.sleep(polling.pause_after(error))
                continue
            events = polling.take(reply)
            if events:
                yield events

    async def _batches_async(self) -> AsyncIterator[list[Event]]:
        import anyio

        client, polling = OperationClient(self.proxy), _Polling(self)
        while not polling.finished():
            try:
                reply = await client.call_async(self.operation, polling.request(), timeout=polling.call_timeout)
            except (HostDiedError, FrameError) as error:
                await anyio.sleep(polling.pause_after(error))
                continue
            events = polling.take(reply)
            if events:
                yield events

    def __repr__(self) -> str:
        return f"<Drain of {self.proxy.agent_id} by {self.operation.name!r} after {self.cursor}>"


class _Polling:
    """What to ask next, and whether to: one iteration of a ``Drain``, without its waiting.

    Attributes:
        call_timeout: seconds for the request made last.
    """

    def __init__(self, drain: Drain) -> None:
        self._drain = drain
        self._after = drain.cursor
        self._limit = drain.limit
        self._deadline = None if drain.timeout is None else time.monotonic() + drain.timeout
        self._ended = False
        self._asked = False
        self._lost_at: float | None = None
        self._pause = _SHORTEST_PAUSE
        fields = {field.name for field in dataclasses.fields(drain.operation.request_type)}
        self._options = fields & {"limit", "wait_timeout"}
        self.call_timeout = _GRACE

    def _left(self) -> float | None:
        return None if self._deadline is None else self._deadline - time.monotonic()

    def finished(self) -> bool:
        """Whether nothing is to be asked any more; at least one request is made."""
        if self._ended:
            return True
        left = self._left()
        return self._asked and left is not None and left <= 0

    def request(self) -> Any:
        """The next request."""
        drain, left = self._drain, self._left()
        self._asked = True
        wait = drain.wait_timeout if drain.follow else 0.0
        if left is not None:
            wait = min(wait, max(left, 0.0))
        self.call_timeout = wait + (_GRACE if left is None else min(_GRACE, max(left - wait, 0.0) + _LAST_GRACE))
        options = {"limit": self._limit, "wait_timeout": wait}
        chosen = {name: options[name] for name in self._options}
        return drain.operation.request_type(after_cursor=self._after, **chosen)

    def take(self, reply: Any) -> list[Event]:
        """The events of a reply."""
        last = getattr(reply, "last_cursor", None)
        if last is not None and last < self._after:  # the paglet has lost events that were seen here
            raise CursorGapError(self._after, getattr(reply, "first_cursor", 1), last)
        self._lost_at, self._pause = None, _SHORTEST_PAUSE
        events: list[Event] = reply.events
        self._after = max(self._after, reply.cursor)
        self._ended = not reply.more and (not self._drain.follow or getattr(reply, "closed", False))
        return events

    def pause_after(self, error: HostDiedError | FrameError) -> float:
        """Seconds to wait before the request is made again; raises the error where it is not."""
        if isinstance(error, FrameError):  # more than a frame holds: ask for less
            if self._limit == 1:
                raise error
            self._limit = max(1, self._limit // 2)
            return 0.0
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = now
        if now - self._lost_at >= self._drain.retry_timeout:
            raise error
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        return pause
