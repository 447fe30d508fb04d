"""The page's side of the mesh panel, as an ipywidgets widget; imported when one is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

__all__ = ["PanelWidget"]

_STATIC = Path(__file__).parent / "static"


class PanelWidget(anywidget.AnyWidget):
    """Hosts in the page.

    The page sends ``{"do": ACTION, "host": NAME}``, with the actions ``add``, ``interrupt``,
    ``restart`` and ``remove``; a restart that its user is sure of with ``"sure": true``. Where it has
    to be asked first, it is sent ``{"ask": ACTION, "host": NAME, "text": QUESTION}``.
    """

    _esm = _STATIC / "panel.js"
    _css = _STATIC / "panel.css"
    mesh = traitlets.Unicode().tag(sync=True)
    running: Any = traitlets.Bool(True).tag(sync=True)
    headline = traitlets.Unicode().tag(sync=True)
    hosts: Any = traitlets.List().tag(sync=True)
    listed: Any = traitlets.Dict().tag(sync=True)
    unread: Any = traitlets.Int(0).tag(sync=True)
    adding = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    told = traitlets.Unicode().tag(sync=True)
    handled: Any = traitlets.Int(0).tag(sync=True)
    # set by the page
    opened: Any = traitlets.List().tag(sync=True)
    reading: Any = traitlets.Bool(False).tag(sync=True)
