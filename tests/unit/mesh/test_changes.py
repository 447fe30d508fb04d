"""Listeners to changes of a mesh's hosts; one real mesh of one host."""

from __future__ import annotations

import logging
import os
import signal

import pytest

from paglets_nb.errors import MeshError
from paglets_nb.host.loop import loop_thread
from paglets_nb.mesh.changes import Changes
from paglets_nb.mesh.mesh import Mesh
from paglets_nb.testing import wait_until


def test_listeners_are_told_until_they_are_taken_off() -> None:
    """Each is told of each change, and no more once it was removed, which may be done twice."""
    changes, told = Changes(), []
    remove = changes.add(lambda: told.append("one"))
    changes.add(lambda: told.append("other"))
    changes.tell()
    remove()
    remove()
    changes.tell()
    assert told == ["one", "other", "other"]


def test_a_failing_listener_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """What a listener raises is logged, and the next is told."""
    changes, told = Changes(), []

    def fail() -> None:
        raise ValueError("no")

    changes.add(fail)
    changes.add(lambda: told.append(1))
    with caplog.at_level(logging.ERROR):
        changes.tell()
    assert told == [1]
    assert "a listener to changes of the mesh failed" in caplog.text


def test_a_mesh_tells_of_its_hosts() -> None:
    """A host that is killed, restarted, added, removed or stopped is told of, on the loop, with its state."""
    mesh = Mesh(1)
    with pytest.raises(MeshError, match="is not running"):
        mesh.on_change(lambda: None)
    seen: list[dict[str, tuple[str, str]]] = []

    def listen() -> None:
        assert loop_thread.inside()
        seen.append({host.name: (host.state, host.reason) for host in mesh.hosts()} if mesh.running else {})

    def was_seen(host: str, state: str, reason: str) -> bool:
        return any(states.get(host) == (state, reason) for states in seen)

    with mesh:
        mesh.on_change(listen)
        os.kill(mesh["alpha"].pid, signal.SIGKILL)
        wait_until(lambda: was_seen("alpha", "up", "killed by SIGKILL"), timeout=20)
        assert was_seen("alpha", "restarting", "killed by SIGKILL")
        mesh["alpha"].restart()
        assert was_seen("alpha", "restarting", "it was restarted by request")
        assert was_seen("alpha", "up", "by request")
        mesh.add_host("extra")
        assert was_seen("extra", "starting", "")
        assert was_seen("extra", "up", "")
        mesh.remove_host("extra")
        assert set(seen[-1]) == {"alpha"}
    assert seen[-1] == {}
