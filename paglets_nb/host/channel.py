"""A pipelined connection to one host: many requests under way, replies matched by number."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.failures import decode_error
from paglets_nb.core.messages import FutureReply
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import FrameError, HostDiedError, PagletError
from paglets_nb.transport.addresses import connect
from paglets_nb.transport.frames import MOVED, PIPELINED, REPLY, REQUEST, Frame

__all__ = ["Channel", "Pending"]

MAX_PENDING = 10_000
_CONNECT = 5.0


class Pending:
    """One request under way."""

    __slots__ = ("agent_id", "buffers", "content", "future", "header", "hops", "proxy", "reply_type")

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
        self.header = header
        self.content = content
        self.buffers = buffers
        self.reply_type = reply_type
        self.hops = hops


class Channel:
    """Sends requests in order and settles their futures as replies come.

    Args:
        url: the host's address.
        follow: called with a request whose paglet has moved, and where to.
        gone: makes the error for requests that were under way when the host ended.
    """

    def __init__(
        self,
        url: str,
        follow: Callable[[Pending, str], None],
        gone: Callable[[str], HostDiedError],
    ) -> None:
        self.url = url
        self.closed = False
        self._follow = follow
        self._gone = gone
        self._connection = connect(url, _CONNECT)
        self._ids = itertools.count(1)
        self._order = threading.Lock()
        self._room = threading.Condition(threading.Lock())
        self._pending: dict[int, Pending] = {}
        self._by_agent: dict[str, int] = {}
        self._reader = threading.Thread(target=self._read, name="paglets-replies", daemon=True)
        self._reader.start()

    def has_pending(self, agent_id: str) -> bool:
        """Whether a request to this paglet is under way."""
        return agent_id in self._by_agent

    def pending(self) -> int:
        """How many requests are under way."""
        return len(self._pending)

    def send(self, pending: Pending) -> None:
        """Send a request; blocks while ``MAX_PENDING`` are under way.

        Raises:
            OSError: the host is gone.
        """
        with self._order:
            with self._room:
                if len(self._pending) >= MAX_PENDING and threading.current_thread() is not self._reader:
                    self._room.wait_for(lambda: len(self._pending) < MAX_PENDING or self.closed, pending.future.timeout)
                if self.closed:
                    raise ConnectionResetError("the channel is closed")
                number = next(self._ids) & 0xFFFFFFFF
                self._pending[number] = pending
                self._by_agent[pending.agent_id] = self._by_agent.get(pending.agent_id, 0) + 1
            try:
                self._connection.send(REQUEST, PIPELINED, number, pending.header, pending.content, pending.buffers)
            except BaseException:
                with self._room:
                    self._forget(number)
                raise

    def _forget(self, number: int) -> Pending | None:
        pending = self._pending.pop(number, None)
        if pending is not None:
            left = self._by_agent[pending.agent_id] - 1
            if left:
                self._by_agent[pending.agent_id] = left
            else:
                del self._by_agent[pending.agent_id]
        return pending

    def _read(self) -> None:
        try:
            while (frame := self._connection.receive()) is not None:
                with self._room:
                    pending = self._forget(frame.request_id)
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
        if frame.type != REPLY:
            pending.future.set_error(decode_error(frame.payload))
            return
        try:
            cls = Any if pending.reply_type is None else pending.reply_type
            value = payloads.decode(frame.payload, frame.buffers, cls)
        except PagletError as error:
            pending.future.set_error(error)
            return
        pending.future.set_reply(value)

    def close(self) -> None:
        """Close; requests under way fail."""
        with self._room:
            self.closed = True
            left, self._pending = list(self._pending.values()), {}
            self._by_agent.clear()
            self._room.notify_all()
        self._connection.close()
        for pending in left:
            pending.future.set_error(self._gone(self.url))
