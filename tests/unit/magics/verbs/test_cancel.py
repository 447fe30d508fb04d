from __future__ import annotations

from paglets_nb.patterns.tasks import TaskStatus
from tests.unit.magics.notebook import Notebook


def test_cancel_ends_a_running_task(meshed: Notebook, worker: str) -> None:
    """The task is told while it runs, and ends as cancelled."""
    meshed.run("_handle = %paglet start worker steps=500")
    assert meshed.run("%paglet cancel worker").cancelling
    assert meshed.run("%paglet wait worker --timeout 5").status is TaskStatus.CANCELLED
