from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from ipywidgets.widgets import widget

from paglets_nb import Host, PagletError
from paglets_nb.patterns.task_client import TaskClient, TaskSnapshot
from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.widgets.task_view import TaskFollower, TaskView, show_task
from tests.unit.widgets.conftest import wait_until


class _Seen:
    """What a follower told."""

    def __init__(self) -> None:
        self.snapshots: list[TaskSnapshot[Any]] = []
        self.times: list[float] = []
        self.ends: list[BaseException | None] = []

    def on_snapshot(self, snapshot: TaskSnapshot[Any]) -> None:
        self.snapshots.append(snapshot)
        self.times.append(time.monotonic())

    def follow(self, handle: Any) -> TaskFollower:
        follower = TaskFollower(handle, self.on_snapshot, self.ends.append)
        follower.start()
        return follower


def test_a_follower_tells_progress_and_ends_with_the_task(client: TaskClient[Any]) -> None:
    """Snapshots come while the task runs, at most ten a second, and the last one is done."""
    seen = _Seen()
    follower = seen.follow(client.submit(client.request_type(40)))
    assert follower.wait(10)
    assert seen.ends == [None]
    assert seen.snapshots[-1].status is TaskStatus.COMPLETED
    assert any(not snapshot.done and snapshot.progress > 0 for snapshot in seen.snapshots)
    assert all(later - earlier >= 0.09 for earlier, later in zip(seen.times, seen.times[1:-1], strict=False))


def test_a_task_that_ends_while_it_is_asked_is_followed_to_its_end(
    client: TaskClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot that is old when it comes is not the last one."""
    handle = client.submit(client.request_type(3))
    real = handle.wait

    def late(timeout: float | None = None) -> TaskSnapshot[Any]:
        snapshot = real(0.0)
        real(5)
        return snapshot

    monkeypatch.setattr(handle, "wait", late)
    seen = _Seen()
    assert seen.follow(handle).wait(10)
    assert not seen.snapshots[0].done
    assert seen.snapshots[-1].status is TaskStatus.COMPLETED


def test_a_follower_can_be_closed_while_the_task_goes_on(client: TaskClient[Any]) -> None:
    """Who stops watching does not stop the task."""
    seen = _Seen()
    follower = seen.follow(client.submit(client.request_type(1000)))
    wait_until(lambda: seen.snapshots)
    follower.close()
    assert follower.wait(5)
    assert not client.status().done
    client.cancel()


def test_a_follower_tells_of_a_lost_task(host: Host, client: TaskClient[Any]) -> None:
    """When the host is gone the end comes with the error, not from a dying thread."""
    seen = _Seen()
    handle = client.submit(client.request_type(1000))
    follower = seen.follow(handle)
    wait_until(lambda: seen.snapshots)
    host.stop()
    assert follower.wait(10)
    assert [isinstance(end, PagletError) for end in seen.ends] == [True]


def test_a_view_shows_what_snapshots_say(client: TaskClient[Any]) -> None:
    """Bar, status, note and outcome follow the task, without any notebook."""
    handle = client.submit(client.request_type(1000))
    view = TaskView(handle)
    wait_until(lambda: client.status().progress > 0)
    view.update(client.status())
    assert view._bar.value > 0
    assert view._status.value.startswith("RUNNING")
    assert "on alpha" in view._note.value
    assert not view._cancel.disabled
    view._cancel.click()
    view.update(handle.wait(5))
    assert view._status.value.startswith("CANCELLED")
    assert view._cancel.disabled
    assert "cancelled" in view._end.value


def test_cancel_does_not_block_the_button(client: TaskClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The callback hands the work to a thread and returns at once."""
    handle = client.submit(client.request_type(1000))
    view, caller, asked = TaskView(handle), threading.current_thread(), threading.Event()
    threads: list[threading.Thread] = []
    real = handle.cancel

    def cancel() -> Any:
        threads.append(threading.current_thread())
        asked.set()
        return real()

    monkeypatch.setattr(handle, "cancel", cancel)
    view._cancel.click()
    assert asked.wait(5)
    assert threads[0] is not caller
    assert handle.wait(5).status is TaskStatus.CANCELLED


def test_without_a_kernel_a_task_is_shown_once(client: TaskClient[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing can be updated a still picture is displayed and nobody follows."""
    handle = client.submit(client.request_type(1))
    handle.wait(5)
    assert show_task(handle) is None
    assert "COMPLETED | 100%" in capsys.readouterr().out


def test_a_closed_view_leaves_no_widget(client: TaskClient[Any]) -> None:
    """Closing takes every widget of the view out of the registry, and the task goes on."""
    before = set(widget._instances)
    view = TaskView(client.submit(client.request_type(1000)))
    assert set(widget._instances) > before
    view.close()
    assert set(widget._instances) == before
    assert not client.status().done
    client.cancel()
