"""The registry of a mesh that outlives its notebook: a file in its folder with what ``attach`` needs.

Written whole or not at all whenever the mesh's hosts change. Beside it stands how far
readers of its paglets' events have come. It knows no process and no lock.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from paglets_nb.errors import MeshError
from paglets_nb.host.folders import remove, write_file

__all__ = [
    "REGISTRY",
    "Cursors",
    "KnownHost",
    "MeshEntry",
    "read_cursors",
    "read_registry",
    "remove_registry",
    "write_cursors",
    "write_registry",
]

REGISTRY = "mesh.json"
Cursors: TypeAlias = dict[tuple[str, str], int]
"""The last event that was dealt with, by paglet's id and operation."""
_CURSORS = "cursors.json"
_MOST_CURSORS = 1000
_FORMAT = 1
_LARGEST = 1 << 20


@dataclass(frozen=True)
class KnownHost:
    """A host, as its last owner knew it.

    Attributes:
        name: in the mesh.
        pid: of its process.
        url: the address of its data plane.
    """

    name: str
    pid: int
    url: str


@dataclass(frozen=True)
class MeshEntry:
    """A mesh, as its last owner knew it.

    Attributes:
        name: of the mesh.
        machine: on which its hosts are.
        engine: what starts its hosts.
        data_dir: the folder for what outlives the hosts.
        restarts: how often a host that died is started again within 60 s.
        timeout: default seconds a call waits for its reply.
        hosts: in the order in which they joined.
    """

    name: str
    machine: str
    engine: str
    data_dir: str
    restarts: int
    timeout: float
    hosts: list[KnownHost] = field(default_factory=list)


def write_registry(folder: Path, entry: MeshEntry) -> None:
    """Write a mesh's registry into its folder, for its user alone."""
    write_file(folder / REGISTRY, json.dumps({"format": _FORMAT, **asdict(entry)}, indent=1).encode())


def remove_registry(folder: Path) -> None:
    """Take a mesh's registry away: it does not outlive its owner."""
    remove(folder / REGISTRY)


def _text(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise ValueError("it is not a file of this user alone")
        if found.st_size > _LARGEST:
            raise ValueError(f"it has {found.st_size} bytes, {_LARGEST} allowed")
        return file.read(_LARGEST).decode()


def _typed(values: Any, types: Mapping[str, tuple[type, ...]]) -> dict[str, Any]:
    """The values of the fields named; ValueError for one that is missing or of another type."""
    if not isinstance(values, dict):
        raise ValueError(f"an object is wanted, not {type(values).__name__}")
    for name, wanted in types.items():
        if not isinstance(values.get(name), wanted) or isinstance(values[name], bool):
            raise ValueError(f"{name!r} wants {wanted[0].__name__}, not {values.get(name)!r}")
    return {name: values[name] for name in types}


def read_registry(folder: Path) -> MeshEntry | None:
    """Read the registry of the mesh in a folder.

    Returns:
        None where there is none: that mesh does not outlive its owner.

    Raises:
        MeshError: it cannot be read, or does not hold what it should; says why.
    """
    host = {"name": (str,), "pid": (int,), "url": (str,)}
    mesh = {
        "machine": (str,),
        "engine": (str,),
        "data_dir": (str,),
        "restarts": (int,),
        "timeout": (float, int),
        "hosts": (list,),
    }
    try:
        values = json.loads(_text(folder / REGISTRY))
        entry = _typed(values, {"format": (int,), "name": (str,), **mesh})
        if entry.pop("format") != _FORMAT:
            raise ValueError(f"it is of format {values['format']}, and this version reads {_FORMAT}")
        hosts = [KnownHost(**_typed(known, host)) for known in entry.pop("hosts")]
        if wrong := [known for known in hosts if known.pid <= 1 or not known.url.startswith("unix:///")]:
            raise ValueError(f"{wrong[0]} is not where a host can be")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise MeshError(f"the registry of the mesh in {folder} cannot be read: {error}") from error
    return MeshEntry(**entry, hosts=hosts)


def write_cursors(folder: Path, cursors: Cursors) -> None:
    """Note how far readers have come, the last ``_MOST_CURSORS`` of them."""
    rows = [[*key, cursor] for key, cursor in cursors.items()][-_MOST_CURSORS:]
    write_file(folder / _CURSORS, json.dumps(rows).encode())


def read_cursors(folder: Path) -> Cursors:
    """How far readers had come; nothing where that was not noted or cannot be read."""
    with suppress(OSError, ValueError, TypeError, RecursionError):
        return {
            (str(agent), str(operation)): int(cursor)
            for agent, operation, cursor in json.loads(_text(folder / _CURSORS))
        }
    return {}
