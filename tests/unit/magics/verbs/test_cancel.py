from __future__ import annotations

import pytest

from paglets_nb.mesh.cancelling import ASKED, INTERRUPTED
from paglets_nb.patterns.tasks import TaskStatus
from tests.unit.magics.notebook import Notebook


def test_cancel_ends_a_running_task(meshed: Notebook, worker: str) -> None:
    """The task is asked to stop, and ends as cancelled; what was done is returned."""
    meshed.run("_handle = %paglet start worker steps=500")
    done = meshed.run("%paglet cancel worker --after 20")
    assert [(step.name, step.ended) for step in done.steps] == [(ASKED, True)]
    assert meshed.run("%paglet wait worker --timeout 5").status is TaskStatus.CANCELLED
    assert str(meshed.run("%paglet cancel worker")) == "worker: nothing of it runs"


def test_cancel_interrupts_what_does_not_stop(
    meshed: Notebook, counter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also an operation of a paglet that is no task; what cannot be interrupted says what would help."""
    meshed.run(
        "class _Busy(Counter):\n"
        "    def sleep(self, request):\n"
        "        while request.by == 1:\n"
        "            sum(range(10))\n"
        "        time.sleep(request.by)"
    )
    meshed.run("_busy = %paglet create _Busy --on alpha --name busy")
    meshed.run("_other = %paglet create Counter --on alpha --name other")
    asked = "from paglets_nb import OperationClient\n_reply = OperationClient(_busy).submit(SLEEP, Add({}))"
    meshed.run(asked.format(1))
    while not (done := meshed.run("%paglet cancel busy --no-restart")).steps:
        continue
    assert [(step.name, step.ended) for step in done.steps] == [(INTERRUPTED, True)]
    meshed.run(asked.format(2))
    while not (done := meshed.run("%paglet cancel busy --after 0.1")).steps:
        continue
    assert not done.ended
    assert "other" in done.steps[-1].detail
    assert "then host not restarted (" in str(done)
    assert "host restarted" not in str(done)
    assert "to start its host again: %paglet cancel busy --restart" in capsys.readouterr().out
    meshed.run("_busy.dispose()\n_other.dispose()")


def test_the_options_exclude_each_other(meshed: Notebook, worker: str) -> None:
    """One line says so."""
    assert "exclude each other" in meshed.refused("%paglet cancel worker --restart --no-restart")
