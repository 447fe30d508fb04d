from __future__ import annotations

from collections.abc import Iterator

import pytest

from paglets_nb.patterns.tasks import TaskStatus
from tests.unit.magics.notebook import Notebook

FIRST = """
@dataclass
class MovingState(PagletState):
    count: int = 0
    dropped: str = "x"

class Moving(OperationPaglet[MovingState]):
    def operation_handlers(self):
        return {ADD: self.add}

    def add(self, request):
        self.state.count += request.by
        return Total(self.state.count, "first")
"""
SECOND = FIRST.replace('dropped: str = "x"', "fresh: float = 1.5").replace('"first"', 'f"second {self.state.fresh}"')
REFUSING = (
    SECOND
    + """
    def on_activation(self, event):
        raise KeyError("not today")
"""
)


@pytest.fixture
def moving(meshed: Notebook) -> Iterator[Notebook]:
    """Two paglets of the first version of a class, on either host."""
    meshed.run(FIRST)
    meshed.run("_one = %paglet create Moving --on alpha --name one count=5")
    meshed.run("_two = %paglet create Moving --on beta")
    yield meshed
    meshed.run("%paglet dispose _one _two")


def test_a_running_paglet_gets_the_class_of_the_notebook(moving: Notebook) -> None:
    """Run the cell again, upgrade: state and name stay, the new code answers, new fields have their defaults."""
    moving.run(SECOND)
    assert moving.run("%paglet call one add").note == "first"
    (entry,) = moving.run("%paglet upgrade one")
    assert (entry.label, entry.changed) == ("one", True)
    reply = moving.run("%paglet call one add")
    assert (reply.count, reply.note) == (7, "second 1.5")
    assert not moving.run("%paglet upgrade one")[0].changed


def test_every_paglet_of_a_class_is_upgraded(moving: Notebook) -> None:
    """A class stands for all of its paglets, wherever they are."""
    moving.run(SECOND)
    assert [entry.changed for entry in moving.run("%paglet upgrade Moving")] == [True, True]
    assert moving.run("%paglet call _two add").note == "second 1.5"
    assert moving.run("%paglet upgrade Echo") == []


def test_a_refusal_leaves_them_as_they_were(moving: Notebook) -> None:
    """Of one it is the error of the user's code; of several it is told for each."""
    moving.run(REFUSING)
    with pytest.raises(KeyError, match="not today"):
        moving.run("%paglet upgrade one")
    assert [repr(entry.error) for entry in moving.run("%paglet upgrade Moving")] == ["KeyError('not today')"] * 2
    assert moving.run("%paglet call one add by=0").note == "first"


def test_a_task_that_runs_is_refused(meshed: Notebook, worker: str) -> None:
    """It would be lost; done, it can be upgraded."""
    meshed.run("_handle = %paglet start worker steps=200")
    assert meshed.refused("%paglet upgrade worker").startswith("worker runs; %paglet wait for it")
    meshed.run("%paglet cancel worker")
    assert meshed.run("%paglet wait worker").status is TaskStatus.CANCELLED
    assert len(meshed.run("%paglet upgrade worker")) == 1


def test_mistakes_are_one_line(moving: Notebook) -> None:
    """Nothing of that name, a class that is gone, and one that is no paglet's."""
    assert moving.refused("%paglet upgrade nobody").startswith("no paglet 'nobody'")
    assert moving.refused("%paglet upgrade Colour").startswith("Colour is no paglet class")
    moving.run("_class = Moving; del Moving")
    assert "not known here" in moving.refused("%paglet upgrade one")
    moving.run("Moving = 3")
    assert "is no paglet class any more" in moving.refused("%paglet upgrade one")
