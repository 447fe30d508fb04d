"""The floor: a raw ping-pong of the same sizes over a Unix socket between two processes."""

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
    from paglets_nb.core.ports import CallOptions
    from paglets_nb.host.client import envelope_of
    from paglets_nb.transport.frames import PREFIX

    request = Add(1, NOTE)
    header = envelope_of(proxy.agent_id, ADD.to_message(request), CallOptions())
    request_size = PREFIX.size + len(header) + len(payload.encode(request)[0])
    return request_size, PREFIX.size + len(payload.encode(ADD.encode_reply(Total(100_000, 100_000)))[0])


class RawPingPong:
    """A blocking socket whose other end answers each request with a reply of fixed size."""

    name = "raw Unix-socket ping-pong"

    def __init__(self, folder: str, request_size: int, reply_size: int) -> None:
        path = os.path.join(folder, "raw.sock")
        self.server = ServerProcess("tests.benchmarks.floors", path, str(request_size), str(reply_size))
        self.server.wait_ready()
        self._request = b"x" * request_size
        self._reply_size = reply_size
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(START_TIMEOUT)
        self._socket.connect(path)
        self._socket.settimeout(None)

    def batch(self, calls: int) -> None:
        """Ping and wait for the pong, ``calls`` times."""
        send, receive, request, size = self._socket.sendall, self._socket.recv, self._request, self._reply_size
        for _ in range(calls):
            send(request)
            if len(receive(65536)) != size:
                raise RuntimeError("the raw server answered with another size")

    def close(self) -> None:
        """End both ends."""
        self._socket.close()
        self.server.__exit__(None, None, None)


def serve(path: str, request_size: int, reply_size: int) -> None:
    """Answer each request of one connection."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    print("ready", flush=True)
    connection, _ = listener.accept()
    reply = b"y" * reply_size
    while request := connection.recv(65536):
        if len(request) != request_size:
            raise RuntimeError(f"wanted {request_size} bytes, got {len(request)}")
        connection.sendall(reply)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
