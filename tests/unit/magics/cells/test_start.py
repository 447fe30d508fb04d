from __future__ import annotations

from tests.unit.magics.notebook import Notebook


def test_the_cell_is_the_tasks_request(meshed: Notebook, worker: str) -> None:
    """The task is started with the fields of the cell."""
    handle = meshed.run("%%paglet start worker\nsteps = 2 + 1")
    assert handle.result(10).steps == 3


def test_wait_blocks_until_it_is_done(meshed: Notebook, worker: str) -> None:
    """With --wait the cell ends when the task does."""
    assert meshed.run("%%paglet start worker --wait\nSteps(2)").done()


def test_mistakes_are_one_line(meshed: Notebook, worker: str) -> None:
    """A wrong field of the cell is named."""
    said = meshed.refused("%%paglet start worker\nsteps = 'x'")
    assert said == "task Worker: field 'steps' wants int, got 'x'"


def test_what_the_cell_raises_is_told(meshed: Notebook, worker: str) -> None:
    """It comes without this package's frames."""
    error, ours = meshed.failed("%%paglet start worker\nsteps = 1 / 0")
    assert isinstance(error, ZeroDivisionError)
    assert ours == []
