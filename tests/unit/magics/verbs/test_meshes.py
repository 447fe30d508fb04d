from __future__ import annotations

import os
from pathlib import Path

import pytest

from paglets_nb import Mesh
from paglets_nb.magics.candidates import Candidates
from paglets_nb.magics.parser import Arguments
from paglets_nb.mesh.runtime_files import RuntimeFolder
from paglets_nb.widgets.records import MeshTable
from tests.unit.magics.notebook import Notebook


@pytest.fixture
def stored(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what the stopped mesh ``dur`` has stored."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(own_folders / "data"))
    folder = own_folders / "data" / "paglets" / "dur"
    (folder / "alpha").mkdir(parents=True)
    return folder


def test_every_mesh_is_listed(stored: Path, notebook: Notebook) -> None:
    """With how it is, who holds it, its hosts and where its data is; with no mesh up as well."""
    Mesh(1, name="apart", detach=True).start().detach()
    held = RuntimeFolder("season")
    (held.path / "owner.lock").write_text(f"{os.getppid()}")
    notebook.run("%paglet up red blue --name lab")
    meshes = notebook.run("%paglet meshes")
    held.remove()
    assert isinstance(meshes, MeshTable)
    assert [(mesh.name, mesh.standing, mesh.hosts) for mesh in meshes] == [
        ("apart", "detached", ("alpha",)),
        ("dur", "stopped", ()),
        ("lab", "here", ("blue", "red")),
        ("season", f"held by process {os.getppid()}", ()),
    ]
    assert repr(meshes).splitlines()[2].split() == ["dur", "stopped", str(stored)]
    assert "<table" in meshes._repr_html_()
    assert Mesh.list().count("season") == 0


def test_what_a_stopped_mesh_has_stored_is_deleted(
    stored: Path, notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name, and not of a mesh that somebody holds."""
    assert Candidates(notebook.session).of("STOPPED", Arguments()) == ["dur"]
    assert notebook.refused("%paglet meshes --forget durr") == (
        "no mesh 'durr' has stored anything (stopped: dur); did you mean 'dur'?"
    )
    with Mesh(1, name="dur"):
        assert notebook.refused("%paglet meshes --forget dur") == (
            "mesh 'dur' is here, and only a stopped one can be forgotten; "
            "where it is up, %paglet down --forget does both"
        )
    assert stored.is_dir()
    assert notebook.run("%paglet meshes --forget dur") == []
    assert "what mesh dur had stored is deleted\n" in capsys.readouterr().out
    assert not stored.exists()


def test_who_forgets_holds_the_mesh(stored: Path, notebook: Notebook) -> None:
    """Also in Python a mesh that somebody else has is not forgotten."""
    held = RuntimeFolder("dur")
    with pytest.raises(Exception, match="a mesh named 'dur' is running in this process"):
        Mesh(name="dur").stop(forget=True)
    assert stored.is_dir()
    held.remove()
    Mesh(name="dur").stop(forget=True)
    assert not stored.exists()
    assert not held.path.exists()
