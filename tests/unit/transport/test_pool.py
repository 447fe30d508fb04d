"""The caller's idle connections."""

from __future__ import annotations

import pytest

from paglets_nb.errors import FrameError
from paglets_nb.testing import wait_until
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import REPLY, REQUEST, Frame
from paglets_nb.transport.pool import ConnectionPool
from tests.unit.transport.conftest import Serve


def echo(connection: Connection, frame: Frame) -> None:
    """Send the payload back."""
    connection.send(REPLY, 0, frame.request_id, b"", frame.payload)


def test_a_connection_given_back_is_used_again(serve: Serve) -> None:
    """The second call to a host uses the first one's socket."""
    server, pool = serve(echo), ConnectionPool()
    first, used = pool.take(server.url)
    assert not used
    first.send(REQUEST, 0, 1, b"", b"hello")
    reply = first.receive()
    assert reply is not None
    assert reply.payload == b"hello"
    pool.give_back(server.url, first)
    assert pool.statistics() == {server.url: 1}
    second, used = pool.take(server.url)
    assert used
    assert second is first
    second.close()


def test_calls_at_once_have_a_socket_each(serve: Serve) -> None:
    """Two connections taken at once are different ones."""
    server, pool = serve(echo), ConnectionPool()
    first, second = pool.take(server.url)[0], pool.take(server.url)[0]
    assert first is not second
    wait_until(lambda: server.connections() == 2)
    for connection in (first, second):
        pool.give_back(server.url, connection)
    assert pool.statistics() == {server.url: 2}
    pool.close()


def test_idle_connections_are_bounded(serve: Serve) -> None:
    """Past the bound, connections given back are closed."""
    server, pool = serve(echo), ConnectionPool(idle=2)
    taken = [pool.take(server.url)[0] for _ in range(4)]
    for connection in taken:
        pool.give_back(server.url, connection)
    assert pool.statistics() == {server.url: 2}
    assert [connection.closed for connection in taken].count(True) == 2
    pool.close()


def test_drop_closes_the_idle_ones(serve: Serve) -> None:
    """Dropping an address closes its idle connections; the server sees them go."""
    server, pool = serve(echo), ConnectionPool()
    connection = pool.take(server.url)[0]
    wait_until(lambda: server.connections() == 1)
    pool.give_back(server.url, connection)
    pool.drop(server.url)
    assert connection.closed
    wait_until(lambda: server.connections() == 0)
    fresh, used = pool.take(server.url)
    assert not used
    fresh.close()


def test_a_closed_pool_keeps_nothing(serve: Serve) -> None:
    """After ``close`` idle connections are gone and those given back later are closed."""
    server, pool = serve(echo), ConnectionPool()
    idle, busy = pool.take(server.url)[0], pool.take(server.url)[0]
    pool.give_back(server.url, idle)
    pool.close()
    assert idle.closed
    pool.give_back(server.url, busy)
    assert busy.closed


def test_nobody_listening_is_an_os_error() -> None:
    """An address without a listener raises what the system says."""
    with pytest.raises(FileNotFoundError):
        ConnectionPool().take("unix:///no/such/folder/s.sock")
    with pytest.raises(FrameError, match="is not an address"):
        ConnectionPool().take("tcp://localhost:80")
