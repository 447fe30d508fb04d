"""Servers that a benchmark talks to, each a process of its own."""

from __future__ import annotations

import importlib.util
import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 20.0


def installed(package: str) -> bool:
    """Whether a package can be imported here."""
    return importlib.util.find_spec(package) is not None


def descendants() -> list[int]:
    """The processes that this one has started, and those that they have."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with suppress(OSError), open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as stat:
                children.setdefault(int(stat.read().rpartition(")")[2].split()[1]), []).append(int(entry))
    found = list(children.get(os.getpid(), ()))
    for pid in found:
        found += children.get(pid, ())
    return found


class ServerProcess:
    """Runs ``python -m MODULE ARGUMENTS`` until the end of the block; it prints a line when it is ready."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid

    def wait_ready(self) -> str:
        """What the server said when it was ready; RuntimeError when it said nothing in time."""
        out = self._process.stdout
        assert out is not None
        readable, _, _ = select.select([out], [], [], START_TIMEOUT)
        line = out.readline().strip() if readable else ""
        if not line:
            raise RuntimeError(f"{self._process.args!r} did not start")
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait(START_TIMEOUT)
        if self._process.stdout is not None:
            self._process.stdout.close()
