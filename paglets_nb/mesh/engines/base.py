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
        alone_since: POSIX seconds at which its last owner was lost; 0 while it has always had one.
    """

    pid: int
    url: str
    client: Any
    alone_since: float

    async def wait_dead(self) -> str:
        """Return once the process has ended: why it did. Called by the supervisor for each host."""
        ...

    async def interrupt(self) -> None:
        """Interrupt the code its kernel executes. Called for a stop of remote cells."""
        ...

    async def kill(self) -> None:
        """End it at once, with what it started. Called for ``down`` and after a failed start.

        Whoever read from its ``client`` must have ended.
        """
        ...

    async def own(self, owner: int, outlive: bool, timeout: float) -> bool:
        """Tell it whose it is. Called for meshes that may be detached, and when they are attached again.

        Args:
            owner: the process that owns the mesh from now on; 0 for nobody.
            outlive: whether it goes on when that process ends.
            timeout: seconds for its answer.

        Returns:
            Whether it has taken it in.
        """
        ...

    async def find_endpoint(self, timeout: float) -> str | None:
        """Ask it for its address anew. Called for one that was attached and did not answer.

        Returns:
            Empty where it answers; what is wrong with it; None where it is silent.
        """
        ...

    async def let_go(self) -> None:
        """Speak to it no more and leave it alone. Called for ``detach``; see ``kill``."""
        ...


class Engine(Protocol):
    """Starts hosts."""

    async def start(self, spec: HostSpec, timeout: float) -> HostProcess:
        """Start a host and return when its data plane answers. Called by the supervisor.

        Raises:
            MeshError: it ended, or did not answer within ``timeout`` seconds; says why.
        """
        ...

    async def adopt(self, spec: HostSpec, pid: int, url: str) -> HostProcess | None:
        """Take over a host that outlived its owner, whether it answers or not. Called for ``attach``.

        Returns:
            None where the process is gone; what it left behind has been removed.
        """
        ...


def make_engine(name: str) -> Engine:
    """The engine with this name; MeshError names the known ones."""
    if name not in _ENGINES:
        raise MeshError(f"no engine {name!r} (engines: {', '.join(sorted(_ENGINES))})")
    module, attribute = _ENGINES[name]
    engine: Engine = getattr(importlib.import_module(module), attribute)()
    return engine
