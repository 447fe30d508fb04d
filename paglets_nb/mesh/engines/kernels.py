"""What every host in a kernel of this machine has: a pid, a client, and answers on its control channel."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
from jupyter_client.asynchronous.client import AsyncKernelClient

from paglets_nb.mesh.kernel_host import ENDPOINT_REQUEST, OWNER_REQUEST

__all__ = ["KernelProcess", "remove_kernel_files"]

_POLL = 0.005
_SLOWEST = 0.25
"""Seconds between looks for an answer: soon at first, and seldom for a host that is long silent."""
_LOG_TAIL = 600


def remove_kernel_files(directory: Path, name: str) -> None:
    """Take away what a kernel that has ended left behind, its log excepted."""
    for path in (directory / f"{name}.json", *directory.glob(f"{name}-ipc-*")):
        with suppress(OSError):
            path.unlink()


class KernelProcess:
    """A kernel that runs a host.

    Args:
        name: the host's.
        directory: the mesh's run-time folder.

    Attributes:
        alone_since: POSIX seconds at which its last owner was lost, as it says; 0 for never.
    """

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.directory = directory
        self.log = directory / f"{name}.log"
        self.pid = 0
        self.url = ""
        self.alone_since = 0.0
        self.client: Any = None
        self._asking = anyio.Lock()

    @property
    def connection_file(self) -> Path:
        """Where clients find its kernel."""
        return self.directory / f"{self.name}.json"

    def open_channels(self, client: AsyncKernelClient) -> None:
        """Speak to it through ``client`` from now on."""
        self.client = client
        client.start_channels(shell=True, iopub=True, stdin=False, hb=False, control=True)

    def tail(self) -> str:
        """The end of what the process wrote."""
        with suppress(OSError):
            return self.log.read_text(errors="replace")[-_LOG_TAIL:].strip()
        return ""

    async def exit_code(self) -> int | None:
        """The process's exit code; None while it lives."""
        raise NotImplementedError

    async def ask_control(self, kind: str, content: dict[str, Any], timeout: float) -> dict[str, Any] | None:
        """Ask the kernel on its control channel.

        Returns:
            Its answer; None where it has ended, is spoken to no more, or does not answer in ``timeout`` seconds.
        """
        client = self.client
        async with self._asking:
            if client is None or self.client is not client:
                return None
            request = client.session.msg(kind, content)
            client.control_channel.send(request)
            asked = time.monotonic()
            deadline = asked + timeout
            while self.client is client and time.monotonic() < deadline:
                if await client.control_channel.msg_ready():
                    reply = await client.get_control_msg(timeout=1.0)
                    if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                        answer: dict[str, Any] = reply["content"]
                        return answer
                    continue  # the answer to somebody who waits no more
                if await self.exit_code() is not None:
                    return None
                await anyio.sleep(min(_SLOWEST, _POLL + 0.02 * max(0.0, time.monotonic() - asked - 3.0)))
        return None

    async def find_endpoint(self, timeout: float) -> str | None:
        """Ask it where its data plane listens.

        Returns:
            Why it has none, empty where it has one; None when it did not answer.
        """
        found = await self.ask_control(ENDPOINT_REQUEST, {}, timeout)
        if found is None:
            return None
        if "url" not in found:
            return str(found.get("error", "no endpoint"))
        self.url, self.pid, self.alone_since = found["url"], found["pid"], found["alone_since"]
        return ""

    async def own(self, owner: int, outlive: bool, timeout: float) -> bool:
        """Tell it whose it is; see ``HostProcess.own``."""
        found = await self.ask_control(OWNER_REQUEST, {"owner": owner, "outlive": outlive}, timeout)
        return bool(found and found.get("done"))

    async def close_channels(self) -> None:
        """Speak to it no more. Who reads its output must have ended; who asks it something is waited for."""
        client, self.client = self.client, None
        if client is not None:
            async with self._asking:
                client.stop_channels()
