from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.unit.magics.notebook import Notebook


def _shown(notebook: Notebook, value: Any) -> dict[str, Any]:
    data: dict[str, Any] = notebook.shell.display_formatter.format(value)[0]
    return data


def test_what_verbs_return_has_a_picture_and_text(meshed: Notebook, counter: str) -> None:
    """Mesh, host, proxy, listing, details and reply show as HTML with a text beside it."""
    values = [
        meshed.session.mesh,
        meshed.session.host("alpha"),
        meshed.run("%paglet ls"),
        meshed.run("%paglet hosts"),
        meshed.run("%paglet info counter"),
        meshed.variable("_counter"),
        meshed.run("%paglet call counter add by=3"),
    ]
    for value in values:
        data = _shown(meshed, value)
        assert "<" in data["text/html"]
        assert data["text/plain"]
    assert "Counter 'counter'" in _shown(meshed, values[5])["text/plain"]


def test_only_reply_types_get_pictures(meshed: Notebook) -> None:
    """A dataclass of the user that is no reply keeps IPython's own way of showing it."""

    @dataclass
    class Mine:
        x: int = 1

    assert "text/html" not in _shown(meshed, Mine())


def test_a_reply_with_its_own_picture_keeps_it(meshed: Notebook) -> None:
    """A reply type that knows how to show itself is left alone."""

    @dataclass
    class Own:
        x: int = 1

        def _repr_html_(self) -> str:
            return "<i>own</i>"

    meshed.session.shown(Own())
    assert _shown(meshed, Own())["text/html"] == "<i>own</i>"
