"""What keeps a live view's keys from the notebook, and tells when its kernel ended; imported when one is shown."""

from __future__ import annotations

from pathlib import Path

import anywidget

__all__ = ["Heart"]


class Heart(anywidget.AnyWidget):
    """Stands beside a view in the page, and is not seen; what it does is done there."""

    _esm = Path(__file__).parent / "static" / "heart.js"
