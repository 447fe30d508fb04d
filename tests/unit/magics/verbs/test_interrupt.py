from __future__ import annotations

import threading

import pytest

from paglets_nb.mesh.handles import HostHandle
from tests.unit.magics.notebook import Notebook


def test_the_cell_of_a_host_is_interrupted(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """What the kernel executes ends with KeyboardInterrupt."""
    host = meshed.session.host("alpha")
    began = threading.Event()

    class Sink:
        def stream(self, name: str, text: str) -> None:
            began.set()

        def display(self, data: object, metadata: object, transient: object, update: bool) -> None:
            """Nothing is displayed."""

        def error(self, ename: str, evalue: str, traceback: object) -> None:
            """Told by the result."""

        def clear(self, wait: bool) -> None:
            """Nothing is cleared."""

    running = host.submit_code("import time\nprint('on', flush=True)\ntime.sleep(60)", sink=Sink())
    assert began.wait(10)
    meshed.run("%paglet interrupt alpha")
    assert running.result(10).ename == "KeyboardInterrupt"
    assert capsys.readouterr().out == "interrupted 1 cell on alpha\n"


def test_where_nothing_ran_it_says_so(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said to be interrupted that was not there."""
    capsys.readouterr()
    meshed.run("%paglet interrupt all")
    assert capsys.readouterr().out == (
        "no cell of this notebook was running on alpha; no cell of this notebook was running on beta\n"
    )


def test_a_host_must_be_named(meshed: Notebook) -> None:
    """Nothing is interrupted by accident."""
    assert "HOST" in meshed.refused("%paglet interrupt")
    assert meshed.refused("%paglet interrupt gamma").startswith("no host 'gamma'")


def test_a_host_that_is_not_up_is_left_alone(
    meshed: Notebook, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and nothing is sent to a process that may be another's by now."""
    asked: list[str] = []

    def interrupt(host: HostHandle) -> int:
        asked.append(host.name)
        return 1

    assert meshed.session.mesh is not None
    monkeypatch.setattr(meshed.session.mesh.supervisor.records["beta"], "state", "dead")
    monkeypatch.setattr(HostHandle, "interrupt", interrupt)
    capsys.readouterr()
    meshed.run("%paglet interrupt all")
    assert asked == ["alpha"]
    assert capsys.readouterr().out == "interrupted 1 cell on alpha; beta is not up\n"
