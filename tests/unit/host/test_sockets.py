"""What a broken connection means for the request that was on it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from paglets_nb.errors import LOST, CallTimeoutError, FrameError, HostDiedError, LifecycleError
from paglets_nb.host.loop import loop_thread
from paglets_nb.host.sockets import Sockets, host_label
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import MAX_HEADER, REPLY, Frame

URL = "unix:///no/such/delta.sock"
REQUEST = (7, b"head", b"payload", (), 5.0, "echo")


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    """Sockets without a supervisor."""
    made = Sockets()
    yield made
    made.pool.close()


@pytest.fixture
def host(sockets: Sockets) -> Iterator[Connection]:
    """The other end of the one idle connection."""
    ours, theirs = socket.socketpair()
    sockets.pool.give_back(URL, Connection(ours))
    other = Connection(theirs)
    yield other
    other.close()


def test_an_exchange_keeps_its_connection(sockets: Sockets, host: Connection) -> None:
    """The next request takes the same one."""
    for number in (1, 2):
        host.send(REPLY, 0, number, b"", b"reply")
        assert sockets.exchange(URL, *REQUEST) == Frame(REPLY, 0, number, b"", b"reply", ())
    assert sockets.pool.statistics() == {URL: 1}


def test_a_host_that_ends_in_a_call_had_the_request(sockets: Sockets, host: Connection) -> None:
    """Whether it was done nobody knows, so it is not sent again."""
    host.sock.shutdown(socket.SHUT_WR)
    with pytest.raises(HostDiedError) as caught:
        sockets.exchange(URL, *REQUEST)
    assert (caught.value.delivered, caught.value.reason) == (True, LOST)
    assert sockets.pool.statistics() == {}


def test_a_request_that_an_idle_connection_did_not_take_is_sent_again(sockets: Sockets, host: Connection) -> None:
    """On a new one; here there is nobody, and that is said."""
    host.close()
    with pytest.raises(HostDiedError) as caught:
        sockets.exchange(URL, *REQUEST)
    assert (caught.value.delivered, caught.value.reason) == (False, "nothing listens at its address")


def test_a_time_out_closes_the_connection(sockets: Sockets, host: Connection) -> None:
    """A reply that comes late is nobody's."""
    with pytest.raises(CallTimeoutError, match="'echo' on delta"):
        sockets.exchange(URL, 7, b"head", b"payload", (), 0.01, "echo")
    assert sockets.pool.statistics() == {URL: 0}
    assert host.receive() is not None
    assert host.receive() is None


def test_a_request_past_a_bound_is_the_callers_mistake(sockets: Sockets, host: Connection) -> None:
    """It is raised as it is, and nothing was sent."""
    with pytest.raises(FrameError):
        sockets.exchange(URL, 7, bytes(MAX_HEADER + 1), b"", (), 5.0, "echo")
    assert host.receive() is None


def test_why_is_waited_for_where_the_host_had_the_request(sockets: Sockets) -> None:
    """A supervisor may know a moment later; for a request that was not delivered it is asked once."""
    reasons = iter(["", "", "killed by a test"])
    sockets.explain = lambda url: next(reasons)
    assert sockets.gone(URL, delivered=False).reason == LOST
    assert sockets.gone(URL).reason == "killed by a test"


def test_the_loop_is_not_blocked(sockets: Sockets) -> None:
    """In its thread an exchange is refused."""

    async def exchange() -> None:
        sockets.exchange(URL, *REQUEST)

    with pytest.raises(LifecycleError, match="'echo' would block the event loop"):
        loop_thread.call(exchange)


def test_host_labels() -> None:
    """A host is called by its socket's name."""
    assert host_label("unix:///run/user/1000/paglets/beta.sock") == "beta"
    assert host_label("odd") == "odd"
