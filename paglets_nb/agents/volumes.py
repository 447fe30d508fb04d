"""Where a benchmark may write: volumes, a private folder in one, and its end.

Owns which volumes there are and why one is left out, and sees to it that nothing stays
behind, not even of a benchmark that was killed. It knows no paglet.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from paglets_nb.patterns.file_placement import format_bytes

__all__ = ["SkippedVolume", "Volume", "find_volumes", "scratch_folder"]

MOST_VOLUMES = 8
PREFIX = ".paglets-bench-"
_MOUNTS = Path("/proc/self/mounts")
_RESERVE_BYTES = 64 << 20
"""What stays free on a volume in any case."""
_IN_MEMORY = frozenset(("tmpfs", "ramfs"))
_STORAGE = re.compile(
    r"(?:ext[234]|xfs|btrfs|zfs|f2fs|jfs|bcachefs|overlay|nfs4?|cifs|smb3|vfat|exfat|ntfs3?|9p|virtiofs|ceph|lustre"
    r"|gpfs|beegfs|fuse(?:blk|\..+))"
)


@dataclass(frozen=True)
class Volume:
    """A folder of a volume that can be written.

    Attributes:
        path: the folder.
        kind: of the file system, e.g. ``ext4``; empty where the system does not say.
        free_bytes: what is free.
        note: what one should know about it.
    """

    path: str
    kind: str = ""
    free_bytes: int = 0
    note: str = ""


@dataclass(frozen=True)
class SkippedVolume:
    """One that is left out.

    Attributes:
        path: the folder.
        reason: why.
    """

    path: str
    reason: str


def _mounts() -> list[tuple[str, str]]:
    """Where file systems are mounted, and of which kind."""
    try:
        lines = _MOUNTS.read_text(errors="replace").splitlines()
    except OSError:
        return []
    fields = (line.split(" ") for line in lines)
    return [(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), entry[1]), entry[2]) for entry in fields]


def _kind_of(path: str, mounts: Sequence[tuple[str, str]]) -> str:
    """The kind of the file system that holds a path: of the longest mount point above it, the last one there."""
    real = os.path.realpath(path)
    above = [mount for mount in mounts if os.path.commonpath((real, mount[0])) == mount[0]]
    return max(reversed(above), key=lambda mount: len(mount[0]))[1] if above else ""


def _looked_at(path: str, needed_bytes: int, mounts: Sequence[tuple[str, str]]) -> Volume | SkippedVolume:
    """A folder as a volume, or why it is none to write to."""
    folder = os.path.abspath(os.path.expanduser(path))
    if not os.path.isdir(folder):
        return SkippedVolume(folder, "it is not a folder" if os.path.lexists(folder) else "there is no such folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        return SkippedVolume(folder, "it cannot be written")
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + _RESERVE_BYTES:
        wanted = format_bytes(needed_bytes + _RESERVE_BYTES)
        return SkippedVolume(folder, f"only {format_bytes(free)} are free, {wanted} are wanted")
    kind = _kind_of(folder, mounts)
    return Volume(folder, kind, free, f"in memory ({kind})" if kind in _IN_MEMORY else "")


def find_volumes(chosen: Sequence[str] = (), *, needed_bytes: int) -> list[Volume | SkippedVolume]:
    """The volumes to write to, and those left out.

    Args:
        chosen: folders, each looked at; where there is none, one folder for each volume that
            the user can write: the working, home and temporary folders' and those mounted.
        needed_bytes: how much is going to be written at once.

    Returns:
        Each in its order; no more than ``MOST_VOLUMES`` are not left out.
    """
    mounts = _mounts()
    if chosen:
        found = [_looked_at(path, needed_bytes, mounts) for path in dict.fromkeys(chosen)]
    else:
        stored = [point for point, kind in mounts if _STORAGE.fullmatch(kind)]
        by_device: dict[int, Volume | SkippedVolume] = {}
        for path in (os.curdir, "~", tempfile.gettempdir(), *stored):
            with suppress(OSError):
                folder = os.path.expanduser(path)
                device = os.stat(folder).st_dev
                if os.path.isdir(folder) and not isinstance(by_device.get(device), Volume):
                    looked = _looked_at(folder, needed_bytes, mounts)
                    by_device[device] = looked if isinstance(looked, Volume) else by_device.get(device, looked)
        found = list(by_device.values())
    kept = [entry for entry in found if isinstance(entry, Volume)]
    extra = {id(entry) for entry in kept[MOST_VOLUMES:]}
    reason = f"{MOST_VOLUMES} volumes are measured already"
    return [SkippedVolume(entry.path, reason) if id(entry) in extra else entry for entry in found]


@contextmanager
def scratch_folder(volume: Volume, machine: str, on_error: Callable[[str], object]) -> Iterator[Path]:
    """A private folder on a volume, gone at the end; what killed benchmarks of this machine left goes too.

    The caller holds the machine's turn: no folder of this user's for this machine is in use.

    Args:
        volume: where.
        machine: its name.
        on_error: told what could not be removed.

    Raises:
        OSError: it cannot be made.
    """
    prefix = f"{PREFIX}{machine}-{os.getuid()}-"
    for left in Path(volume.path).glob(f"{prefix}*"):
        _remove(left, on_error)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=volume.path))
    try:
        yield folder
    finally:
        _remove(folder, on_error)


def _remove(folder: Path, on_error: Callable[[str], object]) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        on_error(f"{folder} could not be removed: {error.strerror or error}")
