"""Peers that do the same work: Pyro5 and rpyc, each over a Unix socket to a process of its own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from tests.benchmarks.measure import Effort, interleave
from tests.benchmarks.processes import START_TIMEOUT, ServerProcess, installed
from tests.benchmarks.workload import NOTE, PlainCounter

NOT_INSTALLED = "not installed"
WINDOW = 100
"""Calls under way at once when pipelining; rpyc's client and server block each other from some 250 on."""


class Peer(Protocol):
    """One peer, connected."""

    name: str
    server: ServerProcess

    def batch(self, calls: int) -> None:
        """Call and wait for the reply, ``calls`` times."""

    def close(self) -> None:
        """End both ends."""


class Pyro5Peer:
    """A Pyro5 proxy of the counter.

    Args:
        folder: for the socket; empty for TCP.
        serializer: Pyro5's name of it.
    """

    def __init__(self, folder: str, serializer: str) -> None:
        import Pyro5.api

        how = "tuned, no promise: its quickest serializer, Unix socket" if folder else f"as it comes: {serializer}, TCP"
        self.name = f"Pyro5 ({how})"
        path = os.path.join(folder, f"pyro-{serializer}.sock") if folder else ""
        self.server = ServerProcess("tests.benchmarks.peers", "pyro5", path)
        self._proxy = Pyro5.api.Proxy(self.server.wait_ready())
        self._proxy._pyroSerializer = serializer
        self._proxy._pyroBind()

    def batch(self, calls: int) -> None:
        """Call and wait for the reply, ``calls`` times."""
        add = self._proxy.add
        for _ in range(calls):
            add(1, NOTE)

    def close(self) -> None:
        """End both ends."""
        self._proxy._pyroRelease()
        self.server.__exit__(None, None, None)


def wait_connected(connect: Callable[[], Any]) -> Any:
    """What ``connect`` returns, tried again while it is refused: rpyc listens some time after it was bound."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            return connect()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


class RpycPeer:
    """An rpyc connection to the counter."""

    name = "rpyc"

    def __init__(self, folder: str) -> None:
        import rpyc

        path = os.path.join(folder, "rpyc.sock")
        self.server = ServerProcess("tests.benchmarks.peers", "rpyc", path)
        self.server.wait_ready()
        self._connection = wait_connected(lambda: rpyc.utils.factory.unix_connect(path))
        self._add = self._connection.root.add
        self._add_later = rpyc.async_(self._add)

    def batch(self, calls: int) -> None:
        """Call and wait for the reply, ``calls`` times."""
        add = self._add
        for _ in range(calls):
            add(1, NOTE)

    def pipeline(self, calls: int) -> None:
        """Send ``calls`` calls in windows, and wait for every reply of one before the next."""
        add = self._add_later
        for _ in range(0, calls, WINDOW):
            for reply in [add(1, NOTE) for _ in range(WINDOW)]:
                reply.wait()
                _ = reply.value

    def close(self) -> None:
        """End both ends."""
        self._connection.close()
        self.server.__exit__(None, None, None)


def connect_pyro5(folder: str) -> tuple[Pyro5Peer, Pyro5Peer] | None:
    """Pyro5 as it comes, and tuned (Unix socket, the quicker of two serializers); None without it."""
    if not installed("Pyro5"):
        return None
    names = ["marshal", "msgpack"] if installed("msgpack") else ["marshal"]
    candidates = {name: Pyro5Peer(folder, name) for name in names}
    figures = interleave({name: peer.batch for name, peer in candidates.items()}, Effort(1, 3, 500))
    best = min(figures, key=lambda name: figures[name][0])
    for name, peer in candidates.items():
        if name != best:
            peer.close()
    return Pyro5Peer("", "serpent"), candidates[best]


def connect_rpyc(folder: str) -> RpycPeer | None:
    """The rpyc peer; None when it is not installed."""
    return RpycPeer(folder) if installed("rpyc") else None


def serve_pyro5(path: str) -> None:
    """Serve the counter with Pyro5's default (threaded) server."""
    import Pyro5.api

    daemon = Pyro5.api.Daemon(unixsocket=path or None)
    uri = daemon.register(Pyro5.api.expose(PlainCounter))
    print(uri, flush=True)
    daemon.requestLoop()


def serve_rpyc(path: str) -> None:
    """Serve the counter with rpyc's threaded server."""
    import rpyc
    from rpyc.utils.server import ThreadedServer

    class Service(rpyc.Service, PlainCounter):  # type: ignore[misc]
        exposed_add = PlainCounter.add

    server: Any = ThreadedServer(Service(), socket_path=path)
    print("ready", flush=True)
    server.start()


if __name__ == "__main__":
    {"pyro5": serve_pyro5, "rpyc": serve_rpyc}[sys.argv[1]](sys.argv[2])
