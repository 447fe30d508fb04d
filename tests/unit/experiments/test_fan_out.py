"""The fan-out as an object: what it runs, how often, where; streaming, retries, async."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import numpy
import pytest

from paglets_nb import FanOut
from paglets_nb.errors import ExperimentError, UnknownHostError
from paglets_nb.host.host import Host
from paglets_nb.testing import wait_until
from tests.unit.experiments.conftest import ADD, ENTERED, Add, Adder, Chore, LocalMesh, Tally, Total


def scaled(n: int, scale: int = 10) -> dict[str, int]:
    """A function."""
    if n < 0:
        raise ValueError("below zero")
    return {"n": n * scale}


async def awaited(n: int) -> int:
    """A function that is awaited."""
    await anyio.lowlevel.checkpoint()
    return n


def test_an_operation_over_a_grid(mesh: LocalMesh, hosts: list[Host]) -> None:
    """Each request to each host, as often as wanted; each host's worker keeps its state; none is left."""
    fan_out = mesh.fan_out(Adder, "add", {"by": [1, 2]}, repeat=2, state=Tally(100))
    assert len(fan_out.cells) == 2 * 2 * 3
    assert fan_out.counts == {"ok": 12}
    assert all(cell.value.host == cell.host for cell in fan_out.cells)
    assert sorted(cell.value.total for cell in fan_out.cells if cell.host == "beta") == [101, 103, 104, 106]
    assert not any(host.get_proxies() for host in hosts)
    for cell in fan_out.cells:
        assert cell.run is not None
        assert cell.queued is not None
        assert cell.total is not None
        assert cell.sent is not None
        assert cell.run + cell.queued == pytest.approx(cell.total)


@pytest.mark.parametrize(("function", "values"), [(scaled, [{"n": 10}, {"n": 20}]), (awaited, [1, 2])])
def test_a_function_is_called_with_the_fields(mesh: LocalMesh, function: Any, values: list[Any]) -> None:
    """A function of any kind, spread over the hosts."""
    assert FanOut(mesh, function, None, {"n": [1, 2]}, placement="spread").run().values == values


def test_a_lambda_takes_arrays_along(mesh: LocalMesh) -> None:
    """Arguments and results are typed data, arrays too; the code alone is shipped."""
    fan_out = FanOut(mesh, lambda data: data * 2, None, [{"data": numpy.arange(3)}], hosts="beta").run()
    assert fan_out.values[0].tolist() == [0, 2, 4]


def test_tasks_are_started_and_waited_for(mesh: LocalMesh) -> None:
    """Their results are typed; one that fails is a failed cell with its traceback."""
    fan_out = FanOut(mesh, Chore, None, {"by": 3, "fail": [False, True]}, hosts=["alpha"]).run()
    assert [cell.state for cell in fan_out.cells] == ["ok", "failed"]
    assert fan_out.values[0] == Total(3, "alpha")
    assert fan_out.cells[0].run is not None
    assert "KeyError" in fan_out.cells[1].error
    assert "on purpose" in getattr(fan_out.cells[1].exception, "remote_traceback", "")


def test_paglets_are_called_as_they_are(mesh: LocalMesh, hosts: list[Host]) -> None:
    """Each of them, also several on one host; their state stays, and so do they."""
    proxies = [host.create(Adder) for host in (hosts[0], hosts[1], hosts[1])]
    fan_out = FanOut(mesh, proxies, ADD, [Add(2), Add(3)]).run()
    assert [cell.host for cell in fan_out.cells[:3]] == ["alpha", *(f"beta/{p.agent_id}" for p in proxies[1:])]
    assert [cell.value.total for cell in fan_out.cells] == [2, 2, 2, 5, 5, 5]
    assert all(proxy.is_valid() for proxy in proxies)
    only = FanOut(mesh, proxies, "add", {"by": 1}, hosts=["alpha"]).run()
    assert [cell.host for cell in only.cells] == ["alpha"]
    with pytest.raises(ExperimentError, match="none of the paglets is on gamma"):
        FanOut(mesh, proxies, ADD, hosts=["gamma"])


def test_a_moved_paglet_is_followed(mesh: LocalMesh, hosts: list[Host]) -> None:
    """With a proxy that does not know yet."""
    proxy = hosts[0].create(Adder)
    hosts[0].get_proxy(proxy.agent_id).dispatch(hosts[1].address)
    assert FanOut(mesh, proxy, ADD, {"by": 1}).run().values == [Total(1, "beta")]


def test_one_worker_runs_one_cell_at_a_time(mesh: LocalMesh, gate: threading.Event) -> None:
    """Unless more are wanted on each host; ``concurrency`` bounds them all together."""
    for options, most in (({}, 3), ({"per_host": 2}, 6), ({"per_host": 2, "concurrency": 4}, 4)):
        gate.clear()
        ENTERED.clear()
        fan_out = FanOut(mesh, Adder, ADD, {"gate": ["gate"] * 4}, timeout=10.0, **options).start()
        wait_until(lambda most=most: len(ENTERED) == most, 5.0)
        assert sum(cell.state == "running" for cell in fan_out.cells) == most
        gate.set()
        assert fan_out.wait()
        assert fan_out.counts == {"ok": 12}


def test_cells_are_streamed_as_they_end(mesh: LocalMesh, gate: threading.Event) -> None:
    """Those that are quick come before those that are slow, while these still run."""
    fan_out = FanOut(mesh, Adder, ADD, [{"gate": "gate"}, {"by": 1}], per_host=2, hosts=["alpha"], timeout=10.0)
    seen = []
    for cell in fan_out:
        seen.append(cell.number)
        assert fan_out.running == (len(seen) < 2) or len(seen) == 2
        gate.set()
    assert seen == [1, 0]
    assert [cell.number for cell in fan_out] == [0, 1]


def test_leaving_the_loop_cancels_the_rest(mesh: LocalMesh, hosts: list[Host], gate: threading.Event) -> None:
    """Every cell has ended all the same."""
    fan_out = FanOut(mesh, Adder, ADD, [{"by": 1}, {"gate": "gate"}], hosts=["alpha"], timeout=20.0)
    for cell in fan_out:
        assert cell.ok
        break
    assert fan_out.cells[0].ok
    assert fan_out.done
    assert not fan_out.running


def test_it_is_awaited(mesh: LocalMesh) -> None:
    """As a whole, or cell by cell."""

    async def main() -> tuple[list[Any], list[int]]:
        whole = await FanOut(mesh, scaled, None, {"n": [1, 2]}, placement="spread").run_async()
        return whole.values, [cell.number async for cell in FanOut(mesh, scaled, None, {"n": [1]}, hosts=["beta"])]

    assert anyio.run(main) == ([{"n": 10}, {"n": 20}], [0])


def test_only_failed_cells_are_retried(mesh: LocalMesh) -> None:
    """The others keep their replies; with nothing failed nothing is done."""
    switch = {"fail": True}

    class Moody(Adder):
        def add(self, request: Add) -> Total:
            if request.by == 2 and switch["fail"]:
                raise KeyError("on purpose")
            return super().add(request)

    proxies = [host.create(Moody) for host in mesh.made_of]
    fan_out = FanOut(mesh, proxies, ADD, {"by": [1, 2]}).run()
    assert fan_out.counts == {"ok": 3, "failed": 3}
    before = {cell.number: cell.value for cell in fan_out.ok}
    switch["fail"] = False
    seen: list[int] = []
    fan_out.retry_failed(on_cell=lambda cell: seen.append(cell.number))
    assert fan_out.counts == {"ok": 6}
    assert not set(before) & set(seen)
    assert {n: fan_out.cells[n].value for n in before} == before
    assert [cell.attempts for cell in fan_out.cells] == [1, 1, 1, 2, 2, 2]
    assert fan_out.retry_failed() is fan_out
    assert [proxy.send("add", {"by": 0})["total"] for proxy in proxies] == [3, 3, 3]


def test_unknown_cells_are_retried_on_demand(mesh: LocalMesh, gate: threading.Event) -> None:
    """They may have had their effect, so it must be asked for."""
    fan_out = FanOut(mesh, Adder, ADD, {"gate": "gate"}, hosts=["alpha"], timeout=0.2).run()
    assert fan_out.counts == {"unknown": 1}
    gate.set()
    assert fan_out.retry_failed().counts == {"unknown": 1}
    assert fan_out.retry_failed(unknown=True).counts == {"ok": 1}
    assert fan_out.cells[0].attempts == 2


def test_it_runs_once_at_a_time(mesh: LocalMesh, gate: threading.Event) -> None:
    """A second run meanwhile is refused; one afterwards has nothing to do."""
    fan_out = FanOut(mesh, Adder, ADD, {"gate": "gate"}, hosts=["alpha"], timeout=10.0).start()
    wait_until(lambda: ENTERED, 5.0)
    with pytest.raises(ExperimentError, match="it runs already"):
        fan_out.run()
    assert not fan_out.wait(0.01)
    gate.set()
    assert fan_out.wait()
    assert fan_out.run().counts == {"ok": 1}


def test_a_host_that_left_the_mesh_fails_its_cells(mesh: LocalMesh) -> None:
    """The others' are done."""
    fan_out = FanOut(mesh, Adder, ADD, {"by": 1})
    mesh.supervisor.records.pop("alpha")
    fan_out.start().wait()
    assert fan_out.counts == {"failed": 1, "ok": 2}
    assert "no host 'alpha' in the mesh" in fan_out.failed[0].error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"repeat": 0}, "repeat is a whole number from 1"),
        ({"per_host": 65}, "per_host is a whole number from 1 to 64"),
        ({"concurrency": 0}, "concurrency is a whole number from 1"),
        ({"timeout": 0}, "timeout is seconds above 0"),
        ({"timeout": float("inf")}, "timeout is seconds above 0"),
        ({"hosts": []}, "hosts names no host"),
        ({"placement": "here"}, "placement is one of"),
    ],
)
def test_options_that_cannot_be_are_told(mesh: LocalMesh, options: dict[str, Any], said: str) -> None:
    """Nothing is run."""
    with pytest.raises(ExperimentError, match=said):
        FanOut(mesh, Adder, ADD, {"by": 1}, **options)


def test_strangers_are_told(mesh: LocalMesh) -> None:
    """A host that is none names those that are."""
    with pytest.raises(UnknownHostError, match="no host 'delta' in the mesh \\(hosts: alpha, beta, gamma\\)"):
        FanOut(mesh, Adder, ADD, hosts="alpha,delta")
