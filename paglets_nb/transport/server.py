"""The listening side: a blocking thread per connection, which runs the handler itself."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from paglets_nb.errors import AuthenticationError, FrameError
from paglets_nb.transport.addresses import check_peer, listen
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import Frame

__all__ = ["FrameServer"]

MAX_CONNECTIONS = 1024
_FIRST_WAIT, _LONGEST_WAIT = 0.01, 0.5
"""Seconds between attempts to accept while they fail."""


class FrameServer:
    """Accepts connections and hands each frame to a handler, in the connection's own thread.

    Args:
        url: where to listen.
        on_frame: called with the connection and the frame; replies on the connection.
        name: for the threads.
    """

    def __init__(self, url: str, on_frame: Callable[[Connection, Frame], None], *, name: str) -> None:
        self.url = url
        self._on_frame = on_frame
        self._name = name
        self._lock = threading.Lock()
        self._connections: set[Connection] = set()
        self._closed = False
        self._ended = threading.Event()
        self._listener = listen(url)
        self._acceptor = threading.Thread(target=self._accept, name=f"{name}-accept", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._acceptor.start()

    def _accept(self) -> None:
        wait = 0.0
        while not self._ended.is_set():
            try:
                sock, _address = self._listener.accept()
            except OSError as error:  # e.g. no descriptor is free: the caller stays in the backlog until one is
                if not wait and not self._closed:
                    logging.getLogger(__name__).warning("%s cannot accept connections: %s", self._name, error)
                wait = min(max(2 * wait, _FIRST_WAIT), _LONGEST_WAIT)
                self._ended.wait(wait)
                continue
            wait = 0.0
            try:
                check_peer(sock)
                self._open(sock)
            except (AuthenticationError, OSError, RuntimeError):
                sock.close()

    def _open(self, sock: socket.socket) -> None:
        connection = Connection(sock, self._name)
        with self._lock:
            if self._closed or len(self._connections) >= MAX_CONNECTIONS:
                connection.close()
                return
            self._connections.add(connection)
        threading.Thread(target=self._serve, args=(connection,), name=f"{self._name}-conn", daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        on_frame = self._on_frame
        receive = connection.receive
        try:
            while (frame := receive()) is not None:
                on_frame(connection, frame)
        except (OSError, FrameError):
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def connections(self) -> int:
        """How many connections are open."""
        with self._lock:
            return len(self._connections)

    def close(self) -> None:
        """Stop listening and close every connection."""
        with self._lock:
            self._closed = True
            connections = list(self._connections)
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in connections:
            connection.close()
