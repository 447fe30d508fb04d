"""Kernels of the tutorial notebooks that cannot take each other's ports: a plugin for nbval.

The ports of a kernel over TCP are chosen, let go and bound again by the kernel, so that two which
start at once may choose the same. These have sockets in a folder of their own instead.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import nbval.kernel
from jupyter_client.manager import KernelManager


class OwnKernelManager(KernelManager):
    """A kernel manager whose kernel talks over sockets in a folder that nobody else has."""

    def __init__(self, **options: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="k-", ignore_cleanup_errors=True)
        connection = str(Path(self._folder.name) / "k.json")
        super().__init__(transport="ipc", connection_file=connection, **options)

    def cleanup_resources(self, restart: bool = False) -> None:
        """Take the folder away with the rest, unless the kernel is started again."""
        super().cleanup_resources(restart=restart)
        if not restart:
            self._folder.cleanup()


nbval.kernel.KernelManager = OwnKernelManager
