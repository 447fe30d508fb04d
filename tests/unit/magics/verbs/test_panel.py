from __future__ import annotations

import pytest

from paglets_nb.widgets.panel import MeshPanel
from tests.unit.magics.notebook import Notebook


def test_the_panel_of_the_mesh(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """The verb shows the panel, and returns it; without a page it is text, and looks no more."""
    panel = meshed.run("_panel = %paglet panel\n_panel")
    shown = capsys.readouterr().out
    assert isinstance(panel, MeshPanel)
    assert "alpha" in shown
    assert "alpha" in repr(panel)
    assert panel._closed


def test_mistakes(meshed: Notebook) -> None:
    """It takes no arguments."""
    assert "unrecognized arguments" in meshed.refused("%paglet panel now")
