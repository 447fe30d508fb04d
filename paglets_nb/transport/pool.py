"""The caller's sockets: idle connections by address, taken for one call each."""

from __future__ import annotations

import threading

from paglets_nb.transport.addresses import connect
from paglets_nb.transport.connection import Connection

__all__ = ["ConnectionPool"]


class ConnectionPool:
    """Keeps up to ``idle`` connections per address.

    Args:
        idle: connections kept for each address.
        connect_timeout: seconds to connect within.

    Attributes:
        idle: connections kept for each address.
        free: the idle connections, by address; on the path of a call they are taken from here
            and put back without a further call.
    """

    def __init__(self, *, idle: int = 16, connect_timeout: float = 5.0) -> None:
        self.idle = idle
        self._connect_timeout = connect_timeout
        self._lock = threading.Lock()
        self.free: dict[str, list[Connection]] = {}
        self.closed = False

    def take(self, url: str) -> tuple[Connection, bool]:
        """A connection, and whether it was used before; the caller gives it back or closes it."""
        free = self.free.get(url)
        if free:
            try:
                return free.pop(), True
            except IndexError:
                pass
        return self.connect(url), False

    def connect(self, url: str) -> Connection:
        """A new connection."""
        return connect(url, self._connect_timeout)

    def give_back(self, url: str, connection: Connection) -> None:
        """Keep a connection on which no reply is outstanding."""
        free = self.free.get(url)
        if free is not None and len(free) < self.idle and not self.closed:
            free.append(connection)
            return
        self._keep(url, connection)

    def _keep(self, url: str, connection: Connection) -> None:
        with self._lock:
            free = self.free.setdefault(url, [])
            if len(free) < self.idle and not self.closed:
                free.append(connection)
                return
        connection.close()

    def drop(self, url: str) -> None:
        """Close the idle connections to an address."""
        for connection in self.free.pop(url, []):
            connection.close()

    def forget(self) -> None:
        """Let go of every idle connection without closing it: after a fork they are the parent's."""
        self.free = {}

    def close(self) -> None:
        """Close every idle connection; those given back later are closed too."""
        self.closed = True
        for url in list(self.free):
            self.drop(url)

    def statistics(self) -> dict[str, int]:
        """Idle connections by address."""
        return {url: len(free) for url, free in list(self.free.items())}
