"""How one file comes from a source host to a folder here, whole and verified.

On one machine a moved file is hard-linked (the source drops its name after the commit)
and a copied one is reflinked or copied inside the kernel. From elsewhere its bytes are
fetched in chunks and their SHA-256 is compared. A source that changes or vanishes on
the way is a TransferError.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from paglets_nb.errors import TransferError
from paglets_nb.host.file_protocol import FileChunk, FileEntry
from paglets_nb.platform import copy_range, preallocate, reflink

__all__ = ["Fetch", "Tell", "Watch", "check_same", "copy_open_file", "open_source", "place_file", "transfer_seconds"]

Fetch = Callable[[FileEntry], Iterator[FileChunk]]
"""Yields a file's chunks in order; the last one says so and has the SHA-256 of the whole."""
Watch = Callable[[int], bool]
"""Told, before each step, how many bytes of the file are in place; whether to go on."""
Tell = Callable[[str, int], bool]
"""Tells the source of a movement how many bytes of the file with this name are in place; whether to go on."""
_STEP = 32 << 20
"""Bytes copied in one step."""
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
_BLOCK = 512
_SLOWEST = 20e6
"""Bytes a second that a transfer of files is given at least."""


def transfer_seconds(entries: Iterable[FileEntry]) -> float:
    """Seconds that the files may add to the time-out of a movement."""
    return sum(entry.size_bytes for entry in entries) / _SLOWEST


def check_same(entry: FileEntry, found: os.stat_result) -> None:
    """Compare a file with what the source said of it; TransferError where it is another by now."""
    now = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    if not stat.S_ISREG(found.st_mode) or now != (entry.device, entry.inode, entry.size_bytes, entry.mtime_ns):
        raise TransferError(f"the file {entry.name!r} changed while it was on its way: {entry.path}")


def open_source(entry: FileEntry) -> int:
    """A descriptor of the very file of an entry, open for reading."""
    try:
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise TransferError(f"the file {entry.name!r} cannot be read any more: {error}") from error
    try:
        check_same(entry, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def still_there(entry: FileEntry, descriptor: int) -> None:
    """Check after the last byte that the file is unchanged and has its name still."""
    check_same(entry, os.fstat(descriptor))
    try:
        check_same(entry, os.lstat(entry.path))
    except OSError as error:
        raise TransferError(f"the file {entry.name!r} vanished while it was on its way: {error}") from error


def _always(_done: int) -> bool:
    return True


def copy_open_file(source: int, target: int, size_bytes: int, watch: Watch = _always) -> None:
    """Copy between descriptors at the speed of the system; holes stay holes.

    Raises:
        OSError: no room, or the disk failed.
        TransferError: given up, or the source ended before ``size_bytes``.
    """
    found = os.fstat(source)
    if found.st_size < size_bytes:
        raise TransferError(f"the file ended {size_bytes - found.st_size} bytes early while it was copied")
    if not size_bytes or reflink(source, target):
        return
    if found.st_blocks * _BLOCK < size_bytes:
        os.ftruncate(target, size_bytes)
        for start, end in _written_parts(source, size_bytes):
            _copy_part(source, target, start, end, watch)
    else:
        preallocate(target, size_bytes)
        _copy_part(source, target, 0, size_bytes, watch)


def _written_parts(source: int, size_bytes: int) -> Iterator[tuple[int, int]]:
    end = 0
    while end < size_bytes:
        try:
            start = os.lseek(source, end, os.SEEK_DATA)
            end = min(os.lseek(source, start, os.SEEK_HOLE), size_bytes)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            if error.errno != errno.EINVAL:
                raise
            start, end = end, size_bytes
        if start < end:
            yield start, end


def _copy_part(source: int, target: int, start: int, end: int, watch: Watch) -> None:
    while start < end:
        if not watch(start):
            raise TransferError("the transfer was given up")
        copied = copy_range(source, target, start, min(_STEP, end - start))
        if not copied:
            raise TransferError(f"the file ended {end - start} bytes early while it was copied")
        start += copied


@contextmanager
def _explained(entry: FileEntry, host_name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = "no room" if error.errno in _FULL else "failed to place it"
        raise TransferError(
            f"the file {entry.name!r} ({entry.size_bytes} bytes) did not come to {host_name}: {why} ({error.strerror})"
        ) from error


def place_file(entry: FileEntry, target: Path, fetch: Fetch | None, host_name: str, watch: Watch = _always) -> None:
    """Have the file of an entry at ``target``, which must not exist.

    Args:
        entry: what the source said of it.
        target: where to put it.
        fetch: brings its bytes from another machine; None reads the source's file itself.
        host_name: of this host, for errors.
        watch: told how far it is, and asked whether to go on.

    Raises:
        TransferError: it changed, vanished, arrived damaged, does not fit or was given up.
    """
    with _explained(entry, host_name):
        if fetch is None and entry.mode == "move" and _linked(entry, target):
            return
        source = open_source(entry) if fetch is None else -1
        try:
            out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                if fetch is None:
                    copy_open_file(source, out, entry.size_bytes, watch)
                    still_there(entry, source)
                    os.fchmod(out, stat.S_IMODE(os.fstat(source).st_mode) & 0o777 | 0o600)
                else:
                    _write_fetched(entry, fetch, out, watch)
                os.utime(out, ns=(entry.mtime_ns, entry.mtime_ns))
            finally:
                os.close(out)
        finally:
            if source >= 0:
                os.close(source)


def _linked(entry: FileEntry, target: Path) -> bool:
    """Give a moved file a second name; False where the file system or its owner forbids that."""
    try:
        os.link(entry.path, target, follow_symlinks=False)
    except FileNotFoundError as error:
        raise TransferError(f"the file {entry.name!r} vanished before it could be taken: {entry.path}") from error
    except OSError as error:
        if error.errno in _FULL:
            raise
        return False
    check_same(entry, os.lstat(target))
    return True


def _write_fetched(entry: FileEntry, fetch: Fetch, target: int, watch: Watch) -> None:
    preallocate(target, entry.size_bytes)
    digest = hashlib.sha256()
    length = 0
    for chunk in fetch(entry):
        if not watch(length):
            raise TransferError("the transfer was given up")
        length += len(chunk.data)
        if length > entry.size_bytes:
            break
        digest.update(chunk.data)
        view = memoryview(chunk.data)
        while view:
            view = view[os.write(target, view) :]
        if chunk.last:
            if length == entry.size_bytes and chunk.sha256 == digest.hexdigest():
                return
            break
    raise TransferError(
        f"the file {entry.name!r} arrived damaged: {length} of {entry.size_bytes} bytes, SHA-256 not as sent"
    )
