from __future__ import annotations

from paglets_nb.patterns.tasks import TaskStatus
from tests.unit.magics.notebook import Notebook


def test_every_task_is_listed_with_its_status(meshed: Notebook, worker: str, counter: str) -> None:
    """New, running and done are told while they are so; other paglets are no tasks."""
    (entry,) = meshed.run("%paglet tasks")
    assert (entry.label, entry.snapshot.status) == ("worker", TaskStatus.NEW)
    meshed.run("_handle = %paglet start worker steps=30")
    (entry,) = meshed.run("%paglet tasks --on alpha")
    assert entry.running
    assert entry.snapshot.note.startswith("step")
    assert meshed.run("%paglet tasks --on beta") == []
    (entry,) = meshed.run("%paglet tasks --follow --timeout 10")
    assert (entry.snapshot.status, entry.snapshot.result.steps) == (TaskStatus.COMPLETED, 30)


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
