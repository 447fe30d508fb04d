"""What a host prints while nobody reads its output: it goes to the host's log, of bounded size."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

__all__ = ["UnreadOutput"]

MOST = 8 << 20
"""Bytes of the log beyond which its older half is dropped, while this writes to it."""
_UNSENT = 1.0
"""Seconds of output that may not have reached an owner who was killed."""
_RECENT = 1 << 20
"""Characters of it at most."""


class UnreadOutput:
    """A text stream beside the kernel's own; writes to a file from ``begin`` to ``end``.

    Args:
        path: the log.
        most: bytes that it may have.
    """

    def __init__(self, path: Path, most: int = MOST) -> None:
        self._path = path
        self._most = most
        self._lock = threading.Lock()
        self._recent: deque[tuple[float, str]] = deque()
        self._recent_size = 0
        self._file: int | None = None
        os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()  # some thread of the parent may have held it

    def begin(self) -> None:
        """Nobody reads from now on; what was printed in the last second may not have been read either."""
        with self._lock, suppress(OSError):
            if self._file is not None:
                return
            self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            begun = time.monotonic() - _UNSENT
            unsent = "".join(text for at, text in self._recent if at >= begun)
            self._append(f"[nobody attached since {time.strftime('%Y-%m-%d %H:%M:%S')}]\n{unsent}")

    def end(self) -> None:
        """Somebody reads again."""
        with self._lock, suppress(OSError):
            if self._file is not None:
                self._append(f"[attached again {time.strftime('%Y-%m-%d %H:%M:%S')}]\n")
                file, self._file = self._file, None
                os.close(file)
            self._recent.clear()
            self._recent_size = 0

    def write(self, text: str) -> int:
        """Take what was printed."""
        with self._lock:
            if self._file is None:
                self._remember(time.monotonic(), text[-_RECENT:])
            else:
                self._append(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def _remember(self, now: float, text: str) -> None:
        recent = self._recent
        recent.append((now, text))
        self._recent_size += len(text)
        while self._recent_size > _RECENT or recent[0][0] < now - _UNSENT:
            self._recent_size -= len(recent.popleft()[1])

    def _append(self, text: str) -> None:
        file = self._file
        if file is None:
            return
        data = text.encode(errors="replace")[-self._most // 2 :]
        size = os.fstat(file).st_size
        if size + len(data) > self._most:
            kept = os.pread(file, self._most // 2, size - min(size, self._most // 2))
            os.ftruncate(file, 0)
            os.write(file, b"[earlier output was dropped]\n" + kept.partition(b"\n")[2])
        os.write(file, data)
