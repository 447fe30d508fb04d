"""One cancel: asked, interrupted, or its host started again; the mesh is usable afterwards."""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from paglets_nb import (
    CallTimeoutError,
    HandlerInterruptedError,
    Mesh,
    OperationClient,
    OperationPaglet,
    PagletState,
    ServiceOperation,
    TaskClient,
    TaskPaglet,
    TaskState,
    TaskStatus,
)
from paglets_nb.mesh.cancelling import ASKED, INTERRUPTED, RESTARTED, Cancelling
from tests.integration.notebook_kernel import wait_until
from tests.integration.sample import ADD, Add, Counter


@dataclass(frozen=True)
class Work:
    """What to be busy with: polite, python, c or gil."""

    how: str


@dataclass(frozen=True)
class Worked:
    """It came to its end."""


def be_busy(how: str) -> None:
    """For much longer than any test."""
    while how == "python":
        sum(range(1000))
    if how == "c":  # lets others run meanwhile, and takes no interrupt
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 2**31 - 1)
    if how == "gil":  # lets nobody run
        ctypes.PyDLL(None).sleep(600)


class Worker(TaskPaglet[Work, Worked, TaskState]):
    """A task that stops when it is asked to, or not."""

    Request, Result = Work, Worked

    def run_task(self, request: Work) -> Worked:
        """Be busy."""
        self.report_progress(0.1, "busy")
        while request.how == "polite":
            self.wait_state(lambda: self.state.cancelling, 1)
            self.check_cancelled()
        be_busy(request.how)
        return Worked()


class DurableWorker(Worker):
    """The same, back after a restart."""

    durability = "lifecycle"


class DurableCounter(Counter):
    """A counter that is there again after a restart."""

    durability = "message"


WORK = ServiceOperation("work", Work, Worked)


class Busy(OperationPaglet[PagletState]):
    """No task, but busy."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """work."""
        return {WORK: self.work}

    def work(self, request: Work) -> Worked:
        """Be busy."""
        be_busy(request.how)
        return Worked()


@pytest.fixture
def mesh() -> Iterator[Mesh]:
    """A mesh of two, whose hosts a test may end."""
    with Mesh(2) as running:
        yield running


def started(mesh: Mesh, how: str, cls: type[Worker] = Worker) -> Any:
    """A task that is busy on alpha."""
    handle = TaskClient.for_paglet(mesh.create(cls, on="alpha", name="worker"), cls).submit(Work(how))
    if how == "gil":
        wait_until(lambda: is_silent(mesh, "alpha"), 10, "its host is held up")
    else:
        wait_until(lambda: handle.snapshot().progress > 0, 5, "it is busy")
    return handle


def is_silent(mesh: Mesh, host: str) -> bool:
    """Whether a host answers nobody."""
    try:
        mesh[host].health(timeout=0.3)
    except CallTimeoutError:
        return True
    return False


def serves(mesh: Mesh, host: str) -> bool:
    """Whether a host of the mesh makes paglets that answer."""
    return OperationClient(mesh.create(Counter, on=host)).call(ADD, Add(2)).count == 2


def test_asked_and_then_interrupted(mesh: Mesh) -> None:
    """A task that looks stops when it is asked to; a loop of Python is interrupted; each says what was done."""
    handle = started(mesh, "polite")
    done = mesh.cancel(handle)
    assert [(step.name, step.ended) for step in done.steps] == [(ASKED, True)]
    assert handle.wait(5).status is TaskStatus.CANCELLED
    assert str(mesh.cancel(handle)) == "worker: nothing of it runs"
    handle.proxy.dispose()

    handle = started(mesh, "python")
    told: list[str] = []
    done = mesh.cancel(handle.proxy, cooperative=0.1, interrupt=10, on_step=told.append)
    assert [(step.name, step.ended) for step in done.steps] == [(ASKED, False), (INTERRUPTED, True)]
    assert "in run_task at test_cancel.py:" in str(done) or "in be_busy" in str(done)
    assert told[:2] == ["asked to stop; in 0.1 s it will be interrupted", "interrupted; waiting up to 10 s"]
    assert told[-1] == ""
    snapshot = handle.wait(5)
    assert snapshot.status is TaskStatus.CANCELLED
    assert "be_busy" in snapshot.traceback
    assert serves(mesh, "alpha")

    busy = mesh.create(Busy, on="alpha")
    reply = OperationClient(busy).submit(WORK, Work("python"))
    wait_until(lambda: mesh.cancel(busy, restart=False).steps, 5, "it was busy, and is interrupted")
    with pytest.raises(HandlerInterruptedError):
        reply.get_reply(5)
    assert serves(mesh, "alpha")


def test_a_call_in_c_takes_its_host_along(mesh: Mesh) -> None:
    """Refused while others would be lost; then the host is started again, and durable paglets are back."""
    kept = mesh.create(DurableCounter, on="alpha", name="kept")
    OperationClient(kept).call(ADD, Add(7))
    lost = mesh.create(Counter, on="alpha", name="lost")
    handle, pid = started(mesh, "c", DurableWorker), mesh["alpha"].pid
    options: Any = {"cooperative": 0.2, "interrupt": 0.5}
    refused = mesh.cancel(handle, **options)
    assert not refused.ended
    assert refused.steps[-1].detail == "refused: lost on alpha would be lost"
    assert mesh["alpha"].pid == pid
    done = mesh.cancel(handle, restart=True, **options)
    assert [(step.name, step.ended) for step in done.steps] == [(ASKED, False), (INTERRUPTED, False), (RESTARTED, True)]
    assert (done.ended, done.back, done.lost) == (True, ("worker", "kept"), ("lost",))
    assert mesh["alpha"].pid != pid
    assert OperationClient(kept).call(ADD, Add(1)).count == 8
    assert not lost.is_valid()
    client = TaskClient.for_paglet(mesh.paglet("worker"), DurableWorker)
    assert client.status().status is TaskStatus.CANCELLED
    again = client.submit(Work("polite"))
    assert mesh.cancel(again).ended


def test_a_host_that_is_held_up_whole(mesh: Mesh) -> None:
    """One that answers nobody is started again where that was asked for; a second press leaves the waits out."""
    handle = started(mesh, "gil")
    refused = mesh.cancel(handle, cooperative=0.2, interrupt=0.2)
    assert "alpha does not answer" in refused.steps[-1].detail
    cancelling = Cancelling(handle, cooperative=600, interrupt=600, restart=True, mesh=mesh)
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(cancelling.run()))
    thread.start()
    while thread.is_alive():
        cancelling.escalate()
        thread.join(0.2)
    assert done[0].ended
    assert done[0].lost == ("worker",)
    assert serves(mesh, "alpha")
