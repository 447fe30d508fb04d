"""The mesh's run-time folder: sockets, connection files, logs; private to the user.

``jupyter_runtime_dir()/paglets/<mesh>``, or a short folder under the temporary one where
a socket's path would be too long. Its owner holds a lock; folders without are swept.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from jupyter_core.paths import jupyter_runtime_dir

from paglets_nb.errors import MeshError
from paglets_nb.transport.addresses import SOCKET_PATH_LIMIT

__all__ = ["RuntimeFolder"]

_LOCK = "owner.lock"
_LONGEST_NAME = "/" + "x" * 32 + "-ipc-5"
_PREFIX = "pgl-"


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(parent: Path, prefix: str = "") -> None:
    """Remove the folders of meshes whose owner is gone."""
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError), open(folder / _LOCK) as lock:
            if _lock(lock):
                shutil.rmtree(folder, ignore_errors=True)


class RuntimeFolder:
    """One mesh's folder, made and locked by its owner.

    Args:
        mesh: the mesh's name.

    Raises:
        MeshError: a mesh with this name is running.
    """

    def __init__(self, mesh: str) -> None:
        parent = Path(jupyter_runtime_dir()) / "paglets"
        path = parent / mesh
        if len(str(path).encode()) + len(_LONGEST_NAME) > SOCKET_PATH_LIMIT:
            parent = Path(tempfile.gettempdir())
            path = parent / f"{_PREFIX}{os.getuid()}-{mesh}"
            _sweep(parent, f"{_PREFIX}{os.getuid()}-")
        else:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sweep(parent)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError as error:
            raise MeshError(f"a mesh named {mesh!r} is running; choose another name or stop it") from error
        self.path = path
        self._file = open(path / _LOCK, "w")  # noqa: SIM115 - held for the mesh's life
        _lock(self._file)

    def remove(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._file.close()
