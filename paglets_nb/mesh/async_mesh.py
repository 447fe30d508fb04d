"""The awaited face of a mesh, for the caller's own event loop."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.state import PagletState
from paglets_nb.mesh.cancelling import Cancellation
from paglets_nb.mesh.handles import HostHandle
from paglets_nb.mesh.mesh import Mesh
from paglets_nb.services.contracts import ServiceOperation

__all__ = ["AsyncMesh"]

T = TypeVar("T")


class AsyncMesh:
    """The awaited face of a mesh; an async context manager.

    Args:
        hosts: as for ``Mesh``, like every keyword.
    """

    def __init__(self, hosts: int | Sequence[str] = 2, **options: Any) -> None:
        self.mesh = Mesh(hosts, **options)

    @classmethod
    async def attach(cls, name: str | None = None, **options: Any) -> AsyncMesh:
        """See ``Mesh.attach``."""
        import anyio

        made = cls.__new__(cls)
        made.mesh = await anyio.to_thread.run_sync(partial(Mesh.attach, name, **options))
        return made

    @staticmethod
    def list() -> builtins.list[str]:
        """See ``Mesh.list``."""
        return Mesh.list()

    async def _await(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        import anyio

        return await anyio.to_thread.run_sync(partial(function, *args, **kwargs), abandon_on_cancel=True)

    async def start(self) -> AsyncMesh:
        """See ``Mesh.start``."""
        await self._await(self.mesh.start)
        return self

    async def stop(self, *, forget: bool = False) -> None:
        """See ``Mesh.stop``."""
        await self._await(self.mesh.stop, forget=forget)

    async def detach(self) -> None:
        """See ``Mesh.detach``."""
        await self._await(self.mesh.detach)

    async def release(self) -> None:
        """See ``Mesh.release``."""
        await self._await(self.mesh.release)

    async def __aenter__(self) -> AsyncMesh:
        return self if self.mesh.running else await self.start()

    async def __aexit__(self, *_exc: object) -> None:
        await self.release()

    def __getitem__(self, name: str) -> HostHandle:
        return self.mesh[name]

    def hosts(self) -> builtins.list[HostHandle]:
        """See ``Mesh.hosts``."""
        return self.mesh.hosts()

    async def create(self, cls: type[Paglet[Any]], state: PagletState | None = None, **options: Any) -> PagletProxy:
        """See ``Mesh.create``."""
        return await self._await(self.mesh.create, cls, state, **options)

    async def paglet(self, key: str) -> PagletProxy:
        """See ``Mesh.paglet``."""
        return await self._await(self.mesh.paglet, key)

    async def paglets(self) -> builtins.list[PagletProxy]:
        """See ``Mesh.paglets``."""
        return await self._await(self.mesh.paglets)

    async def cancel(self, target: Any, **options: Any) -> Cancellation:
        """See ``Mesh.cancel``."""
        return await self._await(self.mesh.cancel, target, **options)

    async def call_each(
        self, paglets: Iterable[PagletProxy], operation: ServiceOperation, **options: Any
    ) -> builtins.list[Any]:
        """See ``Mesh.call_each``."""
        return await self._await(self.mesh.call_each, paglets, operation, **options)

    async def fan_out(self, target: Any, operation: Any = None, grid: Any = None, **options: Any) -> Any:
        """See ``Mesh.fan_out``; takes no ``on_cell``, and a cancellation ends it."""
        made = await self._await(self.mesh._new_fan_out, target, operation, grid, **options)
        return await made.run_async()
