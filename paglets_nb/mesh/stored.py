"""Where a named mesh keeps what outlives its hosts."""

from __future__ import annotations

import shutil
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from paglets_nb.errors import MeshError
from paglets_nb.host.folders import folders_in

__all__ = ["delete_data", "named_data", "stored_meshes"]


def _parent() -> Path:
    return Path(jupyter_data_dir()) / "paglets"


def named_data(mesh: str) -> Path:
    """The folder of a named mesh, which is there once something was stored."""
    return _parent() / mesh


def stored_meshes() -> list[str]:
    """The names of the meshes of which something is stored."""
    return sorted(folder.name for folder in folders_in(_parent()))


def delete_data(mesh: str) -> None:
    """Delete what a named mesh has stored, which nobody runs meanwhile; MeshError where it cannot be."""
    try:
        shutil.rmtree(named_data(mesh))
    except FileNotFoundError:
        return
    except OSError as error:
        raise MeshError(f"the data of mesh {mesh!r} could not be deleted: {error}") from error
