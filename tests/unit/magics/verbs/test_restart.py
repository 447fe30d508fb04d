from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from paglets_nb.testing import wait_until
from paglets_nb.widgets.tables import HostTable
from tests.unit.magics.notebook import Notebook


def test_hosts_are_restarted(notebook: Notebook) -> None:
    """Each gets a new process; paglets that sleep are there again."""
    mesh = notebook.run("%paglet up left right")
    before = [host.pid for host in mesh.hosts()]
    notebook.run("_nap = %paglet create Counter --on left --name nap")
    notebook.run("%paglet call nap add by=3")
    notebook.run("%paglet deactivate nap")
    left = notebook.run("%paglet restart left")
    assert (left.state, left.restarts) == ("up", 1)
    both = notebook.run("%paglet restart all")
    assert isinstance(both, HostTable)
    assert not {host.pid for host in both} & set(before)
    assert notebook.run("%paglet call nap add by=1").count == 4


def test_what_a_restart_lost_is_said(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """Behind the line that says that the host is up; nothing where nothing was lost."""
    notebook.run("%paglet up left")
    notebook.run("_p = %paglet create Counter --on left --name keepme")
    notebook.run("%paglet restart left")
    assert "s; lost: keepme\n" in capsys.readouterr().out
    notebook.run("%paglet restart left")
    assert "lost" not in capsys.readouterr().out


def interrupt_when(condition: Callable[[], object]) -> threading.Thread:
    """Press the stop button as soon as a condition holds."""

    def press() -> None:
        wait_until(condition)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def test_a_restart_that_is_interrupted_ends_with_the_host_up(notebook: Notebook) -> None:
    """The stop button leaves no host stopped; the message says which is on its way and which was not begun."""
    mesh = notebook.run("%paglet up left right")
    before = {host.name: host.pid for host in mesh.hosts()}
    presser = interrupt_when(lambda: mesh["left"].state == "restarting")
    said = notebook.refused("%paglet restart all")
    presser.join()
    assert said == "interrupted; left comes up again by itself; not restarted: right"
    assert notebook.run("%paglet restart left").restarts == 2
    assert mesh["left"].pid != before["left"]
    assert (mesh["right"].pid, mesh["right"].restarts) == (before["right"], 0)


def test_a_host_that_is_being_restarted_is_waited_for(notebook: Notebook) -> None:
    """``create`` and ``call`` go on when it is up again."""
    mesh = notebook.run("%paglet up left right")
    notebook.run("_nap = %paglet create Counter --on left --name nap")
    notebook.run("%paglet deactivate nap")
    for line, answer in (("create Counter --on left", "host_url"), ("call nap add by=3", "count")):
        restarting = threading.Thread(target=mesh["left"].restart)
        restarting.start()
        wait_until(lambda: mesh["left"].state == "restarting")
        assert hasattr(notebook.run(f"%paglet {line}"), answer)
        restarting.join()


def test_a_dead_host_is_restarted(notebook: Notebook) -> None:
    """One that is not started again by itself is, when asked."""
    from paglets_nb import Mesh

    with Mesh(["left", "right"], restarts=0) as mesh:
        notebook.session.mesh = mesh
        os.kill(mesh["left"].pid, signal.SIGKILL)
        wait_until(lambda: mesh["left"].state == "dead")
        assert notebook.run("%paglet restart left").state == "up"
