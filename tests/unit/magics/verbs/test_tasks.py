from __future__ import annotations

from paglets_nb.patterns.tasks import TaskStatus
from tests.unit.magics.notebook import Notebook


def test_every_task_is_listed_with_its_status(meshed: Notebook, worker: str, counter: str) -> None:
    """New, running and done are told while they are so; other paglets are no tasks."""
    (entry,) = meshed.run("%paglet tasks")
    assert (entry.label, entry.snapshot.status) == ("worker", TaskStatus.NEW)
    meshed.run("_handle = %paglet start worker steps=3000")
    (entry,) = meshed.run("%paglet tasks --on alpha")
    assert entry.running
    assert entry.snapshot.note.startswith("step")
    assert meshed.run("%paglet tasks --on beta") == []
    meshed.run("%paglet cancel worker")
    meshed.run("_handle = %paglet start worker steps=3")
    (entry,) = meshed.run("%paglet tasks --follow --timeout 20")
    assert (entry.snapshot.status, entry.snapshot.result.steps) == (TaskStatus.COMPLETED, 3)


def test_a_sleeping_task_is_not_woken(meshed: Notebook, worker: str) -> None:
    """It is listed as asleep."""
    proxy = meshed.run("%paglet deactivate worker")
    (entry,) = meshed.run("%paglet tasks")
    assert (entry.snapshot, entry.reason) == (None, "asleep")
    assert not proxy.is_active()


def test_following_ends_in_time(meshed: Notebook, worker: str) -> None:
    """``--timeout`` ends the watching; the task goes on."""
    meshed.run("_handle = %paglet start worker steps=200")
    (entry,) = meshed.run("%paglet tasks --follow --timeout 0.1")
    assert entry.running


def test_each_task_has_a_handle(meshed: Notebook, worker: str) -> None:
    """Whoever started it: the handle asks, cancels, waits and gives the result."""
    meshed.run("_handle = %paglet start worker steps=300")
    (entry,) = meshed.run("%paglet tasks")
    assert not entry.handle.done()
    assert entry.handle.snapshot().status is TaskStatus.RUNNING
    assert not entry.handle.wait(0.05).done
    entry.handle.cancel()
    assert entry.handle.wait(10.0).status is TaskStatus.CANCELLED
    meshed.run("%paglet start worker steps=2 --wait")
    (entry,) = meshed.run("%paglet tasks")
    assert entry.handle.result(10.0).steps == 2
    assert entry.handle.done()
