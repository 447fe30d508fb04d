from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb import Mesh, MeshError
from paglets_nb.testing import Counter, wait_until
from paglets_nb.widgets.mesh_map import MeshMap
from tests.unit.mesh.hosted import HostedMesh, hosted_mesh


class _Page:
    """What a page is sent, and what it asks for."""

    def __init__(self, view: MeshMap) -> None:
        self.view = view
        self.sent: list[dict[str, Any]] = []
        view.widget.send = self.sent.append

    def ask(self, **content: Any) -> None:
        self.view.widget._handle_custom_msg(content, [])

    def frames(self) -> list[dict[str, Any]]:
        return [content for content in list(self.sent) if "set" in content]

    def details(self) -> list[dict[str, Any]]:
        return [content for content in list(self.sent) if "details" in content]

    def shows(self, agent_id: str, host: str) -> bool:
        """Whether a paglet was last drawn on a host."""
        drawn = [frame["set"][agent_id] for frame in self.frames() if agent_id in frame["set"]]
        return bool(drawn) and drawn[-1][9] == host


@pytest.fixture
def mesh() -> Iterator[HostedMesh]:
    """A mesh of alpha and beta."""
    with hosted_mesh() as made:
        yield made


@pytest.fixture
def page(mesh: HostedMesh) -> Iterator[_Page]:
    """A map and its page."""
    view = MeshMap(mesh)  # type: ignore[arg-type]
    yield _Page(view)
    view.close()


def test_a_page_that_opens_late_gets_all_of_it(mesh: HostedMesh, page: _Page) -> None:
    """The state that a page asks for is what is so now, whatever it has missed."""
    proxy = mesh.inside[0].create(Counter)
    wait_until(lambda: page.shows(proxy.agent_id, "alpha"))
    scene = page.view.widget.get_state()["scene"]
    assert scene["nodes"][proxy.agent_id][9] == "alpha"
    assert scene["number"] >= page.frames()[-1]["number"]
    json.dumps(scene)


def test_a_page_that_has_missed_something_asks_for_all(page: _Page) -> None:
    """And is sent the whole state."""
    sent: list[Any] = []
    page.view.widget.send_state = sent.append
    page.ask(type="all")
    wait_until(lambda: "scene" in sent)


def test_frames_are_numbered_and_few(mesh: HostedMesh, page: _Page) -> None:
    """A burst of events costs a handful of frames, and none is left out."""
    proxy = mesh.inside[0].create(Counter)
    for _ in range(500):
        mesh.inside[0].events.record_message(proxy.agent_id, "add")
    wait_until(lambda: sum(pulse[2] for frame in page.frames() for pulse in frame["pulses"]) == 500)
    numbers = [frame["number"] for frame in page.frames()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) < 50


def test_the_page_looks_back_plays_and_returns(mesh: HostedMesh, page: _Page) -> None:
    """By its slider and its buttons."""
    proxy = mesh.inside[0].create(Counter)
    wait_until(lambda: page.shows(proxy.agent_id, "alpha"))
    moment = page.view.history.last
    proxy.dispatch("beta")
    wait_until(lambda: page.shows(proxy.agent_id, "beta"))
    page.ask(type="seek", number=moment)
    wait_until(lambda: page.shows(proxy.agent_id, "alpha"))
    page.ask(type="play")
    wait_until(lambda: page.shows(proxy.agent_id, "beta"))
    page.ask(type="pause")
    page.ask(type="live")
    wait_until(lambda: page.frames()[-1]["replay"]["live"])


def test_details_come_from_the_host(mesh: HostedMesh, page: _Page) -> None:
    """Of a paglet with its state, of a host, and of what is not there any more."""
    proxy = mesh.inside[0].create(Counter)
    wait_until(lambda: page.shows(proxy.agent_id, "alpha"))
    page.ask(type="details", id=proxy.agent_id)
    rows = dict(wait_until(page.details)[0]["details"])
    assert rows["class"] == "Counter"
    assert rows["waiting"] == "0 messages"
    assert rows["state.total"] == "0"
    assert dict(page.view.details("host:beta"))["state"] == "up"
    assert page.view.details("nobody")[1] == ("state", "it is not in the mesh any more")


def test_a_paglet_that_cannot_be_asked_says_why(mesh: HostedMesh, page: _Page) -> None:
    """In the page, not in a thread that dies."""
    proxy = mesh.inside[0].create(Counter)
    wait_until(lambda: page.shows(proxy.agent_id, "alpha"))
    mesh.inside[0].stop()
    page.ask(type="details", id=proxy.agent_id)
    assert wait_until(page.details)[0]["details"][0][0] == "error"


@pytest.mark.parametrize("content", ["text", {"type": "seek", "number": "x"}, {"type": "details", "id": 7}, {}])
def test_what_makes_no_sense_is_left_alone(page: _Page, content: Any) -> None:
    """A page may send anything."""
    page.view.widget._handle_custom_msg(content, [])
    assert page.view.widget.get_state()["scene"]["replay"]["live"]


def test_a_mesh_that_goes_down_leaves_its_last_picture(mesh: HostedMesh, page: _Page) -> None:
    """What was so stays drawn, and the title says so."""
    proxy = mesh.inside[0].create(Counter)
    wait_until(lambda: page.shows(proxy.agent_id, "alpha"))
    mesh.running = False
    wait_until(lambda: "as it was last" in page.frames()[-1]["title"])
    assert "alpha  up" in page.view.text()
    assert "as it was last" in page.view.html()


def test_closing_ends_all_that_follows(mesh: HostedMesh) -> None:
    """Nobody listens to the mesh any more, and closing again is harmless."""
    view = MeshMap(mesh)  # type: ignore[arg-type]
    assert mesh.event_log._listeners
    view.close()
    view.close()
    assert not mesh.event_log._listeners
    assert view.widget.comm is None


def test_a_mesh_that_is_not_running_has_no_map() -> None:
    """It says how to start it."""
    with pytest.raises(MeshError, match="not running"):
        MeshMap(Mesh(1))
