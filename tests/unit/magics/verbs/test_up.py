from __future__ import annotations

from pathlib import Path

import pytest

from paglets_nb import Mesh
from paglets_nb.platform import process_alive
from tests.unit.magics.notebook import Notebook


def test_up_and_down(notebook: Notebook) -> None:
    """``up`` returns a running mesh of the hosts named, and ``down`` ends their processes."""
    mesh = notebook.run("%paglet up left,right --name two")
    assert isinstance(mesh, Mesh)
    assert (mesh.name, [host.name for host in mesh.hosts()]) == ("two", ["left", "right"])
    pids = [host.pid for host in mesh.hosts()]
    assert notebook.refused("%paglet up 3").startswith("a mesh is up already (left, right); stop it first")
    assert notebook.run("%paglet up left right") is mesh
    assert notebook.run("%paglet up 2 --name two") is mesh
    assert notebook.refused("%paglet up 2 --name three") == (
        "mesh two is up already, not one named 'three'; stop it first with: %paglet down, "
        "or let go of it with: %paglet detach"
    )
    notebook.run("%paglet down")
    assert not mesh.running
    assert not any(process_alive(pid) for pid in pids)
    assert notebook.refused("%paglet down").startswith("no mesh is up")


def test_a_mesh_without_a_name_of_its_own(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """What it is called says already that it is a mesh, and is said once."""
    mesh = notebook.run("%paglet up 1")
    notebook.run("%paglet down")
    said = capsys.readouterr().out
    assert f"{mesh.name} is up: 1 host" in said
    assert f"{mesh.name} is down (1 host)" in said
    assert "mesh mesh" not in said


def test_paglets_of_hosts_that_are_not_up_are_told(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A named mesh that starts with fewer hosts says who sleeps on the others, until they are added."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    notebook.run("%paglet up left right --name kept")
    notebook.run("_nap = %paglet create Counter --on right --name nap")
    notebook.run("%paglet deactivate nap")
    notebook.run("%paglet down")
    capsys.readouterr()
    said = "1 paglet sleeps on right, which is not up: %paglet add right\n"
    notebook.run("%paglet up left --name kept")
    shown = capsys.readouterr().out
    assert said in shown
    assert "came back" not in shown
    notebook.run("%paglet ls")
    assert said in capsys.readouterr().out
    notebook.run("%paglet add right")
    capsys.readouterr()
    notebook.run("%paglet ls")
    assert said not in capsys.readouterr().out
    assert notebook.run("%paglet call nap add by=2").count == 2


def test_a_mesh_that_cannot_be_is_refused(notebook: Notebook) -> None:
    """Counts and names that make no mesh are one line, and leave no mesh."""
    assert "1 to 256 hosts, not -1" in notebook.refused("%paglet up -1")
    assert "1 to 256 hosts, not 0" in notebook.refused("%paglet up 0")
    assert "'9x' is not a host's name" in notebook.refused("%paglet up alpha 9x")
    assert "different names" in notebook.refused("%paglet up a a")
    assert "'all' stands for every host" in notebook.refused("%paglet up all beta")
    assert "argument --engine: invalid choice: 'moon'" in notebook.refused("%paglet up --engine moon")
    assert notebook.refused("%paglet hosts").startswith("no mesh is up")


def test_a_mesh_may_go_on_without_the_notebook(
    own_folders: Path, notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--detach`` says so, is asked for once, and is not taken for granted of a mesh that is up without it."""
    notebook.run("%paglet up 1")
    assert notebook.refused("%paglet up 1 --detach") == (
        "a mesh is up already, and ends with the notebook unless you: %paglet detach"
    )
    notebook.run("%paglet down")
    mesh = notebook.run("%paglet up 1 --detach")
    assert mesh.outlives
    assert f"it goes on without the notebook, see: %paglet attach {mesh.name}" in capsys.readouterr().out
    assert notebook.run("%paglet up 1 --detach") is mesh
    notebook.session.release_mesh()
    assert notebook.run("%paglet attach").name == mesh.name
    notebook.run("%paglet down --forget")


def test_paglets_that_come_back_are_told(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many a named mesh has stored, awake or asleep, where there are any."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    notebook.run("%paglet up 1 --name kept")
    assert "came back" not in capsys.readouterr().out
    for name in ("one", "two"):
        notebook.run(f"_ = %paglet create Counter --name {name}")
        notebook.run(f"%paglet deactivate {name}")
    notebook.run("%paglet down")
    capsys.readouterr()
    notebook.run("%paglet up 1 --name kept")
    assert " s; 2 paglets came back\n" in capsys.readouterr().out
