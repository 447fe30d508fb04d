"""The benchmarks on real kernels: hits while hosts work, killed readers and hosts, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from paglets_nb import Mesh, OperationClient, drain
from paglets_nb.agents import movement, performance
from paglets_nb.agents.machines import machine_turn
from paglets_nb.agents.runs import BenchmarkRun
from paglets_nb.agents.volumes import PREFIX
from paglets_nb.platform import process_alive
from tests.integration.notebook_kernel import NotebookKernel, wait_until

READER = """
import sys
from paglets_nb import PagletProxy, drain
from paglets_nb.host.client import HostClient
for event in drain(PagletProxy(sys.argv[1], sys.argv[2], HostClient())):
    print(event["cursor"], event["event"], flush=True)
"""


@pytest.fixture(autouse=True, scope="module")
def _own_machine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Nobody else's benchmark is waited for; asked for before the mesh."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("locks")))
        yield


def measure(mesh: Mesh, volume: Path, *, on: str = "alpha", **options: Any) -> BenchmarkRun[Any]:
    """Begin to measure the hosts."""
    request = performance.PerformanceRequest(volumes=[str(volume)], **options)
    return BenchmarkRun(mesh.create(performance.PerformanceBenchmark, on=on), performance.COLLECT, request)


def travel(mesh: Mesh, **options: Any) -> BenchmarkRun[Any]:
    """Begin to travel between the hosts."""
    proxy = mesh.create(movement.MovementBenchmark, on="alpha")
    return BenchmarkRun(proxy, movement.COLLECT, movement.MovementRequest(**options))


def read_until(reader: subprocess.Popen[str], read: list[list[str]], seen: Callable[[], bool]) -> None:
    """Take lines of a reader, each a cursor and a kind, until the condition holds or there are no more."""
    assert reader.stdout is not None
    for line in reader.stdout:
        if line.endswith("\n"):
            read.append(line.strip().split(" ", 1))
        if seen():
            return


def measuring(run: BenchmarkRun[Any], host: str) -> None:
    """Read until this host has measured something."""
    for _events in run.follow():
        if any(entry.host == host and entry.measurements for entry in run.so_far().hosts):
            return
    raise AssertionError(f"{host} measured nothing")


def workers_of(pid: int) -> list[int]:
    """The processes that a host measures with."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return [child for child in found if b"performance_workers" in Path(f"/proc/{child}/cmdline").read_bytes()]


def kill(mesh: Mesh, name: str) -> None:
    """Kill -9 a host."""
    os.kill(mesh[name].pid, signal.SIGKILL)


def is_back(mesh: Mesh, name: str, restarts: int) -> bool:
    """Whether a host was started again."""
    return mesh[name].state == "up" and mesh[name].restarts > restarts


def test_kernels_are_measured(mesh: Mesh, tmp_path: Path) -> None:
    """Two hosts of a machine, one after the other; no paglet, process or file is left."""
    with measure(mesh, tmp_path, quick=True) as run:
        result = run.result()
    assert [(host.host, host.state, len(host.measurements)) for host in result.hosts] == [
        ("alpha", "done", 12),
        ("beta", "done", 12),
    ]
    assert len({host.machine for host in result.hosts}) == 1
    assert mesh.paglets() == []
    assert list(tmp_path.iterdir()) == []
    assert [workers_of(host.pid) for host in mesh] == [[], []]


def test_a_reader_that_is_killed_is_followed_by_another(mesh: Mesh, tmp_path: Path) -> None:
    """The first hits come while hosts still work; another reader goes on by cursor, with none lost or doubled."""
    with ExitStack() as stack:
        machine = stack.enter_context(ExitStack())
        machine.enter_context(machine_turn(timeout=20, stop=threading.Event()))  # until the reader is there
        run = stack.enter_context(measure(mesh, tmp_path))
        command = [sys.executable, "-c", READER, run.proxy.host_url, run.proxy.agent_id]
        reader = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        read: list[list[str]] = []
        read_until(reader, read, lambda: [kind for _cursor, kind in read].count("waiting") == 2)
        machine.close()
        read_until(reader, read, lambda: read[-1][1] == "measured")
        assert OperationClient(run.proxy).call(performance.SUMMARY).pending
        reader.kill()
        read_until(reader, read, lambda: False)
        rest = list(drain(run.proxy, after_cursor=int(read[-1][0]), timeout=40))
        cursors = [int(cursor) for cursor, _kind in read] + [event["cursor"] for event in rest]
        assert cursors == list(range(1, len(cursors) + 1))
        assert rest[-1]["event"] == "ended"
        kinds = [kind for _cursor, kind in read] + [event["event"] for event in rest]
        assert kinds.count("measured") == 24
        assert run.result() == performance.PerformanceResult.from_events(run.events)


def test_a_host_killed_while_it_is_measured_fails_alone(mesh: Mesh, tmp_path: Path) -> None:
    """The other's results are there, its processes died with it, and the next run removes what it wrote."""
    restarts = mesh["beta"].restarts
    with measure(mesh, tmp_path, hosts=["beta", "alpha"]) as run:
        wait_until(lambda: list(tmp_path.iterdir()), 20, "something is written")
        name = "beta" if workers_of(mesh["beta"].pid) else "alpha"
        if name == "alpha":  # which of the two is measured first is not told beforehand
            measuring(run, "beta")
        pids = workers_of(mesh["beta"].pid)
        assert pids
        wait_until(lambda: [path for path in tmp_path.iterdir() if list(path.iterdir())], 20, "beta writes")
        kill(mesh, "beta")
        result = run.result()
    assert list(result.errors) == ["beta"]
    assert len(result["alpha"].measurements) == 12
    assert not any(process_alive(pid) for pid in pids)
    wait_until(lambda: is_back(mesh, "beta", restarts), 20, "beta is back")
    assert mesh.paglets() == []
    with measure(mesh, tmp_path, quick=True) as run:
        assert run.result().errors == {}
    assert list(tmp_path.glob(f"{PREFIX}*")) == []


def test_a_benchmark_whose_own_host_is_killed_leaves_what_was_read(mesh: Mesh, tmp_path: Path) -> None:
    """The reader has it; the child on the other host ends by itself."""
    restarts = mesh["alpha"].restarts
    with measure(mesh, tmp_path, hosts=["beta"]) as run:
        measuring(run, "beta")
        kill(mesh, "alpha")
        result = run.result()
    assert result["beta"].measurements
    assert "lost with its host" in result.errors["beta"]
    wait_until(lambda: is_back(mesh, "alpha", restarts), 20, "alpha is back")
    wait_until(lambda: mesh.paglets() == [], 20, "the child ends")
    assert list(tmp_path.iterdir()) == []


def test_kernels_are_travelled(mesh: Mesh) -> None:
    """Every pair, self pairs too, with a payload; clocks of one machine agree within half a round trip."""
    with travel(mesh, repeat=3, payload_bytes=1 << 20, self_pairs=True) as run:
        result = run.result()
    assert (result.hops, result.failure, result.cleanup_errors) == (12, None, {})
    assert {len(pair.hop_seconds) for pair in result.pairs} == {3}
    for clock in result.clocks:
        assert abs(clock.offset_seconds) <= clock.best_round_trip_seconds / 2
    apart = [pair for pair in result.pairs if pair.source != pair.target]
    assert all(pair.overhead_seconds > 0 for pair in apart)
    assert mesh.paglets() == []


def test_a_host_killed_on_the_way_ends_the_journey(mesh: Mesh) -> None:
    """With the hops until then, a typed failure, and no paglet left."""
    restarts = mesh["beta"].restarts
    with travel(mesh, repeat=20_000) as run:
        for _events in run.follow():
            if run.so_far().hops >= 10:
                break
        kill(mesh, "beta")
        result = run.result()
    assert 10 <= result.hops < result.wanted_hops
    assert result.failure is not None
    assert result.failure.error_type
    assert "beta" in (result.failure.source, result.failure.target)
    wait_until(lambda: is_back(mesh, "beta", restarts), 20, "beta is back")
    wait_until(lambda: mesh.paglets() == [], 5, "nothing is left")
    with travel(mesh, repeat=1) as run:
        assert run.result().hops == 2


def test_the_notebook_shows_what_comes(shared_notebook: NotebookKernel, tmp_path: Path) -> None:
    """A table that grows while hosts are measured, the stop button, a table and a heat-map at the end."""
    run = shared_notebook.run
    cell = shared_notebook.send(f"result = %paglet bench --volumes {tmp_path}")

    def shown() -> bool:
        return any("M operations/s" in bundle.get("text/html", "") for bundle in cell.bundles)

    shared_notebook.collect(shown, 30, "the first measures")
    assert cell.status == ""
    shared_notebook.manager.interrupt_kernel()
    shared_notebook.finish(cell).check()
    assert cell.stdout == "stopped\n"
    assert shared_notebook.value("(result.cancelled, len(mesh.paglets()))") == (True, 0)
    assert list(tmp_path.iterdir()) == []
    whole = run(f"%paglet bench --quick --volumes {tmp_path}").check()
    assert "disk metadata" in whole.text
    assert "linear-gradient" in whole.bundles[-1]["text/html"]
    hops = run("%paglet hops --self").check()
    assert "overhead of a hop" in hops.text
    assert "rgba(33,150,243" in hops.bundles[-1]["text/html"]
    plot = run("_.plot()").check().bundles[-1]
    assert "application/vnd.vegalite.v5+json" in plot
    assert "image/png" in plot
    assert shared_notebook.value("mesh.paglets()") == []
