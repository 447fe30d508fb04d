from __future__ import annotations

from typing import Any

from paglets_nb.experiments.cells import RUNNING, Cell
from paglets_nb.experiments.results import Results
from paglets_nb.widgets import matrix_widget
from paglets_nb.widgets.matrix_widget import MatrixWidget


class Page:
    """A matrix, and what its page was sent."""

    def __init__(self, count: int = 3) -> None:
        self.results = Results("f", [Cell(number, {"n": number}, 0, "alpha") for number in range(count)])
        self.shown = MatrixWidget()
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self.shown.widget.send = lambda content, buffers=None: self.sent.append((content, buffers or []))

    def update(self, *, busy: bool = True) -> None:
        """Show how things stand."""
        self.shown.update(self.results, "running", busy=busy)

    def ask(self, **more: Any) -> dict[str, Any]:
        """Ask for a cell's details."""
        self.shown._on_message(None, {"kind": "details", "view": "me", "plan": 1, "place": 0, **more}, [])
        return self.sent[-1][0] if self.sent else {}


def test_the_plan_is_sent_once_and_then_what_changes() -> None:
    """Labels with the plan; afterwards a cell costs nine bytes."""
    page = Page()
    page.update()
    assert page.shown.widget.plan == {"number": 1, "rows": ["n=0", "n=1", "n=2"], "columns": ["alpha"]}
    assert page.sent == []
    page.results.cells[1].state = RUNNING
    page.update()
    (content, buffers), *_rest = page.sent
    assert content == {"kind": "delta", "plan": 1, "count": 1}
    assert [len(buffer) for buffer in buffers] == [4, 1, 4]
    page.update()
    assert len(page.sent) == 1
    assert page.shown.widget.head["counts"][:2] == [["waiting", 2], ["running", 1]]


def test_a_snapshot_follows_the_last_change(monkeypatch: Any) -> None:
    """At once at the end, and from time to time before, for a page that has missed something."""
    page = Page()
    page.update()
    page.results.cells[0].succeed(1, 0.5, None)
    page.update()
    assert page.shown.widget.snapshot["count"] == 0
    page.update(busy=False)
    assert page.shown.widget.snapshot["count"] == 1
    assert page.shown.widget.snapshot["states"] == bytes([2, 0, 0])
    monkeypatch.setattr(matrix_widget, "_SNAPSHOT", 0.0)
    page.results.cells[1].succeed(1, 0.5, None)
    page.update()
    assert page.shown.widget.snapshot["states"] == bytes([2, 2, 0])


def test_other_results_make_another_plan() -> None:
    """Whose deltas are counted anew."""
    page = Page()
    page.update()
    page.results = Results("g", [Cell(0, {}, 0, "beta")])
    page.update()
    assert page.shown.widget.plan["number"] == 2
    assert page.shown.widget.snapshot["plan"] == 2
    assert page.shown.widget.head["title"] == "g"


def test_a_cell_is_asked_for() -> None:
    """By the place in the plan that is shown; others, and what makes no sense, are not answered."""
    page = Page()
    page.ask()
    page.update()
    page.results.cells[0].succeed("<reply>", 0.5, None)
    assert page.sent == []
    assert page.ask(pinned=True)["text"] == "<reply>"
    assert page.sent[-1][0]["where"] == "n=0, on alpha, ok after 500 ms"
    assert page.sent[-1][0]["pinned"]
    for nonsense in ({"plan": 7}, {"place": "x"}, {"kind": "other"}):
        page.ask(**nonsense)
    page.shown._on_message(None, None, [])
    assert len(page.sent) == 1
