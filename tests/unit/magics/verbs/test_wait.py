from __future__ import annotations

from paglets_nb.patterns.tasks import TaskStatus
from tests.unit.magics.notebook import Notebook


def test_wait_returns_the_finished_task(meshed: Notebook, worker: str) -> None:
    """``wait`` comes back with the result."""
    meshed.run("_handle = %paglet start worker steps=10")
    done = meshed.run("%paglet wait worker")
    assert (done.status, done.result.steps, done.progress) == (TaskStatus.COMPLETED, 10, 1.0)


def test_wait_returns_a_failed_task_with_its_traceback(meshed: Notebook, worker: str) -> None:
    """A failure is a status like any other; it brings the traceback."""
    meshed.run("_handle = %paglet start worker fail=true")
    failed = meshed.run("%paglet wait worker")
    assert (failed.status, failed.error) == (TaskStatus.FAILED, "ValueError: no luck")
    assert 'raise ValueError("no luck")' in failed.traceback


def test_wait_gives_up_in_time(meshed: Notebook, worker: str) -> None:
    """Past its time-out ``wait`` says so; the task goes on."""
    meshed.run("_handle = %paglet start worker steps=200")
    assert meshed.refused("%paglet wait worker --timeout 0.1").startswith("worker is not done after 0.1 s")
    assert not meshed.run("%paglet status worker").done
