from __future__ import annotations

import pytest

from tests.unit.magics.notebook import Notebook


def test_down_says_what_it_ended(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """The mesh is named, and calls through old proxies are one line."""
    notebook.run("%paglet up 1 --name single")
    capsys.readouterr()
    notebook.run("%paglet down")
    assert capsys.readouterr().out == "mesh single is down (1 host)\n"
