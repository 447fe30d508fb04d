from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from paglets_nb import CursorDrainMixin, Host, Paglet, PagletProxy
from paglets_nb.core.messages import Message
from paglets_nb.errors import HostDiedError
from paglets_nb.mesh.events import MeshEvent
from paglets_nb.patterns import CURSOR_DRAIN, CursorDrainState
from paglets_nb.testing import in_process_mesh, wait_until
from paglets_nb.widgets.drain_buffer import DrainBuffer, Gap, Row
from paglets_nb.widgets.drain_follower import DrainFollower, MeshSource, PagletSource
from tests.unit.experiments.conftest import LocalMesh


class Feed(CursorDrainMixin, Paglet[CursorDrainState]):
    """Keeps events."""

    Drain = CURSOR_DRAIN

    def handle_message(self, message: Message) -> object:
        """put, trim, anew, close."""
        if message.kind == "put":
            return self.cursor_append_events({"n": n} for n in range(message.args["count"]))
        if message.kind == "trim":
            return self.cursor_trim(message.args["to"])
        if message.kind == "anew":
            self.state.events, self.state.next_cursor = [], 1
            return None
        if message.kind == "close":
            return self.cursor_close()
        return super().handle_message(message)


class Following:
    """A follower of a paglet, and what it read."""

    def __init__(self, host: Host, after: int = 0) -> None:
        self.proxy = host.create(Feed, name="feed")
        self.buffer = DrainBuffer()
        self.changes = 0
        self.follower = DrainFollower(PagletSource(self.proxy, CURSOR_DRAIN, after), self.buffer, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def send(self, kind: str, **args: int) -> None:
        """Send the paglet a message."""
        self.proxy.send(Message(kind, args))

    def rows(self) -> list[object]:
        """The cursors that were read, and gaps as text."""
        return [str(row) if isinstance(row, Gap) else row["cursor"] for row in self.buffer.rows(0, 500)[1]]


@pytest.fixture
def following(host: Host) -> Iterator[Following]:
    """A paglet without events, and its follower, not started."""
    made = Following(host)
    yield made
    made.follower.close()
    assert made.follower.wait(5)


def test_events_are_read_as_they_come_until_the_stream_ends(following: Following) -> None:
    """Those that are there, those that come, and then its thread ends."""
    following.send("put", count=3)
    following.follower.start()
    wait_until(lambda: following.rows() == [1, 2, 3])
    following.send("put", count=2)
    wait_until(lambda: following.rows() == [1, 2, 3, 4, 5])
    following.send("close")
    wait_until(lambda: following.follower.state == "ended")
    assert following.follower.wait(5)
    assert following.follower.source.title == "feed"


def test_what_is_gone_is_a_gap(following: Following) -> None:
    """And it goes on behind it, also where the paglet has begun to count anew."""
    following.send("put", count=9)
    following.send("trim", to=4)
    following.follower.start()
    wait_until(lambda: following.rows() == ["events 1 to 4 are no longer held", 5, 6, 7, 8, 9])
    following.send("anew")
    following.send("put", count=1)
    wait_until(lambda: following.rows()[6:] == ["the numbers begin anew at 1", 1])


def test_a_pause_holds_what_comes(following: Following) -> None:
    """Nothing is shown meanwhile, and nothing is lost."""
    following.send("put", count=1)
    following.follower.start()
    wait_until(lambda: following.rows() == [1])
    following.follower.pause()
    following.send("put", count=2)
    wait_until(lambda: following.follower.source.cursor in (1, 3))
    assert following.rows() == [1]
    assert following.follower.state == "paused"
    following.follower.start()
    wait_until(lambda: following.rows() == [1, 2, 3])


def test_it_reads_in_the_callers_thread_too(following: Following) -> None:
    """So many at most; started afterwards it goes on behind them."""
    following.send("put", count=5)
    assert len(following.follower.read(1.0, 2)) == 2
    assert following.follower.state == "reading"
    following.follower.pause()
    assert following.rows() == [1, 2]
    following.follower.start()
    wait_until(lambda: following.rows() == [1, 2, 3, 4, 5])


def test_a_paglet_that_is_gone_is_told(following: Following) -> None:
    """It fails with the reason, and not from a dying thread."""
    following.follower.start()
    following.proxy.dispose()
    wait_until(lambda: following.follower.state == "failed")
    assert "InvalidAgentError" in following.follower.note
    assert following.follower.wait(5)


def test_a_mesh_that_is_stopped_is_not_asked_again() -> None:
    """Its thread ends at once, which is told."""
    with in_process_mesh(["alpha"]) as hosts:
        mesh = LocalMesh(hosts)
        there = hosts[0].create(Feed)
        proxy = PagletProxy(there.host_url, there.agent_id, mesh.client)
        follower = DrainFollower(PagletSource(proxy), DrainBuffer(), lambda: None)
        follower.start()
        mesh.client.close()
        hosts[0].stop()
        wait_until(lambda: follower.state == "failed")
    assert follower.note == "MeshError: the mesh was stopped"
    assert follower.wait(5)


class _Flaky:
    """A source whose host is gone for a while."""

    title, cursor, ended = "flaky", 0, False

    def __init__(self) -> None:
        self.down = threading.Event()
        self.asked = 0

    def read(self, wait: float, limit: int = 0) -> Sequence[Row]:
        """An event, or an error."""
        self.asked += 1
        if self.down.is_set():
            raise HostDiedError("alpha", "killed")
        self.ended = True
        return [{"cursor": 1}]


def test_a_host_that_is_gone_is_asked_again() -> None:
    """It is lost, which is said, until it answers."""
    source, buffer = _Flaky(), DrainBuffer()
    source.down.set()
    follower = DrainFollower(source, buffer, lambda: None)
    follower.start()
    wait_until(lambda: follower.state == "lost" and source.asked > 1)
    assert "killed" in follower.note
    source.down.clear()
    wait_until(lambda: follower.state == "ended")
    assert buffer.events == 1
    assert follower.note == ""


class _Mesh:
    """What a mesh's events are read from."""

    name, running = "m", True

    def events(self, since: int, limit: int, wait_timeout: float) -> list[MeshEvent]:
        """Two events, and a gap between them."""
        log = [
            MeshEvent(1, "create", "p", "alpha", 0.0, {"class": "C"}),
            MeshEvent(2, "gap", "", "alpha", 0.0, {"after": 5, "first_number": 9}),
            MeshEvent(3, "dispose", "p", "beta", 0.0),
        ]
        return [event for event in log if event.number > since][:limit]


def test_the_events_of_a_mesh_are_a_source() -> None:
    """With their columns, and gaps by host; filtered where only some are wanted."""
    source = MeshSource(_Mesh())  # type: ignore[arg-type]
    first, gap, last = source.read(0.1)
    assert (first["cursor"], first["event"], first["details"]) == (1, "create", "class=C")  # type: ignore[index]
    assert str(gap) == "events 6 to 8 of host alpha are no longer held"
    assert (last["host"], source.cursor) == ("beta", 3)  # type: ignore[index]
    assert list(source.read(0.1)) == []
    some = MeshSource(_Mesh(), 0, lambda event: event.host_name == "beta")  # type: ignore[arg-type]
    buffer = DrainBuffer()
    buffer.extend(some.read(0.1))
    assert [event.number for event in some.latest] == [3]
    assert (buffer.place_of(2), buffer.place_of(3)) == (0, 1)
