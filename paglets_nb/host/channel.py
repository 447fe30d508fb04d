"""A pipelined connection to one host: many requests under way, replies matched by number."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.failures import decode_error
from paglets_nb.core.messages import FutureReply
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import FrameError, HostDiedError, LifecycleError, PagletError, PagletInactiveError
from paglets_nb.transport.addresses import connect
from paglets_nb.transport.frames import MOVED, PIPELINED, QUEUED, REPLY, REQUEST, Frame

if TYPE_CHECKING:
    from paglets_nb.host.lanes import Lane

__all__ = ["Channel", "Pending", "in_reader"]

MAX_PENDING = 10_000
_CONNECT = 5.0
_WHOLE = 16 * 1024
"""Bytes that a socket takes whole or not at all."""
_reading = threading.local()


def in_reader() -> bool:
    """Whether the calling thread is one that reads replies, which must not wait for any."""
    return getattr(_reading, "active", False)


def queued_receipt(frame: Frame, reply_type: type | None, paglet: str) -> Any:
    """The receipt of a message that waits in the store for a sleeping paglet.

    Raises:
        PagletInactiveError: a typed reply was wanted; there is none until the paglet wakes.
    """
    receipt: Any = payloads.decode(frame.payload, frame.buffers)
    if reply_type is not None:
        raise PagletInactiveError(
            f"paglet {paglet} is asleep and keeps messages until it is activated; "
            f"this one is queued (message {receipt['message_id']}) and need not be sent again"
        )
    return receipt


class Pending:
    """One request under way."""

    __slots__ = (
        "agent_id",
        "buffers",
        "content",
        "future",
        "header",
        "hops",
        "lane",
        "number",
        "pair",
        "proxy",
        "reply_type",
    )

    def __init__(
        self,
        future: FutureReply,
        proxy: PagletProxy,
        header: bytes,
        content: bytes,
        buffers: Sequence[Any],
        reply_type: type | None,
        hops: int,
    ) -> None:
        self.future = future
        self.proxy = proxy
        self.agent_id = proxy.agent_id
        self.pair = proxy.agent_id
        self.header = header
        self.content = content
        self.buffers = buffers
        self.reply_type = reply_type
        self.hops = hops
        self.lane: Lane | None = None
        self.number = 0

    def settle(self, value: Any = None, error: BaseException | None = None) -> None:
        """The request has its reply, or has failed."""
        if self.lane is not None:
            self.lane.answered()
        if error is None:
            self.future.set_reply(value)
        else:
            self.future.set_error(error)


class Channel:
    """Sends requests in order and settles their futures as replies come.

    Args:
        url: the host's address.
        follow: called with a request whose paglet has moved, and where to.
        gone: makes the error for requests that were under way when the host ended.
        refused: makes the error for a request that the host refused, of what it told and the paglet's proxy.
    """

    def __init__(
        self,
        url: str,
        follow: Callable[[Pending, str], None],
        gone: Callable[[str], HostDiedError],
        refused: Callable[[BaseException, PagletProxy], BaseException],
    ) -> None:
        self.url = url
        self.closed = False
        self._follow = follow
        self._gone = gone
        self._refused = refused
        self._connection = connect(url, _CONNECT)
        self._ids = itertools.count(1)
        self._order = threading.Lock()
        self._room = threading.Condition(threading.Lock())
        self._full = False
        self._sending = 0
        self._pending: dict[int, Pending] = {}
        self._reader = threading.Thread(target=self._read, name="paglets-replies", daemon=True)
        self._reader.start()

    def pending(self) -> int:
        """How many requests are under way."""
        return len(self._pending)

    def send(self, pending: Pending, flags: int = PIPELINED) -> None:
        """Send a request; blocks while ``MAX_PENDING`` are under way.

        Args:
            pending: the request.
            flags: of its frame.

        Raises:
            OSError: the host has closed the connection and has not the request, which may be sent on another.
        """
        with self._order:
            with self._room:
                if len(self._pending) >= MAX_PENDING and not in_reader():
                    self._room.wait_for(self._has_room, pending.future.timeout)
                if self.closed:
                    raise ConnectionResetError("the channel is closed")
                number = next(self._ids)
                self._pending[number] = pending
                self._sending = number
            try:
                self._connection.send(REQUEST, flags, number, pending.header, pending.content, pending.buffers)
            except BaseException as error:
                self._not_sent(number, pending, error)
            finally:
                self._end_sending()

    def _end_sending(self) -> None:
        """No request is being sent any more; where the channel was closed meanwhile, that one was passed over."""
        self._sending = 0
        if self.closed:
            self.close()

    def _not_sent(self, number: int, pending: Pending, error: BaseException) -> None:
        """Sending failed, or was interrupted; raises the error where nobody has told of it yet."""
        known = isinstance(error, OSError | PagletError)
        with self._room:
            kept = self._pending.pop(number, None)
        if isinstance(error, OSError) or (not known and (pending.buffers or len(pending.content) > _WHOLE)):
            self.close()  # half a frame may have been left behind
        if kept is not None and not known:  # nobody waits for what comes of it
            pending.settle(error=LifecycleError(f"{pending.future.what!r} was interrupted while it was sent"))
        if kept is not None or not known:
            raise error

    def _has_room(self) -> bool:
        """Whether one more request may be sent; where not, the reader of replies says when."""
        self._full = len(self._pending) >= MAX_PENDING and not self.closed
        return not self._full

    def _read(self) -> None:
        _reading.active = True
        try:
            while (frame := self._connection.receive()) is not None:
                with self._room:
                    pending = self._pending.pop(frame.request_id, None)
                    if self._full:
                        self._room.notify()
                if pending is not None:
                    self._answer(pending, frame)
        except (OSError, FrameError):
            pass
        finally:
            self.close()

    def _answer(self, pending: Pending, frame: Frame) -> None:
        if frame.type == MOVED:
            self._follow(pending, frame.header.decode())
            return
        if frame.type not in (REPLY, QUEUED):
            pending.settle(error=self._refused(decode_error(frame.payload), pending.proxy))
            return
        try:
            if frame.type == QUEUED:
                pending.settle(queued_receipt(frame, pending.reply_type, pending.agent_id))
                return
            cls = Any if pending.reply_type is None else pending.reply_type
            value = payloads.decode(frame.payload, frame.buffers, cls)
        except PagletError as error:
            pending.settle(error=error)
            return
        pending.settle(value)

    def close(self) -> None:
        """Close; requests under way fail, but for one that is just being sent: its sender knows whether it was."""
        with self._room:
            self.closed = True
            sending = self._pending.pop(self._sending, None)
            left, self._pending = list(self._pending.values()), {}
            if sending is not None:
                self._pending[self._sending] = sending
            self._room.notify_all()
        self._connection.close()
        for pending in left:
            pending.settle(error=self._gone(self.url))
