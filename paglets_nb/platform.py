"""What only some systems have, each with a plain fallback.

Owns process-death signals, process descriptors, peer credentials and copies made by
the kernel. Linux has all of them; elsewhere the fallbacks are polling, the protection
of the socket's folder, and reading and writing. It knows no paglet, host or mesh.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from functools import lru_cache

__all__ = [
    "copy_range",
    "die_with_parent",
    "dying_with_us",
    "live_without_parent",
    "memory_bytes",
    "open_process",
    "peer_pid",
    "peer_uid",
    "preallocate",
    "process_alive",
    "receive_timeout",
    "reflink",
    "use_huge_pages",
]

LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_UCRED = struct.Struct("iII")
_FICLONE = 0x40049409
"""ioctl: share the extents of one file with another. Source: ioctl_ficlone(2)."""
_NOT_SO = frozenset(
    (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTTY, errno.EPERM, errno.EBADF, errno.ETXTBSY)
)
"""What a system call answers that cannot do this between these files, where another way can."""
_PIECE = 1 << 20


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


def live_without_parent() -> None:
    """Take back what ``die_with_parent`` asked for; to be called by the thread that asked, which the system notes."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, 0, 0, 0, 0)


@lru_cache(maxsize=1)
def dying_with_us() -> tuple[str, ...]:
    """What to put before a command so that its process is killed when the thread that starts it ends.

    Nothing where the system cannot. It is a program (``setpriv`` of util-linux): to run Python
    between fork and exec is not safe in a process with threads.
    """
    setpriv = shutil.which("setpriv") if LINUX else None
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", "KILL", "--")
    with suppress(OSError, subprocess.SubprocessError):  # an older one, or busybox's, does not know the option
        done = subprocess.run([*prefix, setpriv, "--version"], capture_output=True, timeout=5.0, check=False)
        return prefix if done.returncode == 0 else ()
    return ()


def memory_bytes() -> tuple[int, int]:
    """What this process holds in memory: all of it, and its share where pages are shared with others.

    Returns:
        The resident set and the proportional set, in bytes; 0 for what the system does not say.
        Elsewhere than on Linux the first is the largest it has been. Source: proc_pid_statm(5),
        proc_pid_smaps(5), getrusage(2).
    """
    if not LINUX:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024, 0
    resident = share = 0
    with suppress(OSError, ValueError, IndexError), open("/proc/self/statm", "rb") as statm:
        resident = int(statm.read().split()[1]) * mmap.PAGESIZE
    with suppress(OSError, ValueError, IndexError), open("/proc/self/smaps_rollup", "rb") as rollup:
        share = next((int(line.split()[1]) * 1024 for line in rollup if line.startswith(b"Pss:")), 0)
    return resident, share


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


def _peer(sock: socket.socket) -> tuple[int, int] | None:
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _gid = _UCRED.unpack(raw)
    return int(pid), int(uid)


def peer_uid(sock: socket.socket) -> int | None:
    """The user id of the process at the other end of a Unix socket; None where unknown."""
    found = _peer(sock)
    return None if found is None else found[1]


def peer_pid(sock: socket.socket) -> int | None:
    """The id of the process that listens at the other end of a Unix socket; None where unknown."""
    found = _peer(sock)
    return None if found is None else found[0]


def receive_timeout(seconds: float) -> bytes:
    """A ``struct timeval`` for SO_RCVTIMEO and SO_SNDTIMEO; 0 waits without a limit."""
    whole = int(seconds)
    micros = int((seconds - whole) * 1_000_000)
    if seconds > 0 and not whole and not micros:
        micros = 1
    return struct.pack("@ll", whole, micros)


def use_huge_pages(memory: memoryview) -> None:
    """Have writable memory that has not been touched yet come in large pages, where the system has such.

    To touch 64 MiB for the first time costs more than to copy it; with large pages a fraction.
    """
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return
    size = memory.nbytes
    address = ctypes.addressof((ctypes.c_char * size).from_buffer(memory))
    skipped = -address % mmap.PAGESIZE
    if size > skipped:
        libc = ctypes.CDLL(None)
        libc.madvise(ctypes.c_void_p(address + skipped), ctypes.c_size_t(size - skipped), mmap.MADV_HUGEPAGE)


def reflink(source: int, target: int) -> bool:
    """Have one file share the content of another until either is written; constant time.

    Args:
        source: a descriptor open for reading.
        target: a descriptor open for writing, of an empty file.

    Returns:
        Whether the file system did it; nothing has changed where it did not.
    """
    if not LINUX:
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _NOT_SO:
            return False
        raise
    return True


def preallocate(target: int, size_bytes: int) -> None:
    """Reserve a file's blocks, so that a full disk shows before anything is written.

    Does nothing where the file system cannot.

    Raises:
        OSError: ENOSPC or EDQUOT, no room; EFBIG, larger than files may be.
    """
    if not LINUX or not size_bytes:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(target, 0, ctypes.c_int64(0), ctypes.c_int64(size_bytes)):
        code = ctypes.get_errno()
        if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OSError(code, os.strerror(code))


def copy_range(source: int, target: int, offset: int, count: int) -> int:
    """Copy bytes between files at the same offset, inside the kernel where it can.

    Returns:
        Bytes copied, at most ``count``; 0 at the end of the source.
    """
    if hasattr(os, "copy_file_range"):
        try:
            return os.copy_file_range(source, target, count, offset, offset)
        except OSError as error:
            if error.errno not in _NOT_SO:
                raise
    if LINUX:
        os.lseek(target, offset, os.SEEK_SET)
        try:
            return os.sendfile(target, source, offset, count)
        except OSError as error:
            if error.errno not in _NOT_SO:
                raise
    piece = os.pread(source, min(count, _PIECE), offset)
    view = memoryview(piece)
    while view:
        written = os.pwrite(target, view, offset + len(piece) - len(view))
        view = view[written:]
    return len(piece)
