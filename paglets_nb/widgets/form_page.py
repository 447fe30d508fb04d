"""The part of a form that the page draws: fields, buttons, the history of calls.

Owns what travels between the page and the form. It must not know what a field means.
"""

from __future__ import annotations

import glob
import itertools
import os
import threading
from pathlib import Path
from typing import Any

import anywidget
import traitlets

__all__ = ["FormPage", "paths_beginning"]

_STATIC = Path(__file__).parent / "static"
_MOST_PATHS = 50
"""Completions of a path."""
_IDLE: dict[str, Any] = {"serial": 0, "phase": "idle", "text": "", "seconds": 0.0}


class FormPage(anywidget.AnyWidget):
    """The fields and buttons in the page.

    Attributes:
        head: ``title``, ``owner`` and ``about`` of the form.
        fields: see ``forms.raw_values.page_fields``.
        initial: what is filled in at first, as raw values.
        values: what is filled in.
        errors: what is wrong, by the path of the field.
        status: ``phase``, ``text`` and ``seconds`` of the last call; ``serial`` makes each news.
        code: the line that does the same.
        history: the last calls, newest first.
        timeout: seconds, as typed.
    """

    _esm = _STATIC / "operation_form.js"
    _css = _STATIC / "operation_form.css"
    head = traitlets.Dict().tag(sync=True)
    fields = traitlets.Dict().tag(sync=True)
    initial = traitlets.Dict().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    errors = traitlets.Dict().tag(sync=True)
    status = traitlets.Dict(_IDLE).tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    history: Any = traitlets.List().tag(sync=True)
    timeout = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._telling = threading.RLock()
        super().__init__(**traits)

    def tell(self, **traits: Any) -> None:
        """Set traits that belong together, from any thread; the page is told of them at once."""
        with self._telling, self.hold_sync():
            for name, value in traits.items():
                setattr(self, name, value)


def paths_beginning(text: str) -> list[str]:
    """The paths of this machine that begin with a text; folders end with a slash."""
    begun = os.path.expanduser(text)
    found = itertools.islice(glob.iglob(f"{glob.escape(begun)}*"), _MOST_PATHS)
    return sorted(os.path.join(path, "") if os.path.isdir(path) else path for path in found)
