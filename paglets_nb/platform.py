"""What only some systems have, each with a plain fallback.

Owns process-death signals, process descriptors and peer credentials. Linux has all
of them; elsewhere the fallbacks are polling and the protection of the socket's folder.
It knows no paglet, host or mesh.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import sys
from contextlib import suppress

__all__ = ["die_with_parent", "open_process", "peer_uid", "process_alive", "receive_timeout"]

LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_UCRED = struct.Struct("iII")


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that started it ends.

    Fires whatever the interpreter is doing (in C, or holding the GIL). Source: prctl(2).

    Args:
        parent_pid: the parent expected; if it is gone already, this process ends now.
    """
    if LINUX:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def open_process(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends, or None where there is none."""
    if hasattr(os, "pidfd_open"):
        with suppress(OSError):
            return os.pidfd_open(pid)
    return None


def process_alive(pid: int) -> bool:
    """Whether a process with this id exists and has not ended (a zombie has)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if LINUX:
        with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    return True


def peer_uid(sock: socket.socket) -> int | None:
    """The user id of the process at the other end of a Unix socket; None where unknown."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    _pid, uid, _gid = _UCRED.unpack(raw)
    return int(uid)


def receive_timeout(seconds: float) -> bytes:
    """A ``struct timeval`` for SO_RCVTIMEO and SO_SNDTIMEO; 0 waits without a limit."""
    whole = int(seconds)
    micros = int((seconds - whole) * 1_000_000)
    if seconds > 0 and not whole and not micros:
        micros = 1
    return struct.pack("@ll", whole, micros)
