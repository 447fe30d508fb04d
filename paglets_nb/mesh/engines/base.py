"""What an engine must do, and how to get one by name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from paglets_nb.errors import MeshError

__all__ = ["Engine", "HostProcess", "HostSpec", "make_engine"]

_ENGINES = {"local": ("paglets_nb.mesh.engines.local", "LocalEngine")}


@dataclass(frozen=True)
class HostSpec:
    """A host to be started.

    Attributes:
        name: unique in the mesh.
        mesh: the mesh's name.
        directory: its run-time folder, of mode 0700.
        data_dir: its own folder for what outlives it.
        properties: what the host answers to ``get_property``.
    """

    name: str
    mesh: str
    directory: Path
    data_dir: Path
    properties: dict[str, Any] = field(default_factory=dict)


class HostProcess(Protocol):
    """A host that was started.

    Attributes:
        pid: of its process.
        url: the address of its data plane.
        client: an ``AsyncKernelClient`` with running channels.
    """

    pid: int
    url: str
    client: Any

    async def wait_dead(self) -> str:
        """Return once the process has ended: why it did. Called by the supervisor for each host."""
        ...

    async def interrupt(self) -> None:
        """Interrupt the code its kernel executes. Called for a stop of remote cells."""
        ...

    async def kill(self) -> None:
        """End it at once, with what it started. Called for ``down`` and after a failed start."""
        ...


class Engine(Protocol):
    """Starts hosts."""

    async def start(self, spec: HostSpec, timeout: float) -> HostProcess:
        """Start a host and return when its data plane answers. Called by the supervisor.

        Raises:
            MeshError: it ended, or did not answer within ``timeout`` seconds; says why.
        """
        ...


def make_engine(name: str) -> Engine:
    """The engine with this name; MeshError names the known ones."""
    if name not in _ENGINES:
        raise MeshError(f"no engine {name!r} (engines: {', '.join(sorted(_ENGINES))})")
    module, attribute = _ENGINES[name]
    engine: Engine = getattr(importlib.import_module(module), attribute)()
    return engine
