"""A view that displays itself, and keeps its pictures up to date.

Owns where a view is displayed, so that the notebook's magics can leave its last picture
everywhere when the mesh goes. It must not know what the view shows.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from paglets_nb.widgets.background import post
from paglets_nb.widgets.display import Showing, show, show_picture

__all__ = ["Shown", "close_widgets", "current_cell"]

_MOST = 8
"""Places in which one view is alive at once."""


_leaving = threading.Lock()


def current_cell() -> str:
    """What tells the cell that runs now from others; empty outside IPython."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    get_parent = getattr(shell, "get_parent", None)
    parent = get_parent() if get_parent is not None else None
    return str((parent or {}).get("header", {}).get("msg_id", getattr(shell, "execution_count", "")))


def close_widgets(*widgets: Any) -> None:
    """Take ipywidgets away, with their layouts and styles."""
    for widget in widgets:
        for part in (getattr(widget, "style", None), getattr(widget, "layout", None), widget):
            if part is not None:
                part.close()


def _log(error: Exception) -> None:
    logging.getLogger(__name__).warning("a view could not be closed: %s", error)


class Shown:
    """What views have in common; they add ``widget``, ``text``, ``html`` and ``close``.

    Attributes:
        on_change: called when it has changed, for a view that it is a part of.
    """

    def __init__(self) -> None:
        self._showings: deque[Showing] = deque()
        self._shown_in: str | None = None
        self._closed = False
        self.on_change: Callable[[], None] = lambda: None

    def show(self) -> Showing | None:
        """Display it in the cell that runs now; once in a cell, however often it is asked for."""
        cell = current_cell()
        if self._shown_in == cell:
            return self._showings[-1] if self._showings else None
        self._shown_in = cell
        view: Any = self  # the rest of a View is a subclass's
        if self._closed:
            show_picture(view)
            return None
        showing = show(view)
        if showing is not None:
            self._showings.append(showing)
            while len(self._showings) > _MOST:
                self._showings.popleft()
        return showing

    def _ipython_display_(self) -> None:
        self.show()

    def changed(self) -> None:
        """Have the pictures brought up to date."""
        for showing in list(self._showings):
            showing.refresh()
        self.on_change()

    def leave(self) -> None:
        """End it, and leave its last picture wherever it is displayed; harmless when repeated.

        When it returns the pictures are there, also where another thread was about it.
        """
        with _leaving:
            showings = list(self._showings)
            self._showings.clear()
            for showing in showings:
                showing.close()
            self.close()

    def leave_soon(self) -> None:
        """The same in the background, for a thread that must not wait."""
        post(self.leave, _log)

    def close(self) -> None:
        """Stop following what it shows and take its widgets away; harmless when repeated."""
        raise NotImplementedError
