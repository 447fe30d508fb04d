"""What one call to each of four hosts costs, beside typed calls, ipyparallel, Dask and Ray in the same run.

Run as ``python -m tests.benchmarks.fanout``; ends with status 1 when a promise is broken.
All replies are in hand when a fan-out ends. It is compared with the same calls one by one:
a call that goes to another process than the one before costs more than one that goes to the
same, on one core about twice as much (the row of the single call shows it), and no fan-out
can save that. Peers hold the same counter in four workers, and call it on all of them at once.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack

from paglets_nb import FanOut, Mesh, OperationClient
from paglets_nb.core.proxy import PagletProxy
from tests.benchmarks.command import Say, command
from tests.benchmarks.fanout_peers import PEERS
from tests.benchmarks.floors import RawPingPong, frame_sizes
from tests.benchmarks.measure import Batch, Effort, interleave, ratio
from tests.benchmarks.peers import NOT_INSTALLED
from tests.benchmarks.placement import CORES, pinned
from tests.benchmarks.processes import descendants, installed
from tests.benchmarks.report import Promise, Report, Row, microseconds
from tests.benchmarks.workload import ADD, NOTE, Add, Counter

HOSTS = 4
CALL, IN_TURN = "typed call, to one host", f"{HOSTS} typed calls, to each host in turn"
EACH, FAN_OUT = f"call_each of {HOSTS} hosts", f"FanOut of one call to {HOSTS} hosts, made and run"
FUTURES = f"{HOSTS} futures, one to each host"
RAW, RAW_EACH = "raw ping-pong, with one process", f"raw ping-pongs, with {HOSTS} processes at once"
FLOORS = (RAW, RAW_EACH)
OURS = (*FLOORS, CALL, IN_TURN, FUTURES, EACH, FAN_OUT)
FASTER = 5.0
OFTENER = 10
"""How much oftener ours are called than what is measured beside the peers, which take long."""
Figures = dict[str, list[float]]


class FanOuts:
    """Our side: a paglet on each host."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self.proxies: list[PagletProxy] = [mesh.create(Counter, on=host.name) for host in mesh]
        self._clients = [OperationClient(proxy) for proxy in self.proxies]
        self._request = Add(1, NOTE)

    def one(self, calls: int) -> None:
        """Call one host."""
        call = self._clients[0].call
        for _ in range(calls):
            call(ADD, self._request)

    def in_turn(self, calls: int) -> None:
        """Call each host, one after the other."""
        for _ in range(calls):
            for client in self._clients:
                client.call(ADD, self._request)

    def futures(self, calls: int) -> None:
        """Send a future to each host, and wait for all."""
        for _ in range(calls):
            for future in [client.submit(ADD, self._request) for client in self._clients]:
                future.get_reply()

    def each(self, calls: int) -> None:
        """Call all hosts at once."""
        for _ in range(calls):
            self._mesh.call_each(self.proxies, ADD, self._request)

    def fan_out(self, calls: int) -> None:
        """Make a fan-out and run it."""
        for _ in range(calls):
            found = FanOut(self._mesh, self.proxies, ADD, [self._request]).run()
            if len(found.ok) != HOSTS:
                raise RuntimeError(f"the fan-out failed: {found!r}")


class RawFan:
    """The floor: raw sockets to as many processes, with bytes of the same sizes.

    Args:
        sizes: bytes there and back.
        stack: ends the processes.
    """

    def __init__(self, sizes: tuple[int, int], stack: ExitStack) -> None:
        self._raws: list[RawPingPong] = []
        for _ in range(HOSTS):
            raw = RawPingPong(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")), *sizes)
            stack.callback(raw.close)
            self._raws.append(raw)
        self.one = self._raws[0].batch

    def each(self, calls: int) -> None:
        """Ping all, then take every pong."""
        for _ in range(calls):
            for raw in self._raws:
                raw.ping()
            for raw in self._raws:
                raw.pong()


def add_rows(report: Report, found: tuple[Figures, Figures], names: Iterable[str], base: str, of: str) -> None:
    """A row for each contender, on one core and on all, beside one of them."""
    for name in names:
        figures = [statistics.median(one[name]) for one in found]
        alone, spread = (ratio(one, name, base) for one in found)
        note = "" if name == base else f"{alone:.2f}x {of}, {spread:.2f}x on all cores"
        report.rows.append(Row(name, *map(microseconds, figures), note))


def promise_calls(report: Report, alone: Figures, spread: Figures) -> None:
    """A fan-out is no dearer than the calls one by one, and than four calls to one host."""
    times = HOSTS * ratio(spread, EACH, IN_TURN)
    narrow = HOSTS * ratio(alone, EACH, IN_TURN)
    report.promises.append(
        Promise(
            f"one call to each of {HOSTS} hosts costs at most {HOSTS} typed calls to them, one by one",
            f"{times:.2f} calls",
            times <= HOSTS,
            f"on one core: {narrow:.2f}",
        )
    )
    over_one = ratio(spread, EACH, CALL)
    report.promises.append(
        Promise(
            f"one call to each of {HOSTS} hosts costs at most 4x a typed call to one of them",
            f"{over_one:.2f}x",
            over_one <= 4.0,
            f"on one core, where nothing runs at once: {ratio(alone, EACH, CALL):.2f}x",
        )
    )


def promise_peers(report: Report, alone: Figures, spread: Figures) -> None:
    """And far ahead of the peers."""
    for peer in PEERS:
        if peer.name not in spread:
            report.promises.append(
                Promise(f"a FanOut at least {FASTER:g}x faster than {peer.name}", NOT_INSTALLED, None)
            )
            continue
        faster = ratio(spread, peer.name, FAN_OUT)
        report.promises.append(
            Promise(
                f"a FanOut at least {FASTER:g}x faster than {peer.name}",
                f"{faster:.1f}x",
                faster >= FASTER,
                f"on one core: {ratio(alone, peer.name, FAN_OUT):.1f}x",
            )
        )


def run(effort: Effort, *, say: Say, peers: bool = True) -> Report:
    """Measure.

    Args:
        effort: how much is measured.
        say: told what is being measured.
        peers: measure those that are installed, too.
    """
    report = Report(
        f"Fan-outs, median of {effort.rounds} interleaved rounds; {len(CORES)} cores, Python {sys.version.split()[0]}"
    )
    with ExitStack() as stack:
        say("starting a mesh")
        ours = FanOuts(stack.enter_context(Mesh(HOSTS)))
        raws = RawFan(frame_sizes(ours.proxies[0]), stack)
        contenders: dict[str, Batch] = {
            RAW: raws.one,
            RAW_EACH: raws.each,
            CALL: ours.one,
            IN_TURN: ours.in_turn,
            FUTURES: ours.futures,
            EACH: ours.each,
            FAN_OUT: ours.fan_out,
        }
        for peer in PEERS if peers else ():
            if installed(peer.package):
                say(f"starting {peer.name}")
                started = peer(HOSTS)
                stack.callback(started.close)
                contenders[peer.name] = started.batch
        say("fan-outs, ours and the peers'")
        own = {name: batch for name, batch in contenders.items() if name in OURS}
        beside = {name: batch for name, batch in contenders.items() if name not in OURS or name == FAN_OUT}
        few = Effort(effort.rounds, effort.batches, max(1, effort.calls // OFTENER))
        spread, spread_beside = interleave(own, effort), interleave(beside, few)
        with pinned(descendants()):
            alone, alone_beside = interleave(own, effort), interleave(beside, few)
    report.facts.update({"one_core": alone, "all_cores": spread})
    report.facts.update({"one_core_beside_peers": alone_beside, "all_cores_beside_peers": spread_beside})
    add_rows(report, (alone, spread), [RAW, RAW_EACH], RAW, "one process")
    add_rows(report, (alone, spread), [name for name in own if name not in FLOORS], CALL, "a call to one host")
    add_rows(report, (alone_beside, spread_beside), [name for name in beside if name != FAN_OUT], FAN_OUT, "a FanOut")
    report.rows += [Row(peer.name, NOT_INSTALLED) for peer in PEERS if peers and peer.name not in contenders]
    promise_calls(report, alone, spread)
    promise_peers(report, alone_beside, spread_beside)
    return report


def benchmark(quick: bool, say: Say) -> Report:
    """Everything, or less of it."""
    return run(Effort(batches=1, calls=200) if quick else Effort(batches=3, calls=200), say=say)


if __name__ == "__main__":
    sys.exit(command("fanout", __doc__, benchmark))
