"""What files cost: a clone that copies 1 GiB against ``cp``, a dispatch that moves files of any size.

Run ``python -m tests.benchmarks.files [MIB] [ROUNDS]``. The copies are interleaved with
``cp`` of the same file on the same disk, each from a quiet disk (``sync`` before); the
medians are compared. The promise: at most 1.1 times ``cp``, and moves in constant time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState
from paglets_nb.host.host import Host
from paglets_nb.testing import in_process_mesh
from tests.benchmarks.report import Promise

MIB = 1 << 20
MOVE_SLACK = 0.05
"""Seconds by which the move of a large file may be slower; copying 1 GiB takes five times that."""


class Carrier(Paglet[PagletState]):
    """Carries the files that the benchmark registers for it."""


def seconds(function: Callable[[], object]) -> float:
    """How long a call takes, begun with nothing left to be written."""
    os.sync()
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def carrier(host: Host, path: Path, mode: str) -> str:
    """The id of a paglet with one file."""
    proxy = host.create(Carrier)
    host.files.register(proxy.agent_id, path, "file", mode)
    return proxy.agent_id


def copies(alpha: Host, beta: Host, source: Path, rounds: int) -> dict[str, list[float]]:
    """Times of ``cp``, of a clone that copies on the machine and of one whose bytes cross the socket."""
    agent_id = carrier(alpha, source, "copy")
    target = source.with_name("copied-by-cp")
    times: dict[str, list[float]] = {"cp": [], "clone": [], "clone over the socket": []}
    for _ in range(rounds):
        times["cp"].append(seconds(lambda: subprocess.run(["cp", str(source), str(target)], check=True)))
        target.unlink()
        for name, same_machine in (("clone", True), ("clone over the socket", False)):
            beta.file_source.same_machine = same_machine
            times[name].append(seconds(lambda: alpha.clone(agent_id, "beta")))
            for proxy in beta.get_proxies():
                proxy.dispose()
    beta.file_source.same_machine = True
    return times


def moves(alpha: Host, beta: Host, folder: Path, size: int, rounds: int) -> list[float]:
    """Times of a dispatch with a file of this many bytes that moves along."""
    times = []
    for number in range(rounds):
        path = folder / f"moved-{size}-{number}"
        with open(path, "wb") as file:
            file.writelines(bytes(min(64 * MIB, size - offset)) for offset in range(0, size, 64 * MIB))
        agent_id = carrier(alpha, path, "move")
        times.append(seconds(lambda agent_id=agent_id: alpha.dispatch(agent_id, "beta")))  # type: ignore[misc]
        beta.dispose(agent_id)
    return times


def main(mib: int = 1024, rounds: int = 5) -> int:
    """Measure and print; 1 when a promise is broken."""
    folder = Path(tempfile.mkdtemp(prefix="pgl-bench-"))
    try:
        source = folder / "source"
        with open(source, "wb") as file:
            file.writelines(os.urandom(16 * MIB) for _ in range(0, mib, 16))
        with in_process_mesh(["alpha", "beta"]) as (alpha, beta):
            found = {name: median(values) for name, values in copies(alpha, beta, source, rounds).items()}
            for name, value in found.items():
                ratio = value / found["cp"]
                print(f"{name:24} {mib:6} MiB  {value * 1e3:8.1f} ms  {mib / value:7.0f} MiB/s  {ratio:5.2f} x cp")
            copy = found["clone"] / found["cp"]
            small, large = (median(moves(alpha, beta, folder, size, rounds)) for size in (MIB, mib * MIB))
    finally:
        shutil.rmtree(folder)
    promises = (
        Promise(f"{mib} MiB between two hosts at most 1.1x cp", f"{copy:.2f}x", copy <= 1.1),
        Promise(
            "a move in constant time",
            f"{small * 1e3:.1f} ms for 1 MiB, {large * 1e3:.1f} ms for {mib} MiB",
            large <= small + MOVE_SLACK,
        ),
    )
    for promise in promises:
        print(promise.line())
    return int(not all(promise.kept for promise in promises))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
