"""How many typed calls a second pass when their senders do not wait, beside rpyc's in the same run.

Run as ``python -m tests.benchmarks.futures``; ends with status 1 when a promise is broken.
Each contender keeps 100 calls under way: it sends 100, then takes the 100 replies.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from contextlib import ExitStack

from paglets_nb import Mesh, OperationClient
from tests.benchmarks.command import Say, command
from tests.benchmarks.measure import Batch, Effort, interleave, ratio
from tests.benchmarks.peers import NOT_INSTALLED, WINDOW, connect_rpyc
from tests.benchmarks.placement import CORES, pinned
from tests.benchmarks.report import Promise, Report, Row, rate
from tests.benchmarks.workload import ADD, NOTE, Add, Counter

FUTURES, BURST, CALLS = "pipelined futures, 100 at once", "pipelined futures, 1,000 at once", "calls one by one"
RPYC = "rpyc async, 100 at once"
AIM = 40_000


class Futures:
    """Our side: one paglet, its replies waited for later."""

    def __init__(self, client: OperationClient) -> None:
        self._client = client
        self._request = Add(1, NOTE)

    def calls(self, calls: int) -> None:
        """Call and wait for the reply, ``calls`` times."""
        call, request = self._client.call, self._request
        for _ in range(calls):
            call(ADD, request)

    def pipeline(self, calls: int) -> None:
        """Send ``calls`` calls in windows, and wait for every reply of one before the next."""
        submit, request = self._client.submit, self._request
        for _ in range(0, calls, WINDOW):
            for future in [submit(ADD, request) for _ in range(WINDOW)]:
                future.get_reply()

    def burst(self, calls: int) -> None:
        """Send ``calls`` calls, then wait for every reply."""
        submit, request = self._client.submit, self._request
        for future in [submit(ADD, request) for _ in range(calls)]:
            future.get_reply()


def run(effort: Effort, *, say: Say) -> Report:
    """Measure; ``effort.calls`` calls are a burst."""
    report = Report(
        f"Futures, median of {effort.rounds} interleaved rounds; {len(CORES)} cores, Python {sys.version.split()[0]}"
    )
    with ExitStack() as stack:
        say("starting a mesh")
        mesh = stack.enter_context(Mesh(["alpha"]))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        ours = Futures(OperationClient(mesh.create(Counter, on="alpha")))
        contenders: dict[str, Batch] = {CALLS: ours.calls, FUTURES: ours.pipeline, BURST: ours.burst}
        pids = [mesh["alpha"].pid]
        rpyc = connect_rpyc(folder)
        if rpyc is not None:
            stack.callback(rpyc.close)
            contenders[RPYC] = rpyc.pipeline
            pids.append(rpyc.server.pid)
        say("futures, ours and rpyc's")
        spread = interleave(contenders, effort)
        with pinned(pids):
            alone = interleave(contenders, effort)
    report.facts.update({"one_core": alone, "all_cores": spread})
    for name in contenders:
        note = "" if name == RPYC or rpyc is None else f"{ratio(alone, RPYC, name):.2f}x rpyc"
        report.rows.append(Row(name, *(rate(statistics.median(times[name])) for times in (alone, spread)), note))
    if rpyc is None:
        report.rows.append(Row(RPYC, NOT_INSTALLED))
    ahead = None if rpyc is None else ratio(alone, RPYC, FUTURES)
    reached = 1 / statistics.median(alone[FUTURES])
    report.promises.append(
        Promise(
            "pipelined futures ahead of rpyc's",
            NOT_INSTALLED if ahead is None else f"{ahead:.2f}x",
            None if ahead is None else ahead > 1,
            f"aim {AIM:,}/s: {reached:,.0f}/s, {'reached' if reached >= AIM else 'not yet'}",
        )
    )
    return report


def benchmark(quick: bool, say: Say) -> Report:
    """Everything, or less of it."""
    return run(Effort(batches=3 if quick else 9, calls=1000), say=say)


if __name__ == "__main__":
    sys.exit(command("futures", __doc__, benchmark))
