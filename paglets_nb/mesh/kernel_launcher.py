"""``python -m paglets_nb.mesh.kernel_launcher -f FILE``: an IPython kernel that is a host.

The kernel is the stock one with our extension. What this adds comes before it starts:
it dies with its owner whatever it is doing, and skips importing the debugger, which
users can still import themselves. In the place of ipykernel's own look at its parent
stands a guard that can be told that the host is to outlive it.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from typing import Any

from paglets_nb.mesh.owner_guard import owner_guard

__all__ = ["main"]

_EXTENSION = "paglets_nb.mesh.kernel_host"
_NOT_WATCHED = 1
"""The parent that ipykernel knows not to look at."""


def main() -> None:
    """Run the kernel until it is shut down."""
    owner = os.environ.get("JPY_PARENT_PID")
    if owner:
        owner_guard.start(int(owner))
    faulthandler.enable(os.dup(2))  # the kernel redirects standard error, and a crash must reach the log
    modules: dict[str, Any] = sys.modules
    skipped = "debugpy" not in modules
    if skipped:
        modules["debugpy"] = None
    from ipykernel.kernelapp import IPKernelApp

    application: Any = IPKernelApp.instance()
    application.initialize(
        [
            *sys.argv[1:],
            f"--ext={_EXTENSION}",
            "--IPKernelApp.reraise_ipython_extension_failures=True",
            f"--IPKernelApp.parent_handle={_NOT_WATCHED}",
            "--HistoryManager.hist_file=:memory:",
        ]
    )
    if skipped:
        modules.pop("debugpy", None)
    application.start()


if __name__ == "__main__":
    main()
