from __future__ import annotations

import pytest

from paglets_nb.widgets.mesh_map import MeshMap
from tests.unit.magics.notebook import Notebook


def test_the_map_is_shown_and_returned(meshed: Notebook, counter: str) -> None:
    """A terminal gets it as text, once, and nothing follows the mesh after that."""
    view = meshed.run("%paglet map")
    assert isinstance(view, MeshMap)
    assert "counter (Counter)" in repr(view)
    assert view.widget.comm is None


def test_the_map_ends_with_its_mesh(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it lives its last picture stays."""
    monkeypatch.setattr(MeshMap, "show", lambda _view: None)  # as in a page, where it is not closed at once
    notebook.run("%paglet up 1")
    notebook.run("view = %paglet map")
    view = notebook.variable("view")
    assert view.widget.comm is not None
    notebook.run("%paglet down")
    assert view.widget.comm is None
    assert "alpha  up" in view.text()
