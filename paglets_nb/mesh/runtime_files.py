"""The mesh's run-time folder: sockets, connection files, logs; private to the user.

``jupyter_runtime_dir()/paglets/<mesh>``, or a short folder under the temporary one, or under
``/tmp``, where a socket's path would be too long. Its owner holds a lock, which the system frees when the
owner ends. Folders without an owner in which no host listens any more are swept.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import stat
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from jupyter_core.paths import jupyter_runtime_dir

from paglets_nb.errors import MeshError
from paglets_nb.mesh.registry import REGISTRY, read_registry
from paglets_nb.platform import process_alive
from paglets_nb.transport.addresses import SOCKET_PATH_LIMIT, listener_of, unix_url

__all__ = ["MeshFolder", "RuntimeFolder", "detached_meshes", "mesh_folders", "only_detached"]

_LOCK = "owner.lock"
_LONGEST_NAME = "/" + "x" * 32 + "-ipc-5"
_PREFIX = "pgl-"
_SHORTEST = Path("/tmp")
"""Where a job's own temporary folder has a long path, as on clusters."""
_PATIENCE = 0.5
"""Seconds for which a lock may be held by somebody who only looks whether it is."""
_POLL = 0.02
_ATTEMPTS = 5
"""Times that a folder is made which somebody sweeps before it is locked."""


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _noted(file: IO[str]) -> str:
    """The process that an owner's lock was noted for last; empty where nobody is."""
    file.seek(0)
    return file.read(20).strip()


def _owner(file: IO[str]) -> str:
    """Who holds the lock; empty where nobody did, and we do from now on.

    Somebody who only looks holds it for a moment, and is not who is noted there.
    """
    deadline = time.monotonic() + _PATIENCE
    while not _lock(file):
        noted = _noted(file)
        if time.monotonic() > deadline or (noted.isdecimal() and process_alive(int(noted))):
            return noted or "of somebody"
        time.sleep(_POLL)
    return ""


def _places() -> list[tuple[Path, str]]:
    """The folders that those of meshes may be in, first choice first, and what the names of those there begin with."""
    ours = f"{_PREFIX}{os.getuid()}-"
    places = [(Path(jupyter_runtime_dir()) / "paglets", ""), (Path(tempfile.gettempdir()), ours), (_SHORTEST, ours)]
    return list(dict.fromkeys(places))


def _place(mesh: str) -> tuple[Path, str]:
    """The one of them that this mesh's belongs in: the first in which its sockets' paths are short enough."""
    for parent, prefix in _places():
        if len(os.fsencode(parent / f"{prefix}{mesh}")) + len(_LONGEST_NAME) <= SOCKET_PATH_LIMIT:
            break
    return parent, prefix


def _ours(folder: Path) -> bool:
    """Whether it is a folder of this user alone; in the temporary folder anybody may have made it."""
    with suppress(OSError):
        found = os.lstat(folder)
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return False


def _elsewhere(folder: Path) -> bool:
    """Whether its hosts are on another machine that has the same folders."""
    with suppress(MeshError):
        entry = read_registry(folder)
        return entry is not None and entry.machine != platform.node()
    return False


def _inhabited(folder: Path) -> bool:
    """Whether some host still listens there, be it stopped or busy."""
    return any(listener_of(unix_url(str(path))) is not None for path in folder.glob("*.sock"))


def _owned(parent: Path, prefix: str) -> Iterator[tuple[Path, str]]:
    """The folders of meshes and who owns each; the lock of one without an owner is held until the next is asked for."""
    for folder in filter(_ours, parent.glob(f"{prefix}*")):
        with suppress(OSError), open(folder / _LOCK) as lock:
            yield folder, _owner(lock)


def _sweep(parent: Path, prefix: str) -> None:
    """Remove the folders of meshes whose owner and hosts are gone."""
    for folder, owner in _owned(parent, prefix):
        if not owner and not _elsewhere(folder) and not _inhabited(folder):
            shutil.rmtree(folder, ignore_errors=True)


class MeshFolder(NamedTuple):
    """A mesh that has hosts which live, by its folder.

    Attributes:
        name: of the mesh.
        path: of the folder.
        owner: the process that holds it; empty for a detached one.
        elsewhere: its hosts are on another machine.
    """

    name: str
    path: Path
    owner: str
    elsewhere: bool


def mesh_folders() -> list[MeshFolder]:
    """The meshes of this user that somebody holds or that were detached, by name."""
    found: dict[str, MeshFolder] = {}
    for parent, prefix in _places():
        for folder, owner in _owned(parent, prefix):
            elsewhere = _elsewhere(folder)
            if owner or elsewhere or ((folder / REGISTRY).exists() and _inhabited(folder)):
                name = folder.name.removeprefix(prefix)
                found.setdefault(name, MeshFolder(name, folder, owner, elsewhere))
    return [found[name] for name in sorted(found)]


def _detached(folders: list[MeshFolder]) -> list[str]:
    return [folder.name for folder in folders if not folder.owner and not folder.elsewhere]


def detached_meshes() -> list[str]:
    """The names of the meshes that nobody is attached to and that have hosts which live."""
    return _detached(mesh_folders())


def _process(owner: str) -> str:
    return "this process" if owner == str(os.getpid()) else f"process {owner}"


def _held(folders: list[MeshFolder]) -> str:
    """Who holds which mesh, in words; empty where nobody holds any."""
    return ", ".join(f"{folder.name} by {_process(folder.owner)}" for folder in folders if folder.owner)


def only_detached() -> str:
    """The name of the only mesh that can be attached.

    Raises:
        MeshError: there is none, or there are several; names them, and those that are held.
    """
    folders = mesh_folders()
    known, held = _detached(folders), _held(folders)
    if not known:
        others = f" (held: {held}; detach it there first)" if held else ""
        raise MeshError(
            f"there is no detached mesh{others}; start one with: %paglet up --detach, or Mesh(2, detach=True)"
        )
    if len(known) > 1:
        raise MeshError(f"there are several detached meshes: {', '.join(known)}; name one")
    return known[0]


def _no_such(mesh: str) -> MeshError:
    folders = mesh_folders()
    held = _held(folders)
    others = f"; held: {held}" if held else ""
    return MeshError(
        f"there is no detached mesh {mesh!r} (detached: {', '.join(_detached(folders)) or 'none'}{others})"
    )


class RuntimeFolder:
    """One mesh's folder, made and locked by its owner.

    Args:
        mesh: the mesh's name.

    Raises:
        MeshError: a mesh with this name is running.
    """

    def __init__(self, mesh: str) -> None:
        parent, prefix = _place(mesh)
        if not prefix:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = parent / f"{prefix}{mesh}"
        for _attempt in range(_ATTEMPTS):
            _sweep(parent, prefix)
            self._make(mesh)
            if self._hold(mesh):
                return
        raise MeshError(f"the folder of mesh {mesh!r} cannot be made; it is removed at once")

    def _make(self, mesh: str) -> None:
        try:
            self.path.mkdir(mode=0o700)
        except FileExistsError:
            raise self._taken(mesh) from None

    @staticmethod
    def _taken(mesh: str) -> MeshError:
        """Why a name cannot be had."""
        folders = mesh_folders()
        owner = next((folder.owner for folder in folders if folder.name == mesh), "")
        attach = f"%paglet attach {mesh}, or Mesh.attach({mesh!r})"
        if mesh in _detached(folders):
            return MeshError(f"a detached mesh named {mesh!r} is there; attach it ({attach}), or choose another name")
        if owner and owner != str(os.getpid()):
            return MeshError(
                f"a mesh named {mesh!r} is running in {_process(owner)}; choose another name, "
                f"or detach it there and attach it here ({attach})"
            )
        here = f" in {_process(owner)}" if owner else ""
        return MeshError(f"a mesh named {mesh!r} is running{here}; choose another name or stop it")

    @classmethod
    def take_over(cls, mesh: str) -> RuntimeFolder:
        """The folder of a mesh that was detached, locked from now on.

        Raises:
            MeshError: there is none of this name, or it has an owner, whose process is named.
        """
        parent, prefix = _place(mesh)
        folder = cls.__new__(cls)
        folder.path = parent / f"{prefix}{mesh}"
        if not _ours(folder.path) or not folder._hold(mesh):
            raise _no_such(mesh)
        return folder

    def _hold(self, mesh: str) -> bool:
        """Lock the folder; False where it has just been swept."""
        try:
            self._file = open(self.path / _LOCK, "a+")  # noqa: SIM115 - held for the mesh's life
        except FileNotFoundError:
            return False
        deadline = time.monotonic() + _PATIENCE
        while not _lock(self._file):
            if time.monotonic() > deadline:
                owner = _noted(self._file) or "of somebody"
                self._file.close()
                raise MeshError(f"mesh {mesh!r} belongs to {_process(owner)}; detach it there first")
            time.sleep(_POLL)
        if not os.fstat(self._file.fileno()).st_nlink:
            self._file.close()
            return False
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()
        _locked.add(self)
        return True

    def leave(self) -> None:
        """Free the lock; the folder stays."""
        self._file.truncate(0)
        self._file.close()

    def remove(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._file.close()


_locked: weakref.WeakSet[RuntimeFolder] = weakref.WeakSet()


def _after_fork() -> None:
    """A child that outlives the owner must not keep its locks."""
    for folder in _locked:
        folder._file.close()


os.register_at_fork(after_in_child=_after_fork)
