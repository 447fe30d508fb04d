from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb import OperationClient, PagletProxyRef
from paglets_nb.testing import ADD, AddRequest, Counter, wait_until
from paglets_nb.widgets import map_model
from paglets_nb.widgets.map_layout import NOTEBOOK
from paglets_nb.widgets.map_model import MapModel
from tests.unit.mesh.hosted import HostedMesh, hosted_mesh


class _Watched:
    """A model, and what its frames add up to on a page."""

    def __init__(self, mesh: HostedMesh) -> None:
        self.mesh = mesh
        self.news = threading.Event()
        self.model = MapModel(mesh, self.news.set)  # type: ignore[arg-type]
        self.model.frame()
        self.nodes: dict[str, list[Any]] = dict(self.model.keyframe()["nodes"])
        self.pulses: list[list[Any]] = []

    def frame(self) -> dict[str, Any]:
        frame = self.model.frame()
        for key in frame["gone"]:
            del self.nodes[key]
        self.nodes.update(frame["set"])
        self.pulses += frame["pulses"]
        return frame

    def until(self, condition: Any) -> Any:
        def drawn() -> Any:
            self.news.wait(0.1)
            self.frame()
            return condition()

        return wait_until(drawn)

    def host_of(self, agent_id: str) -> str:
        return str(self.nodes[agent_id][9]) if agent_id in self.nodes else ""


@pytest.fixture
def watched() -> Iterator[_Watched]:
    """A mesh of two with its map."""
    with hosted_mesh() as mesh:
        made = _Watched(mesh)
        yield made
        made.model.close()


def test_frames_hold_what_has_changed(watched: _Watched) -> None:
    """A paglet comes, moves and goes; frames between say nothing, and all of them add up to what is so."""
    proxy = watched.mesh.inside[0].create(Counter)
    watched.until(lambda: watched.host_of(proxy.agent_id) == "alpha")
    quiet = watched.frame()
    assert (quiet["set"], quiet["gone"]) == ({}, [])
    proxy.dispatch("beta")
    watched.until(lambda: watched.host_of(proxy.agent_id) == "beta")
    assert watched.nodes == watched.model.keyframe()["nodes"]
    proxy.dispose()
    watched.until(lambda: proxy.agent_id not in watched.nodes)


def test_messages_come_from_the_notebook_or_from_a_paglet(watched: _Watched) -> None:
    """Those of one frame on one way are one pulse that says how many; failed ones are another."""
    proxy = watched.mesh.inside[0].create(Counter)
    watched.until(lambda: watched.host_of(proxy.agent_id))
    for _ in range(20):
        OperationClient(proxy).call(ADD, AddRequest(1))
    with pytest.raises(Exception, match="nonsense"):
        proxy.send("nonsense")
    watched.until(lambda: any(pulse[4] for pulse in watched.pulses))
    assert {(pulse[0], pulse[1]) for pulse in watched.pulses} == {(NOTEBOOK, proxy.agent_id)}
    assert sum(pulse[2] for pulse in watched.pulses if pulse[3] == "add") == 20
    assert [pulse[3] for pulse in watched.pulses if pulse[4]] == ["nonsense"]


def test_messages_that_come_between_frames_are_all_shown(watched: _Watched) -> None:
    """A burst of which a frame has shown a part goes on in the next one."""
    proxy = watched.mesh.inside[0].create(Counter)
    watched.until(lambda: watched.host_of(proxy.agent_id))
    for number in range(1, 4):
        watched.mesh.inside[0].events.record_message(proxy.agent_id, "add")
        watched.until(lambda: watched.pulses)
        watched.until(lambda wanted=number: sum(pulse[2] for pulse in watched.pulses) == wanted)


def test_a_message_from_a_paglet_starts_there(watched: _Watched) -> None:
    """Its sender's id stands in the event."""
    asker, target = (host.create(Counter) for host in watched.mesh.inside)
    watched.until(lambda: watched.host_of(asker.agent_id) and watched.host_of(target.agent_id))
    sender = PagletProxyRef(asker.host_url, asker.agent_id)
    watched.mesh.inside[1].events.record_message(target.agent_id, "add", sender)
    watched.until(lambda: watched.pulses)
    assert watched.pulses == [[asker.agent_id, target.agent_id, 1, "add", False]]


def test_a_burst_is_bounded(watched: _Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """The most frequent messages are shown, and no more than a page can draw."""
    monkeypatch.setattr(map_model, "MAX_PULSES", 3)
    counters = [watched.mesh.inside[0].create(Counter) for _ in range(6)]
    watched.until(lambda: all(watched.host_of(proxy.agent_id) for proxy in counters))
    watched.pulses.clear()
    log = watched.mesh.inside[0].events
    for number, proxy in enumerate(counters):
        for _ in range(number + 1):
            log.record_message(proxy.agent_id, "add")
    watched.mesh.events()
    frame = watched.frame()
    assert [pulse[2] for pulse in frame["pulses"]] == [6, 5, 4]


def test_the_past_is_shown_while_more_happens(watched: _Watched) -> None:
    """A moment is looked at until now is wanted again."""
    history = watched.model.history
    first = watched.mesh.inside[0].create(Counter)
    watched.until(lambda: watched.host_of(first.agent_id))
    moment = history.last
    first.dispatch("beta")
    watched.until(lambda: watched.host_of(first.agent_id) == "beta")
    watched.model.seek(moment)
    replay = watched.frame()["replay"]
    assert watched.host_of(first.agent_id) == "alpha"
    assert (replay["at"], replay["live"], replay["what"]) == (moment, False, "create Counter alpha")
    second = watched.mesh.inside[1].create(Counter)
    watched.until(lambda: history.last > replay["last"])
    assert watched.host_of(second.agent_id) == ""
    watched.model.seek(None)
    assert watched.frame()["replay"]["live"]
    watched.until(lambda: (watched.host_of(first.agent_id), watched.host_of(second.agent_id)) == ("beta", "beta"))


def test_playing_goes_from_the_first_moment_to_the_last(watched: _Watched) -> None:
    """One moment after the other, then it stays; each step's messages pass again."""
    proxy = watched.mesh.inside[0].create(Counter)
    OperationClient(proxy).call(ADD, AddRequest(1))
    proxy.dispatch("beta")
    watched.until(lambda: watched.pulses and watched.host_of(proxy.agent_id) == "beta")
    watched.pulses.clear()
    watched.model.play()
    seen = [watched.host_of(proxy.agent_id)] if watched.frame() else []
    while watched.model.step(1):
        watched.frame()
        seen.append(watched.host_of(proxy.agent_id))
    assert list(dict.fromkeys(seen)) == ["", "alpha", "beta"]
    assert len(watched.pulses) == 1
    assert watched.model.position == watched.model.history.last
    assert not watched.model.playing


def test_it_says_what_it_shows(watched: _Watched) -> None:
    """Also when the mesh is down, or goes on without this notebook."""
    watched.mesh.inside[0].create(Counter)
    watched.until(lambda: "1 paglet" in watched.model.title())
    assert watched.model.title() == "mesh hosted: 2 hosts, 1 paglet"
    watched.mesh.running = False
    assert watched.model.title() == "mesh hosted, as it was last: 2 hosts, 1 paglet"
