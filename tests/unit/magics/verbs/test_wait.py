from __future__ import annotations

import os
import signal
import threading

import pytest

from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.testing import wait_until
from tests.unit.magics.notebook import Notebook

FORGETFUL = """
class _Forgetful(TaskPaglet[Steps, Done, TaskState]):
    Request, Result = Steps, Done

    def run_task(self, request):
        Done(request.steps)

_forgetful = %paglet create _Forgetful --on alpha --name forgetful
"""


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


def test_what_was_never_started_is_not_waited_for(meshed: Notebook, worker: str) -> None:
    """A task that is new is told so at once."""
    assert meshed.refused("%paglet wait worker") == "worker is not started; use: %paglet start"


def test_a_wait_that_is_interrupted_leaves_the_task(meshed: Notebook, worker: str) -> None:
    """The stop button ends the waiting alone, and the message says so."""
    handle = meshed.run("_handle = %paglet start worker steps=500\n_handle")
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    said = meshed.refused("%paglet wait worker")
    assert said == "interrupted; the task goes on (see %paglet status, %paglet cancel)"
    assert not handle.snapshot().done
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    handle.cancel()
    wait_until(handle.done)
    timer.start()
    said = meshed.refused("%paglet start worker steps=500 --wait")
    assert said == "interrupted; worker was asked to stop (see %paglet status)"
    meshed.run("%paglet wait worker")


def test_a_task_that_returned_nothing_is_told(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither ``wait`` nor ``start --wait`` is silent about a ``run_task`` without a return."""
    meshed.run(FORGETFUL)
    assert meshed.refused("%paglet start forgetful --wait --timeout 0.6").startswith(
        "forgetful is not done after 0.6 s"
    )
    assert capsys.readouterr().out.count("forgetful: run_task returned nothing; return a Result\n") == 1
    assert meshed.refused("%paglet wait forgetful --timeout 0.6").startswith("forgetful is not done after 0.6 s")
    assert capsys.readouterr().out.count("forgetful: run_task returned nothing; return a Result\n") == 1
    meshed.run("%paglet dispose forgetful")


def test_wait_gives_up_in_time(meshed: Notebook, worker: str) -> None:
    """Past its time-out ``wait`` says so; the task goes on."""
    meshed.run("_handle = %paglet start worker steps=200")
    assert meshed.refused("%paglet wait worker --timeout 0.1").startswith("worker is not done after 0.1 s")
    assert not meshed.run("%paglet status worker").done
