from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from paglets_nb import Mesh
from paglets_nb.magics.candidates import Candidates
from paglets_nb.magics.parser import Arguments
from paglets_nb.platform import process_alive
from paglets_nb.testing import wait_until
from tests.unit.magics.notebook import Notebook


@pytest.fixture
def apart(own_folders: Path) -> list[str]:
    """The names of two detached meshes of one host."""
    names = ["apart_one", "apart_two"]
    for name in names:
        Mesh(1, name=name, detach=True).start().detach()
    return names


def test_a_mesh_is_attached_by_name(apart: list[str], notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """Several have to be named, one need not; the returned mesh is the notebook's, and ends like any other."""
    assert Candidates(notebook.session).of("MESH", Arguments()) == apart
    assert notebook.refused("%paglet attach") == ("there are several detached meshes: apart_one, apart_two; name one")
    notebook.session.cursors[("b", "drain")] = 2
    mesh = notebook.run("%paglet attach apart_two")
    assert (mesh.name, mesh.outlives, [host.state for host in mesh]) == ("apart_two", True, ["up"])
    assert "mesh apart_two is attached: 1 host, 0 paglets; nobody was attached for" in capsys.readouterr().out
    assert notebook.session.mesh is mesh
    assert notebook.refused("%paglet attach apart_one").startswith("mesh apart_two is up; let go of it first with")
    assert Candidates(notebook.session).of("MESH", Arguments()) == ["apart_one"]
    notebook.run("%paglet down")
    with Mesh.attach() as only:
        assert only.name == "apart_one"
    assert notebook.run("%paglet attach").name == "apart_one"
    notebook.run("%paglet down")
    assert notebook.refused("%paglet attach").startswith("there is no detached mesh; start one with: %paglet up")


def test_a_host_that_was_started_again_is_told(
    own_folders: Path, notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the words of the list of hosts."""
    mesh = Mesh(2, name="apart", detach=True).start()
    pid = mesh["beta"].pid
    mesh.detach()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not process_alive(pid))
    notebook.run("%paglet attach")
    said = "up, restarted once (last: ended while nobody was attached)"
    assert f"; beta {said}, without its paglets that were not durable" in capsys.readouterr().out
    assert said in repr(notebook.run("%paglet hosts"))
    notebook.run("%paglet down")


def test_what_cannot_be_attached_is_told(own_folders: Path, apart: list[str], notebook: Notebook) -> None:
    """A name that none has, one that no mesh can have, and one that has an owner; the notebook has no mesh then."""
    assert notebook.refused("%paglet attach apart") == (
        "there is no detached mesh 'apart' (detached: apart_one, apart_two)"
    )
    assert "'../apart_one' is not a mesh's name" in notebook.refused("%paglet attach ../apart_one")
    with Mesh.attach("apart_one") as held:
        (own_folders / "paglets" / "apart_one" / "owner.lock").write_text(f"{os.getppid()}")
        assert notebook.refused("%paglet attach apart") == (
            f"there is no detached mesh 'apart' (detached: apart_two; held: apart_one by process {os.getppid()})"
        )
        (own_folders / "paglets" / "apart_one" / "owner.lock").write_text(f"{os.getpid()}")
        assert held.running
        assert notebook.refused("%paglet attach apart_one") == (
            "mesh 'apart_one' belongs to this process; detach it there first"
        )
    assert notebook.session.mesh is None
    assert notebook.refused("%paglet up 1 --name apart_one").startswith(
        "a detached mesh named 'apart_one' is there; attach it (%paglet attach apart_one, or Mesh.attach"
    )
