"""The output of a paglet as a live area."""

from __future__ import annotations

from typing import Any

from ipywidgets.widgets import widget

from paglets_nb import Host
from paglets_nb.widgets import paglet_output
from paglets_nb.widgets.paglet_output import PagletOutput
from tests.unit.widgets.conftest import Worker, wait_until


def written(output: PagletOutput, text: str, name: str = "stdout") -> None:
    """Something is printed."""
    output.log.take("alpha", "stream", {"name": name, "text": text})


def test_what_is_printed_and_displayed(host: Host) -> None:
    """Runs of lines are one output, a display is its bundle without a widget; in the picture all is escaped."""
    output = PagletOutput(host.create(Worker, name="worker"))
    view = output.live()
    changes: list[int] = []
    view.on_change = lambda: changes.append(1)
    area = view._area.widget
    assert area.layout.display == "none"
    assert view.text() == "nothing was printed"
    for text in ("one\n", "<two>\n"):
        written(output, text)
    written(output, "\x1b[31mbad\x1b[0m\n", "stderr")
    bundle: dict[str, Any] = {"text/plain": "pic", "image/png": "aGk=", paglet_output._VIEW: {"model_id": "x"}}
    output.log.take("alpha", "display_data", {"data": bundle, "metadata": {}})
    wait_until(lambda: len(area.outputs) == 3)
    stream, error, display = area.outputs
    assert (stream["name"], stream["text"], error["name"]) == ("stdout", "one\n<two>\n", "stderr")
    assert set(display["data"]) == {"text/plain", "image/png"}
    assert area.layout.display == "block"
    assert len(changes) == 4
    html = view.html()
    assert "&lt;two&gt;" in html
    assert "bad</span>" in html or "bad\n</span>" in html
    assert "<img alt='pic' src='data:image/png;base64,aGk='>" in html
    assert output.text(1) == "pic\n"
    view.close()


def test_the_picture_is_bounded(host: Host) -> None:
    """It says how much came before."""
    output = PagletOutput(host.create(Worker))
    for number in range(paglet_output.KEPT + 10):
        written(output, f"line {number}\n")
    html = output._repr_html_()
    assert "10 earlier lines" in html
    assert "line 9\n" not in html
    assert "line 10\n" in html


def test_a_closed_view_leaves_nothing(host: Host) -> None:
    """Neither widgets nor a listener."""
    before = set(widget._instances)
    output = PagletOutput(host.create(Worker))
    view = output.live()
    view.close()
    view.close()
    assert set(widget._instances) == before
    assert output.log._listeners == []
