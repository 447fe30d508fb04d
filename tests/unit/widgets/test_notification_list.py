from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ipywidgets.widgets import widget

from paglets_nb.host.host import Host
from paglets_nb.host.user_info import SHOWN_BY_MESH
from paglets_nb.testing import in_process_mesh, wait_until
from paglets_nb.widgets.notification_list import LiveNotifications, NotificationList
from tests.unit.mesh.made import PlainMesh
from tests.unit.widgets.test_mesh_watch import tell


@pytest.fixture
def host() -> Iterator[Host]:
    """A host whose notifications are shown by the mesh."""
    with in_process_mesh(["alpha"], properties={SHOWN_BY_MESH: True}) as (host,):
        yield host


@pytest.fixture
def mesh(host: Host) -> Iterator[PlainMesh]:
    """A mesh of it."""
    mesh = PlainMesh([host])
    yield mesh
    mesh.close()


@pytest.fixture
def shown(mesh: PlainMesh) -> Iterator[NotificationList]:
    """The list."""
    shown = NotificationList(mesh)
    yield shown
    shown.close()


def sent(shown: NotificationList, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the list sends to its page from now on."""
    messages: list[Any] = []
    monkeypatch.setattr(shown.widget, "send", messages.append)
    return messages


def test_what_comes_is_sent_once(host: Host, shown: NotificationList, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is sent each notification alone; a page that comes later is given them all."""
    messages = sent(shown, monkeypatch)
    tell(host, "one", "error")
    wait_until(lambda: messages)
    tell(host, "two")
    wait_until(lambda: len(messages) == 2)
    assert [[line["title"] for line in message["add"]] for message in messages] == [["one"], ["two"]]
    assert [line["title"] for line in shown.widget.get_state("entries")["entries"]] == ["two", "one"]


def test_what_the_page_asks_for(host: Host, shown: NotificationList, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was cut is sent whole, what a page missed is sent again, and nonsense is passed over."""
    tell(host, "one", message="x" * 1000)
    wait_until(lambda: shown.notices.list())
    messages = sent(shown, monkeypatch)
    for content in ({"whole": 1}, {"since": 0}, {"whole": 99}, {"since": "<b>"}, None, {"since": 1}):
        shown._asked(shown.widget, content, [])
    whole, missed = messages
    assert whole["whole"]["message"] == "x" * 1000
    assert [line["number"] for line in missed["add"]] == [1]


def test_its_pictures_are_the_tables(host: Host, shown: NotificationList) -> None:
    """They hold what the filter lets through, escaped."""
    tell(host, "<b>one</b>", "error")
    tell(host, "two")
    wait_until(lambda: len(shown.notices.list()) == 2)
    assert "<b>one</b>" in shown.text()
    assert "two" in shown.text()
    assert "&lt;b&gt;one" in shown.html()
    shown.widget.severity = "error"
    assert "two" not in shown.text() + shown.html()


def test_only_from_a_number_on(host: Host, mesh: PlainMesh) -> None:
    """A list may begin after a number."""
    tell(host, "one")
    tell(host, "two")
    wait_until(lambda: len(mesh.notifications.list()) == 2)
    shown = NotificationList(mesh, since=1)
    assert [one.title for one in shown.table()] == ["two"]
    shown.close()


def test_mistakes_and_the_end(mesh: PlainMesh) -> None:
    """An unknown severity is refused; the end of the mesh is the end of the list, and no widget stays."""
    with pytest.raises(ValueError, match="no severity 'grave'"):
        NotificationList(mesh, "grave")
    before = set(widget._instances)
    shown = NotificationList(mesh)
    mesh.running = False
    mesh.change()
    wait_until(lambda: set(widget._instances) == before)
    shown.close()


def test_a_list_that_shows_live(host: Host, mesh: PlainMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """It is a list like any other; without a page it is displayed as text, and the notifications are read."""
    tell(host, "one")
    wait_until(lambda: mesh.notifications.list())
    live = LiveNotifications(mesh.notifications.list(), lambda: NotificationList(mesh).show())
    assert [one.title for one in live] == ["one"]
    assert "one" in repr(live)
    live._ipython_display_()
    assert "one" in capsys.readouterr().out
