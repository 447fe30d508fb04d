"""Pictures as IPython formatters, by type; installed and taken away together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paglets_nb.widgets import pictures, searches

__all__ = ["Formatting"]

_HTML, _TEXT = "text/html", "text/plain"
_LIVE = ("paglets_nb.widgets.task_table.LiveTaskTable", "paglets_nb.widgets.paglet_output.PagletOutput")
"""Types whose objects show as a live view."""
_FOLLOWED = (
    "paglets_nb.experiments.fan_out.FanOut",
    "paglets_nb.widgets.records.DrainedEvents",
    "paglets_nb.widgets.records.EventTable",
)
"""Types of what a verb returns after it has shown it in a live view."""


def _plain(make: Any) -> Any:
    """A picture's text as IPython's pretty printer wants it."""

    def show(value: Any, printer: Any, cycle: bool) -> None:
        printer.text(make(value))

    return show


class Formatting:
    """The formatters the extension adds to a shell.

    Args:
        display_formatter: the shell's.
        show_task: displays a task's handle.
        show_live: displays what has a live view of its own.
        show_unless_seen: does nothing for what the cell shows already, else raises NotImplementedError.
    """

    def __init__(
        self,
        display_formatter: Any,
        show_task: Callable[[Any], object],
        show_live: Callable[[Any], object],
        show_unless_seen: Callable[[Any], object],
    ) -> None:
        self._live = {pictures.TASK_HANDLE: show_task, **dict.fromkeys(_LIVE, show_live)}
        self._live |= dict.fromkeys(_FOLLOWED, show_unless_seen)
        self._html = display_formatter.formatters[_HTML]
        self._text = display_formatter.formatters[_TEXT]
        self._whole = display_formatter.ipython_display_formatter
        self._added: list[tuple[Any, Any]] = []

    def install(self) -> None:
        """Add the pictures of the project's own types; their modules are not imported for it."""
        for name, picture in {**pictures.PICTURES, **searches.PICTURES}.items():
            module, _, cls = name.rpartition(".")
            self._html.for_type_by_name(module, cls, picture.html)
            self._text.for_type_by_name(module, cls, _plain(picture.text))
            self._added += [(self._html, name), (self._text, name)]
        for name, show in self._live.items():
            module, _, cls = name.rpartition(".")
            self._whole.for_type_by_name(module, cls, show)
            self._added.append((self._whole, name))

    def add_reply(self, cls: type) -> None:
        """Show instances of a reply's dataclass as a picture, unless something shows them already."""
        if cls not in self._html:
            self._html.for_type(cls, pictures.reply_html)
            self._text.for_type(cls, _plain(pictures.reply_text))
            self._added += [(self._html, cls), (self._text, cls)]

    def remove(self) -> None:
        """Take every formatter away that was added."""
        for formatter, kind in self._added:
            formatter.pop(kind, None)
        self._added.clear()
