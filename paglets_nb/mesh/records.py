"""What a mesh knows of one host, who watches it, and when it may be restarted."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel

from paglets_nb.core.references import HostRef
from paglets_nb.errors import HostDiedError, MeshError
from paglets_nb.mesh.engines.base import HostProcess
from paglets_nb.mesh.relay import KernelRelay
from paglets_nb.version import __version__

__all__ = ["HostRecord", "RestartWindow", "Watch"]


class RestartWindow:
    """A sliding window: so many restarts within so many seconds.

    Args:
        limit: restarts allowed within the window; 0 for none.
        window: seconds.
    """

    def __init__(self, limit: int, window: float = 60.0) -> None:
        self.limit = limit
        self.window = window
        self._times: deque[float] = deque()

    def take(self) -> bool:
        """Whether one more restart is allowed now; counts it if so."""
        now = time.monotonic()
        while self._times and self._times[0] < now - self.window:
            self._times.popleft()
        if len(self._times) >= self.limit:
            return False
        self._times.append(now)
        return True


class Watch:
    """Somebody who watches a host and reads what it puts out, until told to end.

    Its channels may be closed only when nobody reads them any more.
    """

    def __init__(self) -> None:
        self._scope = anyio.CancelScope()
        self._over: anyio.Event | None = None

    async def run(self, watch: Callable[[], Awaitable[None]]) -> None:
        """Await ``watch()`` until it returns, or ``end`` is called."""
        self._over = anyio.Event()
        try:
            with self._scope:
                await anyio.lowlevel.checkpoint()  # ended before it began
                await watch()
        finally:
            self._over.set()

    async def end(self) -> None:
        """End what is awaited, and return when it has ended."""
        self._scope.cancel()
        if self._over is not None:
            await self._over.wait()


class HostRecord:
    """What the supervisor knows of one host.

    Attributes:
        state: ``starting``, ``up``, ``silent`` (it was attached and does not answer), ``restarting``,
            ``dead`` or ``stopped``.
        reason: why it is dead, or why it was restarted last.
        restarts: how often it was restarted.
        lost: the paglets that its process took along when it ended last, by name.
    """

    def __init__(self, name: str, restarts: int) -> None:
        self.name = name
        self.state = "starting"
        self.reason = ""
        self.restarts = 0
        self.lost: tuple[str, ...] = ()
        self.url = ""
        self.pid = 0
        self.last_seen = 0.0
        self.process: HostProcess | None = None
        self.relay: KernelRelay | None = None
        self.window = RestartWindow(restarts)
        self.watch = Watch()
        self.starting = anyio.Lock()  # held by who starts it again

    def require_up(self) -> None:
        """Raise why nothing can be asked of it, where that is so."""
        if self.state == "silent":
            raise MeshError(f"host {self.name!r} {self.reason}")
        if self.state != "up":
            raise HostDiedError(self.name, self.reason or self.state, delivered=False)

    def ref(self) -> HostRef:
        """What the other hosts are told."""
        error = "" if self.state == "up" else self.reason
        return HostRef(
            self.name, self.url, __version__, online=self.state == "up", last_seen=self.last_seen, error=error
        )
