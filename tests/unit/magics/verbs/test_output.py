from __future__ import annotations

import pytest

from tests.unit.magics.notebook import Notebook


def test_what_a_paglet_printed(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """Its lines, wherever they were shown; the last ones, or an object that goes on being filled."""
    meshed.run(
        "class _Loud(Counter):\n"
        "    def add(self, request):\n        print('added', request.by)\n        return Total(0)"
    )
    meshed.run("_loud = %paglet create _Loud --name loud")
    output = meshed.run("%paglet output loud")
    assert (output.label, output.text()) == ("loud", "")
    for number in range(3):
        meshed.run(f"%paglet call loud add by={number}")
    assert output.log.wait(2, 5.0)
    assert output.text() == "added 0\nadded 1\nadded 2\n"
    capsys.readouterr()
    assert meshed.run("%paglet output loud --lines 2") is None
    assert capsys.readouterr().out == "added 1\nadded 2\n"
    meshed.run("_loud.dispose()")


def test_nothing_printed(meshed: Notebook, counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Is said; a paglet that is not there is one line."""
    meshed.run("%paglet output counter --lines 5")
    assert "nothing was printed" in capsys.readouterr().out
    assert meshed.refused("%paglet output nobody").startswith("no paglet 'nobody'")


def test_of_a_paglet_that_is_gone(meshed: Notebook, counter: str) -> None:
    """A variable that holds its proxy leads to one line, unless it had printed something."""
    meshed.run("%paglet dispose counter")
    for option in ("", " --lines 5"):
        assert meshed.refused(f"%paglet output _counter{option}").startswith("no paglet 'counter' on alpha (")
