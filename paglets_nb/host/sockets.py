"""The caller's sockets: one request and its reply on a connection of its own.

Owns what a broken connection means for the request that was on it: whether the host had
it, whether it may be sent again, and why the host is gone. Knows frames; must not know
paglets, or where they moved.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from threading import get_ident

from paglets_nb.core.values import new_message_number, wrong_timeout
from paglets_nb.errors import LOST, HostDiedError, LifecycleError
from paglets_nb.host.loop import loop_thread
from paglets_nb.host.unanswered import unanswered
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import Frame
from paglets_nb.transport.pool import ConnectionPool

__all__ = ["Sockets", "host_label", "refuse_in_loop"]

_EXPLAINED_WITHIN = 0.1
"""Seconds a supervisor may take to say why a host is gone."""


def host_label(url: str) -> str:
    """A host's name from its address."""
    return os.path.basename(url).removesuffix(".sock")


def refuse_in_loop(what: str) -> None:
    """Raise LifecycleError when the calling thread is the event loop's."""
    if loop_thread.inside():
        raise LifecycleError(f"{what!r} would block the event loop; use the awaited form (send_async, call_async)")


class Sockets:
    """Exchanges requests for replies; safe to use from any thread.

    Args:
        explain: says why a host is gone, given its address; empty when unknown.
        outlook: says what comes of that, in the same way.

    Attributes:
        pool: the idle connections.
    """

    def __init__(
        self, explain: Callable[[str], str] | None = None, outlook: Callable[[str], str] | None = None
    ) -> None:
        self.explain = explain
        self._outlook = outlook
        self.pool = ConnectionPool()

    def ask(self, url: str, header: bytes, content: bytes, timeout: float, what: str) -> bytes | Connection | None:
        """Send a small request on an idle connection, and take its reply where that is small too.

        Returns:
            The reply's payload; the connection on which another answer comes, for ``answer``; None
            where nothing was sent: no connection is idle, or the thread is the event loop's.

        Raises:
            CallTimeoutError, HostDiedError: as of ``exchange``.
            FrameError: past a bound; nothing was sent.
        """
        pool = self.pool
        free = pool.free.get(url)
        if not free or get_ident() == loop_thread.ident:
            return None
        try:
            connection = free.pop()
        except IndexError:  # another thread took the last one
            return None
        try:
            payload = connection.ask(new_message_number(), header, content, timeout)
        except BaseException as error:
            self.broken(url, connection, error, timeout, what)
            return None
        if payload is None:
            return connection
        if len(free) < pool.idle and not pool.closed:
            free.append(connection)
        else:
            pool.give_back(url, connection)
        return payload

    def exchange(
        self,
        url: str,
        number: int,
        header: bytes,
        content: bytes,
        buffers: Sequence[object],
        timeout: float,
        what: str,
    ) -> Frame:
        """Send a request and wait for the frame that answers it.

        Args:
            url: the host's address.
            number: the request's.
            header: its envelope.
            content: its payload.
            buffers: what travels beside the payload.
            timeout: seconds each wait may take; 0 for no limit.
            what: the request's kind, for errors.

        Raises:
            CallTimeoutError: nothing came in time.
            HostDiedError: the host is gone; ``delivered`` says whether it had the request.
            LifecycleError: in the event loop's thread.
        """
        if get_ident() == loop_thread.ident:
            refuse_in_loop(what)
        while True:
            try:
                connection, used = self.pool.take(url)
            except OSError as error:
                raise self.gone(url, error, delivered=False) from error
            try:
                connection.request(number, header, content, buffers, timeout)
            except BaseException as error:
                self.broken(url, connection, error, timeout, what, used=used)
            else:
                return self.answer(url, connection, timeout, what)

    def answer(self, url: str, connection: Connection, timeout: float, what: str) -> Frame:
        """The frame that answers the request sent on a connection; keeps the connection for the next."""
        try:
            frame = connection.receive()
        except BaseException as error:
            self.broken(url, connection, error, timeout, what)
            raise
        if frame is None:
            connection.close()
            raise self.gone(url)
        self.pool.give_back(url, connection)
        return frame

    def broken(
        self, url: str, connection: Connection, error: BaseException, timeout: float, what: str, *, used: bool = True
    ) -> None:
        """Close a connection and raise what its error means for the request that was on it.

        Returns only where the request is to be sent again: the host closed a connection that
        had been idle before it had the request whole.
        """
        connection.close()
        if isinstance(error, BlockingIOError):
            raise unanswered(what, host_label(url), timeout) from None
        if not isinstance(error, OSError):
            wrong = wrong_timeout(timeout)
            if wrong is not None:
                raise wrong from None
            raise error
        if connection.sent or not used:
            raise self.gone(url, error, delivered=connection.sent) from error

    def gone(self, url: str, error: OSError | None = None, *, delivered: bool = True) -> HostDiedError:
        """The error for a request to a host that is gone; waits a moment to hear why, where it had the request."""
        self.pool.drop(url)
        deadline = time.monotonic() + _EXPLAINED_WITHIN
        while True:
            died = self.died(url, error, delivered=delivered)
            if died.reason != LOST or not delivered or self.explain is None or self.pool.closed:
                return died
            if time.monotonic() > deadline:
                return died
            time.sleep(0.005)

    def died(self, url: str, error: OSError | None = None, *, delivered: bool) -> HostDiedError:
        """The same, with what is known now."""
        reason = "" if self.explain is None else str(self.explain(url))
        if not reason and isinstance(error, FileNotFoundError | ConnectionRefusedError):
            reason = "nothing listens at its address"
        hint = "" if self._outlook is None else self._outlook(url)
        return HostDiedError(host_label(url), reason or LOST, delivered=delivered, hint=hint)
