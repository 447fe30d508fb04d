"""One machine, one turn: hosts that share a machine measure it one after the other.

Owns what a machine is called and the lock that says whose turn it is: ``flock`` on a file
of the user's run-time or temporary folder. The system frees it with the process that holds
it, however that ends. It knows no paglet.
"""

from __future__ import annotations

import os
import socket
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from paglets_nb.errors import CallTimeoutError, HostError, LifecycleError

__all__ = ["lock_folder", "machine_name", "machine_turn"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_POLL = 0.05


def machine_name() -> str:
    """What tells this machine from others: its name, and where the system has it the id of its boot.

    Containers of one machine have names of their own and share the boot.
    """
    name, boot = socket.gethostname() or "localhost", _boot()
    return f"{name}-{boot}" if boot else name


def _boot() -> str:
    """What the system calls its present boot, in short; nothing where it does not say."""
    try:
        return _BOOT_ID.read_text().strip()[:8]
    except OSError:
        return ""


def lock_folder() -> Path:
    """The user's folder for locks, made when it is not there.

    Raises:
        HostError: what is there is not a folder of this user's alone.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if not (base and os.access(base, os.W_OK | os.X_OK)):
        base = tempfile.gettempdir()
    folder = Path(base) / f"paglets-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise HostError(f"{folder} is not a folder of this user's alone (wanted mode 0700)")
    return folder


@contextmanager
def machine_turn(
    *,
    timeout: float,
    stop: threading.Event,
    on_wait: Callable[[], object] = lambda: None,
    folder: Path | None = None,
) -> Iterator[float]:
    """Hold this machine's turn; nobody else of this user does meanwhile.

    Args:
        timeout: seconds to wait for it.
        stop: ends the wait when it is set.
        on_wait: called once where somebody else has the turn.
        folder: of the lock; the user's own when None.

    Yields:
        The seconds that were waited.

    Raises:
        CallTimeoutError: it did not come in time.
        LifecycleError: ``stop`` was set.
    """
    path = (folder or lock_folder()) / f"bench-{_boot() or machine_name()}.lock"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    began = time.monotonic()
    try:
        if not _taken(descriptor):
            on_wait()
            while not _taken(descriptor):
                if stop.wait(_POLL):
                    raise LifecycleError("stopped while it waited for the machine")
                if time.monotonic() - began > timeout:
                    raise CallTimeoutError("the turn of this machine", timeout)
        yield time.monotonic() - began
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
