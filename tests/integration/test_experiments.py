"""Experiments from a notebook's kernel and from Python, on hosts in kernels of their own."""

from __future__ import annotations

import os
import signal
import threading

import anyio

from paglets_nb import AsyncMesh, FanOut, Mesh
from tests.integration.notebook_kernel import NotebookKernel, wait_until
from tests.integration.sample import ADD, Add, Counter

CELLS = """
from dataclasses import dataclass
from paglets_nb import OperationPaglet, PagletState, ServiceOperation

@dataclass(frozen=True)
class Throw:
    seed: int
    points: int = 1000

@dataclass(frozen=True)
class Estimate:
    pi: float

THROW = ServiceOperation("throw", Throw, Estimate)

def inside(x, y):
    return x * x + y * y < 1

class Darts(OperationPaglet[PagletState]):
    def operation_handlers(self):
        return {THROW: self.throw}

    def throw(self, request):
        import random
        drawn = random.Random(request.seed)
        print("throwing", request.seed)
        hits = sum(inside(drawn.random(), drawn.random()) for _ in range(request.points))
        return Estimate(4 * hits / request.points)
"""


def test_a_notebook_keeps_the_table_and_the_picture(shared_notebook: NotebookKernel) -> None:
    """A class from a cell is fanned out; the cell has the table, the chart's PNG and what workers printed."""
    shared_notebook.run(CELLS).check()
    cell = shared_notebook.run("found = %paglet fanout Darts throw seed=[1,2,3] points=[100,1000]\nfound").check()
    bundles = cell.bundles
    assert any("image/png" in bundle for bundle in bundles)
    tables = [bundle["text/html"] for bundle in bundles if "text/html" in bundle]
    assert any("Darts.throw" in html and "12 ok" in html and "<table>" in html for html in tables)
    shared_notebook.run("assert found.counts == {'ok': 12}, found").check()
    shared_notebook.collect(lambda: "throwing 3" in cell.stdout, 5.0, "what workers print comes to the cell")
    assert shared_notebook.run("mesh.paglets()").check().text == "[]"


def test_a_cell_is_fanned_out_and_timed(shared_notebook: NotebookKernel) -> None:
    """A cell as a function of its fields; and one that is timed on every host."""
    shared_notebook.run("offset = 100\ndef square(n):\n    return n * n").check()
    cell = "%%paglet fanout n=[1,2,3] --placement spread --no-plot\nsquare(n) + offset"
    shared_notebook.run(cell).check()
    shared_notebook.run("assert _.values == [101, 104, 109], _").check()
    timed = shared_notebook.run("%%paglet time all --repeat 3 --loops 100\nsum(range(100))").check()
    assert any("image/png" in bundle for bundle in timed.bundles)
    assert "alpha" in timed.text
    assert "beta" in timed.text


def test_the_stop_button_leaves_what_has_come(shared_notebook: NotebookKernel) -> None:
    """An interrupt ends a fan-out whose workers are busy; the partial table is the cell's value."""
    shared_notebook.run("import time\ndef nap(seconds):\n    time.sleep(seconds)\n    return seconds").check()
    running = shared_notebook.send("found = %paglet fanout nap seconds=[0.01,30] --no-plot")
    told = "the quick ones are done"
    shared_notebook.collect(lambda: any("2 ok, 2 running" in str(bundle) for bundle in running.bundles), 20.0, told)
    shared_notebook.manager.interrupt_kernel()
    shared_notebook.finish(running).check()
    shared_notebook.run("assert found.counts == {'ok': 2, 'unknown': 2}, found").check()


def test_a_stopped_host_and_a_killed_one(mesh: Mesh) -> None:
    """Every cell has ended by the deadline, whatever the hosts do, and the retry finds them well again."""
    killed, stopped = mesh["alpha"].pid, mesh["beta"].pid
    fan_out = FanOut(mesh, _nap, None, {"seconds": [0.2] * 4}, timeout=1.5)

    def disturb() -> None:
        wait_until(lambda: [cell.state for cell in fan_out.cells].count("running") == 2, 10.0, "both hosts are at work")
        os.kill(stopped, signal.SIGSTOP)
        os.kill(killed, signal.SIGKILL)

    disturber = threading.Thread(target=disturb, daemon=True)
    disturber.start()
    fan_out.run()
    disturber.join(10.0)
    os.kill(stopped, signal.SIGCONT)
    assert fan_out.done
    assert 1 <= len(fan_out.unknown) <= 2
    assert all(cell.attempts == 0 for cell in fan_out.failed)
    wait_until(lambda: mesh["alpha"].state == "up" and mesh["alpha"].pid != killed, 20.0, "alpha is back")
    fan_out.retry_failed()
    assert not fan_out.failed
    wait_until(lambda: not mesh.paglets(), 6.0, "no worker is left")


def _nap(seconds: float) -> float:
    import time

    time.sleep(seconds)
    return seconds


def test_it_is_awaited() -> None:
    """The awaited mesh has both."""

    async def main() -> None:
        async with AsyncMesh(2) as mesh:
            fan_out = await mesh.fan_out(Counter, ADD, {"amount": [1, 2]})
            assert fan_out.counts == {"ok": 4}
            proxies = [await mesh.create(Counter, on=name) for name in ("alpha", "beta")]
            replies = await mesh.call_each(proxies, ADD, request=Add(3))
            assert [reply.count for reply in replies] == [3, 3]

    anyio.run(main)
