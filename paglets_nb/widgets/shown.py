"""What views have in common that display themselves: once in a cell, their pictures kept up to date; and their end."""

from __future__ import annotations

from collections import deque
from typing import Any

from paglets_nb.widgets.display import Showing, show

__all__ = ["Shown", "close_tree"]

_MOST = 8


class Shown:
    """A view that can be the value of a cell; mix it into a ``View``."""

    def __init__(self) -> None:
        self._showings: deque[tuple[str, Showing]] = deque(maxlen=_MOST)

    def show(self) -> Showing | None:
        """Display it in the cell that runs now, once however often it is asked for.

        Returns:
            What shows it; None where only its picture can be shown.
        """
        from IPython.core.getipython import get_ipython

        shell: Any = get_ipython()
        parent = shell.get_parent() if hasattr(shell, "set_thread_parent") else {}
        cell = parent.get("header", {}).get("msg_id", "")
        for shown_in, showing in self._showings:
            if cell and shown_in == cell:
                return showing
        made = show(self)  # type: ignore[arg-type]
        if made is not None:
            self._showings.append((cell, made))
        return made

    def on_change(self) -> None:
        """Have its pictures brought up to date."""
        for _cell, showing in list(self._showings):
            showing.refresh()

    def picture_now(self) -> None:
        """Bring its pictures up to date at once, before a cell ends."""
        for _cell, showing in list(self._showings):
            showing.refresh.paint()

    def _ipython_display_(self) -> None:
        self.show()


def close_tree(widget: Any) -> None:
    """Take a widget away, with all that is in it."""
    for child in getattr(widget, "children", ()):
        close_tree(child)
    for part in (getattr(widget, "style", None), getattr(widget, "layout", None), widget):
        if part is not None and hasattr(part, "close"):
            part.close()
