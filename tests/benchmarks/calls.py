"""What a typed call costs, beside a raw ping-pong, Pyro5 and rpyc in the same run.

Run as ``python -m tests.benchmarks.calls``; ends with status 1 when a promise is broken.
The ratios are taken with every process and thread on one core, where only the work between
the two system calls counts; on all cores the machine's wake-ups dominate every contender.
Where processes lie in memory is drawn by lot when they start, and now and then costs half as
much again; so each round has processes of its own.
What is promised against Pyro5 is against Pyro5 as it comes, with the serializer and the
server it chooses; a row shows it tuned (Unix socket, its quickest serializer) too.
"""

from __future__ import annotations

import gc
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from paglets_nb import HostDiedError, Mesh, OperationClient
from paglets_nb.testing import wait_until
from tests.benchmarks.command import Say, command
from tests.benchmarks.floors import RawPingPong, frame_sizes
from tests.benchmarks.measure import Batch, Effort, Figures, add_figures, interleave, latencies, ratio
from tests.benchmarks.peers import NOT_INSTALLED, Peer, connect_pyro5, connect_rpyc
from tests.benchmarks.placement import CORES, cpu_seconds, pinned
from tests.benchmarks.report import Promise, Report, Row, microseconds
from tests.benchmarks.workload import ADD, HANG, NOTE, Add, Counter, Hang

RAW, CALL = "raw Unix-socket ping-pong", "typed call"
BUSY_FOR = 0.5
BUSY = """
import threading
def spin():
    while not stop.is_set():
        sum(range(1000))
stop = threading.Event()
threading.Thread(target=spin, name="spin", daemon=True).start()
"""


class TypedCalls:
    """Our side: one paglet that is called."""

    def __init__(self, client: OperationClient) -> None:
        self._client = client
        self._request = Add(1, NOTE)

    def one(self) -> None:
        """One call."""
        self._client.call(ADD, self._request)

    def batch(self, calls: int) -> None:
        """Call and wait for the reply, ``calls`` times."""
        call, request = self._client.call, self._request
        for _ in range(calls):
            call(ADD, request)


def measure_calls(effort: Effort, report: Report) -> None:
    """Calls of every contender, on one core and on all; every round has processes of its own."""
    spread: Figures = {}
    alone: Figures = {}
    for _round in range(effort.rounds):
        sizes, missing, pyro5 = one_round(replace(effort, rounds=1), spread, alone)
    report.facts.update({"frame_bytes": sizes, "one_core": alone, "all_cores": spread})
    add_call_rows(report, alone, spread, sizes)
    report.rows.extend(Row(package, NOT_INSTALLED) for package in missing)
    promise_calls(report, alone, pyro5)


def one_round(effort: Effort, spread: Figures, alone: Figures) -> tuple[tuple[int, int], list[str], str]:
    """Start every contender, time it, and end it; its figures are added to the others.

    Returns:
        Bytes of the request and of the reply; packages that are not installed; how Pyro5 as it comes is called.
    """
    with ExitStack() as stack:
        mesh = stack.enter_context(Mesh(["alpha"]))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        proxy = mesh.create(Counter, on="alpha", name="counter")
        sizes = frame_sizes(proxy)
        raw = RawPingPong(folder, *sizes)
        stack.callback(raw.close)
        pyro5, rpyc = connect_pyro5(folder), connect_rpyc(folder)
        calls: dict[str, Batch] = {RAW: raw.batch, CALL: TypedCalls(OperationClient(proxy)).batch}
        pids = [mesh["alpha"].pid, raw.server.pid]
        peers: list[Peer] = [peer for peer in (*(pyro5 or ()), rpyc) if peer is not None]
        for peer in peers:
            stack.callback(peer.close)
            calls[peer.name] = peer.batch
            pids.append(peer.server.pid)
        add_figures(spread, interleave(calls, effort))
        with pinned(pids):
            add_figures(alone, interleave(calls, effort))
    missing = [package for package, peer in {"Pyro5": pyro5, "rpyc": rpyc}.items() if peer is None]
    return sizes, missing, pyro5[0].name if pyro5 else ""


def add_call_rows(report: Report, alone: Figures, spread: Figures, sizes: tuple[int, int]) -> None:
    """A row for each contender."""
    for name in alone:
        times = statistics.median(alone[name]), statistics.median(spread[name])
        note = f"{sizes[0]} bytes there, {sizes[1]} back"
        if name != RAW:
            note = f"{ratio(alone, name, RAW):.2f}x raw, {ratio(spread, name, RAW):.2f}x on all cores"
        report.rows.append(Row(name, *map(microseconds, times), note))


def promise_calls(report: Report, alone: Figures, pyro5: str) -> None:
    """The promises about calls, each with its aim."""
    over_raw = ratio(alone, CALL, RAW)
    aim = f"aim 2x: {'reached' if over_raw <= 2 else 'not yet'}"
    report.promises.append(Promise("typed call at most 3.5x raw", f"{over_raw:.2f}x", over_raw <= 3.5, aim))
    faster = ratio(alone, pyro5, CALL) if pyro5 else 0.0
    report.promises.append(
        Promise(
            "typed call at least 2.5x faster than Pyro5 as it comes",
            f"{faster:.2f}x" if pyro5 else NOT_INSTALLED,
            faster >= 2.5 if pyro5 else None,
            f"aim 4x: {'reached' if faster >= 4 else 'not yet'}" if pyro5 else "",
        )
    )


def measure_busy(mesh: Mesh, ours: TypedCalls, report: Report) -> None:
    """Calls to a host in which a pure-Python thread spins."""
    host = mesh["alpha"]
    result = host.run_code(BUSY, timeout=10.0)
    if result.status != "ok":
        raise RuntimeError(f"the busy thread did not start: {result.ename}: {result.evalue}")
    try:
        used, started = cpu_seconds(host.pid), time.perf_counter()
        spread = statistics.median(latencies(ours.one, BUSY_FOR))
        share = (cpu_seconds(host.pid) - used) / (time.perf_counter() - started)
        if share < 0.2:  # on a busy machine it gets what others leave it
            raise RuntimeError(f"the host used {share:.0%} of a core: its busy thread does not run")
        with pinned([host.pid]):
            alone = statistics.median(latencies(ours.one, BUSY_FOR))
    finally:
        host.run_code("stop.set()", timeout=10.0)
    report.facts["busy_seconds"] = {"one_core": alone, "all_cores": spread}
    report.rows.append(Row("typed call, host busy in Python", microseconds(alone), microseconds(spread), "median"))
    worst = max(alone, spread)
    report.promises.append(
        Promise("calls under 2 ms at the median with a busy thread", f"{worst * 1e3:.2f} ms", worst < 0.002)
    )


def measure_start(rounds: int, report: Report) -> None:
    """Four hosts from nothing to their first answers."""
    times = []
    for _ in range(rounds):
        gc.collect()
        started = time.perf_counter()
        with Mesh(4) as mesh:
            up = [handle.state for handle in mesh.hosts()]
            times.append(time.perf_counter() - started)
        if up != ["up"] * 4:
            raise RuntimeError(f"the hosts came up as {up}")
    median = statistics.median(times)
    report.facts["four_hosts_seconds"] = times
    report.rows.append(Row("four hosts up", "", f"{median:.2f} s", f"{min(times):.2f} to {max(times):.2f} s"))
    report.promises.append(Promise("four hosts up in at most 2 s", f"{median:.2f} s", median <= 2.0))


def measure_death(rounds: int, report: Report) -> None:
    """A host is killed while it is at a call: until the caller has its error."""
    times = []
    for _ in range(rounds):
        with Mesh(["alpha"], restarts=0) as mesh, tempfile.TemporaryDirectory() as folder:
            client, begun = OperationClient(mesh.create(Counter)), Path(folder) / "begun"
            killed: list[float] = []

            def kill(pid: int = mesh["alpha"].pid, begun: Path = begun, killed: list[float] = killed) -> None:
                wait_until(begun.exists, timeout=20.0)
                killed.append(time.perf_counter())
                os.kill(pid, signal.SIGKILL)

            killer = threading.Thread(target=kill)
            killer.start()
            try:
                client.call(HANG, Hang(str(begun)))
            except HostDiedError:
                times.append(time.perf_counter() - killed[0])
            killer.join()
    if len(times) < rounds:
        raise RuntimeError(f"{rounds - len(times)} of {rounds} calls did not fail with their host")
    report.facts["death_seconds"] = times
    slowest = max(times)
    report.rows.append(Row("error after a host's death", "", f"{slowest * 1e3:.1f} ms", f"longest of {rounds}"))
    report.promises.append(
        Promise("a call fails within 1 s of its host's death", f"{slowest * 1e3:.1f} ms", slowest < 1.0)
    )


def run(effort: Effort, *, starts: int, say: Say) -> Report:
    """Measure everything.

    Args:
        effort: how much is measured.
        starts: how often four hosts are started, and one is killed.
        say: told what is being measured.
    """
    report = Report(
        f"Calls, median of {effort.rounds} interleaved rounds; {len(CORES)} cores, Python {sys.version.split()[0]}"
    )
    say(f"calls, ours and the peers', in {effort.rounds} sets of processes in turn")
    measure_calls(effort, report)
    say("calls to a busy host")
    with Mesh(["alpha"]) as mesh:
        measure_busy(mesh, TypedCalls(OperationClient(mesh.create(Counter))), report)
    say("four hosts")
    measure_start(starts, report)
    say("calls to hosts that are killed")
    measure_death(starts, report)
    return report


def benchmark(quick: bool, say: Say) -> Report:
    """Everything, or less of it."""
    return run(Effort(batches=1, calls=1000) if quick else Effort(), starts=3 if quick else 5, say=say)


if __name__ == "__main__":
    sys.exit(command("calls", __doc__, benchmark))
