from __future__ import annotations

from typing import Any

import pytest

from paglets_nb import FanOut
from paglets_nb.magics.verbs import fanout
from paglets_nb.testing import wait_until
from tests.unit.magics.notebook import Notebook


def test_a_class_is_fanned_out(meshed: Notebook) -> None:
    """Over the lists of its fields and every host; no worker is left."""
    found = meshed.run("%paglet fanout Counter add by=[1,2] colour=blue --repeat 2 --no-plot")
    assert isinstance(found, FanOut)
    assert found.counts == {"ok": 8}
    assert {cell.host for cell in found.cells} == {"alpha", "beta"}
    assert {cell.value.note for cell in found.cells} == {"blue None"}
    assert meshed.run("%paglet ls") == []


def test_functions_tasks_and_paglets_are_fanned_out(meshed: Notebook, counter: str) -> None:
    """By the same verb, each over its own fields."""
    meshed.run("def times(n, factor=10):\n    return n * factor")
    assert meshed.run("%paglet fanout times n=[1,2] --placement spread --no-plot").values == [10, 20]
    meshed.run("import os.path as _path")
    assert meshed.run("%paglet fanout _path.basename p=[a/b] --hosts beta --no-plot").values == ["b"]
    tasks = meshed.run("%paglet fanout Worker steps=[1,2] --hosts beta --no-plot")
    assert [value.steps for value in tasks.values] == [1, 2]
    assert meshed.run("%paglet fanout counter add by=[1,2] --no-plot").cells[1].value.count == 3
    meshed.run("_both = %paglet clone counter --all")
    assert len(meshed.run("%paglet fanout _both add --json '{\"by\": 5}' --no-plot")) == 2
    for clone in meshed.variable("_both"):
        clone.dispose()
    echo = meshed.run("%paglet fanout Echo hello n=[1,2] --hosts alpha --no-plot")
    assert echo.values == [{"kind": "hello", "n": 1}, {"kind": "hello", "n": 2}]


def test_failures_are_told_and_the_chart_is_shown(meshed: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fan-out in which everything failed is a result; one with times has its picture."""
    shown: list[object] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    failed = meshed.run("%paglet fanout Counter fail")
    assert failed.counts == {"failed": 2}
    assert "KeyError: 'broken on purpose'" in repr(failed)
    assert shown == []
    meshed.run("%paglet fanout Counter add")
    assert len(shown) == 1
    assert shown[0]._repr_mimebundle_()["image/png"]  # type: ignore[attr-defined]


def test_a_stop_leaves_what_has_come(meshed: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells that had ended are results, the others say that they were cancelled."""

    class Stopped(fanout.ProgressLine):
        def tell(self, text: str, picture: str = "") -> bool:
            if "2 of 4" in text:
                raise KeyboardInterrupt
            return True

    monkeypatch.setattr(fanout, "ProgressLine", Stopped)
    found = meshed.run("%paglet fanout Counter sleep by=[0,2] --no-plot")
    assert found.counts == {"ok": 2, "unknown": 2}
    assert any("cancelled" in error for _count, _state, error in found.errors)
    mesh = meshed.session.require_mesh()
    wait_until(lambda: not mesh.paglets(), 10.0, "the workers have ended, once they have slept")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fanout", "arguments are required: TARGET"),
        ("fanout Countr add", "did you mean 'Counter'?"),
        ("fanout zzz add", "classes and functions: Counter, Echo, Feed, Herald, Worker"),
        ("fanout Counter ad", "Counter has no operation 'ad' (operations: add, fail, sleep)"),
        ("fanout Counter", "Counter: which operation? (operations: add, fail, sleep)"),
        ("fanout Counter add by=[1,x]", "operation 'add': field 'by' wants int, got 'x'"),
        ("fanout Counter add bye=1", "operation 'add' has no field 'bye'"),
        ("fanout Counter add --hosts gamma", "no host 'gamma' in the mesh (hosts: alpha, beta)"),
        ("fanout Counter add --repeat 0", "wants a whole number from 1, got '0'"),
        ("fanout Counter add --placement here", "argument --placement: invalid choice: 'here'"),
        ("fanout Counter add --timeout soon", "wants seconds above 0, got 'soon'"),
        ("fanout no.such add", "module 'no'"),
    ],
)
def test_mistakes_are_one_line(meshed: Notebook, line: str, said: str) -> None:
    """Each says what there is instead."""
    assert said in meshed.refused(f"%paglet {line}")


def test_a_function_wants_its_arguments(meshed: Notebook) -> None:
    """Those that are missing or unknown are told before anything is sent."""
    meshed.run("def times(n, factor=10):\n    return n * factor")
    assert "times: missing a required argument: 'n'" in meshed.refused("%paglet fanout times factor=1")
    assert "unexpected keyword argument 'm'" in meshed.refused("%paglet fanout times n=1 m=2")


def _pictures(page: list[dict[str, Any]]) -> list[str]:
    return [data["text/html"] for data in page if "paglets-still" in data.get("text/html", "")]


def test_in_a_page_its_cells_are_in_sight(meshed: Notebook, page: list[dict[str, Any]]) -> None:
    """Beside the widget is its picture, which is as things are when the verb returns; the result stays the same."""
    meshed.run("_found = %paglet fanout Counter add by=[1,2] --no-plot")
    assert meshed.variable("_found").counts == {"ok": 4}
    assert any("application/vnd.jupyter.widget-view+json" in data for data in page)
    assert "Counter.add: 4 cells, 4 ok" in _pictures(page)[-1]
    assert ">by=2</th>" in _pictures(page)[-1]
    cell = meshed.run("%%paglet fanout n=[1,2] --placement spread --no-plot\nn * 2")
    assert cell.values == [2, 4]
    assert "<b>cell</b>" in _pictures(page)[-1]
    assert ">2 ok</span>" in _pictures(page)[-1]


def _displayed(meshed: Notebook, value: Any) -> dict[str, Any]:
    data: dict[str, Any] = meshed.shell.display_formatter.format(value)[0]
    return data


def test_in_a_page_results_are_shown_once(meshed: Notebook, page: list[dict[str, Any]]) -> None:
    """As the cell's last line the result is a table in the view, which stays right; in another cell a table."""
    meshed.run("_found = %paglet fanout Counter add by=[1,2] --no-plot")
    found = meshed.variable("_found")
    assert "median" not in _pictures(page)[-1]
    assert _displayed(meshed, found) == {}
    assert "median" in _pictures(page)[-1]
    assert "median" in _displayed(meshed, FanOut(meshed.session.require_mesh(), lambda: 1))["text/html"]
    meshed.run("None")
    assert "median" in _displayed(meshed, found)["text/html"]


def test_what_is_gone_is_displayed_after_all(meshed: Notebook, page: list[dict[str, Any]]) -> None:
    """A view that was closed in the same cell shows no table."""
    assert page == []
    meshed.run("_found = %paglet fanout Counter add by=[1,2] --no-plot")
    meshed.session.close_views()
    assert "median" in _displayed(meshed, meshed.variable("_found"))["text/html"]


def test_in_a_page_the_button_draws_the_chart_of_the_cell(meshed: Notebook, page: list[dict[str, Any]]) -> None:
    """No second one beside it."""
    meshed.run("%paglet fanout Counter add by=[1,2]")
    view = meshed.session._views[-1]
    view._draw.click()
    wait_until(lambda: sum("image/png" in data for data in page) == 2)
    assert view._chart.widget.outputs == ()


@pytest.mark.parametrize(("more", "times"), [("", 1), ("--no-plot", 0)])
def test_what_a_chart_needs_is_fetched_meanwhile(
    meshed: Notebook, monkeypatch: pytest.MonkeyPatch, more: str, times: int
) -> None:
    """Where there will be a chart, and it takes a while."""
    asked: list[bool] = []
    monkeypatch.setattr(fanout, "prepare", lambda: asked.append(True))
    meshed.run(f"%paglet fanout Counter add by=1 {more}")
    assert asked == []
    monkeypatch.setattr(fanout, "_QUICK", 0.0)
    meshed.run(f"%paglet fanout Counter sleep by=0 {more}")
    assert len(asked[:1]) == times


def test_a_stop_in_a_page_leaves_what_has_come(
    meshed: Notebook, page: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without one."""

    def wait(self: FanOut, timeout: float | None = None) -> bool:
        if timeout == fanout._POLL and self.counts.get("ok") == 2:
            raise KeyboardInterrupt
        return real(self, timeout)

    real = FanOut.wait
    monkeypatch.setattr(FanOut, "wait", wait)
    found = meshed.run("%paglet fanout Counter sleep by=[0,2] --no-plot")
    assert found.counts == {"ok": 2, "unknown": 2}
    assert "2 unknown" in _pictures(page)[-1]
    mesh = meshed.session.require_mesh()
    wait_until(lambda: not mesh.paglets(), 10.0, "the workers have ended, once they have slept")


def test_the_form_is_opened_as_far_as_the_line_describes(meshed: Notebook, page: list[dict[str, Any]]) -> None:
    """And nothing is run; what is described is what its button runs."""
    form = meshed.run("%paglet fanout Counter add by=[1,{1 + 1}] colour=blue --repeat 2 --hosts beta --form")
    assert page
    wait_until(lambda: "by" in form._form._inputs and not form._run.disabled)
    assert form.runs.current is None
    form.start()
    assert form.runs.wait(10)
    assert form.results.counts == {"ok": 4}
    assert {cell.host for cell in form.results.cells} == {"beta"}
    assert {cell.fields["by"] for cell in form.results.cells} == {1, 2}
    empty = meshed.run("%paglet fanout --form")
    wait_until(lambda: empty._form._target.options)
    assert "Counter" in empty._form._target.options


@pytest.mark.parametrize(
    ("line", "said"),
    [("fanout Countr --form", "did you mean 'Counter'?"), ("fanout Counter ad --form", "no operation 'ad'")],
)
def test_mistakes_before_a_form_are_one_line(
    meshed: Notebook, page: list[dict[str, Any]], line: str, said: str
) -> None:
    """Nothing is opened then."""
    assert said in meshed.refused(f"%paglet {line}")
    assert page == []


def test_a_form_wants_a_page(meshed: Notebook) -> None:
    """A terminal has none."""
    assert "needs the page of a notebook" in meshed.refused("%paglet fanout Counter add --form")
