"""A kernel of this machine is ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio
import pytest

from paglets_nb.errors import MeshError
from paglets_nb.mesh.engines.base import HostSpec
from paglets_nb.mesh.engines.local import LocalEngine
from paglets_nb.platform import process_alive
from paglets_nb.testing import wait_until


def test_a_host_is_ended_by_several_at_once(tmp_path: Path) -> None:
    """As when the mesh is stopped while the host is being restarted: it ends, and nobody gets an error."""

    async def run() -> int:
        host = await LocalEngine().start(HostSpec("alpha", "lab", tmp_path, tmp_path / "data"), 60.0)
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(host.kill)
        return host.pid

    assert not process_alive(anyio.run(run))


def test_a_host_that_is_asked_something_is_ended(tmp_path: Path) -> None:
    """Who asked gets no answer, and nobody an error of a channel that was closed meanwhile."""

    async def run() -> tuple[bool, bool]:
        engine = LocalEngine()
        host = await engine.start(HostSpec("alpha", "lab", tmp_path, tmp_path / "data"), 60.0)
        os.kill(host.pid, signal.SIGSTOP)
        wait_until(lambda: Path(f"/proc/{host.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        answers: list[bool] = []

        async def ask() -> None:
            answers.append(await host.own(os.getpid(), True, 60.0))

        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            await host.kill()
        assert answers == [False, False]
        return process_alive(host.pid), await host.own(os.getpid(), True, 60.0)

    assert anyio.run(run) == (False, False)


def test_a_host_that_the_machine_cannot_start(tmp_path: Path) -> None:
    """A typed error that says which host and why, so that the other hosts of its mesh go on."""
    spec = HostSpec("alpha", "lab", tmp_path / "missing", tmp_path / "data")
    with pytest.raises(MeshError, match="host 'alpha' did not start: FileNotFoundError: .*alpha.log"):
        anyio.run(LocalEngine().start, spec, 60.0)
