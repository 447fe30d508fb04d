from __future__ import annotations

import os

from tests.unit.magics.notebook import Notebook


def test_info_tells_class_place_operations_and_state(meshed: Notebook, counter: str) -> None:
    """Everything a caller needs to know of a paglet is in text and HTML."""
    details = meshed.run("%paglet info counter")
    assert details.state == {"count": 0, "anything": None}
    assert details.info["pid"] not in (0, os.getpid())
    text = repr(details)
    assert "add (by: int = 1, colour: Colour = Colour.RED, note: str | None = None" in text
    assert ") -> Total" in text
    assert "count = 0" in text
    assert f"alpha (pid {details.info['pid']})" in details._repr_html_()
