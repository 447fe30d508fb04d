from __future__ import annotations

import pytest

from tests.unit.magics.notebook import Notebook


def test_the_cell_is_a_function_of_its_fields(meshed: Notebook) -> None:
    """Its last expression is each result; it sees what the notebook has defined, and leaves nothing behind."""
    meshed.run("scale = 10")
    found = meshed.run("%%paglet fanout n=[1,2] m=5 --placement spread --no-plot\nimport math\nr = n * scale\nr + m")
    assert found.values == [15, 25]
    assert "r" not in meshed.shell.user_ns


def test_a_cell_without_a_result_and_one_that_awaits(meshed: Notebook) -> None:
    """A cell that ends in a statement gives None; one with ``await`` is awaited."""
    assert meshed.run("%%paglet fanout --no-plot\nx = 1").values == [None, None]
    found = meshed.run("%%paglet fanout n=[1] --hosts beta --no-plot\nimport anyio\nawait anyio.sleep(0)\nn")
    assert found.values == [1]


def test_errors_have_the_cells_lines(meshed: Notebook) -> None:
    """What the cell raises on a host is each cell's error, with the line of the cell."""
    found = meshed.run("%%paglet fanout n=[0] --hosts alpha --no-plot\nx = 1\nx / n")
    assert found.failed[0].error == "ZeroDivisionError: division by zero"
    assert "x / n" in getattr(found.failed[0].exception, "remote_traceback", "")


@pytest.mark.parametrize(
    "cell", ["by = [1, 2]\nnote = 'x'", "{'by': [1, 2], 'note': 'x'}", "[Add(1, note='x'), Add(2, note='x')]"]
)
def test_the_cell_is_the_grid_of_an_operation(meshed: Notebook, cell: str) -> None:
    """Field lines, a dict of axes and a list of requests ask for the same."""
    found = meshed.run(f"%%paglet fanout Counter add --hosts alpha --no-plot\n{cell}")
    assert [(cell.value.count, cell.value.note) for cell in found.cells] == [(1, "red x"), (3, "red x")]


@pytest.mark.parametrize(
    ("line", "cell", "said"),
    [
        ("", "1 +", "the cell is not Python"),
        ("", "# nothing", "the cell is empty"),
        ("n=[1]", "from math import *", "the cell cannot be a function"),
        ("n=[]", "n", "field 'n' has no values"),
        ("Counter add by=1", "by = 1", "the fields of an operation stand in the cell"),
        ("Counter add", "by = 'x'", "operation 'add': field 'by' wants int, got 'x'"),
        ("Counter add", "bye = 1", "operation 'add' has no field 'bye'"),
        ("Counter add", "5", "a grid is a mapping of fields"),
        ("Counter add", "import os", "wanted `field = value` lines, or one expression that is the grid"),
    ],
)
def test_mistakes_are_one_line(meshed: Notebook, line: str, cell: str, said: str) -> None:
    """And nothing is run."""
    assert said in meshed.refused(f"%%paglet fanout {line}\n{cell}")
