"""Where processes run: all their threads on one core, or on every core."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

CORES = frozenset(os.sched_getaffinity(0))
_ATTEMPTS = 5


def place(pids: Iterable[int], cores: Iterable[int]) -> None:
    """Let every thread of the processes run on these cores only; their later threads inherit it."""
    wanted = set(cores)
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread), wanted)


def cores_of(pids: Iterable[int]) -> set[int]:
    """Every core that some thread of the processes may run on."""
    cores: set[int] = set()
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(ProcessLookupError):
                cores |= os.sched_getaffinity(int(thread))
    return cores


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, in seconds (10 ms fine)."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def pinned(pids: Iterable[int]) -> Iterator[None]:
    """Hold this process and the given ones on one core.

    Measure without this first: threads let go again tend to stay where they were held.
    """
    everyone = [os.getpid(), *pids]
    core = max(CORES)
    for _attempt in range(_ATTEMPTS):  # a thread may be born while the others are placed
        place(everyone, {core})
        if (found := cores_of(everyone)) == {core}:
            break
    else:
        raise RuntimeError(f"some threads may run on {sorted(found)}, not on core {core} alone")
    try:
        yield
    finally:
        place(everyone, CORES)
