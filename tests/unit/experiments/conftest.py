"""A mesh without kernels: its hosts are in this process, or come and go in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from paglets_nb import Mesh, OperationPaglet, PagletState, ServiceOperation, TaskPaglet, TaskState
from paglets_nb.experiments.cells import Cell
from paglets_nb.host.host import Host
from paglets_nb.testing import in_process_mesh
from tests.unit.host.crashes import Hosts, crashing_hosts
from tests.unit.mesh.made import new_record


class LocalMesh(Mesh):
    """A mesh whose hosts somebody else starts.

    Args:
        hosts: those that are up.
    """

    def __init__(self, hosts: list[Host]) -> None:
        super().__init__([host.name for host in hosts], timeout=10.0)
        self.made_of = hosts
        self._supervisor = SimpleNamespace(records={})  # type: ignore[assignment]
        for host in hosts:
            self.is_up(host)

    def is_up(self, host: Host) -> None:
        """A host is up, perhaps again."""
        record = self.supervisor.records.setdefault(host.name, new_record(host.name))
        record.url, record.state = host.address, "up"

    def is_down(self, name: str, state: str = "restarting") -> None:
        """A host is gone, for a while or for good."""
        record = self.supervisor.records[name]
        record.state, record.reason = state, "killed by a test"


@dataclass
class Tally(PagletState):
    """What a paglet has counted."""

    total: int = 0


@dataclass(frozen=True)
class Add:
    """How much, and what goes wrong."""

    by: int = 1
    fail: bool = False
    gate: str = ""


@dataclass(frozen=True)
class Total:
    """The total, and who says so."""

    total: int
    host: str = ""


ADD = ServiceOperation("add", Add, Total)
GATES: dict[str, threading.Event] = {}
ENTERED: list[str] = []


class Adder(OperationPaglet[Tally]):
    """Adds, fails on demand, and waits at gates."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """Its one operation."""
        return {ADD: self.add}

    def add(self, request: Add) -> Total:
        """Add."""
        if request.fail:
            raise KeyError("on purpose")
        if request.gate:
            ENTERED.append(self.context.name)
            GATES[request.gate].wait(20.0)
        self.state.total += request.by
        return Total(self.state.total, self.context.name)


class Chore(TaskPaglet[Add, Total, TaskState]):
    """Adds as a task."""

    Request, Result = Add, Total

    def run_task(self, request: Add) -> Total:
        """Add."""
        while request.gate:
            self.wait_state(lambda: self.state.cancelling, 0.01)
            self.check_cancelled()
        if request.fail:
            raise KeyError("on purpose")
        return Total(request.by, self.context.name)


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Three hosts."""
    with in_process_mesh(["alpha", "beta", "gamma"]) as hosts:
        yield hosts


@pytest.fixture
def mesh(hosts: list[Host]) -> Iterator[LocalMesh]:
    """A mesh of three hosts; nothing is left on them at the end."""
    mesh = LocalMesh(hosts)
    yield mesh
    mesh.client.close()


@pytest.fixture
def crashing(tmp_path: Path) -> Iterator[Hosts]:
    """Two hosts that can die and start again."""
    with crashing_hosts(tmp_path, "alpha", "beta") as hosts:
        yield hosts


@pytest.fixture
def fragile(crashing: Hosts) -> Iterator[LocalMesh]:
    """A mesh of them."""
    mesh = LocalMesh([crashing["alpha"], crashing["beta"]])
    yield mesh
    mesh.client.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """The gate ``gate``, shut; opened at the end."""
    ENTERED.clear()
    GATES["gate"] = threading.Event()
    yield GATES["gate"]
    GATES["gate"].set()


def done(number: int, seconds: float, host: str = "alpha", **fields: Any) -> Cell:
    """A cell that is ok."""
    cell = Cell(number, fields, number, host, attempts=1)
    cell.succeed(number, seconds * 2, seconds)
    return cell
