from __future__ import annotations

import re
from pathlib import Path

import pytest

from paglets_nb import Mesh
from paglets_nb.errors import MeshError
from paglets_nb.mesh.runtime_files import detached_meshes
from paglets_nb.platform import process_alive
from tests.unit.magics.notebook import Notebook


def test_detach_lets_go_of_the_mesh(own_folders: Path, notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name comes back, its host lives, the notebook has no mesh, and where readers stood is noted."""
    mesh = notebook.run("%paglet up 1 --name let_go")
    pid = mesh["alpha"].pid
    assert not mesh.outlives
    notebook.session.remember_cursor(("a", "drain"), 4)
    capsys.readouterr()
    assert notebook.run("%paglet detach") == "let_go"
    assert capsys.readouterr().out.startswith(
        "mesh let_go goes on without the notebook (1 host); see: %paglet attach let_go\n"
    )
    assert notebook.refused("%paglet detach").startswith("no mesh is up")
    assert not mesh.running
    how = "detached; take it up with: %paglet attach let_go, or Mesh.attach('let_go')"
    assert repr(mesh) == f"<Mesh let_go, {how}>"
    with pytest.raises(MeshError, match=re.escape(f"mesh 'let_go' is {how}")):
        mesh["alpha"]
    mesh.stop()
    assert mesh.detached
    assert detached_meshes() == ["let_go"]
    with Mesh.attach("let_go") as again:
        assert again["alpha"].pid == pid
        assert again.kept_cursors()["a", "drain"] == 4
        again.stop()
    assert not process_alive(pid)
