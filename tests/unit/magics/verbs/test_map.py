from __future__ import annotations

from paglets_nb.widgets.mesh_map import MeshMap
from tests.unit.magics.notebook import Notebook


def test_the_map_follows_the_mesh(meshed: Notebook, counter: str) -> None:
    """It is returned, knows hosts and paglets, and is closed when too many others are opened."""
    meshed.run("view = %paglet map")
    first = meshed.variable("view")
    assert isinstance(first, MeshMap)
    assert "counter (Counter)" in repr(first)
    assert first.widget.comm is not None
    for _ in range(16):
        meshed.run("view = %paglet map")
    assert first.widget.comm is None


def test_where_only_text_can_be_shown_it_is_shown_once(meshed: Notebook, counter: str) -> None:
    """A terminal gets the map as text, and nothing follows the mesh after that."""
    view = meshed.run("%paglet map")
    assert view.widget.comm is None


def test_the_map_ends_with_its_mesh(notebook: Notebook) -> None:
    """And there is none without a mesh."""
    assert notebook.refused("%paglet map").startswith("no mesh is up")
    notebook.run("%paglet up 1")
    notebook.run("view = %paglet map")
    assert notebook.variable("view").widget.comm is not None
    notebook.run("%paglet down")
    assert notebook.variable("view").widget.comm is None
