"""The folder of a mesh that runs."""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from paglets_nb.errors import MeshError
from paglets_nb.mesh import runtime_files as module
from paglets_nb.mesh.registry import KnownHost, MeshEntry, write_registry
from paglets_nb.mesh.runtime_files import MeshFolder, RuntimeFolder, detached_meshes, mesh_folders, only_detached
from paglets_nb.testing import wait_until
from paglets_nb.transport.addresses import SOCKET_PATH_LIMIT, listen, listener_of, unix_url


@pytest.fixture(params=["runtime", "temporary", "shortest"])
def parent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where folders are made: under Jupyter's folder, or under a temporary one where that is too long."""
    short = Path(tempfile.mkdtemp(prefix="pgl-"))
    runtime = short / ("r" if request.param == "runtime" else "x" * 60)
    temporary = short / ("y" * 60) if request.param == "shortest" else short
    temporary.mkdir(exist_ok=True)
    monkeypatch.setattr(module, "jupyter_runtime_dir", lambda: str(runtime))
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(temporary))
    monkeypatch.setattr(module, "_SHORTEST", short)
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
    with pytest.raises(MeshError, match="'one' is running in this process; choose another name or stop it"):
        RuntimeFolder("one")
    (folder.path / "owner.lock").write_text(f"{os.getppid()}")
    said = f"'one' is running in process {os.getppid()}; choose another name, or detach it there and attach it here"
    with pytest.raises(MeshError, match=re.escape(said)):
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


def detached(name: str, listening: ExitStack, machine: str = "") -> RuntimeFolder:
    """The folder of a mesh that nobody owns any more and whose one host listens for a while."""
    folder = RuntimeFolder(name)
    listening.enter_context(listen(unix_url(str(folder.path / "alpha.sock"))))
    host = KnownHost("alpha", 12, "unix:///x")
    write_registry(folder.path, MeshEntry(name, machine or platform.node(), "local", "", 5, 10.0, [host]))
    folder.leave()
    return folder


def test_a_folder_in_which_a_host_lives_stays(parent: Path) -> None:
    """It is not swept while somebody listens there, also where nothing is left to say who, and goes afterwards."""
    with ExitStack() as listening:
        kept, bare = (detached(name, listening) for name in ("kept", "bare"))
        (bare.path / "mesh.json").unlink()
        RuntimeFolder("next").remove()
        assert kept.path.is_dir()
        assert bare.path.is_dir()
        assert detached_meshes() == ["kept"]
        with pytest.raises(MeshError, match=re.escape("a detached mesh named 'kept' is there; attach it (%paglet")):
            RuntimeFolder("kept")
    assert detached_meshes() == []
    RuntimeFolder("next").remove()
    assert not kept.path.exists()
    assert not bare.path.exists()


def test_a_host_that_accepts_nobody_counts_as_alive(parent: Path) -> None:
    """More callers than it lets in, as of a host that is stopped, change nothing."""
    with ExitStack() as listening:
        kept = detached("kept", listening)
        callers = [listener_of(unix_url(str(kept.path / "alpha.sock"))) for _caller in range(300)]
        assert callers[0] == os.getpid()
        assert callers[-1] == 0
        assert [detached_meshes() for _look in range(10)] == [["kept"]] * 10


def test_one_owner_at_a_time(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is taken over once; the next is refused and told by whom it is held, until it is left."""
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    with ExitStack() as listening:
        kept = detached("kept", listening)
        owner = RuntimeFolder.take_over("kept")
        assert owner.path == kept.path
        assert detached_meshes() == []
        with pytest.raises(MeshError, match="mesh 'kept' belongs to this process; detach it there first"):
            RuntimeFolder.take_over("kept")
        (owner.path / "owner.lock").write_text("77")
        with pytest.raises(MeshError, match="mesh 'kept' belongs to process 77; detach it there first"):
            RuntimeFolder.take_over("kept")
        owner.leave()
        RuntimeFolder.take_over("kept").remove()


def test_what_is_not_there_cannot_be_taken_over(parent: Path) -> None:
    """A name without a folder, and a folder that others may enter, are refused with what there is."""
    with ExitStack() as listening:
        kept = detached("kept", listening)
        with pytest.raises(MeshError, match=r"there is no detached mesh 'lab' \(detached: kept\)"):
            RuntimeFolder.take_over("lab")
        kept.path.chmod(0o755)
        assert detached_meshes() == []
        with pytest.raises(MeshError, match=r"there is no detached mesh 'kept' \(detached: none\)"):
            RuntimeFolder.take_over("kept")
        kept.path.chmod(0o700)
        kept.remove()


def test_a_child_does_not_keep_its_parents_lock(parent: Path) -> None:
    """A process that the owner forked, and that goes on after it, owns nothing."""
    with ExitStack() as listening:
        detached("kept", listening)
        owner = RuntimeFolder.take_over("kept")
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
        os.close(reader)
        owner.leave()
        wait_until(lambda: detached_meshes() == ["kept"])
        os.close(writer)
        os.waitpid(child, 0)
        owner.remove()


def test_what_lives_on_another_machine_is_left_alone(parent: Path) -> None:
    """A folder that several machines share is not swept by one on which nobody listens there."""
    with ExitStack() as listening:
        away = detached("away", listening, "another")
    RuntimeFolder("next").remove()
    assert away.path.is_dir()
    assert detached_meshes() == []
    away.remove()


def test_meshes_that_are_held_are_named(parent: Path) -> None:
    """With who holds them, where a detached one is wanted and is not there; one that was left is detached."""
    owner = os.getppid()
    with ExitStack() as listening:
        detached("season", listening)
        held = RuntimeFolder.take_over("season")
        (held.path / "owner.lock").write_text(f"{owner}")
        assert mesh_folders() == [MeshFolder("season", held.path, f"{owner}", False)]
        with pytest.raises(MeshError, match=rf"there is no detached mesh \(held: season by process {owner}; detach it"):
            only_detached()
        with pytest.raises(MeshError, match=rf"mesh 'lab' \(detached: none; held: season by process {owner}\)"):
            RuntimeFolder.take_over("lab")
        held.leave()
        assert only_detached() == "season"
        other = detached("other", listening)
        with pytest.raises(MeshError, match="there are several detached meshes: other, season; name one"):
            only_detached()
        other.remove()
        held.remove()
        with pytest.raises(MeshError, match="there is no detached mesh; start one with: %paglet up --detach"):
            only_detached()


def test_who_only_looks_holds_nothing(parent: Path) -> None:
    """A lock that is held for a moment, by nobody who is noted there, is waited for."""
    with ExitStack() as listening:
        kept = detached("kept", listening)
        looking = open(kept.path / "owner.lock")  # noqa: SIM115 - closed by the timer
        assert module._lock(looking)
        closing = threading.Timer(0.05, looking.close)
        closing.start()
        assert detached_meshes() == ["kept"]
        closing.join()
        kept.remove()
