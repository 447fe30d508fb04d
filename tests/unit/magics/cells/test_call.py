from __future__ import annotations

import traceback

import pytest

from tests.unit.magics.notebook import Notebook


@pytest.mark.parametrize("cell", ["by = n * 2\nnote = 'x'", "Add(by=n * 2, note='x')", "{'by': n * 2, 'note': 'x'}"])
def test_the_cell_is_the_request(meshed: Notebook, counter: str, cell: str) -> None:
    """Field lines, a request and a dict ask for the same."""
    meshed.run("n = 4")
    reply = meshed.run(f"%%paglet call counter add\n{cell}")
    assert (reply.count, reply.note) == (8, "red x")


def test_what_the_cell_raises_shows_its_line(meshed: Notebook, counter: str) -> None:
    """The traceback has the line, and none of this package's."""
    error, ours = meshed.failed("%%paglet call counter add\nby = 1\nnote = 1/0")
    assert isinstance(error, ZeroDivisionError)
    assert ours == []
    frame = traceback.extract_tb(error.__traceback__)[-1]
    assert (frame.lineno, frame.line) == (2, "note = 1/0")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("by = 'five'", "operation 'add': field 'by' wants int, got 'five'"),
        ("bye = 1", "operation 'add' has no field 'bye'"),
        ("by = undefined", "field 'by': name 'undefined' is not defined"),
        ("by =", "the cell is not Python"),
        ("5", "operation 'add' wants a Add or a dict of its fields, got int"),
    ],
)
def test_mistakes_are_one_line(meshed: Notebook, counter: str, cell: str, said: str) -> None:
    """What does not make a request is told, and nothing is called."""
    assert said in meshed.refused(f"%%paglet call counter add\n{cell}")
    assert meshed.run("%paglet call counter add by=0").count == 0
