from __future__ import annotations

from paglets_nb.patterns.task_client import TaskSnapshot
from paglets_nb.patterns.tasks import TaskStatus
from tests.unit.magics.notebook import Notebook


def test_status_is_live(meshed: Notebook, worker: str) -> None:
    """The status is answered before, while and after the task runs."""
    assert meshed.run("%paglet status worker").status is TaskStatus.NEW
    meshed.run("_handle = %paglet start worker steps=200")
    running = meshed.run("%paglet status worker")
    assert isinstance(running, TaskSnapshot)
    assert (running.status, running.host_name, running.done) == (TaskStatus.RUNNING, "alpha", False)
    assert running.note.startswith("step")


def test_a_handle_names_its_task(meshed: Notebook, worker: str) -> None:
    """The variable that holds the handle is as good as the task's name."""
    meshed.run("_handle = %paglet start worker --wait")
    assert meshed.run("%paglet status _handle").result == meshed.variable("Done")(1)
