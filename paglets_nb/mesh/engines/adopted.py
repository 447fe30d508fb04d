"""A host whose kernel another process started: reached by its connection file, watched by its pid."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import anyio
from jupyter_client.asynchronous.client import AsyncKernelClient

from paglets_nb.mesh.engines.kernels import KernelProcess, remove_kernel_files
from paglets_nb.platform import open_process, process_alive

__all__ = ["AdoptedHost"]

_POLL = 0.05
_KILL_TIMEOUT = 5.0
_ENDED = "ended; it was no child of this process, so how is not known"


class AdoptedHost(KernelProcess):
    """A kernel on this machine that is no child of this process.

    Args:
        name: the host's.
        directory: the mesh's run-time folder.
        pid: its process, which lives.
        url: the address of its data plane.

    Raises:
        Exception: its connection file cannot be read, or leads nowhere.
    """

    def __init__(self, name: str, directory: Path, pid: int, url: str) -> None:
        super().__init__(name, directory)
        self.pid, self.url = pid, url
        client = AsyncKernelClient()
        client.load_connection_info(json.loads(self.connection_file.read_text(encoding="utf-8")))
        self.open_channels(client)

    async def exit_code(self) -> int | None:
        """0 once it has ended; None while it lives."""
        return None if process_alive(self.pid) else 0

    async def wait_dead(self) -> str:
        """Return once the process has ended: that it did."""
        descriptor = open_process(self.pid)
        if descriptor is not None:
            try:
                await anyio.wait_readable(descriptor)
            finally:
                os.close(descriptor)
        while process_alive(self.pid):
            await anyio.sleep(_POLL)
        return _ENDED

    async def interrupt(self) -> None:
        """Interrupt the code the kernel executes."""
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGINT)

    async def kill(self) -> None:
        """End the process group at once and take its files away."""
        with anyio.move_on_after(_KILL_TIMEOUT, shield=True):
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
            await self.close_channels()
            await self.wait_dead()
        remove_kernel_files(self.directory, self.name)

    async def let_go(self) -> None:
        """Leave it alone."""
        await self.close_channels()
