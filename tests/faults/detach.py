"""Owners of a detached mesh that are killed at any moment, and those that come after them.

``python -m tests.faults.detach [--kills N]``: one process after the other attaches, calls a
paglet on each host, and is killed while it does, or before; some begin with ``detach=True``,
which they may not survive. The hosts must stay the same processes, no acknowledged call may
be lost, a task must run on, and after the end nothing may be left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time

from paglets_nb import Mesh, OperationClient
from paglets_nb.errors import MeshError
from paglets_nb.mesh.runtime_files import RuntimeFolder
from paglets_nb.platform import process_alive
from tests.integration.sample import ADD, Add, Counter

NAME = "killed"
HOSTS = ["alpha", "beta"]
_LONGEST = 2.5


def main() -> None:
    """Own the mesh until killed: say which process each host is, then each acknowledged count."""
    how = sys.argv[1]
    mesh = Mesh(HOSTS, name=NAME, detach=True).start() if how == "up" else Mesh.attach(NAME)
    if how == "up":
        for host in HOSTS:
            mesh.create(Counter, on=host, name=host)
    print(json.dumps({host.name: [host.pid, host.state] for host in mesh}), flush=True)
    while True:
        for host in HOSTS:
            total = OperationClient(mesh.paglet(host)).call(ADD, Add(1), timeout=5.0).count
            print(json.dumps([host, total]), flush=True)


class Witness:
    """What owners said before they were killed.

    Attributes:
        pids: of the hosts, by name.
        totals: the last count that was acknowledged, by host.
        problems: what was not as promised.
    """

    def __init__(self) -> None:
        self.pids: dict[str, int] = {}
        self.totals = dict.fromkeys(HOSTS, 0)
        self.problems: list[str] = []

    def owner(self, how: str, delay: float) -> None:
        """Start an owner and kill it after so many seconds; take in what it said."""
        command = [sys.executable, "-m", "tests.faults.detach", how]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                said, complained = process.communicate(timeout=delay)
                self.problems.append(f"an owner ended by itself: {complained[-500:]}")
            except subprocess.TimeoutExpired:
                process.kill()
                said, _complained = process.communicate()
        lines = [json.loads(line) for line in said.splitlines() if line.endswith(("]", "}"))]
        if lines:
            self._compare(lines[0], lines[1:])

    def _compare(self, hosts: dict[str, list[object]], counts: list[list[object]]) -> None:
        pids = {name: int(str(pid)) for name, (pid, _state) in hosts.items()}
        self.problems += [f"{name} is {state}" for name, (_pid, state) in hosts.items() if state != "up"]
        if self.pids and pids != self.pids:
            self.problems.append(f"other processes: {self.pids} became {pids}")
        self.pids = pids
        for name, total in counts:
            if int(str(total)) <= self.totals[str(name)]:
                self.problems.append(f"{name} counted {total} after {self.totals[str(name)]}")
            self.totals[str(name)] = int(str(total))


def run_kills(seed: int, kills: int) -> list[str]:
    """Kill so many owners; what was not as promised."""
    chance, witness = random.Random(seed), Witness()
    witness.owner("up", 15.0)
    for _number in range(kills):
        witness.owner("attach", chance.uniform(0.2, _LONGEST))
    with Mesh.attach(NAME) as mesh:
        pids = {host.name: host.pid for host in mesh}
        if pids != witness.pids:
            witness.problems.append(f"other processes at the end: {witness.pids} became {pids}")
        for host in HOSTS:
            total = OperationClient(mesh.paglet(host)).call(ADD, Add(0), timeout=5.0).count
            # of each owner's last call nobody knows whether it was applied
            if not witness.totals[host] <= total <= witness.totals[host] + kills + 1:
                witness.problems.append(f"{host} has {total}, acknowledged were {witness.totals[host]}")
        mesh.stop()
    left = [pid for pid in pids.values() if process_alive(pid)]
    return witness.problems + [f"process {pid} is left" for pid in left]


def run_starts(seed: int, kills: int) -> list[str]:
    """Kill owners while they start a mesh that is to outlive them: what lives can be attached and ended."""
    chance, problems = random.Random(seed), []
    for _number in range(kills):
        Witness().owner("up", chance.uniform(0.5, _LONGEST))
        time.sleep(0.3)  # hosts that were not to outlive it end
        try:
            with Mesh.attach(NAME) as mesh:
                pids = [host.pid for host in mesh]
                mesh.stop()
            problems += [f"process {pid} is left" for pid in pids if process_alive(pid)]
        except MeshError:  # it was killed before the first host was up
            RuntimeFolder(NAME).remove()
        listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
        problems += [
            f"left: {line}" for line in listed.splitlines() if f"{NAME}/" in line and "kernel_launcher" in line
        ]
    return problems


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in ("up", "attach"):
        main()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JUPYTER_RUNTIME_DIR"], os.environ["JUPYTER_DATA_DIR"] = f"{folder}/r", f"{folder}/d"
        found = run_kills(options.seed, options.kills) + run_starts(options.seed, options.kills // 2)
    print(f"{options.kills} owners killed while attached, {options.kills // 2} at the start: {found or 'as promised'}")
    sys.exit(bool(found))
