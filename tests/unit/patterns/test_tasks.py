"""Tasks: typed requests that can be watched, waited for and cancelled while they run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from paglets_nb.core.messages import Message
from paglets_nb.errors import (
    CallTimeoutError,
    HostError,
    LifecycleError,
    NotHandledError,
    PagletError,
    RemoteHostError,
    SerializationError,
    ServiceContractError,
    TaskCancelledError,
)
from paglets_nb.host.host import Host
from paglets_nb.patterns.task_client import TaskClient, TaskHandle, TaskSnapshot
from paglets_nb.patterns.tasks import (
    RETURNED_NOTHING,
    TASK_CANCEL,
    TASK_START,
    TASK_STATUS,
    TASK_WAIT,
    TaskPaglet,
    TaskStartRequest,
    TaskState,
    TaskStatus,
    TaskStatusReply,
    TaskWaitRequest,
)
from paglets_nb.testing import in_process_mesh, wait_until


@dataclass(frozen=True)
class Job:
    steps: int = 1
    fail: str = ""
    to: str = ""


@dataclass(frozen=True)
class Product:
    value: int = 0


@dataclass
class WorkState(TaskState):
    visited: str = ""


Run = Callable[[Any, Job], Any]


class _Script:
    """What every ``Work`` of one test does."""

    run: Run | None = None
    entered = threading.Semaphore(0)
    go_on = threading.Event()
    told: list[str]


script = _Script()


class Work(TaskPaglet[Job, Product, WorkState]):
    """A task that does what the test's script says, else counts."""

    State = WorkState
    Request = Job
    Result = Product

    def run_task(self, request: Job) -> Any:
        """Run the script."""
        if script.run is not None:
            return script.run(self, request)
        return Product(request.steps * 2)

    def on_cancelling(self) -> None:
        """Note it."""
        script.told.append(self.state.status.value)

    def handle_task_message(self, message: Message) -> Any:
        """Answer one kind of message of its own."""
        return {"pong": True} if message.kind == "ping" else None


class Careless(TaskPaglet):  # type: ignore[type-arg]
    """A task without types."""


class Bare(TaskPaglet[Job, Product, TaskState]):
    """A task without ``run_task``, whose types stand in its base alone."""


@pytest.fixture(autouse=True)
def _fresh_script() -> None:
    script.run = None
    script.entered = threading.Semaphore(0)
    script.go_on = threading.Event()
    script.told = []


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts."""
    with in_process_mesh(["alpha", "beta"]) as hosts:
        yield hosts
        script.go_on.set()


@pytest.fixture
def client(hosts: list[Host]) -> TaskClient[Product]:
    """A client of a task on alpha."""
    return TaskClient.for_paglet(hosts[0].create(Work), Work)


def hold(task: Any, _request: Job) -> Product:
    """Say that the task runs, and wait to go on."""
    task.report_progress(0.25, "held")
    script.entered.release()
    assert script.go_on.wait(10)
    task.check_cancelled()
    return Product(7)


def started(client: TaskClient[Product], run: Run = hold) -> TaskHandle[Product]:
    """A task that runs and is held."""
    script.run = run
    handle = client.submit(Job(3))
    assert script.entered.acquire(timeout=5)
    return handle


class TestWords:
    def test_the_wire_words_are_fixed(self) -> None:
        """Names, types and defaults of the task protocol are the documented ones."""
        assert [o.name for o in (TASK_START, TASK_STATUS, TASK_WAIT, TASK_CANCEL)] == [
            "start", "status", "wait", "cancel",
        ]  # fmt: skip
        assert (TASK_START.request_type, TASK_WAIT.request_type) == (TaskStartRequest, TaskWaitRequest)
        for operation in (TASK_START, TASK_STATUS, TASK_WAIT, TASK_CANCEL):
            assert operation.reply_type is TaskStatusReply
        assert TaskWaitRequest().wait_timeout == 0.5
        assert [status.value for status in TaskStatus] == [status.name for status in TaskStatus]
        assert {status.name for status in TaskStatus} == {
            "NEW", "RUNNING", "WAITING_FOR_ARRIVAL", "COMPLETED", "FAILED", "CANCELLED",
        }  # fmt: skip
        state = TaskState()
        assert (state.status, state.done, state.request, state.result) == (TaskStatus.NEW, False, {}, {})
        assert (state.error, state.started_at, state.completed_at) == ("", 0.0, 0.0)
        assert (state.progress, state.note, state.traceback) == (0.0, "", "")

    def test_the_clients_are_importable_from_the_tasks_too(self) -> None:
        """The reference's module holds the client as well."""
        from paglets_nb.patterns import tasks

        assert tasks.TaskClient is TaskClient
        assert tasks.TaskSnapshot is TaskSnapshot
        assert tasks.TaskHandle is TaskHandle
        with pytest.raises(AttributeError, match="Nothing"):
            _ = tasks.Nothing  # type: ignore[attr-defined]


class TestStart:
    def test_a_result(self, client: TaskClient[Product], hosts: list[Host]) -> None:
        """A task that returns a dataclass is completed with it, typed at the client."""
        assert client.status().status is TaskStatus.NEW
        snapshot = client.start(Job(4))
        assert (snapshot.status, snapshot.done, snapshot.result) == (TaskStatus.COMPLETED, True, Product(8))
        assert snapshot.completed_at >= snapshot.started_at > 1e9
        assert (snapshot.progress, snapshot.error) == (1.0, "")
        assert (snapshot.agent_id, snapshot.host_name, snapshot.host_url) == (
            client.proxy.agent_id, "alpha", hosts[0].address,
        )  # fmt: skip
        state = hosts[0].get_state(client.proxy.agent_id)
        assert state.request == {"steps": 4, "fail": "", "to": ""}
        assert state.result == {"value": 8}
        assert snapshot.to_wire()["result"] == {"value": 8}
        assert snapshot.to_wire()["status"] == "COMPLETED"

    def test_none_leaves_the_state_alone(self, client: TaskClient[Product]) -> None:
        """A task that returns None is as its ``run_task`` left it."""
        script.run = lambda task, _request: task.set_task_status(TaskStatus.WAITING_FOR_ARRIVAL)
        snapshot = client.start(Job())
        assert (snapshot.status, snapshot.done, snapshot.result) == (TaskStatus.WAITING_FOR_ARRIVAL, False, None)

    def test_nothing_returned_and_nothing_under_way(self, client: TaskClient[Product]) -> None:
        """The status stays as ``run_task`` left it, and the note says what it may have forgotten."""
        script.run = lambda _task, _request: None
        snapshot = client.start(Job())
        assert (snapshot.status, snapshot.done) == (TaskStatus.RUNNING, False)
        assert snapshot.note == RETURNED_NOTHING

    def test_it_may_complete_itself(self, client: TaskClient[Product]) -> None:
        """``complete_task`` in ``run_task`` finishes the task with the status given."""
        script.run = lambda task, _request: task.complete_task(Product(5))
        assert client.start(Job()).result == Product(5)

    def test_an_async_task(self, client: TaskClient[Product]) -> None:
        """``run_task`` may be ``async def``; its failures are failures of the task."""

        async def later(task: Any, request: Job) -> Product:
            task.report_progress(0.5)
            await anyio.sleep(0)
            if request.fail:
                raise ValueError(request.fail)
            return Product(9)

        script.run = later
        assert client.start(Job()).result == Product(9)
        assert client.start(Job(fail="late")).error == "ValueError: late"

    def test_a_failure_is_a_status(self, client: TaskClient[Product]) -> None:
        """An exception in ``run_task`` is a FAILED reply with text and traceback, never an error of the call."""

        def fail(_task: Any, request: Job) -> None:
            raise ValueError(request.fail)

        script.run = fail
        snapshot = client.start(Job(fail="no luck"))
        assert (snapshot.status, snapshot.done, snapshot.result) == (TaskStatus.FAILED, True, None)
        assert "no luck" in snapshot.error
        assert "raise ValueError(request.fail)" in snapshot.traceback
        assert client.status().error == snapshot.error

    def test_it_may_be_started_again(self, client: TaskClient[Product]) -> None:
        """A second start clears result, error and times of the first."""
        script.run = lambda task, request: Product(request.steps) if not request.fail else task.nothing
        failed = client.start(Job(fail="x"))
        assert failed.status is TaskStatus.FAILED
        again = client.start(Job(2))
        assert (again.status, again.result, again.error, again.traceback) == (
            TaskStatus.COMPLETED, Product(2), "", "",
        )  # fmt: skip
        assert again.started_at >= failed.completed_at

    def test_a_running_task_is_not_started_twice(self, client: TaskClient[Product]) -> None:
        """A start of a task that waits in ``run_task`` is refused and leaves it running."""

        def waiting(task: Any, request: Job) -> Product:
            script.entered.release()
            task.wait_state(lambda: task.state.visited == "now", timeout=10)
            return Product(1)

        script.run = waiting
        handle = client.submit(Job())
        assert script.entered.acquire(timeout=5)
        with pytest.raises(LifecycleError, match="running already"):
            client.start(Job(), timeout=5)
        assert client.status().status is TaskStatus.RUNNING
        client.cancel()
        assert not handle.done()

    def test_what_is_no_result(self, client: TaskClient[Product]) -> None:
        """A result that is no dataclass fails the task, saying so."""
        for value in (3, {"value": 3}, Product):
            script.run = lambda _task, _request, value=value: value
            snapshot = client.start(Job())
            assert snapshot.status is TaskStatus.FAILED
            assert "HostError: Work: a task completes with a dataclass instance" in snapshot.error

    def test_a_result_that_cannot_travel(self, client: TaskClient[Product]) -> None:
        """A result with a value that cannot travel fails the task, naming it."""
        script.run = lambda _task, _request: Product(object())  # type: ignore[arg-type]
        snapshot = client.start(Job())
        assert snapshot.status is TaskStatus.FAILED
        assert "Product.value" in snapshot.error

    def test_a_wrong_request_is_an_error_of_the_call(self, client: TaskClient[Product]) -> None:
        """A request of another type is refused at the client, wrong fields by the host, and nothing runs."""
        with pytest.raises(PagletError, match="its request must be a Job"):
            client.start(Product())
        with pytest.raises(SerializationError, match=r"Job\.steps: expected int, got str"):
            client.start(Job("many"))  # type: ignore[arg-type]
        with pytest.raises(SerializationError, match="Job: unknown field 'colour'"):
            client.proxy.send("start", {"request": {"colour": 1}})
        assert client.status().status is TaskStatus.NEW

    def test_missing_types_name_the_class(self, hosts: list[Host]) -> None:
        """A task class without ``Request`` or ``Result`` is a HostError that names it."""
        with pytest.raises(HostError, match=r"Careless\.Request"):
            Careless.request_class()
        with pytest.raises(HostError, match=r"Careless\.Result"):
            Careless.result_class()
        proxy = hosts[0].create(Careless)
        with pytest.raises(HostError, match="Careless"):
            TaskClient.for_paglet(proxy, Careless)
        with pytest.raises(HostError, match="Careless"):
            TaskClient(proxy, Job, Product).start(Job())

    def test_types_from_the_base(self) -> None:
        """What stands in the brackets is taken, unless the class says otherwise."""
        assert (Bare.request_class(), Bare.result_class(), Bare.State) == (Job, Product, TaskState)

        class Other(TaskPaglet[Job, Product, TaskState]):
            Result = Job

        assert (Other.request_class(), Other.result_class()) == (Job, Job)

    def test_without_run_task(self, hosts: list[Host]) -> None:
        """A task class without ``run_task`` fails with that."""
        snapshot = TaskClient.for_paglet(hosts[0].create(Bare), Bare).start(Job())
        assert snapshot.status is TaskStatus.FAILED
        assert snapshot.error.startswith("NotImplementedError")

    def test_other_messages(self, client: TaskClient[Product]) -> None:
        """Other messages go to ``handle_task_message``; what that leaves is not handled."""
        assert client.proxy.send("ping") == {"pong": True}
        with pytest.raises(NotHandledError, match=r"Work does not handle 'fly' \(operations: cancel, start, status"):
            client.proxy.send("fly")


class TestWhileItRuns:
    def test_status_wait_and_cancel_are_answered(self, client: TaskClient[Product]) -> None:
        """While ``run_task`` runs, its status with progress, a wait and a cancel are answered."""
        handle = started(client)
        status = client.status(timeout=5)
        assert (status.status, status.done, status.progress, status.note) == (TaskStatus.RUNNING, False, 0.25, "held")
        assert status.started_at > 1e9
        assert not client.wait(wait_timeout=0.01, timeout=5).done
        cancelled = client.cancel(timeout=5)
        assert (cancelled.status, cancelled.cancelling) == (TaskStatus.RUNNING, True)
        script.go_on.set()
        final = handle.wait(5)
        assert (final.status, final.done) == (TaskStatus.CANCELLED, True)

    def test_a_task_that_has_moved_meanwhile_answers_from_where_it_is(self, client: TaskClient[Product]) -> None:
        """What is asked beside a start that is under way follows the task at once, not when the start is answered."""

        def go(task: Any, request: Job) -> Any:
            proxy = task.dispatch_to("beta")
            script.entered.release()
            assert script.go_on.wait(10)
            return proxy

        handle = started(client, go)
        status = client.status(timeout=5)
        assert (status.host_name, status.status, script.go_on.is_set()) == ("beta", TaskStatus.RUNNING, False)
        assert not client.wait(wait_timeout=0.01, timeout=5).done
        assert handle.cancel(timeout=5).cancelling

    def test_a_task_may_act_when_a_cancel_is_asked_for(self, client: TaskClient[Product], hosts: list[Host]) -> None:
        """``on_cancelling`` is called beside ``run_task``; not for a task that has not begun, or is done."""
        handle = started(client)
        client.cancel(timeout=5)
        assert script.told == ["RUNNING"]
        script.go_on.set()
        handle.wait(5)
        client.cancel()
        TaskClient.for_paglet(hosts[0].create(Work), Work).cancel()
        assert script.told == ["RUNNING"]

    def test_a_wait_ends_with_the_task(self, client: TaskClient[Product]) -> None:
        """A wait is answered as soon as the task is done, for everybody who waits."""
        started(client)
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(client.wait, wait_timeout=10.0) for _ in range(3)]
            script.go_on.set()
            for future in waiting:
                snapshot = future.result(5)
                assert (snapshot.done, snapshot.result) == (True, Product(7))

    def test_progress_is_clipped_and_keeps_its_note(self, client: TaskClient[Product]) -> None:
        """Progress stays between 0 and 1; a report without a note keeps the last one."""

        def report(task: Any, _request: Job) -> Product:
            seen = []
            for fraction, note in ((-1, "first"), (0.5, None), (7, "last")):
                task.report_progress(fraction, note) if note else task.report_progress(fraction)
                seen.append((task.state.progress, task.state.note))
            assert seen[0] == (0.0, "first")
            assert seen[1][0] == 0.5
            assert seen[2] == (1.0, "last")
            return Product()

        script.run = report
        assert client.start(Job()).error == ""

    def test_cancelling_what_has_not_begun_or_is_over(self, client: TaskClient[Product], hosts: list[Host]) -> None:
        """A cancel before the start ends the task; one after its end changes nothing."""
        client.start(Job(1))
        assert client.cancel().status is TaskStatus.COMPLETED
        fresh = TaskClient.for_paglet(hosts[0].create(Work), Work)
        assert (fresh.cancel().status, fresh.status().done) == (TaskStatus.CANCELLED, True)

    def test_a_cancelled_task_may_run_again(self, client: TaskClient[Product]) -> None:
        """After a cancelled run a new start runs to its end."""
        handle = started(client)
        client.cancel()
        script.go_on.set()
        with pytest.raises(TaskCancelledError):
            handle.result(5)
        script.run = None
        assert client.start(Job(1)).result == Product(2)

    def test_a_moved_cancel_reaches_run_task(self, client: TaskClient[Product]) -> None:
        """``check_cancelled`` raises once cancel was asked for, and not before."""
        seen: list[str] = []

        def loop(task: Any, _request: Job) -> Product:
            task.check_cancelled()
            script.entered.release()
            try:
                while True:
                    task.check_cancelled()
                    task.wait_state(lambda: task.state.cancelling, timeout=5)
            except TaskCancelledError as error:
                seen.append(str(error))
                raise

        handle = started(client, loop)
        handle.cancel()
        assert handle.wait(5).status is TaskStatus.CANCELLED
        assert len(seen) == 1

    def test_start_and_wait(self, client: TaskClient[Product]) -> None:
        """``start_and_wait`` waits only where start did not come back done."""
        assert client.start_and_wait(Job(2)).result == Product(4)

        def later(task: Any, _request: Job) -> None:
            def finish() -> None:
                script.go_on.wait(10)
                task.complete_task(Product(3))

            threading.Thread(target=finish).start()
            script.entered.release()

        script.run = later
        early = client.start_and_wait(Job(), wait_timeout=0.01)
        assert (early.done, early.status) == (False, TaskStatus.RUNNING)
        script.go_on.set()
        assert client.wait(wait_timeout=5).result == Product(3)


class TestMoving:
    def test_a_task_that_moves_is_followed(self, client: TaskClient[Product], hosts: list[Host]) -> None:
        """A task that returns its proxy after a dispatch is asked at its new place."""

        def move(task: Any, request: Job) -> Any:
            proxy = task.dispatch(request.to)
            script.entered.release()
            return proxy

        script.run = move
        snapshot = client.start(Job(to="beta"))
        assert (snapshot.host_name, snapshot.status) == ("beta", TaskStatus.RUNNING)
        assert client.proxy.host_url == hosts[1].address
        hosts[1].residents.require(client.proxy.agent_id).paglet.complete_task(Product(1))
        assert client.wait(wait_timeout=5).result == Product(1)

    def test_a_reference_and_another_task(self, client: TaskClient[Product], hosts: list[Host]) -> None:
        """A returned reference to another task rebinds the client to that one."""
        other = hosts[1].create(Work, WorkState(status=TaskStatus.COMPLETED, done=True, result={"value": 6}))
        for answer in (other.ref, other):
            rebound = TaskClient.for_paglet(hosts[0].create(Work), Work)
            script.run = lambda _task, _request, answer=answer: answer
            snapshot = rebound.start(Job())
            assert (snapshot.result, snapshot.host_name) == (Product(6), "beta")
            assert rebound.proxy.agent_id == other.agent_id

    def test_a_handle_follows_too(self, client: TaskClient[Product], hosts: list[Host]) -> None:
        """The handle of a task that moves gets its result from the new place."""
        script.run = lambda task, request: task.dispatch(request.to)
        handle = client.submit(Job(to="beta"))
        moved = wait_until(lambda: hosts[1].residents.lookup(client.proxy.agent_id))
        wait_until(handle._started.is_available)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(handle.result, 10)
            moved.paglet.complete_task(Product(11))
            assert waiting.result(10) == Product(11)
        assert handle.snapshot().host_name == "beta"


class TestHandle:
    def test_a_result(self, client: TaskClient[Product]) -> None:
        """A handle tells the status meanwhile and gives the typed result at the end."""
        handle = started(client)
        assert not handle.done()
        assert handle.snapshot().note == "held"
        with pytest.raises(CallTimeoutError, match="task"):
            handle.result(0.02)
        assert "TaskHandle" in repr(handle)
        script.go_on.set()
        assert handle.result(5) == Product(7)
        assert handle.done()
        assert handle.result() == Product(7)
        assert "COMPLETED" in repr(handle)

    def test_a_failure(self, client: TaskClient[Product]) -> None:
        """The result of a failed task raises with the remote traceback."""

        def fail(_task: Any, _request: Job) -> None:
            raise KeyError("lost")

        script.run = fail
        handle = client.submit(Job())
        with pytest.raises(RemoteHostError, match="KeyError") as caught:
            handle.result(5)
        assert 'raise KeyError("lost")' in caught.value.remote_traceback  # type: ignore[attr-defined]
        assert handle.snapshot().status is TaskStatus.FAILED

    def test_a_refused_start(self, client: TaskClient[Product]) -> None:
        """What the start raised is raised by the handle, which counts as done."""
        handle = client.submit(Job("many"))  # type: ignore[arg-type]
        with pytest.raises(SerializationError):
            handle.result(5)
        assert handle.done()

    def test_callbacks(self, client: TaskClient[Product]) -> None:
        """A callback is called once the task is done."""
        handle = started(client)
        called = threading.Event()
        results: list[Any] = []

        def callback(done: TaskHandle[Product]) -> None:
            results.append(done.result(5))
            called.set()

        handle.add_done_callback(callback)
        script.go_on.set()
        assert called.wait(5)
        assert results == [Product(7)]

    def test_awaiting(self, client: TaskClient[Product]) -> None:
        """A handle can be awaited; the client has awaited twins of its calls."""

        async def main() -> None:
            assert (await client.start_async(Job(2))).result == Product(4)
            assert (await client.status_async()).done
            assert (await client.wait_async(wait_timeout=1)).done
            assert await client.submit(Job(3)) == Product(6)
            assert (await client.cancel_async()).status is TaskStatus.COMPLETED

        anyio.run(main)

    def test_a_host_that_stops(self, client: TaskClient[Product], hosts: list[Host]) -> None:
        """The handle of a task whose host stops raises instead of waiting for ever."""
        handle = started(client)
        hosts[0].stop()
        with pytest.raises(ConnectionError):
            handle.result(5)
        assert handle.done()


def test_a_task_tried_without_a_host() -> None:
    """A task's methods work on a bare object; its status says that it lives nowhere."""
    task = Work()
    task.fail_task("by hand")
    assert (task.state.status, task.state.error, task.state.done) == (TaskStatus.FAILED, "by hand", True)
    reply = task.task_status_reply()
    assert (reply.host_name, reply.agent_id) == ("", task.agent_id)
    with pytest.raises(HostError, match="Work: a task completes with a dataclass instance, not 3"):
        task.complete_task(3)
    task.set_task_status(TaskStatus.RUNNING)
    assert task.state.done


@pytest.mark.parametrize("wrong", [("no proxy", Work), (5, Work), (5, int)])
def test_a_client_of_what_is_no_task_is_refused(wrong: tuple[Any, Any]) -> None:
    """With what was wanted."""
    with pytest.raises(ServiceContractError, match="wanted a "):
        TaskClient.for_paglet(*wrong)
