from __future__ import annotations

import pytest

from paglets_nb.experiments.timing import Timings
from tests.unit.magics.notebook import Notebook


def test_the_cell_is_timed_where_it_runs(meshed: Notebook) -> None:
    """In each host's own namespace, as often as was asked for, with a comparison."""
    meshed.run("%%paglet on all --parallel\nnumbers = list(range(1000))")
    timings = meshed.run("%%paglet time --repeat 3 --loops 20 --no-plot\nsum(numbers)")
    assert isinstance(timings, Timings)
    assert [(cell.host, cell.repeat, cell.state) for cell in timings.cells] == [
        (host, repeat, "ok") for host in ("alpha", "beta") for repeat in range(3)
    ]
    assert timings.loops == {"alpha": 20, "beta": 20}
    (fastest,) = (row for row in timings.comparison() if row["host"] == timings.fastest)
    assert fastest["ratio"] == 1.0
    assert min(timings.first.values()) > 0
    assert repr(timings).splitlines()[1].split()[:4] == ["host", "loops", "repeats", "best"]


def test_an_error_is_told_of_its_host(meshed: Notebook) -> None:
    """A name that only one host has costs the other its times."""
    meshed.run("%%paglet on alpha\nonly_here = 1")
    timings = meshed.run("%%paglet time alpha,beta --parallel --repeat 2 --loops 1 --no-plot\nonly_here + 1")
    assert [cell.state for cell in timings.cells] == ["ok", "ok", "failed", "failed"]
    assert timings.failed[0].error == "NameError: name 'only_here' is not defined"
    assert timings.fastest == "alpha"


def test_code_that_takes_too_long_is_interrupted(meshed: Notebook) -> None:
    """The host is free again afterwards."""
    timings = meshed.run("%%paglet time beta --timeout 0.5 --no-plot\nimport time\ntime.sleep(30)")
    assert {cell.state for cell in timings.cells} == {"unknown"}
    assert timings.fastest == ""
    assert "CallTimeoutError" in timings.cells[0].error
    assert meshed.run("%%paglet time beta --loops 1 --repeat 1 --no-plot\n1").counts == {"ok": 1}


@pytest.mark.parametrize(
    ("line", "cell", "said"),
    [
        ("gamma", "1", "no host 'gamma' in the mesh"),
        ("all", "1 +", "the cell is not Python"),
        ("all", "\n", "the cell is empty"),
        ("all --repeat 0", "1", "wants a whole number from 1"),
    ],
)
def test_mistakes_are_one_line(meshed: Notebook, line: str, cell: str, said: str) -> None:
    """And nothing is run."""
    assert said in meshed.refused(f"%%paglet time {line}\n{cell}")


def test_what_only_the_notebook_has_is_told(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is here and not there says how it comes there; a table without times says so."""
    meshed.run("_only_here = 1")
    timings = meshed.run("%%paglet time beta --loops 1 --repeat 1 --no-plot\n_only_here")
    assert "_only_here is defined in this notebook only: run its cell on the hosts too" in capsys.readouterr().out
    assert timings.comparison().note == "no host has times"
