"""A history that is filled by real hosts."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from paglets_nb.mesh.history import MeshHistory
from paglets_nb.mesh.history_feed import HistoryFeed
from paglets_nb.testing import Counter, wait_until
from tests.unit.mesh.hosted import HostedMesh, hosted_mesh


@pytest.fixture
def mesh() -> Iterator[HostedMesh]:
    """A mesh of alpha and beta."""
    with hosted_mesh() as made:
        yield made


def places(history: MeshHistory) -> dict[str, str]:
    """The host of every paglet."""
    return {key: spot.host_name for key, spot in history.now().paglets.items()}


def test_what_happened_before_and_what_happens_now(mesh: HostedMesh) -> None:
    """Opened on a mesh that lives, it knows what is there, and hears of what comes."""
    alpha, beta = mesh.inside
    old = alpha.create(Counter)
    history, news = MeshHistory(), threading.Event()
    feed = HistoryFeed(mesh, history, news.set)  # type: ignore[arg-type]
    feed.open()
    assert places(history) == {old.agent_id: "alpha"}
    assert list(history.now().hosts) == ["alpha", "beta"]
    fresh = beta.create(Counter)
    old.dispatch("beta")

    def moved() -> bool:
        news.wait(0.1)
        feed.take_in()
        return places(history) == {old.agent_id: "beta", fresh.agent_id: "beta"}

    wait_until(moved)
    feed.close()


def test_paglets_whose_creation_is_not_held_were_there_from_the_beginning(mesh: HostedMesh) -> None:
    """They are on the hosts' lists, and at every moment that is held."""
    old = mesh.inside[0].create(Counter)
    for _ in range(1100):
        mesh.inside[0].events.record("notification", "")
    history = MeshHistory()
    feed = HistoryFeed(mesh, history, lambda: None)  # type: ignore[arg-type]
    feed.open()
    assert history.at(history.first).paglets[old.agent_id].host_name == "alpha"
    assert history.now().paglets[old.agent_id].class_name.endswith("Counter")
    feed.close()


def test_hosts_that_come_and_die_are_seen(mesh: HostedMesh) -> None:
    """A dead host's paglets are gone with it, and are back on its list when it is."""
    proxy = mesh.inside[0].create(Counter)
    history = MeshHistory()
    feed = HistoryFeed(mesh, history, lambda: None)  # type: ignore[arg-type]
    feed.open()
    mesh.handles[0].state = "dead"
    feed.look()
    assert (places(history), history.now().hosts["alpha"].state) == ({}, "dead")
    mesh.handles[0].state = "up"
    feed.look()
    assert places(history) == {proxy.agent_id: "alpha"}
    feed.close()


def test_what_events_did_not_tell_is_found_by_looking(mesh: HostedMesh) -> None:
    """After a gap a paglet that is on no list twice is gone, and one that was not known is there."""
    first = mesh.inside[0].create(Counter)
    history = MeshHistory()
    feed = HistoryFeed(mesh, history, lambda: None)  # type: ignore[arg-type]
    feed.open()
    feed.close()  # from here on it hears nothing
    first.dispose()
    second = mesh.inside[1].create(Counter)
    feed._wants_listing = True
    feed.look()
    assert places(history) == {first.agent_id: "alpha", second.agent_id: "beta"}
    feed.look()
    assert places(history) == {second.agent_id: "beta"}


def test_a_silent_host_keeps_its_paglets(mesh: HostedMesh) -> None:
    """One that does not answer says nothing of what it has."""
    proxy = mesh.inside[0].create(Counter)
    history = MeshHistory()
    feed = HistoryFeed(mesh, history, lambda: None)  # type: ignore[arg-type]
    feed.open()
    feed.close()
    mesh.inside[0].stop()
    for _ in range(3):
        feed._wants_listing = True
        feed.look()
    assert places(history) == {proxy.agent_id: "alpha"}
