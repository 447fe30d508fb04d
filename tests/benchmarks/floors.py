"""The floors: what a raw Unix socket between two processes does with the same bytes."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

from tests.benchmarks.processes import START_TIMEOUT, ServerProcess
from tests.benchmarks.workload import ADD, NOTE, Add, Total

if TYPE_CHECKING:
    from paglets_nb import PagletProxy


def frame_sizes(proxy: PagletProxy) -> tuple[int, int]:
    """Bytes on the wire of the benchmark's request and of its reply, framing included."""
    from paglets_nb.codec import payload
    from paglets_nb.host.headers import TypedHeaders
    from paglets_nb.transport.frames import PREFIX

    header = TypedHeaders().of(proxy.agent_id, ADD.name, None)
    request_size = PREFIX.size + len(header) + len(payload.encode(Add(1, NOTE))[0])
    return request_size, PREFIX.size + len(payload.encode(Total(100_000, 100_000))[0])


class RawPingPong:
    """A blocking socket whose other end answers each request with a reply of fixed size."""

    name = "raw Unix-socket ping-pong"

    def __init__(self, folder: str, request_size: int, reply_size: int) -> None:
        path = os.path.join(folder, "raw.sock")
        self.server = ServerProcess("tests.benchmarks.floors", "answer", path, str(request_size), str(reply_size))
        self.server.wait_ready()
        self._request = b"x" * request_size
        self._reply_size = reply_size
        self._socket = connected(path)

    def batch(self, calls: int) -> None:
        """Ping and wait for the pong, ``calls`` times."""
        send, receive, request, size = self._socket.sendall, self._socket.recv, self._request, self._reply_size
        for _ in range(calls):
            send(request)
            if len(receive(65536)) != size:
                raise RuntimeError("the raw server answered with another size")

    def ping(self) -> None:
        """Send a request."""
        self._socket.sendall(self._request)

    def pong(self) -> None:
        """Take its reply."""
        if len(self._socket.recv(65536)) != self._reply_size:
            raise RuntimeError("the raw server answered with another size")

    def close(self) -> None:
        """End both ends."""
        self._socket.close()
        self.server.__exit__(None, None, None)


class RawCopy:
    """A blocking socket whose other end takes in bytes and says when it has them all.

    Args:
        folder: for the socket.
        size: bytes of each copy.
        kept: the other end receives into the same memory each time, the least there is to
            do; otherwise into memory of its own for each copy, as whoever keeps it must.
    """

    def __init__(self, folder: str, size: int, *, kept: bool) -> None:
        self.name = f"raw Unix-socket copy, {'memory used again' if kept else 'new memory'}"
        path = os.path.join(folder, f"copy-{kept}.sock")
        self.server = ServerProcess("tests.benchmarks.floors", "take", path, str(size), str(int(kept)))
        self.server.wait_ready()
        self._content = os.urandom(size)
        self._socket = connected(path)

    def batch(self, copies: int) -> None:
        """Copy and wait for the word that it is there, ``copies`` times."""
        for _ in range(copies):
            self._socket.sendall(self._content)
            if self._socket.recv(1) != b"k":
                raise RuntimeError("the raw server ended")

    def close(self) -> None:
        """End both ends."""
        self._socket.close()
        self.server.__exit__(None, None, None)


def connected(path: str) -> socket.socket:
    """A blocking socket to a server here."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(START_TIMEOUT)
    sock.connect(path)
    sock.settimeout(None)
    return sock


def accepted(path: str) -> socket.socket:
    """The first connection to a new socket; says that it can be made."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    print("ready", flush=True)
    return listener.accept()[0]


def serve_answer(path: str, request_size: int, reply_size: int) -> None:
    """Answer each request of one connection."""
    connection = accepted(path)
    reply = b"y" * reply_size
    while request := connection.recv(65536):
        if len(request) != request_size:
            raise RuntimeError(f"wanted {request_size} bytes, got {len(request)}")
        connection.sendall(reply)


def serve_take(path: str, size: int, kept: int) -> None:
    """Take in copies from one connection."""
    connection = accepted(path)
    memory = bytearray(size)
    while connection.recv(1, socket.MSG_PEEK):  # new memory is made when the copy begins, not while others are timed
        if not kept:
            memory = bytearray(size)
        view = memoryview(memory)
        while view:
            count = connection.recv_into(view, len(view), socket.MSG_WAITALL)
            if not count:
                return
            view = view[count:]
        connection.sendall(b"k")


if __name__ == "__main__":
    {"answer": serve_answer, "take": serve_take}[sys.argv[1]](sys.argv[2], *map(int, sys.argv[3:]))
