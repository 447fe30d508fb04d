"""Kill -9 of source, target or owner at each point of a movement.

``python -m tests.faults.movement [--seed N] [--runs N]``: every failpoint x victim x
dispatch, clone, retract x without and with three files of 8 MiB, in an order drawn from
the seed. After each fault the hosts come back, and within 15 s there is exactly one
active copy (of a clone's parent too), files whole, nothing staged; never two at a time.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError
from paglets_nb.host.client import HostClient
from paglets_nb.host.failpoints import POINTS
from paglets_nb.host.host import create_request
from paglets_nb.host.protocol import Born, Listing, Nothing, RetractRequest
from paglets_nb.patterns.operations import OperationClient
from tests.faults.owner import Owner
from tests.faults.witness import ARM, TOUCH, Arm, Armer, Witness, WitnessState, overlaps

SETTLED_WITHIN = 15.0
VICTIMS = ("source", "target", "owner")
ACTIONS = ("dispatch", "clone", "retract")
FILES = (0, 3)


@dataclass(frozen=True)
class Case:
    """One fault."""

    point: str
    victim: str
    action: str
    files: int


class Trial:
    """A mesh whose movements are disturbed.

    Args:
        root: where everything is kept.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.witnesses = root / "witness"
        self.witnesses.mkdir()
        self.owner = Owner(f"faults-{root.name[-6:]}", root / "data", ["alpha", "beta"])
        self.client = HostClient(timeout=5.0, members=self.owner.urls)

    def create(self, cls: type, host: str, state: WitnessState | None = None, init: object = None) -> PagletProxy:
        """Create a paglet on a host."""
        return self.client.create(self.owner.url(host), create_request(cls, state, init=init))

    def act(self, case: Case, proxy: PagletProxy, source: str, target: str) -> str:
        """Begin the movement; how it ended for its caller."""
        try:
            if case.action == "clone":
                return proxy.clone(self.owner.url(target)).agent_id
            if case.action == "dispatch":
                proxy.dispatch(self.owner.url(target))
            else:
                request = RetractRequest(proxy.agent_id, proxy.host_url, 5.0)
                proxy.host_url = self.client.ask(self.owner.url(target), "@retract", request, Born).host_url
        except (PagletError, OSError) as error:
            return f"{type(error).__name__}: {error}"
        return "moved"

    def run(self, case: Case) -> str:
        """One fault and its settlement; empty when all is well, else what is wrong."""
        source, target = "alpha", "beta"
        proxy = self.create(Witness, source, WitnessState(folder=str(self.witnesses)), case.files)
        pids = {"source": self.owner.pid(source), "target": self.owner.pid(target), "owner": self.owner.pid("owner")}
        armed = source if case.point.startswith("source") else target
        armer = self.create(Armer, armed)
        OperationClient(armer).call(ARM, Arm(case.point, pids[case.victim]))
        outcome = self.act(case, proxy, source, target)
        self.heal(case, {"source": source, "target": target}.get(case.victim, ""), pids)
        problem = self.settled(case, proxy, outcome)
        return f"{case}: {problem} (the caller had: {outcome})" if problem else ""

    def heal(self, case: Case, victim: str, pids: dict[str, int]) -> None:
        """Wait until the victim is back, or bring the owner back."""
        if case.victim == "owner":
            self.owner.wait_ended()
            self.owner.start()
        else:
            self.owner.wait_new_pid(victim, pids[case.victim])
        self.owner.wait_up()

    def witnesses_on(self, *, active: bool) -> dict[str, list[str]]:
        """The witnesses that are active, or are not, by id, and the addresses of the hosts they are on."""
        found: dict[str, list[str]] = {}
        for url in self.owner.urls():
            for paglet in self.client.ask(url, "@list", Nothing(), Listing, timeout=5.0).paglets:
                if paglet.active == active and "Witness" in paglet.class_name:
                    found.setdefault(paglet.agent_id, []).append(url)
        return found

    def settled(self, case: Case, proxy: PagletProxy, outcome: str) -> str:
        """Wait until there is exactly one active copy; what is wrong when there is not."""
        deadline = time.monotonic() + SETTLED_WITHIN
        problem = "not looked at"
        while time.monotonic() < deadline:
            try:
                problem = self.look(case, proxy, outcome)
            except (PagletError, OSError) as error:  # it may be under way while it is looked at
                problem = str(error)
            if not problem:
                break
            time.sleep(0.1)
        lines = overlaps(self.witnesses)
        self.clean_up()
        return "; ".join(filter(None, [problem, *lines]))

    def look(self, case: Case, proxy: PagletProxy, outcome: str) -> str:
        """What is wrong at this moment."""
        in_doubt = self.witnesses_on(active=False)
        if in_doubt:
            return f"{sorted(in_doubt)} are in doubt"
        active = self.witnesses_on(active=True)
        for agent_id, urls in active.items():
            if len(urls) > 1:
                return f"{agent_id} is active on {len(urls)} hosts"
            touched = OperationClient(PagletProxy(urls[0], agent_id, self.client)).call(TOUCH, timeout=5.0)
            if not touched.whole:
                return f"the files of {agent_id} are not whole"
        if proxy.agent_id not in active:
            return f"{proxy.agent_id} is active nowhere"
        if case.action == "clone" and ":" not in outcome and outcome not in active:
            return f"the clone {outcome} is active nowhere"
        allowed = 2 if case.action == "clone" else 1
        if len(active) > allowed:
            return f"{len(active)} paglets are active"
        staged = [str(p) for p in self.root.glob("data/*/files/.incoming/*")]
        return f"left in staging: {staged}" if staged else ""

    def clean_up(self) -> None:
        """End the paglets of this run."""
        for agent_id, urls in self.witnesses_on(active=True).items():
            for url in urls:
                with suppress(PagletError):
                    PagletProxy(url, agent_id, self.client).dispose()
        for path in self.witnesses.iterdir():
            path.unlink()

    def close(self) -> None:
        """End the mesh."""
        self.client.close()
        self.owner.stop()


def cases(seed: int) -> list[Case]:
    """Every case, in the seed's order."""
    every = [Case(*case) for case in itertools.product(POINTS, VICTIMS, ACTIONS, FILES)]
    random.Random(seed).shuffle(every)
    return every


def run_cases(chosen: list[Case], folder: Path) -> list[str]:
    """Run cases on one mesh, telling of each; what went wrong."""
    wrong: list[str] = []
    trial = Trial(folder)
    try:
        for number, case in enumerate(chosen, 1):
            started = time.monotonic()
            problem = trial.run(case)
            if problem:
                wrong.append(problem)
            state = f"WRONG {problem}" if problem else "ok"
            what = f"{case.point:22s} {case.victim:6s} {case.action:8s} {case.files} files"
            print(f"{number:3d} {what} {time.monotonic() - started:5.1f} s  {state}", flush=True)
    finally:
        trial.close()
    return wrong


def main() -> int:
    """Run the matrix; the exit code says whether every run was right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--runs", type=int, default=0, help="only the first so many")
    options = parser.parse_args()
    chosen = cases(options.seed)
    chosen = chosen[: options.runs or len(chosen)]
    print(f"seed {options.seed}: {len(chosen)} runs", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        wrong = run_cases(chosen, Path(folder))
    print(f"{len(chosen) - len(wrong)} passed, {len(wrong)} failed (seed {options.seed})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
