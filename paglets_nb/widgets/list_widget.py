"""The page's side of the notifications, as an ipywidgets widget; imported when one is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

__all__ = ["ListWidget"]

_STATIC = Path(__file__).parent / "static"


class ListWidget(anywidget.AnyWidget):
    """A list of notifications in the page.

    A page that asks for its state is given the entries as they are then; what comes later is
    sent to it as ``{"add": [...]}``, so that no entry travels twice.

    Args:
        current: gives the entries as they are.
    """

    _esm = _STATIC / "notifications.js"
    _css = _STATIC / "notifications.css"
    entries: Any = traitlets.List().tag(sync=True, to_json=lambda _value, widget: widget._current())
    severity = traitlets.Unicode().tag(sync=True)

    def __init__(self, current: Callable[[], list[dict[str, Any]]], **options: Any) -> None:
        self._current = current
        super().__init__(**options)
