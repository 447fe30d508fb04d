from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb.codec.modules import module_store
from tests.unit.magics.notebook import Notebook

CELL = """%%paglet define told_here
from dataclasses import dataclass
from paglets_nb import Paglet, PagletState

@dataclass
class Told(PagletState):
    count: int = 1

class Teller(Paglet[Told]):
    def handle_message(self, message):
        return {"version": 1, "count": self.state.count}
"""


@pytest.fixture(autouse=True)
def _clean(shell: Any) -> Iterator[None]:
    """No test leaves a module or its names behind."""
    yield
    for name in ("told_here", "Teller"):
        shell.user_ns.pop(name, None)
    module_store.forget("told_here")


def test_a_cell_becomes_a_module_without_a_mesh(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """It can be imported here, and is there for hosts to come."""
    notebook.run(CELL)
    assert "module told_here is defined here, and on hosts as they start" in capsys.readouterr().out
    assert notebook.run("from told_here import Teller\nTeller.__module__") == "told_here"
    assert "told_here.Teller" in notebook.session.class_names()


def test_what_is_wrong_with_the_cell_is_told(notebook: Notebook) -> None:
    """Wrong Python is one line; what the module raises comes with its line, and none of this package's."""
    assert notebook.refused("%%paglet define told_here\nx = = 1") == "the cell is not Python: invalid syntax (line 1)"
    error, ours = notebook.failed("%%paglet define told_here\nx = 1 / 0")
    assert isinstance(error, ZeroDivisionError)
    assert ours == []
    assert "1 / 0" in "".join(traceback.format_tb(error.__traceback__))


def test_a_definition_that_fails_after_one_that_did_not_shows_its_own_line(notebook: Notebook) -> None:
    """Its traceback has the line of the new text, and no frame of how modules are loaded."""
    notebook.run("%%paglet define told_here\nK = 3")
    error, _ours = notebook.failed("%%paglet define told_here\nK = 4/0")
    frames = traceback.extract_tb(error.__traceback__)
    assert frames[-1].line == "K = 4/0"
    assert not any("importlib" in frame.filename for frame in frames)


def test_hosts_have_it_too(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """Paglets of its classes live on any host, and a host's cells import it; defined anew, it is replaced there."""
    meshed.run(CELL)
    assert "defined here and on alpha, beta" in capsys.readouterr().out
    meshed.run("_teller = %paglet create told_here.Teller --on beta")
    assert meshed.run("%paglet send _teller any") == {"version": 1, "count": 1}
    meshed.run("from told_here import Teller")
    meshed.run(CELL.replace('"version": 1', '"version": 2'))
    assert meshed.variable("Teller") is sys.modules["told_here"].Teller
    assert meshed.run("%paglet send _teller any")["version"] == 1
    meshed.run("%paglet upgrade Teller")
    assert meshed.run("%paglet send _teller any")["version"] == 2
    capsys.readouterr()
    meshed.run("%%paglet on all\nimport told_here\nprint(told_here.Told())")
    assert capsys.readouterr().out.count("Told(count=1)") == 2
    meshed.run("%paglet dispose _teller")


def test_a_cell_that_fails_changes_nothing(meshed: Notebook) -> None:
    """Its own error is raised, here; the module stays as it was, also on the hosts."""
    meshed.run(CELL)
    module = sys.modules["told_here"]
    with pytest.raises(ZeroDivisionError):
        meshed.run("%%paglet define told_here\n1 / 0")
    assert sys.modules["told_here"] is module
    meshed.run("%%paglet on beta\nimport told_here\ntold_here.Teller")


def test_a_host_that_cannot_execute_it_is_named(meshed: Notebook) -> None:
    """What fails only there is one line that says where and why."""
    cell = "%%paglet define told_here\nimport os\nassert not os.environ.get('PAGLETS_NB_HOST'), 'not on hosts'"
    said = meshed.refused(cell)
    assert said.startswith("module 'told_here' is defined here, but not on alpha, beta (alpha: AssertionError")


def test_names_that_cannot_be_are_one_line(meshed: Notebook) -> None:
    """A module that there is, and what is no name."""
    assert meshed.refused("%%paglet define json\nx = 1").startswith("there is a module 'json' already")
    assert "is not a module's name" in meshed.refused("%%paglet define a.b\nx = 1")
