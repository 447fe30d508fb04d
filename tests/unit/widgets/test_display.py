from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.testing import wait_until
from paglets_nb.widgets.display import Displayed


class Plain(Displayed):
    """A view of nothing."""

    widget: Any = None

    def __init__(self) -> None:
        self.closed = 0

    def text(self) -> str:
        """Text."""
        return f"closed {self.closed}"

    def html(self) -> str:
        """The same."""
        return f"<b>closed {self.closed}</b>"

    def close(self) -> None:
        """Count."""
        self.closed += 1


def test_without_a_page_a_view_is_text_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing can be alive it shows how things stand, and is closed."""
    view = Plain()
    view._ipython_display_()
    assert "closed 0" in capsys.readouterr().out
    assert view.closed == 1
    view._ipython_display_()
    assert "closed 1" in capsys.readouterr().out
    assert repr(view) == view.text()


def test_the_end_of_a_view() -> None:
    """It is closed, also in the background."""
    view, other = Plain(), Plain()
    view.changed()
    view.end()
    assert view.closed == 1
    other.end_soon()
    wait_until(lambda: other.closed == 1)
