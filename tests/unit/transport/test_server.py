"""The listening side, under good and bad clients."""

from __future__ import annotations

import errno
import itertools
import os
import random
import socket
import struct
import threading
import time
from typing import Any

import pytest

from paglets_nb.testing import wait_until
from paglets_nb.transport import server as module
from paglets_nb.transport.addresses import connect, unix_path
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import MAX_FRAME, REPLY, REQUEST, Frame, frame_head
from paglets_nb.transport.server import FrameServer
from tests.unit.transport.conftest import Serve


def echo(connection: Connection, frame: Frame) -> None:
    """Send everything back."""
    connection.send(REPLY, 0, frame.request_id, frame.header, frame.payload, frame.buffers)


def raw(server: FrameServer) -> socket.socket:
    """A bare socket to the server."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(5)
    sock.connect(unix_path(server.url))
    return sock


def answers(server: FrameServer) -> bool:
    """Whether a well-behaved client is served."""
    connection = connect(server.url, 1.0)
    try:
        connection.set_timeout(5.0)
        connection.send(REQUEST, 0, 3, b"h", b"ping")
        return connection.receive() == Frame(REPLY, 0, 3, b"h", b"ping", ())
    finally:
        connection.close()


def closed_by_peer(sock: socket.socket) -> bool:
    """Whether the other side ends the connection."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def test_frames_of_many_connections_are_answered(serve: Serve) -> None:
    """Each connection has its own thread, so that one that waits does not hold up others."""
    gate = threading.Event()

    def on_frame(connection: Connection, frame: Frame) -> None:
        if frame.payload == b"wait":
            assert gate.wait(5)
        echo(connection, frame)

    server = serve(on_frame)
    waiting = connect(server.url, 1.0)
    waiting.send(REQUEST, 0, 1, b"", b"wait")
    assert answers(server)
    gate.set()
    reply = waiting.receive()
    assert reply is not None
    assert reply.payload == b"wait"
    waiting.close()
    wait_until(lambda: server.connections() == 0)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff" * 64,
        b"\x00" * 64,
        struct.pack("<IIHBBQ", 0, MAX_FRAME, 60000, REQUEST, 0, 0),
        struct.pack("<IIHBBQ", 0, 0, 1, 77, 0, 0),
        struct.pack("<IIHBBQ", 0, 0, 1, REQUEST, 0, 0) + struct.pack("<Q", 2**62),
    ],
)
def test_garbage_costs_its_connection_only(serve: Serve, garbage: bytes) -> None:
    """Bytes that are no frame end their own connection; another client is served meanwhile and after."""
    server = serve(echo)
    other = connect(server.url, 1.0)
    with raw(server) as bad:
        bad.sendall(garbage)
        assert closed_by_peer(bad)
    other.send(REQUEST, 0, 1, b"", b"still here")
    reply = other.receive()
    assert reply is not None
    assert reply.payload == b"still here"
    other.close()
    assert answers(server)


def test_half_a_frame_holds_up_nobody(serve: Serve) -> None:
    """A client that stops in the middle of a frame does not keep others from being served."""
    server = serve(echo)
    with raw(server) as slow:
        slow.sendall(frame_head(REQUEST, 0, 1, b"head", b"x" * 1000)[:500])
        assert answers(server)
    wait_until(lambda: server.connections() == 0)


def test_two_hundred_random_clients(serve: Serve) -> None:
    """Clients that send random bytes, and torn or changed frames, never end the server."""
    server = serve(echo)
    dice = random.Random(7)
    good = frame_head(REQUEST, 0, 1, b"header", b"payload" * 10, [b"x" * 100]) + b"x" * 100
    for number in range(200):
        with raw(server) as sock:
            if number % 2:
                data = dice.randbytes(dice.randrange(1, 400))
            else:
                changed = bytearray(good)
                for _ in range(dice.randrange(1, 4)):
                    changed[dice.randrange(len(changed))] = dice.randrange(256)
                data = bytes(changed[: dice.randrange(1, len(changed))])
            try:
                sock.sendall(data)
            except ConnectionError:
                continue
    assert answers(server)
    wait_until(lambda: server.connections() == 0, what="every bad connection closed")


def test_a_client_that_goes_away_before_its_reply(serve: Serve) -> None:
    """A reply that nobody reads any more costs nothing but its connection."""
    gate = threading.Event()

    def on_frame(connection: Connection, frame: Frame) -> None:
        assert gate.wait(5) or frame
        connection.send(REPLY, 0, frame.request_id, b"", b"x" * 1_000_000)

    server = serve(on_frame)
    gone = connect(server.url, 1.0)
    gone.send(REQUEST, 0, 1, b"", b"")
    wait_until(lambda: server.connections() == 1)
    gone.close()
    gate.set()
    wait_until(lambda: server.connections() == 0)


def test_connections_are_bounded(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound a new connection is closed at once, and accepted again when others have gone."""
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)
    server = serve(echo)
    kept = [connect(server.url, 1.0) for _ in range(2)]
    wait_until(lambda: server.connections() == 2)
    with raw(server) as extra:
        assert closed_by_peer(extra)
    for connection in kept:
        connection.close()
    wait_until(lambda: server.connections() == 0)
    assert answers(server)


def test_close_ends_every_connection(serve: Serve) -> None:
    """Closing the server wakes its clients and refuses new ones."""
    server = serve(echo)
    clients = [connect(server.url, 1.0) for _ in range(3)]
    wait_until(lambda: server.connections() == 3)
    server.close()
    for client in clients:
        assert client.receive() is None
        client.close()
    with pytest.raises(OSError, match="."):
        connect(server.url, 1.0)
    wait_until(lambda: server.connections() == 0)
    server.close()


def test_a_foreign_user_is_turned_away(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection of another user is closed before a byte of it is read."""
    from paglets_nb.transport import addresses

    server = serve(echo)
    monkeypatch.setattr(addresses, "peer_uid", lambda _sock: os.getuid() + 1)
    with raw(server) as sock:
        assert closed_by_peer(sock)
    monkeypatch.undo()
    assert answers(server)


def test_no_descriptor_is_free(serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """While accepting fails the server tries again at growing intervals and says so once; then it serves again."""
    server = serve(echo)
    attempts: list[float] = []
    failing = threading.Event()
    accept = server._listener.accept

    class Listener:
        def accept(self) -> Any:
            """Fail as long as there is no descriptor."""
            if failing.is_set():
                attempts.append(time.monotonic())
                raise OSError(errno.EMFILE, "Too many open files")
            return accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(listener, name)

    listener = server._listener
    monkeypatch.setattr(server, "_listener", Listener())
    failing.set()
    assert answers(server)  # the accept that was under way
    wait_until(lambda: len(attempts) >= 4)
    assert len(attempts) <= 5
    waits = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert waits == sorted(waits)
    assert waits[0] >= module._FIRST_WAIT
    failing.clear()
    assert answers(server)
    assert [record.getMessage() for record in caplog.records] == [
        "server cannot accept connections: [Errno 24] Too many open files"
    ]


def test_a_close_does_not_wait_for_the_next_attempt(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot accept ends as soon as it is closed."""
    monkeypatch.setattr(module, "_FIRST_WAIT", 100.0)
    monkeypatch.setattr(module, "_LONGEST_WAIT", 100.0)
    server = serve(echo)
    server._listener.shutdown(socket.SHUT_RDWR)  # each accept fails from here on
    server.close()
    server._acceptor.join(5)
    assert not server._acceptor.is_alive()
