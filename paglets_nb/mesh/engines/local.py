"""The local engine: each host is a Jupyter kernel on this machine.

Kernels are started by jupyter_client over ipc, from the loop's thread, which lives as
long as the process; a kernel dies with it. The endpoint of the data plane is asked for
on the control channel, which answers while the kernel executes code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from paglets_nb.errors import MeshError
from paglets_nb.mesh.engines.base import HostProcess, HostSpec
from paglets_nb.mesh.kernel_host import ENDPOINT_REQUEST, HOST_VARIABLE
from paglets_nb.platform import open_process

__all__ = ["LocalEngine"]

_POLL = 0.05
_KILL_TIMEOUT = 5.0
_LOG_TAIL = 600


class _SpecManager(KernelSpecManager):
    """Knows one kernelspec: this interpreter with our launcher."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The spec, whatever the name."""
        return KernelSpec(
            argv=[sys.executable, "-m", "paglets_nb.mesh.kernel_launcher", "-f", "{connection_file}"],
            display_name=kernel_name,
            language="python",
            interrupt_mode="signal",
        )


def _ending(code: int | None) -> str:
    if code is None:
        return "its process is gone"
    if code >= 0:
        return f"exited with code {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


class _LocalHost:
    """A kernel on this machine that runs a host."""

    def __init__(self, name: str, manager: AsyncKernelManager, log: Path) -> None:
        self.name = name
        self.manager = manager
        self.log = log
        self.pid = 0
        self.url = ""
        self.client: Any = None

    def tail(self) -> str:
        """The end of what the process wrote."""
        with suppress(OSError):
            return self.log.read_text(errors="replace")[-_LOG_TAIL:].strip()
        return ""

    async def exit_code(self) -> int | None:
        """The process's exit code; None while it lives."""
        provisioner = self.manager.provisioner
        if provisioner is None:
            return 0
        return await provisioner.poll()

    async def wait_dead(self) -> str:
        """Return once the process has ended: why it did."""
        descriptor = open_process(self.pid)
        if descriptor is not None:
            try:
                await anyio.wait_readable(descriptor)
            finally:
                os.close(descriptor)
        while (code := await self.exit_code()) is None:
            await anyio.sleep(_POLL)
        return _ending(code)

    async def interrupt(self) -> None:
        """Interrupt the code the kernel executes."""
        await self.manager.interrupt_kernel()

    async def kill(self) -> None:
        """End the process group at once and take its files away."""
        if self.client is not None:
            self.client.stop_channels()
        with anyio.move_on_after(_KILL_TIMEOUT, shield=True):
            if self.pid:
                with suppress(OSError):
                    os.killpg(self.pid, signal.SIGKILL)
            await self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_connection_file()


class LocalEngine:
    """Starts hosts as kernels on this machine."""

    async def start(self, spec: HostSpec, timeout: float) -> HostProcess:
        """Start a kernel and ask it for its endpoint."""
        manager = AsyncKernelManager(
            transport="ipc",
            connection_file=str(spec.directory / f"{spec.name}.json"),
            kernel_spec_manager=_SpecManager(),
        )
        host = _LocalHost(spec.name, manager, spec.directory / f"{spec.name}.log")
        described = {
            "name": spec.name,
            "mesh": spec.mesh,
            "directory": str(spec.directory),
            "data_dir": str(spec.data_dir),
            "properties": spec.properties,
            "path": [os.path.abspath(entry) for entry in sys.path if entry],
        }
        env = {**os.environ, HOST_VARIABLE: json.dumps(described)}
        try:
            with open(host.log, "ab") as log:  # what a host wrote before it crashed is still of interest
                await manager.start_kernel(env=env, stdout=log, stderr=log)
            host.pid = getattr(manager.provisioner, "pid", 0) or 0
            host.client = manager.client()
            host.client.start_channels(shell=True, iopub=True, stdin=False, hb=False, control=True)
            endpoint = await self._endpoint(host, timeout)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await host.kill()
            raise
        host.url, host.pid = endpoint["url"], endpoint["pid"]
        return host

    async def _endpoint(self, host: _LocalHost, timeout: float) -> dict[str, Any]:
        client: AsyncKernelClient = host.client
        client.control_channel.send(client.session.msg(ENDPOINT_REQUEST, {}))
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if await client.control_channel.msg_ready():
                reply = await client.get_control_msg(timeout=1.0)
                content: dict[str, Any] = reply["content"]
                if "url" in content:
                    return content
                raise MeshError(f"host {host.name!r} did not start: {content.get('error', 'no endpoint')}")
            code = await host.exit_code()
            if code is not None:
                raise MeshError(f"host {host.name!r} did not start: {_ending(code)}\n{host.tail()}")
            await anyio.sleep(0.005)
        raise MeshError(f"host {host.name!r} did not answer within {timeout:g} s\n{host.tail()}")
