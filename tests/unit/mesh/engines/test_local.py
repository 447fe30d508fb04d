"""A kernel of this machine is ended."""

from __future__ import annotations

from pathlib import Path

import anyio

from paglets_nb.mesh.engines.base import HostSpec
from paglets_nb.mesh.engines.local import LocalEngine
from paglets_nb.platform import process_alive


def test_a_host_is_ended_by_several_at_once(tmp_path: Path) -> None:
    """As when the mesh is stopped while the host is being restarted: it ends, and nobody gets an error."""

    async def run() -> int:
        host = await LocalEngine().start(HostSpec("alpha", "lab", tmp_path, tmp_path / "data"), 60.0)
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(host.kill)
        return host.pid

    assert not process_alive(anyio.run(run))
