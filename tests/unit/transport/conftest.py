"""Sockets for the transport's tests, and how hypothesis searches: the same each time, without a clock."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from paglets_nb.transport.addresses import unix_url
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import Frame
from paglets_nb.transport.server import FrameServer

settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

Serve = Callable[[Callable[[Connection, Frame], None]], FrameServer]


@pytest.fixture
def pair() -> Iterator[tuple[Connection, Connection]]:
    """Two connections to each other."""
    left, right = socket.socketpair()
    connections = Connection(left, "left"), Connection(right, "right")
    yield connections
    for connection in connections:
        connection.close()


@pytest.fixture
def socket_dir() -> Iterator[Path]:
    """A short private folder for sockets."""
    with tempfile.TemporaryDirectory(prefix="pgl-") as path:
        yield Path(path)


@pytest.fixture
def serve(socket_dir: Path) -> Iterator[Serve]:
    """Starts a server with a frame handler."""
    with ExitStack() as stack:

        def start(on_frame: Callable[[Connection, Frame], None]) -> FrameServer:
            server = FrameServer(unix_url(str(socket_dir / "s.sock")), on_frame, name="server")
            stack.callback(server.close)
            server.start()
            return server

        yield start
