from __future__ import annotations

import pytest

from paglets_nb.widgets.panel import MeshPanel
from tests.unit.magics.notebook import Notebook


def test_the_panel_of_the_mesh(meshed: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """The verb's value is the panel, which shows itself and goes with the session."""
    panel = meshed.run("%paglet panel")
    assert isinstance(panel, MeshPanel)
    assert "alpha" in repr(panel)
    assert panel in meshed.session._views
    panel._ipython_display_()
    assert "beta" in capsys.readouterr().out


def test_mistakes(meshed: Notebook) -> None:
    """It takes no arguments."""
    assert "unrecognized arguments" in meshed.refused("%paglet panel now")
