"""What is timed on a machine, as plain functions: processor, memory, disk.

Each measures for a given time and returns a ``Taken``. They know no paglet, no process and
no machine; they use nothing but the standard library, so that a process that runs them
starts quickly.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "MEASURES",
    "Taken",
    "cpu_float",
    "cpu_integer",
    "cpu_sha256",
    "disk_fsync",
    "disk_metadata",
    "disk_read",
    "disk_write",
    "memory_copy",
    "memory_scan",
]

ROUNDS = 3
"""Parts of one measure, each with a rate of its own; they show how steady the machine is."""
MIB = 1 << 20
_STEPS = 10_000
_HASHED = 1 * MIB
_BLOCK = 1 * MIB
_SMALL = 4096


@dataclass(frozen=True)
class Taken:
    """What one measuring gave.

    Attributes:
        count: how much was done: operations, bytes, files.
        elapsed_seconds: how long it took.
        rates_per_second: of its parts.
        note: what one should know about it.
    """

    count: float
    elapsed_seconds: float
    rates_per_second: list[float] = field(default_factory=list)
    note: str = ""


def _timed(piece: Callable[[], object], worth: float, seconds: float) -> Taken:
    """Do a piece of work again and again, for about so long; each part has at least one piece.

    Args:
        piece: the work.
        worth: what one piece counts.
        seconds: for all parts together.
    """
    piece()
    clock = time.perf_counter
    total, rates, first = 0.0, [], clock()
    for _part in range(ROUNDS):
        done, began = 0, clock()
        end = began + seconds / ROUNDS
        while not done or clock() < end:
            piece()
            done += 1
        rates.append(done * worth / (clock() - began))
        total += done * worth
    return Taken(total, clock() - first, rates)


# ---- processor


def _integers() -> int:
    value = 12345
    for _ in range(_STEPS):
        value = (value * 1103515245 + 12345) & 0x7FFFFFFF
    return value


def _floats() -> float:
    value = 1.0
    for _ in range(_STEPS):
        value = value * 0.999 + 1.0 / (value + 0.5)
    return value


def cpu_integer(seconds: float) -> Taken:
    """Steps of a linear congruence in pure Python."""
    return _timed(_integers, _STEPS, seconds)


def cpu_float(seconds: float) -> Taken:
    """Steps of a multiplication, a division and two additions in pure Python."""
    return _timed(_floats, _STEPS, seconds)


def cpu_sha256(seconds: float) -> Taken:
    """Bytes hashed by the library of the interpreter."""
    block = bytes(_HASHED)
    return _timed(lambda: hashlib.sha256(block).digest(), _HASHED, seconds)


# ---- memory


def memory_copy(seconds: float, size_bytes: int) -> Taken:
    """Bytes copied from one buffer to another; each is read once and written once."""
    source, target = bytearray(b"\x01") * size_bytes, bytearray(b"\x02") * size_bytes
    with memoryview(source) as read, memoryview(target) as written:

        def copy() -> None:
            written[:] = read

        return _timed(copy, size_bytes, seconds)


def memory_scan(seconds: float, size_bytes: int) -> Taken:
    """Bytes read in search of one that is not there."""
    buffer = bytearray(b"\x01") * size_bytes
    return _timed(lambda: buffer.find(b"\x02"), size_bytes, seconds)


# ---- disk


def disk_write(seconds: float, path: str, size_bytes: int) -> Taken:
    """Bytes written to a new file, in blocks of 1 MiB, and synced; at most ``size_bytes``, sooner where time is up.

    Raises:
        OSError: no room, no permission, or a file of that name.
    """
    block, clock = os.urandom(_BLOCK), time.perf_counter
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        began, written = clock(), 0
        while written < size_bytes and (not written or clock() - began < seconds):
            written += os.write(descriptor, block[: size_bytes - written])
        os.fsync(descriptor)
        elapsed = clock() - began
    finally:
        os.close(descriptor)
    return Taken(written, elapsed, [written / elapsed])


def disk_fsync(seconds: float, path: str, most: int = 1000) -> Taken:
    """Writes of 4 KiB to the same place of a file, each synced; at most ``most``."""
    block = os.urandom(_SMALL)
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)

    def sync() -> None:
        os.pwrite(descriptor, block, 0)
        os.fsync(descriptor)

    try:
        return _bounded(lambda _number: sync(), seconds, most)
    finally:
        os.close(descriptor)


def disk_read(seconds: float, path: str) -> Taken:
    """Bytes of a file read in blocks of 1 MiB, once at most, after the system was asked to forget its content."""
    buffer, clock, note = bytearray(_BLOCK), time.perf_counter, "may come from the page cache"
    with open(path, "rb", buffering=0) as file:
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                note = ""
        began, total = clock(), 0
        while (count := file.readinto(buffer)) and (total := total + count) and clock() - began < seconds:
            pass
        elapsed = clock() - began
    return Taken(total, elapsed, [total / elapsed], note)


def disk_metadata(seconds: float, folder: str, most: int = 2000) -> Taken:
    """Small files made, looked at, renamed and deleted, one after the other; at most ``most``."""
    content = bytes(100)

    def live(number: int) -> None:
        path = os.path.join(folder, f"small-{number}")
        with open(path, "xb", buffering=0) as file:
            file.write(content)
        os.stat(path)
        os.rename(path, f"{path}-renamed")
        os.unlink(f"{path}-renamed")

    return _bounded(live, seconds, most)


def _bounded(piece: Callable[[int], None], seconds: float, most: int) -> Taken:
    """Numbered pieces of work for about so long, at most so many."""
    clock = time.perf_counter
    total, rates, first = 0, [], clock()
    for part in range(ROUNDS):
        done, began = 0, clock()
        limit, end = (part + 1) * most // ROUNDS, began + seconds / ROUNDS
        while total < limit and (not done or clock() < end):
            piece(total)
            done, total = done + 1, total + 1
        if done:
            rates.append(done / (clock() - began))
    return Taken(total, clock() - first, rates)


MEASURES: dict[str, Callable[..., Any]] = {
    "cpu_integer": cpu_integer,
    "cpu_float": cpu_float,
    "cpu_sha256": cpu_sha256,
    "memory_copy": memory_copy,
    "memory_scan": memory_scan,
    "disk_write": disk_write,
    "disk_fsync": disk_fsync,
    "disk_read": disk_read,
    "disk_metadata": disk_metadata,
}
"""The measures by name, as a process is asked for them."""
