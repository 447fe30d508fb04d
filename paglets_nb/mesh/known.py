"""Every mesh of this user on this machine: who holds it, and what is left of it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from paglets_nb.errors import MeshError
from paglets_nb.mesh.registry import MeshEntry, read_registry
from paglets_nb.mesh.runtime_files import MeshFolder, mesh_folders
from paglets_nb.mesh.stored import named_data, stored_meshes
from paglets_nb.mesh.supervised import running_meshes

__all__ = ["KnownMesh", "known_meshes"]


@dataclass(frozen=True)
class KnownMesh:
    """A mesh, as it is known without its hosts being asked.

    Attributes:
        name: of the mesh.
        state: ``here`` (this process has it), ``held`` (another has), ``detached``, ``elsewhere`` (on
            another machine), or ``stopped``: only what it has stored is left.
        owner: the process that has it; empty where none does.
        hosts: the names of its hosts.
        data: the folder with what it has stored; None where nothing is.
    """

    name: str
    state: str
    owner: str
    hosts: tuple[str, ...]
    data: Path | None

    @property
    def standing(self) -> str:
        """Its state in words."""
        if self.state == "held":
            return f"held by process {self.owner}"
        return "on another machine" if self.state == "elsewhere" else self.state


def _state(folder: MeshFolder) -> str:
    if folder.elsewhere:
        return "elsewhere"
    if not folder.owner:
        return "detached"
    return "here" if folder.owner == str(os.getpid()) else "held"


def _known(folder: MeshFolder) -> KnownMesh:
    entry: MeshEntry | None = None
    with suppress(MeshError):  # then its sockets tell its hosts
        entry = read_registry(folder.path)
    hosts = [host.name for host in entry.hosts] if entry else sorted(path.stem for path in folder.path.glob("*.sock"))
    given = [mesh.data_dir for mesh in running_meshes() if mesh.name == folder.name]
    noted = [Path(entry.data_dir)] if entry and entry.data_dir else []
    places = [path for path in (*given, *noted, named_data(folder.name)) if path is not None and path.exists()]
    return KnownMesh(folder.name, _state(folder), folder.owner, tuple(hosts), places[0] if places else None)


def known_meshes() -> list[KnownMesh]:
    """The meshes of this user on this machine, by name: running, detached, or stopped with something stored."""
    found = {folder.name: _known(folder) for folder in mesh_folders()}
    for name in stored_meshes():
        found.setdefault(name, KnownMesh(name, "stopped", "", (), named_data(name)))
    return [found[name] for name in sorted(found)]
