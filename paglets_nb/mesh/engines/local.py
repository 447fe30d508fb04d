"""The local engine: each host is a Jupyter kernel on this machine.

Kernels are started by jupyter_client over ipc, from the loop's thread, which lives as
long as the process; a kernel dies with it unless it was told to outlive it. The endpoint
of the data plane is asked for on the control channel, which answers while the kernel
executes code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import anyio
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from paglets_nb.errors import MeshError
from paglets_nb.mesh.engines.adopted import AdoptedHost
from paglets_nb.mesh.engines.base import HostProcess, HostSpec
from paglets_nb.mesh.engines.kernels import KernelProcess, remove_kernel_files
from paglets_nb.mesh.kernel_host import HOST_VARIABLE
from paglets_nb.platform import LINUX, open_process, process_alive
from paglets_nb.transport.addresses import listener_of

__all__ = ["LocalEngine"]

_POLL = 0.05
_KILL_TIMEOUT = 5.0


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


class _LocalHost(KernelProcess):
    """A kernel on this machine that runs a host, a child of this process."""

    def __init__(self, name: str, directory: Path) -> None:
        super().__init__(name, directory)
        self.manager = AsyncKernelManager(
            transport="ipc", connection_file=str(self.connection_file), kernel_spec_manager=_SpecManager()
        )
        self._killing = anyio.Lock()

    async def start(self, env: dict[str, str]) -> None:
        """Start the kernel."""
        with open(self.log, "ab") as log:  # what a host wrote before it crashed is still of interest
            await self.manager.start_kernel(env=env, stdout=log, stderr=log)
        self.pid = getattr(self.manager.provisioner, "pid", 0) or 0
        self.open_channels(self.manager.client())

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
        """End the process group at once and take its files away; also where somebody is about it."""
        with anyio.move_on_after(_KILL_TIMEOUT, shield=True):
            async with self._killing:  # its manager can do it once at a time
                if self.pid:
                    with suppress(OSError):
                        os.killpg(self.pid, signal.SIGKILL)
                await self.close_channels()
                await self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_connection_file()

    async def let_go(self) -> None:
        """Leave it alone; what becomes of it is still seen, for it stays this process's child."""
        await self.close_channels()
        self.manager._connection_file_written = False  # else the file went with the manager
        _let_go[self.pid] = self


_let_go: dict[int, _LocalHost] = {}
"""Children of this process that it does not hold any more, by their process ids."""


def _runs_from(pid: int, directory: Path) -> bool:
    """Whether a process was started as a host of a mesh; where the system does not tell, it is believed."""
    try:
        return os.fsencode(directory) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return not LINUX


class LocalEngine:
    """Starts hosts as kernels on this machine."""

    async def start(self, spec: HostSpec, timeout: float) -> HostProcess:
        """Start a kernel and ask it for its endpoint."""
        host = _LocalHost(spec.name, spec.directory)
        described = {
            "name": spec.name,
            "mesh": spec.mesh,
            "directory": str(spec.directory),
            "log": str(host.log),
            "data_dir": str(spec.data_dir),
            "properties": spec.properties,
            "path": [os.path.abspath(entry) for entry in sys.path if entry],
        }
        try:
            await host.start({**os.environ, HOST_VARIABLE: json.dumps(described)})
            problem = await host.find_endpoint(timeout)
            if problem is None:
                code = await host.exit_code()
                why = f"did not answer within {timeout:g} s" if code is None else f"did not start: {_ending(code)}"
                raise MeshError(f"host {spec.name!r} {why}\n{host.tail()}")
            if problem:
                raise MeshError(f"host {spec.name!r} did not start: {problem}")
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await host.kill()
            if isinstance(error, Exception) and not isinstance(error, MeshError):  # as of a machine that is full
                raise MeshError(f"host {spec.name!r} did not start: {type(error).__name__}: {error}") from error
            raise
        return host

    async def adopt(self, spec: HostSpec, pid: int, url: str) -> HostProcess | None:
        """Take over the kernel whose process listens at ``url``."""
        await self._reap()
        listening = listener_of(url)
        if listening is not None and process_alive(pid) and (listening == pid or _runs_from(pid, spec.directory)):
            own = _let_go.pop(pid, None)
            if own is not None:
                own.open_channels(own.manager.client())
                return own
            with suppress(Exception):  # whatever is wrong with its connection file
                return AdoptedHost(spec.name, spec.directory, pid, url)
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)  # nobody can reach it any more
            with anyio.move_on_after(_KILL_TIMEOUT):
                while listener_of(url) is not None:
                    await anyio.sleep(_POLL)
        remove_kernel_files(spec.directory, spec.name)
        return None

    async def _reap(self) -> None:
        for pid, host in list(_let_go.items()):
            if await host.exit_code() is not None and _let_go.pop(pid, None) is not None:
                host.manager.context.destroy(linger=0)
