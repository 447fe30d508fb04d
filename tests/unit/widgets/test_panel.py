"""The mesh panel without a page, over one real mesh."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from ipywidgets.widgets import widget

from paglets_nb.errors import MeshError
from paglets_nb.mesh.mesh import Mesh
from paglets_nb.testing import ADD, AddRequest, Counter, wait_until
from paglets_nb.widgets.panel import MeshPanel


@pytest.fixture(scope="module")
def mesh() -> Iterator[Mesh]:
    """A mesh of two hosts."""
    with Mesh(2) as mesh:
        yield mesh


@pytest.fixture
def panel(mesh: Mesh) -> Iterator[MeshPanel]:
    """Its panel."""
    panel = MeshPanel(mesh)
    yield panel
    panel.leave()


def test_what_it_shows(mesh: Mesh, panel: MeshPanel) -> None:
    """Hosts with their figures, and the paglets of those that were opened; pictures hold the same."""
    root = panel._root
    counter = mesh.create(Counter, on="beta", name="counter")
    wait_until(lambda: [host["paglets"] for host in root.hosts] == ["0", "1"], timeout=10)
    assert [host["name"] for host in root.hosts] == ["alpha", "beta"]
    assert [host["pid"] for host in root.hosts] == [str(host.pid) for host in mesh.hosts()]
    assert all("MiB" in host["memory"] for host in root.hosts)
    assert root.listed == {}
    root.opened = ["beta"]
    wait_until(lambda: root.listed, timeout=10)
    assert root.listed["beta"]["rows"] == [["counter", "Counter", 0, "active", ""]]
    assert "counter" in panel.text()
    assert "counter" in panel.html()
    assert panel.text().startswith(f"{mesh.name}: 2 hosts, 1 paglet")
    counter.dispose()


def test_buttons_post_their_work(mesh: Mesh, panel: MeshPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host is asked on another thread, one thing at a time; meanwhile its row says what is done."""
    root, go_on, threads = panel._root, threading.Event(), []

    def restart() -> None:
        threads.append(threading.current_thread())
        assert go_on.wait(10)

    handle = mesh["alpha"]
    monkeypatch.setattr(handle, "restart", restart)
    monkeypatch.setattr(type(mesh), "__getitem__", lambda _mesh, _name: handle)
    for _click in range(2):
        panel._asked(root, {"do": "restart", "host": "alpha"}, [])
    wait_until(lambda: root.hosts[0]["doing"] == "restarting")
    assert threads != [threading.current_thread()]
    go_on.set()
    wait_until(lambda: root.hosts[0]["doing"] == "")
    assert len(threads) == 1
    assert root.handled == 2


def test_a_restart_that_loses_paglets_is_asked_for(
    mesh: Mesh, panel: MeshPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page gets a question with the names, and nothing is restarted until its user is sure."""
    root, asked, pid = panel._root, [], mesh["beta"].pid
    monkeypatch.setattr(type(root), "send", lambda _root, content, buffers=None: asked.append(content))
    kept, asleep = (mesh.create(Counter, on="beta", name=name) for name in ("keepme", "sleeper"))
    asleep.deactivate()
    panel._asked(root, {"do": "restart", "host": "beta"}, [])
    wait_until(lambda: asked)
    text = "Restart beta? 1 paglet would be lost: keepme. 1 durable one comes back."
    assert asked == [{"ask": "restart", "host": "beta", "text": text}]
    assert (mesh["beta"].pid, root.handled) == (pid, 1)
    assert kept.info()["name"] == "keepme"
    panel._asked(root, {"do": "restart", "host": "beta", "sure": True}, [])
    wait_until(lambda: mesh["beta"].pid != pid and mesh["beta"].lost, timeout=30)
    assert mesh["beta"].lost == ("keepme",)
    wait_until(lambda: root.hosts[1]["note"] == "last restart: by request; lost: keepme", timeout=10)
    wait_until(lambda: not root.hosts[1]["doing"], timeout=10)
    pid = mesh["beta"].pid
    panel._asked(root, {"do": "restart", "host": "beta"}, [])  # only one that sleeps is left
    wait_until(lambda: mesh["beta"].pid != pid and not root.hosts[1]["doing"], timeout=30)
    assert len(asked) == 1
    mesh.paglet("sleeper").dispose()


def test_what_came_of_an_interrupt(mesh: Mesh, panel: MeshPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told for some seconds, also where nothing ran."""
    root, began = panel._root, threading.Event()
    panel.do("interrupt", "beta")
    wait_until(lambda: root.told.startswith("no cell of this notebook was running on beta; a task"), timeout=10)

    class Sink:
        def stream(self, name: str, text: str) -> None:
            began.set()

        def display(self, *_given: object) -> None:
            """Nothing is displayed."""

        def error(self, *_given: object) -> None:
            """Told by the result."""

        def clear(self, wait: bool) -> None:
            """Nothing is cleared."""

    code = "import time\nprint('on', flush=True)\ntime.sleep(60)"
    running = mesh["beta"].submit_code(code, sink=Sink())
    assert began.wait(10)
    panel.do("interrupt", "beta")
    assert running.result(10).ename == "KeyboardInterrupt"
    wait_until(lambda: root.told == "interrupted 1 cell on beta", timeout=10)
    monkeypatch.setattr(panel, "_told_until", 0.0)
    wait_until(lambda: root.told == "", timeout=10)


def test_hosts_come_and_go(mesh: Mesh, panel: MeshPanel) -> None:
    """A host is added; one that is removed has its paglets moved away first."""
    root = panel._root
    panel.do("add")
    wait_until(lambda: [host["state"] for host in root.hosts] == ["up"] * 3, timeout=30)
    counter = mesh.create(Counter, on="gamma", name="mover")
    panel.do("remove", "gamma")
    wait_until(lambda: [host["name"] for host in root.hosts] == ["alpha", "beta"], timeout=30)
    assert counter.send(ADD.to_message(AddRequest(2))) == {"total": 2}
    assert panel.error == ""
    counter.dispose()


def test_what_goes_wrong_is_one_line(panel: MeshPanel) -> None:
    """An error stands in the panel until it is dismissed; nonsense from a page is passed over."""
    panel._asked(panel._root, {"do": "interrupt", "host": "nobody"}, [])
    wait_until(lambda: panel.error)
    assert panel.error.startswith("interrupt nobody: ")
    assert "\n" not in panel.error
    for content in (None, {"do": "explode", "host": "alpha"}, {"do": ["add"]}, "add"):
        panel._asked(panel._root, content, [])
    assert panel.error.startswith("interrupt nobody: ")
    panel._asked(panel._root, {"do": "dismiss"}, [])
    assert panel.error == ""


def test_unread_until_they_are_read(mesh: Mesh, panel: MeshPanel) -> None:
    """The count of notifications goes up, and to nothing while the list is open."""
    root, mesh.notifications.show = panel._root, None
    tell = (
        "from paglets_nb.services.user_info import NOTIFY_USER, USER_INFO, UserInfoRequest\n"
        "request = UserInfoRequest('info', 'title', 'message', 'a1', '', 1.0)\n"
        "paglet_host.services.require_contract(USER_INFO).call(NOTIFY_USER, request)"
    )
    assert mesh["alpha"].run_code(tell, timeout=20).status == "ok"
    wait_until(lambda: root.unread == 1)
    root.reading = True
    wait_until(lambda: root.unread == 0)
    assert mesh["alpha"].run_code(tell, timeout=20).status == "ok"
    assert mesh.notifications.wait(1, 5)
    root.reading = False
    assert panel._watch.unread() == 0


def test_the_end_of_the_mesh() -> None:
    """A mesh that is down is said to be, its panel closes, and no widget stays."""
    before = set(widget._instances)
    mesh = Mesh(1).start()
    panel = MeshPanel(mesh)
    wait_until(lambda: "MiB" in panel.text(), timeout=10)
    mesh.stop()
    wait_until(lambda: set(widget._instances) == before, timeout=10)
    assert panel.text().startswith(f"{mesh.name} is down")
    assert "alpha" in panel.text()
    with pytest.raises(MeshError):
        MeshPanel(mesh)
    assert set(widget._instances) == before
