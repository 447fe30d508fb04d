"""Tasks on real kernels: live status, cancel, failure, a task that moves itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest

from paglets_nb import AsyncMesh, Mesh, OperationClient, TaskClient, TaskPaglet, TaskState, TaskStatus
from paglets_nb.core.events import MobilityEvent
from paglets_nb.errors import LifecycleError, RemoteHostError, SerializationError, TaskCancelledError
from tests.integration.notebook_kernel import wait_until
from tests.integration.sample import ADD, ASLEEP, Add, Counter, Pause


@dataclass(frozen=True)
class Steps:
    """How many steps, and where to fail or go."""

    count: int = 3
    fail_at: int = -1
    go_to: str = ""


@dataclass(frozen=True)
class Trail:
    """The processes the steps ran in."""

    pids: list[int] = field(default_factory=list)


@dataclass
class StepperState(TaskState):
    """Where it was, and whether it may go on."""

    pids: list[int] = field(default_factory=list)
    allowed: int = 0


class Stepper(TaskPaglet[Steps, Trail, StepperState]):
    """Does a step for each ``go`` message it gets."""

    Request = Steps
    Result = Trail

    def run_task(self, request: Steps) -> Any:
        """Step by step, waiting for leave."""
        for step in range(request.count):
            self.wait_state(lambda step=step: self.state.allowed > step or self.state.cancelling, 20)
            self.check_cancelled()
            if step == request.fail_at:
                raise ValueError(f"step {step} went wrong")
            self.state.pids.append(os.getpid())
            self.report_progress((step + 1) / request.count, f"step {step + 1}")
        if request.go_to:
            return self.dispatch(request.go_to)
        return Trail(self.state.pids)

    def on_arrival(self, event: MobilityEvent) -> None:
        """Finish over there."""
        self.state.pids.append(os.getpid())
        self.complete_task(Trail(self.state.pids))

    def handle_task_message(self, message: Any) -> Any:
        """``go`` allows a step."""
        if message.kind != "go":
            return None
        with self.locked():
            self.state.allowed += int(message.args.get("steps", 1))
            self.notify_all_state_changed()
        return {"allowed": self.state.allowed}


def test_status_is_live_while_the_task_runs(mesh: Mesh) -> None:
    """Progress and note are answered between the steps of a running task, whose result is typed."""
    client = TaskClient.for_paglet(mesh.create(Stepper, on="alpha"), Stepper)
    handle = client.submit(Steps(2))
    wait_until(lambda: client.status().status is TaskStatus.RUNNING, 5, "it runs")
    client.proxy.send("go")
    wait_until(lambda: client.status().progress == 0.5, 5, "half of it is done")
    assert client.status().note == "step 1"
    assert not client.wait(wait_timeout=0.05).done
    assert not handle.done()
    client.proxy.send("go")
    assert handle.result(5) == Trail([mesh["alpha"].pid] * 2)
    assert handle.snapshot().host_name == "alpha"


def test_cancel_stops_it_at_its_next_check(mesh: Mesh) -> None:
    """A cancelled task ends as CANCELLED, and its result says so."""
    handle = TaskClient.for_paglet(mesh.create(Stepper, on="beta"), Stepper).submit(Steps(2))
    wait_until(lambda: handle.snapshot().status is TaskStatus.RUNNING, 5, "it runs")
    assert handle.cancel().cancelling
    assert handle.wait(5).status is TaskStatus.CANCELLED
    with pytest.raises(TaskCancelledError):
        handle.result(1)


def test_a_failure_is_a_status_with_its_traceback(mesh: Mesh) -> None:
    """An exception in ``run_task`` is a FAILED status for ``start`` and an error for ``result``."""
    client = TaskClient.for_paglet(mesh.create(Stepper, StepperState(allowed=9)), Stepper)
    snapshot = client.start(Steps(3, fail_at=1))
    assert (snapshot.status, snapshot.error) == (TaskStatus.FAILED, "ValueError: step 1 went wrong")
    assert 'raise ValueError(f"step {step} went wrong")' in snapshot.traceback
    assert snapshot.progress == pytest.approx(1 / 3)
    with pytest.raises(RemoteHostError, match="step 0 went wrong"):
        client.submit(Steps(3, fail_at=0)).result(5)


def test_a_task_that_moves_is_followed(mesh: Mesh) -> None:
    """A task that dispatches itself is finished over there, and the same client sees it."""
    client = TaskClient.for_paglet(mesh.create(Stepper, StepperState(allowed=1), on="alpha"), Stepper)
    handle = client.submit(Steps(1, go_to="beta"))
    assert handle.result(10) == Trail([mesh["alpha"].pid, mesh["beta"].pid])
    assert client.status().host_name == "beta"


def test_a_second_start_is_refused_while_it_runs(mesh: Mesh) -> None:
    """Only one request at a time; the running one is not disturbed."""
    client = TaskClient.for_paglet(mesh.create(Stepper), Stepper)
    handle = client.submit(Steps(1))
    wait_until(lambda: client.status().status is TaskStatus.RUNNING, 5, "it runs")
    with pytest.raises(LifecycleError, match="is running already"):
        TaskClient.for_paglet(mesh.paglet(client.proxy.agent_id), Stepper).start(Steps(1), timeout=5)
    client.proxy.send("go")
    assert handle.wait(5).status is TaskStatus.COMPLETED


def test_a_wrong_request_starts_nothing(mesh: Mesh) -> None:
    """A request that does not fit names the field and leaves the task as new."""
    proxy = mesh.create(Stepper)
    with pytest.raises(SerializationError, match=r"Steps\.count: expected int, got str"):
        proxy.send("start", {"request": {"count": "many"}})
    assert TaskClient.for_paglet(proxy, Stepper).status().status is TaskStatus.NEW


def test_everything_can_be_awaited() -> None:
    """A mesh, calls, futures and tasks from an event loop of the caller's, on either backend."""
    import anyio

    async def story() -> None:
        async with AsyncMesh(1) as mesh:
            client = OperationClient(await mesh.create(Counter))
            assert (await client.call_async(ADD, Add(2))).count == 2
            replies = [client.submit(ADD, Add(1)) for _ in range(3)]
            assert [(await reply).count for reply in replies] == [3, 4, 5]
            assert (await client.call_async(ASLEEP, Pause(0.01))).count == 5
            task = TaskClient.for_paglet(await mesh.create(Stepper, StepperState(allowed=2)), Stepper)
            assert len((await task.submit(Steps(2))).pids) == 2
            assert (await task.status_async()).status is TaskStatus.COMPLETED
            with pytest.raises(ZeroDivisionError):
                await client.proxy.send_async("divide", {"amount": 0})

    anyio.run(story)
