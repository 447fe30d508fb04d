"""Many tasks are asked from one thread."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from paglets_nb import Host, PagletError
from paglets_nb.patterns.task_client import TaskClient, TaskSnapshot
from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.testing import in_process_mesh
from paglets_nb.widgets import task_status
from paglets_nb.widgets.task_status import StatusAsker, TaskFollower
from tests.unit.widgets.conftest import Done, Steps, Worker, wait_until


class Seen:
    """What a follower told."""

    def __init__(self) -> None:
        self.snapshots: list[TaskSnapshot[Any]] = []
        self.times: list[float] = []
        self.ends: list[BaseException | None] = []
        self.silences: list[float] = []

    def on_snapshot(self, snapshot: TaskSnapshot[Any]) -> None:
        """Note it."""
        self.snapshots.append(snapshot)
        self.times.append(time.monotonic())

    def follow(self, handle: Any) -> TaskFollower:
        """Follow a task."""
        follower = TaskFollower(handle, self.on_snapshot, self.ends.append, self.silences.append)
        follower.start()
        return follower


def test_a_follower_tells_progress_and_ends_with_the_task(client: TaskClient[Any]) -> None:
    """Snapshots come while the task runs, at most ten a second, and the last one is done."""
    seen = Seen()
    follower = seen.follow(client.submit(client.request_type(40)))
    assert follower.wait(10)
    assert seen.ends == [None]
    assert seen.snapshots[-1].status is TaskStatus.COMPLETED
    assert any(not snapshot.done and snapshot.progress > 0 for snapshot in seen.snapshots)
    assert all(later - earlier >= 0.09 for earlier, later in zip(seen.times, seen.times[1:-1], strict=False))


class Traveller(Worker):
    """A task that goes to another host and works there."""

    def run_task(self, request: Any) -> Any:
        """Go there when it is told to."""
        self.wait_state(lambda: self.state.note == "go", 10)
        self.set_task_status(TaskStatus.WAITING_FOR_ARRIVAL)
        return self.dispatch_to("beta")

    def run(self) -> None:
        """Work over there."""
        if self.state.status is TaskStatus.WAITING_FOR_ARRIVAL:
            self.set_task_status(TaskStatus.RUNNING)
            self.wait_state(lambda: self.state.cancelling, 10)
            self.complete_task(Done(1))

    def handle_task_message(self, message: Any) -> Any:
        """``go``."""
        self.report_progress(0.5, "go")
        return {}


def test_a_task_that_moves_is_followed() -> None:
    """Each snapshot tells of the host the task is on by then."""
    with in_process_mesh() as (alpha, _beta):
        paglet = alpha.create(Traveller)
        seen = Seen()
        handle = TaskClient.for_paglet(paglet, Traveller).submit(Steps())
        follower = seen.follow(handle)
        wait_until(lambda: seen.snapshots)
        paglet.send("go")
        wait_until(lambda: seen.snapshots[-1].host_name == "beta")
        assert seen.snapshots[0].host_name == "alpha"
        handle.cancel()
        assert follower.wait(5)
        assert (seen.snapshots[-1].host_name, seen.snapshots[-1].done) == ("beta", True)


def test_a_follower_can_be_closed_while_the_task_goes_on(client: TaskClient[Any]) -> None:
    """Who stops watching does not stop the task."""
    seen = Seen()
    follower = seen.follow(client.submit(client.request_type(1000)))
    wait_until(lambda: seen.snapshots)
    follower.close()
    follower.close()
    assert follower.wait(5)
    assert seen.ends == [None]
    assert not client.status().done
    client.cancel()


def test_a_follower_tells_of_a_lost_task(host: Host, client: TaskClient[Any]) -> None:
    """When the host is gone the end comes with the error, not from a dying thread."""
    seen = Seen()
    follower = seen.follow(client.submit(client.request_type(1000)))
    wait_until(lambda: seen.snapshots)
    host.stop()
    assert follower.wait(10)
    assert [isinstance(end, PagletError) for end in seen.ends] == [True]


def test_many_followers_take_one_thread(host: Host) -> None:
    """However many tasks there are; and none once they are done."""
    clients = [TaskClient.for_paglet(host.create(Worker), Worker) for _ in range(20)]
    handles = [client.submit(Steps(1000)) for client in clients]
    before = set(threading.enumerate())
    seen = [Seen() for _ in handles]
    followers = [each.follow(handle) for each, handle in zip(seen, handles, strict=True)]
    wait_until(lambda: all(each.snapshots for each in seen))
    more = [thread.name for thread in threading.enumerate() if thread not in before]
    assert len([name for name in more if name != f"{host.name}-worker"]) < 5, more  # those run the tasks and answer
    for handle in handles:
        handle.cancel()
    assert all(follower.wait(10) for follower in followers)
    wait_until(lambda: task_status._rounds._poller is None)


class Silent(Worker):
    """A task that does not answer while it is told to."""

    hold = threading.Event()

    def handle_message(self, message: Any) -> Any:
        """Answer late."""
        if message.kind == "status":
            self.hold.wait(30)
        return super().handle_message(message)


def test_a_silent_task_holds_up_nobody(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked once, and told of as silent; the others are followed meanwhile."""
    monkeypatch.setattr(task_status, "_SILENT", 0.1)
    Silent.hold.clear()
    silent, quick = (TaskClient.for_paglet(host.create(cls), cls).submit(Steps(1000)) for cls in (Silent, Worker))
    quiet, loud = Seen(), Seen()
    followers = [quiet.follow(silent), loud.follow(quick)]
    try:
        wait_until(lambda: len(loud.snapshots) > 3 and quiet.silences)
        assert not quiet.snapshots
        Silent.hold.set()
        wait_until(lambda: quiet.snapshots)
    finally:
        Silent.hold.set()
        for handle, follower in zip((silent, quick), followers, strict=True):
            handle.cancel()
            assert follower.wait(10)


def test_a_round_forgets_whom_it_is_not_asked_of(client: TaskClient[Any]) -> None:
    """And tells errors in the place of replies."""
    asker = StatusAsker()
    assert asker.round({"one": client.proxy})["one"].status is TaskStatus.NEW  # type: ignore[union-attr]
    client.proxy.dispose()
    assert isinstance(asker.round({"one": client.proxy})["one"], PagletError)
    assert asker.round({}) == {}
    assert asker.silence("one") == 0.0
