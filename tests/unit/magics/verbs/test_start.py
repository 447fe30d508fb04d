from __future__ import annotations

import pytest

from paglets_nb.patterns.task_client import TaskHandle
from tests.unit.magics.notebook import Notebook


def test_start_returns_a_handle_at_once(meshed: Notebook, worker: str) -> None:
    """The task runs while the notebook goes on; its result is typed."""
    handle = meshed.run("_handle = %paglet start worker steps=3\n_handle")
    assert isinstance(handle, TaskHandle)
    result = handle.result(10)
    assert type(result) is meshed.variable("Done")
    assert result.steps == 3


def test_start_shows_the_task_once(meshed: Notebook, worker: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The view of the magic and IPython's display of its value are one output."""
    meshed.run("%paglet start worker steps=2 --wait").result(10)
    assert capsys.readouterr().out.count("task ") == 1


def test_a_handle_shows_where_its_task_stands(
    meshed: Notebook, worker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Displayed in a later cell, a handle shows the task of that moment."""
    meshed.run("_handle = %paglet start worker steps=2 --wait")
    capsys.readouterr()
    meshed.run("_handle")
    assert "COMPLETED | 100%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("worker steps=x", "task Worker: field 'steps' wants int, got 'x'"),
        ("worker speed=1", "task Worker has no field 'speed' (fields: steps, fail)"),
        ("worker steps=1 --timeout no", "wants seconds above 0, got 'no'"),
        ("worker steps=200 --wait --timeout 0.2", "worker is not done after 0.2 s and goes on"),
    ],
)
def test_mistakes_are_one_line(meshed: Notebook, worker: str, line: str, said: str) -> None:
    """Wrong fields, options and a time-out are told."""
    assert said in meshed.refused(f"%paglet start {line}")


def test_a_task_is_started_once_at_a_time(meshed: Notebook, worker: str) -> None:
    """A second start while it runs is refused at once."""
    meshed.run("%paglet start worker steps=200")
    assert meshed.refused("%paglet start worker").startswith("worker is running already")


def test_what_is_no_task_cannot_be_started(meshed: Notebook, counter: str) -> None:
    """Other paglets are told apart."""
    for verb in ("start", "status", "wait"):
        assert meshed.refused(f"%paglet {verb} counter").startswith("counter is no task but a Counter")


def test_a_result_of_another_kind_is_told_without_this_packages_frames(meshed: Notebook) -> None:
    """The task fails with one line that says what is wanted."""
    meshed.run(
        "class _Five(TaskPaglet[Steps, Done, TaskState]):\n    Request, Result = Steps, Done\n"
        "    def run_task(self, request):\n        return 5\n_five = %paglet create _Five --name five"
    )
    meshed.run("%paglet start five --wait")
    failed = meshed.run("%paglet status five")
    assert (failed.error, failed.traceback) == (
        "HostError: _Five: a task completes with a dataclass instance, not 5",
        "",
    )
    meshed.run("%paglet dispose five")
