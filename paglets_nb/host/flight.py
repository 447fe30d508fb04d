"""The flight recorder: which durable paglets were in a handler when the host died.

A small file mapped into memory, one slot per handler under way; writing a slot costs no
system call, and the file outlives the process.
"""

from __future__ import annotations

import mmap
import os
import threading
from pathlib import Path

__all__ = ["FlightRecorder"]

_SLOTS = 256
_SLOT = 64
_EMPTY = b"\0" * _SLOT


class FlightRecorder:
    """Slots for the ids of paglets in their handlers.

    Args:
        folder: where the file is; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "flight"
        self._lock = threading.Lock()
        self._map: mmap.mmap | None = None
        self._free: list[int] = []

    def in_flight_at_death(self) -> list[str]:
        """The paglets that were in a handler when the last run of the host died; clears the file."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        slots = {data[at : at + _SLOT].rstrip(b"\0").decode(errors="replace") for at in range(0, len(data), _SLOT)}
        self._path.unlink()
        return sorted(filter(None, slots))

    def _open(self) -> mmap.mmap:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.truncate(descriptor, _SLOTS * _SLOT)
            mapped = mmap.mmap(descriptor, _SLOTS * _SLOT)
        finally:
            os.close(descriptor)
        self._free = list(range(_SLOTS))
        return mapped

    def enter(self, agent_id: str) -> int:
        """A handler of the paglet begins: its slot, -1 when all are taken."""
        with self._lock:
            if self._map is None:
                self._map = self._open()
            if not self._free:
                return -1
            slot = self._free.pop()
            self._map[slot * _SLOT : (slot + 1) * _SLOT] = agent_id.encode()[:_SLOT].ljust(_SLOT, b"\0")
            return slot

    def leave(self, slot: int) -> None:
        """The handler has ended."""
        if slot < 0:
            return
        with self._lock:
            if self._map is not None:
                self._map[slot * _SLOT : (slot + 1) * _SLOT] = _EMPTY
                self._free.append(slot)

    def close(self) -> None:
        """An orderly end: nothing was in flight."""
        with self._lock:
            if self._map is not None:
                self._map.close()
                self._map = None
                self._path.unlink(missing_ok=True)
