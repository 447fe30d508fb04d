"""What a notebook is told of a host whose process is stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb.mesh import asking
from tests.unit.magics.notebook import Notebook, meshed_notebook

SHORT = 0.8
"""Seconds that the host that is stopped is waited for."""
ENOUGH = 3.0
"""Seconds in which the one that is not stopped answers, however busy the machine is."""


@pytest.fixture(scope="module")
def stopped(shell: Any) -> Iterator[Notebook]:
    """Alpha is stopped, with a paglet that ``_there`` holds; one on beta is called ``here``."""
    with meshed_notebook(shell) as made:
        made.run("_there = %paglet create Counter --on alpha --name there")
        made.run("_here = %paglet create Counter --on beta --name here")
        made.run("_job = %paglet create Worker --on alpha")
        pid = made.session.host("alpha").pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield made
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANSWER", "LISTED"):
        monkeypatch.setattr(asking, name, SHORT)
    monkeypatch.setattr("paglets_nb.magics.session._PATIENCE", SHORT)


@pytest.fixture
def enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for the host that is not stopped too."""
    monkeypatch.setattr(asking, "ANSWER", ENOUGH)
    monkeypatch.setattr(asking, "LISTED", ENOUGH)


@pytest.mark.usefixtures("enough")
def test_it_is_silent(stopped: Notebook) -> None:
    """What is not known of it is not told."""
    rows = repr(stopped.run("%paglet hosts")).splitlines()
    pid = stopped.session.host("alpha").pid
    assert rows[1].split() == ["alpha", "silent:", "does", "not", "answer", str(pid), "?"]
    assert rows[2].split()[1] == "up"


@pytest.mark.usefixtures("enough")
def test_its_paglets_are_said_to_be_missing(
    stopped: Notebook, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whatever lists paglets."""
    said = "paglets are missing: alpha does not answer; wait, or %paglet restart alpha\n"
    for line in ("ls", "tasks"):
        stopped.run(f"%paglet {line}")
        assert said in capsys.readouterr().out
    monkeypatch.setattr(asking, "LISTED", SHORT)
    stopped.run("%paglet ls --on alpha")
    assert said in capsys.readouterr().out
    stopped.run("%paglet ls --on beta")
    assert "missing" not in capsys.readouterr().out


@pytest.mark.usefixtures("enough")
def test_a_program_is_warned(stopped: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of proxies that may not be all names the hosts it says nothing of."""
    monkeypatch.setattr("paglets_nb.mesh.mesh.LISTED", ENOUGH)
    mesh = stopped.session.require_mesh()
    with pytest.warns(RuntimeWarning, match="paglets are missing: alpha does not answer"):
        assert [proxy.name for proxy in mesh.paglets()] == ["here"]


@pytest.mark.parametrize(
    "line",
    [
        "call _there add --timeout 0.2",
        "call _there add",
        "info _there",
        "create Counter --on alpha",
        "clone _there beta --timeout 0.2",
        "dispatch _there beta --timeout 0.2",
        "drain _there",
        "upgrade _there --timeout 0.2",
        "fanout _there add --timeout 0.2",
        "bench --timeout 0.2",
        "hops --timeout 0.2",
        "status _job",
        "wait _job --timeout 0.2",
        "start _job steps=1",
    ],
)
def test_a_verb_names_it_and_what_to_do(stopped: Notebook, line: str) -> None:
    """None of its own verbs is named, and nobody waits for longer than the line says."""
    said = stopped.refused(f"%paglet {line}")
    assert said.startswith("host alpha: no answer within ")
    assert "%paglet restart alpha" in said
    assert "@" not in said


def test_a_name_that_may_be_there(stopped: Notebook) -> None:
    """It is not told to be nowhere."""
    said = stopped.refused("%paglet call there add --timeout 0.5")
    assert said.startswith("no paglet 'there' in the mesh: alpha does not answer; wait, or %paglet restart alpha (pag")


def test_others_hold_nobody_up(stopped: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A paglet that is found is not looked for any more, and a new one goes where it is made."""
    monkeypatch.setattr(asking, "LISTED", 60.0)
    assert stopped.run("%paglet call here add").count == 1
    made = stopped.run("%paglet create Counter")
    assert made.info()["host_name"] == "beta"
    made.dispose()


def test_a_move_to_it_does_not_happen(stopped: Notebook) -> None:
    """The paglet is said to stay, within the time given."""
    said = stopped.refused("%paglet dispatch here alpha --timeout 3")
    assert said.startswith("the target did not take the paglet: host alpha: no answer within 3 s; it is stopped")
    assert stopped.variable("_here").info()["host_name"] == "beta"


def test_of_several_clones_those_made_are_there(stopped: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """A line says which are not; where none is, that is an error."""
    (clone,) = stopped.run("%paglet clone here --all --timeout 3")
    assert clone.info()["host_name"] == "beta"
    clone.dispose()
    said = capsys.readouterr().out
    assert said.startswith("no clone on alpha: the target did not take the paglet: host alpha: no answer within 3 s")
    assert "proxy finds it" not in said


@pytest.mark.usefixtures("enough")
def test_an_interrupt_waits(stopped: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not answer is not said to be interrupted."""
    stopped.run("%paglet interrupt all")
    assert capsys.readouterr().out == (
        "alpha does not answer; the interrupt takes effect once it does, else: %paglet restart alpha; "
        "no cell of this notebook was running on beta\n"
    )
