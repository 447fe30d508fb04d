"""The merged event log of a mesh, over real hosts of one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from paglets_nb.host.client import HostClient
from paglets_nb.host.event_pages import KEPT as KEPT_BY_HOST
from paglets_nb.host.host import Host
from paglets_nb.mesh import events as mesh_events
from paglets_nb.mesh.events import GAP, MeshEvent, MeshEvents
from paglets_nb.mesh.followers import HostAddress
from paglets_nb.testing import Counter, wait_until


@pytest.fixture
def log(up: list[HostAddress]) -> Iterator[MeshEvents]:
    """Their merged log."""
    client = HostClient()
    log = MeshEvents(lambda: client, lambda: list(up))
    yield log
    log.close()
    client.close()


def test_events_of_all_hosts_get_one_cursor(log: MeshEvents, hosts: list[Host]) -> None:
    """Events are merged by time, numbered from one, and name their host and its own number."""
    alpha, beta = hosts
    first = alpha.create(Counter)
    second = beta.create(Counter)
    third = alpha.create(Counter)
    events = log.events()
    assert [event.agent_id for event in events] == [first.agent_id, second.agent_id, third.agent_id]
    assert [event.number for event in events] == [1, 2, 3]
    assert [(event.host_name, event.host_number) for event in events] == [("alpha", 1), ("beta", 1), ("alpha", 2)]


def test_reading_on_from_a_cursor(log: MeshEvents, hosts: list[Host]) -> None:
    """A reader gets each event once by asking on from the last number, and as few as it wants."""
    for number in range(5):
        hosts[number % 2].events.record("create", str(number))
    assert [event.number for event in log.events(2)] == [3, 4, 5]
    assert [event.number for event in log.events(1, limit=2)] == [2, 3]
    assert log.events(5) == []
    hosts[1].events.record("dispose", "1")
    assert [event.kind for event in log.events(5)] == ["dispose"]


def test_what_a_host_dropped_is_a_gap(log: MeshEvents, hosts: list[Host]) -> None:
    """Events that a host no longer holds are told of by one event in their place."""
    hosts[0].events.record("create", "a")
    assert [event.kind for event in log.events()] == ["create"]
    for _ in range(KEPT_BY_HOST + 3):
        hosts[0].events.record("create", "a")
    gap, following = log.events(1)[:2]
    assert (gap.kind, gap.host_name) == (GAP, "alpha")
    assert gap.details == {"after": 1, "first_number": 5}
    assert following.host_number == 5
    assert [event.kind for event in log.events(log.cursor)] == []


def test_what_the_mesh_dropped_is_a_gap(
    log: MeshEvents, hosts: list[Host], up: list[HostAddress], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader behind what the owner keeps gets a gap first, whose number leads on to what is held."""
    monkeypatch.setattr(mesh_events, "KEPT", 10)
    client = HostClient()
    small = MeshEvents(lambda: client, lambda: list(up))
    for _ in range(25):
        hosts[0].events.record("create", "a")
    events = small.events()
    client.close()
    assert events[0].kind == GAP
    assert events[0].host_name == ""
    assert events[0].details == {"after": 0, "first_number": 16}
    assert [event.number for event in events] == list(range(15, 26))


def test_the_events_of_a_host_that_has_gone_stay(log: MeshEvents, hosts: list[Host], up: list[HostAddress]) -> None:
    """What a host told before it ended is kept, and the others are still asked."""
    hosts[1].events.record("create", "b")
    log.collect()
    hosts[1].stop()
    hosts[0].events.record("create", "a")
    assert [event.agent_id for event in log.events()] == ["b", "a"]
    up.pop()
    assert len(log.events()) == 2


def test_a_host_that_began_anew_is_read_from_its_start(
    log: MeshEvents, hosts: list[Host], up: list[HostAddress]
) -> None:
    """A restarted host counts from one again; none of its new events is taken for an old one."""
    for _ in range(3):
        hosts[1].events.record("create", "old")
    log.collect()
    hosts[1].stop()
    with Host("beta", mesh=hosts[0].mesh) as again:
        up[1] = HostAddress("beta", again.address)
        again.events.record("create", "new")
        assert [(event.agent_id, event.host_number) for event in log.events(3)] == [("new", 1)]


def test_waiting_for_the_first_event(log: MeshEvents, hosts: list[Host]) -> None:
    """A reader that waits is woken by what happens on any host, and gives up in time."""
    assert log.events(wait_timeout=0.05) == []
    got: list[MeshEvent] = []
    reader = threading.Thread(target=lambda: got.extend(log.events(wait_timeout=10.0)))
    reader.start()
    hosts[1].events.record("create", "b")
    reader.join(5)
    assert [event.agent_id for event in got] == ["b"]


def test_a_listener_hears_every_host_once(log: MeshEvents, hosts: list[Host]) -> None:
    """A listener hears each event from then on once, though the hosts are asked meanwhile too."""
    hosts[0].events.record("create", "before")
    heard: list[MeshEvent] = []
    remove = log.add_listener(heard.append)
    for number in range(20):
        hosts[number % 2].events.record("create", str(number))
        log.collect()
    wait_until(lambda: len(heard) >= 20)
    assert sorted(event.agent_id for event in heard) == sorted(map(str, range(20)))
    assert [event.number for event in heard] == list(range(2, 22))
    remove()
    hosts[0].events.record("create", "after")
    log.collect()
    assert len(heard) == 20


def test_a_listener_hears_of_hosts_that_join(log: MeshEvents, hosts: list[Host], up: list[HostAddress]) -> None:
    """A host that comes up later is followed as well."""
    heard: list[MeshEvent] = []
    log.add_listener(heard.append)
    with Host("gamma", mesh=hosts[0].mesh) as gamma:
        up.append(HostAddress("gamma", gamma.address))
        gamma.events.record("create", "g")
        assert wait_until(lambda: [event.host_name for event in heard]) == ["gamma"]


def test_events_that_are_lost_with_their_host_are_a_gap(log: MeshEvents, hosts: list[Host]) -> None:
    """It stands before what comes later, and says why."""
    log.note_gap("beta", "it ended")
    hosts[1].create(Counter)
    gap, created = log.events()
    assert (gap.number, gap.kind, gap.host_name, gap.details["reason"]) == (1, GAP, "beta", "it ended")
    assert (created.number, created.kind) == (2, "create")
