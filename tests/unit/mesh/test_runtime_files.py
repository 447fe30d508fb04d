"""The folder of a mesh that runs."""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from paglets_nb.errors import MeshError
from paglets_nb.mesh import runtime_files as module
from paglets_nb.mesh.runtime_files import RuntimeFolder
from paglets_nb.transport.addresses import SOCKET_PATH_LIMIT


@pytest.fixture(params=["runtime", "temporary"])
def parent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where folders are made: under Jupyter's folder, or under the temporary one where that is too long."""
    short = Path(tempfile.mkdtemp(prefix="pgl-"))
    runtime = short / ("x" * 60 if request.param == "temporary" else "r")
    monkeypatch.setattr(module, "jupyter_runtime_dir", lambda: str(runtime))
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(short))
    yield runtime / "paglets" if request.param == "runtime" else short
    shutil.rmtree(short)


def test_it_is_private_and_goes(parent: Path) -> None:
    """The folder is its user's alone, short enough for sockets, and is taken away."""
    folder = RuntimeFolder("one")
    assert folder.path.parent == parent
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert len(str(folder.path / ("x" * 32 + "-ipc-5"))) <= SOCKET_PATH_LIMIT
    folder.remove()
    assert not folder.path.exists()
    folder.remove()


def test_a_name_is_taken_while_its_mesh_runs(parent: Path) -> None:
    """A second mesh of a name is refused, another name is not, and the name is free afterwards."""
    folder = RuntimeFolder("one")
    with pytest.raises(MeshError, match="a mesh named 'one' is running; choose another name or stop it"):
        RuntimeFolder("one")
    other = RuntimeFolder("two")
    assert folder.path.is_dir()
    folder.remove()
    again = RuntimeFolder("one")
    for found in (again, other):
        found.remove()


def test_what_a_dead_owner_left_is_swept(parent: Path) -> None:
    """A folder whose owner is gone is swept by the next mesh, of any name; those of living owners stay."""
    living = RuntimeFolder("living")
    dead = RuntimeFolder("dead")
    (dead.path / "alpha.sock").touch()
    dead._file.close()
    following = RuntimeFolder("next")
    assert not dead.path.exists()
    assert living.path.is_dir()
    RuntimeFolder("dead").remove()
    for folder in (living, following):
        folder.remove()
