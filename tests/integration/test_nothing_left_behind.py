"""However a mesh's owner ends, its hosts end with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paglets_nb import Mesh
from paglets_nb.platform import process_alive
from tests.integration.notebook_kernel import NotebookKernel, wait_until
from tests.integration.sample import ADD, Add, Counter

START = """
import paglets_nb
mesh = paglets_nb.Mesh(3).start()
pids = [host.pid for host in mesh]
mesh["beta"].submit_code("while True: pass")
mesh["gamma"].submit_code("import ctypes; ctypes.PyDLL(None).sleep(60)")
mesh["beta"].health(timeout=10)
"""


def busy_hosts(notebook: NotebookKernel) -> list[int]:
    """An idle host, one busy in pure Python, one held in a C call; their process ids."""
    notebook.run(START).check()
    pids: list[int] = notebook.value("pids")
    assert len(set(pids)) == 3
    assert all(process_alive(pid) for pid in pids)
    return pids


def gone(pids: list[int]) -> bool:
    """Whether none of the processes is left."""
    return not any(process_alive(pid) for pid in pids)


def test_a_killed_notebook_takes_its_hosts_along(notebook: NotebookKernel) -> None:
    """Kill -9 of the notebook's kernel ends hosts that are idle, busy in Python and held in C within 5 s."""
    pids = busy_hosts(notebook)
    notebook.kill()
    wait_until(lambda: gone(pids), 5.0, "the hosts end")


def test_a_notebook_that_shuts_down_takes_its_hosts_along(notebook: NotebookKernel) -> None:
    """An orderly shutdown of the notebook's kernel ends the same hosts, and their folder is gone."""
    pids = busy_hosts(notebook)
    folder = Path(notebook.value("str(mesh._folder.path)"))
    notebook.manager.shutdown_kernel(now=False)
    wait_until(lambda: gone(pids), 5.0, "the hosts end")
    wait_until(lambda: not folder.exists(), 5.0, "the folder goes")


def test_stop_ends_busy_hosts(notebook: NotebookKernel) -> None:
    """``stop`` ends the same hosts while the notebook lives on, and a new mesh can start."""
    pids = busy_hosts(notebook)
    notebook.run("mesh.stop()").check()
    wait_until(lambda: gone(pids), 5.0, "the hosts end")
    assert notebook.value("len(mesh.start())") == 3


def test_the_folder_of_a_killed_owner_is_swept(notebook: NotebookKernel) -> None:
    """The next mesh of the user removes what a killed owner could not."""
    busy_hosts(notebook)
    folder = Path(notebook.value("str(mesh._folder.path)"))
    assert folder.stat().st_mode & 0o777 == 0o700
    notebook.kill()

    def swept() -> bool:
        with Mesh(1) as mesh:
            assert mesh.create(Counter).send("add", {"amount": 1})["count"] == 1
        return not folder.exists()

    wait_until(swept, 10.0, "a new mesh sweeps the folder")


def test_a_failed_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that cannot start names its reason, and the ones beside it are ended."""
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")
    before = set(children())
    with pytest.raises(Exception, match="did not start: exited with code 1"):
        Mesh(2).start()
    wait_until(lambda: set(children()) <= before, 5.0, "the processes end")


def children() -> list[int]:
    """The living children of this process."""
    found = []
    for task in os.listdir(f"/proc/{os.getpid()}/task"):
        with open(f"/proc/{os.getpid()}/task/{task}/children") as listing:
            found += [int(pid) for pid in listing.read().split()]
    return [pid for pid in found if process_alive(pid)]


def test_a_mesh_that_was_stopped_starts_again() -> None:
    """The same object can be started twice; its client serves the second time too."""
    mesh = Mesh(1)
    for _ in range(2):
        with mesh:
            assert mesh.create(Counter).send(ADD.name, {"amount": Add().amount})["count"] == 1
        assert not mesh.running
