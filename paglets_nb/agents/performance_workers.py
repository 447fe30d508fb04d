"""Processes that measure: owned by whoever made them, ended with it, each wait with a deadline.

A host is a process of many threads that must stay quick to answer, so nothing is timed in
it: ``Workers`` starts fresh interpreters (never a fork) that run the functions of
``performance_measures``, one line of JSON for each request and reply. Run as a program
this module is such a process. It knows no paglet.
"""

from __future__ import annotations

import dataclasses
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from paglets_nb.agents.performance_measures import MEASURES, Taken
from paglets_nb.errors import CallTimeoutError, LifecycleError
from paglets_nb.platform import die_with_parent

__all__ = ["MeasureFailedError", "Workers", "core_count"]

MOST_WORKERS = 256
START_TIMEOUT = 30.0
_END_TIMEOUT = 5.0
_LONGEST_LINE = 1 << 16
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])


class MeasureFailedError(LifecycleError):
    """A measure that could not be taken, e.g. for want of room; the process lives on."""


def core_count() -> int:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


class Workers:
    """A few processes that wait for measures to take; a context manager.

    Use it from one thread; only ``stop`` may be called from another. The processes also end
    when the thread that started them does, or its process.

    Args:
        count: how many processes.
    """

    def __init__(self, count: int) -> None:
        self._count = max(1, min(count, MOST_WORKERS))
        self._lock = threading.Lock()
        self._stopped = False
        self._processes: list[subprocess.Popen[bytes]] = []

    def __len__(self) -> int:
        return self._count

    def __enter__(self) -> Workers:
        try:
            for _ in range(self._count):
                self._spawn()
            self._replies(self._processes, "starting to measure", START_TIMEOUT)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _spawn(self) -> None:
        paths = [_PACKAGE_ROOT, os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
        with self._lock:
            if self._stopped:
                raise LifecycleError("the measuring was stopped")
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-P", "-m", __name__, str(os.getpid())],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                )
            )

    def measure(self, name: str, arguments: dict[str, Any], *, workers: int = 1, timeout: float) -> list[Taken]:
        """Have processes take a measure, all at the same time.

        Args:
            name: one of ``MEASURES``.
            arguments: of the measure.
            workers: how many of the processes.
            timeout: seconds; past them all processes are killed.

        Returns:
            What each of them took.

        Raises:
            MeasureFailedError: the measure raised an error.
            CallTimeoutError: it was not done in time.
            LifecycleError: a process is gone, or the measuring was stopped.
        """
        chosen = self._processes[:workers]
        line = json.dumps({"measure": name, "arguments": arguments}).encode() + b"\n"
        try:
            for process in chosen:
                stdin: Any = process.stdin
                stdin.write(line)
                stdin.flush()
        except OSError as error:
            raise LifecycleError(f"a measuring process is gone: {error}") from error
        replies = self._replies(chosen, name, timeout)
        failed = next((reply["error"] for reply in replies if "error" in reply), "")
        if failed:
            raise MeasureFailedError(failed)
        return [Taken(**reply) for reply in replies]

    def _replies(self, processes: Sequence[subprocess.Popen[bytes]], what: str, timeout: float) -> list[Any]:
        """One line of each process."""
        deadline = time.monotonic() + timeout
        lines = dict.fromkeys(range(len(processes)), b"")
        with selectors.DefaultSelector() as selector:
            for number, process in enumerate(processes):
                stdout: Any = process.stdout
                selector.register(stdout, selectors.EVENT_READ, number)
            while selector.get_map():
                found = selector.select(max(0.0, deadline - time.monotonic()))
                if not found:
                    self.stop()
                    raise CallTimeoutError(what, timeout)
                for key, _events in found:
                    piece = os.read(key.fd, _LONGEST_LINE)
                    lines[key.data] += piece
                    if not piece or len(lines[key.data]) > _LONGEST_LINE:
                        raise LifecycleError(
                            "the measuring was stopped" if self._stopped else f"{what}: a process ended"
                        )
                    if piece.endswith(b"\n"):
                        selector.unregister(key.fileobj)
        return [json.loads(line) for line in lines.values()]

    def stop(self) -> None:
        """Kill the processes, from any thread; whoever measures with them is told by a LifecycleError."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.kill()

    def close(self) -> None:
        """Kill the processes and see them end."""
        self.stop()
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # a request that its process did not take any more
                        pipe.close()
            with suppress(subprocess.TimeoutExpired):  # held by its disk; it ends when that lets go
                process.wait(_END_TIMEOUT)


def _serve() -> None:
    """Answer requests until there are no more."""
    replies = sys.stdout
    replies.write("{}\n")
    replies.flush()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = dataclasses.asdict(MEASURES[request["measure"]](**request["arguments"]))
        except Exception as error:  # told to whoever asked
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    _serve()
