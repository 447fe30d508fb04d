from __future__ import annotations

from pathlib import Path

import pytest

from paglets_nb.errors import MeshError
from paglets_nb.mesh.stored import delete_data, named_data, stored_meshes


def test_what_a_named_mesh_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed once there is something, and gone after it was deleted; where that fails it says why."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert stored_meshes() == []
    for name in ("dur", "other"):
        (named_data(name) / "alpha").mkdir(parents=True)
    assert stored_meshes() == ["dur", "other"]
    delete_data("dur")
    delete_data("dur")
    assert stored_meshes() == ["other"]
    named_data("dur").symlink_to(named_data("other"))
    with pytest.raises(MeshError, match="the data of mesh 'dur' could not be deleted"):
        delete_data("dur")
    assert (named_data("other") / "alpha").is_dir()
