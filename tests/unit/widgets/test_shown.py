from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.testing import wait_until
from paglets_nb.widgets import shown
from paglets_nb.widgets.shown import Shown


class _Showing:
    def __init__(self, view: Any) -> None:
        self.view = view
        self.refreshed = 0
        self.closed = False

    def refresh(self) -> None:
        self.refreshed += 1

    def close(self) -> None:
        self.closed = True


class _View(Shown):
    def __init__(self) -> None:
        super().__init__()

    def close(self) -> None:
        self._closed = True


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cell that runs, as its only entry; showing needs a kernel, which has tests of its own in a browser."""
    running = ["a"]
    monkeypatch.setattr(shown, "current_cell", lambda: running[0])
    monkeypatch.setattr(shown, "show", _Showing)
    return running


def test_a_view_is_displayed_once_in_a_cell(cell: list[str]) -> None:
    """Again in another one; every display is kept up to date, and ends with it."""
    view = _View()
    changes: list[None] = []
    view.on_change = lambda: changes.append(None)
    first = view.show()
    view._ipython_display_()
    assert view.show() is first
    cell[0] = "b"
    second: Any = view.show()
    assert second is not first
    view.changed()
    assert (first.refreshed, second.refreshed, len(changes)) == (1, 1, 1)  # type: ignore[union-attr]
    view.leave()
    view.leave()
    assert second.closed
    assert first.closed  # type: ignore[union-attr]
    view.changed()
    assert second.refreshed == 1


def test_a_view_leaves_in_the_background(cell: list[str]) -> None:
    """Whoever must not wait has a thread do it."""
    view = _View()
    showing: Any = view.show()
    view.leave_soon()
    wait_until(lambda: view._closed)
    assert showing.closed


def test_an_ended_view_is_displayed_as_its_picture(cell: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Once in a cell, too."""
    pictured: list[Any] = []
    monkeypatch.setattr(shown, "show_picture", pictured.append)
    view = _View()
    view.show()
    view.leave()
    cell[0] = "b"
    assert view.show() is None
    view._ipython_display_()
    assert pictured == [view]


def test_displays_are_bounded(cell: list[str]) -> None:
    """The oldest keeps the picture it has."""
    view = _View()
    showings: list[Any] = []
    for number in range(10):
        cell[0] = str(number)
        showings.append(view.show())
    view.changed()
    assert [showing.refreshed for showing in showings] == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
