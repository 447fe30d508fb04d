from __future__ import annotations

from pathlib import Path

import pytest

from paglets_nb import Mesh
from tests.unit.magics.notebook import Notebook


def test_down_says_what_it_ended(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """The mesh is named, and calls through old proxies are one line."""
    notebook.run("%paglet up 1 --name single")
    capsys.readouterr()
    notebook.run("%paglet down")
    assert capsys.readouterr().out == "mesh single is down (1 host)\n"


def test_what_a_mesh_has_stored_may_be_deleted(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--forget`` deletes it with the mesh; a folder that was given is its giver's, and the mesh stays up."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    notebook.run("%paglet up 1 --name kept")
    notebook.run("_ = %paglet create Counter --name nap")
    notebook.run("%paglet deactivate nap")
    assert (tmp_path / "jupyter" / "paglets" / "kept" / "alpha").is_dir()
    capsys.readouterr()
    notebook.run("%paglet down --forget")
    assert capsys.readouterr().out == "mesh kept is down (1 host); what it had stored is deleted\n"
    assert list((tmp_path / "jupyter" / "paglets").iterdir()) == []
    mesh = notebook.session.mesh = Mesh(1, name="given", data_dir=tmp_path / "given").start()
    assert notebook.refused("%paglet down --forget") == (
        f"mesh 'given' keeps its data in {tmp_path / 'given'}: stop it, and delete that yourself"
    )
    assert mesh.running
    assert notebook.session.mesh is mesh
