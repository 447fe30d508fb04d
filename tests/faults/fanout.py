"""A grid of 6 requests on 4 hosts, of which one is killed and one stopped meanwhile.

``python -m tests.faults.fanout [--seed N] [--runs N]``: every cell has ended by the deadline
plus a second; the failed ones, and only those, are done again when the stopped host goes on;
no cell was done twice; and no worker is left on any host. What is called is a paglet's
operation, a function and a task in turn; who is killed and stopped, and when, is drawn from
the seed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paglets_nb import FanOut, Mesh, OperationPaglet, PagletError, PagletState, ServiceOperation, TaskPaglet, TaskState
from paglets_nb.testing import wait_until

HOSTS = 4
REQUESTS = 6
DEADLINE = 2.0
LATE = 1.0
GONE_WITHIN = 6.0
STEP = 0.12


@dataclass(frozen=True)
class Job:
    """One cell's work: take a while, and leave a line in a file."""

    number: int = 0
    folder: str = ""


@dataclass(frozen=True)
class Done:
    """Who did it."""

    pid: int = 0


JOB = ServiceOperation("job", Job, Done)


def work(number: int, folder: str) -> int:
    """Leave a line that says that this cell was done here, then take a while."""
    with open(os.path.join(folder, f"{os.getpid()}.log"), "a", encoding="utf-8") as log:
        log.write(f"{number}\n")
    time.sleep(STEP)
    return os.getpid()


class Labourer(OperationPaglet[PagletState]):
    """Does jobs as an operation."""

    Operations = (JOB,)

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """Its one operation."""
        return {JOB: lambda request: Done(work(request.number, request.folder))}


class Chore(TaskPaglet[Job, Done, TaskState]):
    """Does jobs as a task."""

    Request, Result = Job, Done

    def run_task(self, request: Job) -> Done:
        """Do it."""
        return Done(work(request.number, request.folder))


TARGETS: tuple[tuple[Any, ServiceOperation | None], ...] = ((Labourer, JOB), (work, None), (Chore, None))


@dataclass(frozen=True)
class Fault:
    """What is done to which host, and when.

    Attributes:
        target: the number of what is called.
        killed: the host that is killed.
        kill_at: seconds after the beginning.
        stopped: the host that is stopped.
        stop_at: seconds after the beginning.
    """

    target: int
    killed: int
    kill_at: float
    stopped: int
    stop_at: float


class Trial:
    """A mesh whose fan-outs are disturbed."""

    def __init__(self, folder: Path, patience: float) -> None:
        self.folder = folder
        self.patience = patience
        self.mesh = Mesh(HOSTS, restarts=1000).start()

    def disturb(self, fault: Fault, pids: list[int]) -> None:
        """Kill one host and stop another, each at its time."""
        began = time.monotonic()
        order = [
            (fault.kill_at, pids[fault.killed], signal.SIGKILL),
            (fault.stop_at, pids[fault.stopped], signal.SIGSTOP),
        ]
        for at, pid, sent in sorted(order):
            time.sleep(max(0.0, began + at - time.monotonic()))
            os.kill(pid, sent)

    def run(self, number: int, fault: Fault) -> str:
        """One disturbed fan-out and its retry; empty when all is well, else what is wrong."""
        folder = self.folder / str(number)
        folder.mkdir()
        hosts = self.mesh.hosts()
        pids = [host.pid for host in hosts]
        target, operation = TARGETS[fault.target]
        grid = {"number": list(range(REQUESTS)), "folder": str(folder)}
        fan_out = FanOut(self.mesh, target, operation, grid, timeout=DEADLINE * self.patience)
        disturber = threading.Thread(target=self.disturb, args=(fault, pids))
        began = time.monotonic()
        disturber.start()
        try:
            fan_out.run()
            took = time.monotonic() - began
        finally:
            disturber.join()
            os.kill(pids[fault.stopped], signal.SIGCONT)
        first = self.look(fan_out, took, fault)
        states = [cell.state for cell in fan_out.cells]
        self.wait_up()
        fan_out.retry_failed()
        return "; ".join(filter(None, [first, self.look_again(fan_out, states, folder), self.strays()]))

    def wait_up(self) -> None:
        """Wait until every host is up and answers."""
        wait_until(lambda: all(host.state == "up" for host in self.mesh.hosts()), 20.0)
        for host in self.mesh.hosts():
            host.health(timeout=10.0)

    def look(self, fan_out: FanOut, took: float, fault: Fault) -> str:
        """What is wrong when the deadline has passed."""
        problems = []
        if took > (DEADLINE + LATE) * self.patience:
            problems.append(f"it took {took:.2f} s")
        if len(fan_out.cells) != HOSTS * REQUESTS or not fan_out.done:
            problems.append(f"cells are {fan_out.counts}")
        hurt = {fan_out._hosts[fault.killed], fan_out._hosts[fault.stopped]}
        problems += [
            f"{cell.host} is well, and {cell}" for cell in fan_out.cells if cell.host not in hurt and not cell.ok
        ]
        if not any(cell.state in ("failed", "unknown") for cell in fan_out.cells if cell.host in hurt):
            problems.append("nothing was hurt")
        return "; ".join(problems)

    @staticmethod
    def look_again(fan_out: FanOut, before: list[str], folder: Path) -> str:
        """What is wrong after the retry."""
        logs = {int(log.stem): Counter(map(int, log.read_text().split())) for log in folder.glob("*.log")}
        done = sum(logs.values(), Counter())
        most = Counter(cell.fields["number"] for cell in fan_out.cells)
        least = Counter(cell.fields["number"] for cell in fan_out.cells if cell.ok)
        problems = [f"job {n}: done {done[n]} times" for n in most if not least[n] <= done[n] <= most[n]]
        for cell in fan_out.ok:
            times = logs[getattr(cell.value, "pid", cell.value)][cell.fields["number"]]
            if times != 1:
                problems.append(f"a cell that is ok was done {times} times: {cell}")
        for cell, state in zip(fan_out.cells, before, strict=True):
            if (state == "failed" and not cell.ok) or (state != "failed" and cell.state != state):
                problems.append(f"a cell that was {state} is {cell} after the retry")
            if cell.attempts != 1:
                problems.append(f"a cell that was {state} was sent {cell.attempts} times")
        return "; ".join(problems)

    def strays(self) -> str:
        """The paglets that are left on hosts; empty when there are none soon."""
        left: list[str] = ["not looked at"]
        deadline = time.monotonic() + GONE_WITHIN
        while left and time.monotonic() < deadline:
            try:
                left = [f"{p.class_name} on {p.host_url}" for p in self.mesh.paglets()]
            except PagletError as error:
                left = [str(error)]
            if left:
                time.sleep(0.02)
        return f"left behind: {left}" if left else ""

    def close(self) -> None:
        """End the mesh."""
        self.mesh.stop()


def faults(seed: int, count: int) -> list[Fault]:
    """Faults drawn from a seed."""
    drawn = random.Random(seed)
    longest = STEP * (REQUESTS - 1)
    found = []
    for target in itertools.islice(itertools.cycle(range(len(TARGETS))), count):
        killed, stopped = drawn.sample(range(HOSTS), 2)
        found.append(Fault(target, killed, drawn.uniform(0.0, longest), stopped, drawn.uniform(0.0, longest)))
    return found


def run_faults(chosen: list[Fault], folder: Path, patience: float = 1.0) -> list[str]:
    """Run them one after the other on one mesh, telling of each; what went wrong.

    Args:
        chosen: the faults.
        folder: an empty folder for the logs of the work.
        patience: so many times the time is given, where other work may hold the hosts up.
    """
    wrong: list[str] = []
    trial = Trial(folder, patience)
    try:
        for number, fault in enumerate(chosen, 1):
            problem = trial.run(number, fault)
            if problem:
                wrong.append(f"{fault}: {problem}")
            print(f"{number:3d} {fault} {f'WRONG {problem}' if problem else 'ok'}", flush=True)
    finally:
        trial.close()
    return wrong


def main() -> int:
    """Run so many; the exit code says whether every run was right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    print(f"seed {options.seed}: {options.runs} runs", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        wrong = run_faults(faults(options.seed, options.runs), Path(folder))
    print(f"{options.runs - len(wrong)} passed, {len(wrong)} failed (seed {options.seed})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
