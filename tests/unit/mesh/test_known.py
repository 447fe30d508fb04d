from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from paglets_nb.mesh.known import KnownMesh, known_meshes
from paglets_nb.mesh.registry import KnownHost, MeshEntry, write_registry
from paglets_nb.mesh.runtime_files import RuntimeFolder
from paglets_nb.mesh.stored import named_data
from paglets_nb.transport.addresses import listen, unix_url


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folders of the test's own."""
    with tempfile.TemporaryDirectory(prefix="pn-") as folder:
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", f"{folder}/r")
        monkeypatch.setenv("JUPYTER_DATA_DIR", f"{folder}/d")
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def test_every_mesh_is_known(folders: Path) -> None:
    """Those of this process, of another, of nobody, of another machine, and those of which only data is left."""
    made = {name: RuntimeFolder(name) for name in ("away", "here", "let_go", "season")}
    (made["here"].path / "red.sock").touch()
    (made["season"].path / "owner.lock").write_text(f"{os.getppid()}")
    data = folders / "given"
    for kept in (named_data("here"), named_data("dur"), data):
        kept.mkdir(parents=True)
    hosts = [KnownHost(name, 12, "unix:///x") for name in ("red", "blue")]
    for name, machine in (("let_go", platform.node()), ("away", "another")):
        write_registry(made[name].path, MeshEntry(name, machine, "local", str(data), 5, 10.0, hosts))
        made[name].leave()
    with listen(unix_url(str(made["let_go"].path / "red.sock"))):
        found = {mesh.name: mesh for mesh in known_meshes()}
    assert list(found) == ["away", "dur", "here", "let_go", "season"]
    standings = [mesh.standing for mesh in found.values()]
    assert standings == ["on another machine", "stopped", "here", "detached", f"held by process {os.getppid()}"]
    assert found["dur"] == KnownMesh("dur", "stopped", "", (), named_data("dur"))
    assert (found["here"].hosts, found["here"].data) == (("red",), named_data("here"))
    assert (found["let_go"].hosts, found["let_go"].data) == (("red", "blue"), data)
    assert (found["season"].hosts, found["season"].data) == ((), None)
    for folder in made.values():
        folder.remove()
