from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ipywidgets.widgets import widget

from paglets_nb import FanOut
from paglets_nb.errors import ExperimentError, MeshError
from paglets_nb.experiments.table import quantity
from paglets_nb.testing import wait_until
from paglets_nb.widgets.fan_out_chart import ChartPlace
from paglets_nb.widgets.fan_out_form import FanOutForm
from paglets_nb.widgets.fan_out_view import FanOutView
from tests.unit.experiments.conftest import Adder, Chore, LocalMesh


@pytest.fixture
def namespace() -> dict[str, Any]:
    """A notebook's variables."""
    return {"Adder": Adder, "Chore": Chore, "taken": 1}


@pytest.fixture
def view(mesh: LocalMesh, namespace: dict[str, Any]) -> Iterator[FanOutView]:
    """A view that describes four cells, as a line of the magic would."""
    made = FanOutView(mesh, Adder, "add", {"by": "[1, 2]"}, namespace=namespace, timeout=30.0)
    wait_until(lambda: "by" in form(made)._inputs)
    yield made
    made.close()
    assert made.runs.wait(10)


def form(view: FanOutView) -> FanOutForm:
    """The controls, which are open."""
    assert view._form is not None
    return view._form


def run(view: FanOutView) -> FanOut:
    """Run what is described, by the button."""
    wait_until(lambda: not view._run.disabled)
    view._run.click()
    assert view.runs.wait(10)
    return view.results


def test_nothing_is_started_by_opening_it(view: FanOutView, mesh: LocalMesh) -> None:
    """What would be run is said."""
    wait_until(lambda: "2 requests x 2 hosts: 4 cells" in form(view)._said.value)
    assert view.runs.current is None
    assert not any(host.get_proxies() for host in mesh.made_of)
    assert view.text() == "a fan-out that has not been run"
    assert view._matrix.widget.layout.display == "none"


def test_it_is_painted_by_one_thread_at_a_time(mesh: LocalMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while it is made, when the run it follows has the painter at it already."""
    alone: list[bool] = []
    paint = FanOutView._paint

    def watched(view: FanOutView) -> None:
        alone.append(view._changed._working.locked())
        paint(view)

    monkeypatch.setattr(FanOutView, "_paint", watched)
    followed = FanOut(mesh, Adder, "add", {"by": [1, 2]}, timeout=30.0)
    followed.start()
    view = FanOutView(mesh, namespace={}, fan_out=followed)
    assert followed.wait(10)
    assert view.runs.wait(10)
    view.close()
    assert alone
    assert all(alone)


def test_what_is_described_is_run(view: FanOutView) -> None:
    """By its button, in the background; the matrix and the medians follow."""
    fan_out = run(view)
    assert fan_out.counts == {"ok": 4}
    wait_until(lambda: "median" in view._table.value)
    assert view._matrix.widget.layout.display is None
    assert not view._run.disabled
    assert "by=2" in view.html()
    assert "median" in view.html()
    assert "by=1  ++" in view.text()


def test_what_cannot_be_run_is_said(view: FanOutView) -> None:
    """While it is typed, and its button cannot be pressed."""
    form(view)._inputs["by"].value = "many"
    assert "field &#x27;by&#x27; wants int" in form(view)._said.value
    wait_until(lambda: view._run.disabled)
    with pytest.raises(ExperimentError, match="wants int"):
        view.start()
    form(view)._inputs["by"].value = "range(3)"
    assert "3 requests x 2 hosts: 6 cells" in form(view)._said.value
    for host in form(view)._hosts.values():
        host.value = False
    assert "choose at least one host" in form(view)._said.value


def test_another_target_has_other_fields(view: FanOutView) -> None:
    """A task has no operation to choose; what was typed stays where a field has the same name."""
    form(view)._target.value = "Chore"
    wait_until(lambda: form(view).question is not None and form(view).question.operation is None)
    assert form(view)._operation.layout.display == "none"
    wait_until(lambda: "by" in form(view)._inputs)
    assert form(view)._inputs["by"].value == "[1, 2]"
    assert run(view).title == "Chore"


def test_options_are_what_is_run_with(mesh: LocalMesh, namespace: dict[str, Any]) -> None:
    """Those of the line, and as they are changed."""
    view = FanOutView(mesh, Adder, "add", {}, namespace=namespace, hosts="beta", repeat=3, placement="pinned")
    wait_until(lambda: "by" in form(view)._inputs)
    form(view)._repeat.value = 2
    fan_out = run(view)
    assert [cell.host for cell in fan_out.cells] == ["beta", "beta"]
    view.close()


def test_cancel_and_retry(view: FanOutView, gate: threading.Event) -> None:
    """By their buttons, which can be pressed when there is something to do."""
    form(view)._inputs["gate"].value = "gate"
    form(view)._inputs["fail"].value = "[yes, no]"
    wait_until(lambda: not view._run.disabled)
    view._run.click()
    wait_until(lambda: view.runs.current is not None and view.results.counts.get("running") == 2)
    wait_until(lambda: view._run.disabled and not view._cancel.disabled)
    view._cancel.click()
    assert view.runs.wait(10)
    assert view.results.unknown
    wait_until(lambda: not view._retry.disabled)
    gate.set()
    view._retry.click()
    assert view.runs.wait(10)
    assert "KeyError" in view.text()


def test_what_a_cancel_left_is_run_by_the_button(view: FanOutView, gate: threading.Event) -> None:
    """Which says so; none of it is called failed."""
    form(view)._inputs["gate"].value = "gate"
    wait_until(lambda: not view._run.disabled)
    view._run.click()
    wait_until(lambda: view.runs.current is not None and view.results.counts.get("running") == 2)
    view._cancel.click()
    assert view.runs.wait(10)
    assert view.results.counts == {"unknown": 2, "not run": 2}
    wait_until(lambda: view._retry.description == "Run the rest" and not view._retry.disabled)
    assert "2 not run" in view.html()
    assert "failed:" not in view.text()
    gate.set()
    view._retry.click()
    assert view.runs.wait(10)
    assert view.results.counts == {"unknown": 2, "ok": 2}


def test_a_frame_goes_into_a_variable(view: FanOutView, namespace: dict[str, Any]) -> None:
    """Again, but never over something else of the user's."""
    with pytest.raises(ExperimentError, match="nothing has been run"):
        view.export_frame("frame")
    run(view)
    assert len(view.export_frame("frame")) == 4
    assert list(namespace["frame"]["by"]) == [1, 1, 2, 2]
    view.export_frame("frame")
    for name, said in (("taken", "holds a int"), ("not a name", "no name"), ("for", "no name")):
        with pytest.raises(ExperimentError, match=said):
            view.export_frame(name)
    assert namespace["taken"] == 1
    view._name.value = "taken"
    view._set.click()
    wait_until(lambda: "taken is taken" in view._message.value)


def test_cells_go_into_a_file(view: FanOutView, tmp_path: Path) -> None:
    """Again, but never over another file."""
    run(view)
    path, other = tmp_path / "cells.csv", tmp_path / "other.csv"
    view._path.value = str(path)
    view._write.click()
    wait_until(path.exists)
    view.export_csv(str(path))
    with path.open(newline="", encoding="utf-8") as file:
        assert [row["by"] for row in csv.DictReader(file)] == ["1", "1", "2", "2"]
    other.write_text("mine")
    with pytest.raises(ExperimentError, match="exists already"):
        view.export_csv(str(other))


def test_runs_are_compared(view: FanOutView) -> None:
    """The latest with an earlier one that is chosen."""
    run(view)
    run(view)
    wait_until(lambda: len(view._against.options) == 2)
    view._against.value = 1
    wait_until(lambda: "Compared with run 1" in view._table.value)
    assert "ratio" in view.html()
    view._against.value = 0
    wait_until(lambda: "Compared" not in view._table.value)


def test_the_chart_is_drawn_and_stays(view: FanOutView) -> None:
    """In the page, and in its picture; it is drawn anew when a run has ended."""
    run(view)
    view.plot()
    (output,) = view._chart.widget.outputs
    assert output["data"]["image/png"]
    assert "data:image/png;base64," in view.html()
    run(view)
    wait_until(lambda: view._chart.widget.outputs[0]["data"]["text/plain"] == repr(view.results.summary()))


def test_the_chart_of_a_cell_is_the_one_that_its_button_draws(view: FanOutView) -> None:
    """In its place, and nowhere else; it follows the runs there."""
    drawn: list[str] = []

    class Place(ChartPlace):
        def __init__(self) -> None:
            """In no cell."""

        def draw(self, bundle: dict[str, Any]) -> None:
            drawn.append(bundle["text/plain"])

    run(view)
    view.plot_in(Place())
    view._draw.click()
    wait_until(lambda: len(drawn) == 2)
    run(view)
    wait_until(lambda: drawn[-1] == repr(view.results.summary()))
    assert view._chart.widget.outputs == ()
    assert "data:image/png" not in view.html()


def test_medians_are_shown_when_they_are_wanted(mesh: LocalMesh, namespace: dict[str, Any]) -> None:
    """And are those of the latest run from then on, until the view is closed."""
    fan_out = FanOut(mesh, Adder, "add", {"by": [1], "fail": [False, True]}).run()
    view = FanOutView(mesh, namespace=namespace, fan_out=fan_out, tables=False)
    assert view.runs.wait(10)
    assert "median" not in view.html()
    assert view.show_tables()
    assert "median" in view._table.value
    before = quantity(fan_out.elapsed)
    view.retry()
    assert view.runs.wait(10)
    wait_until(lambda: f", {quantity(fan_out.elapsed)}<" in view._table.value)
    assert f", {before}<" not in view.html()
    view.close()
    assert not view.show_tables()


def test_who_runs_it_holds_the_buttons(mesh: LocalMesh, namespace: dict[str, Any]) -> None:
    """Until it says that it is over; then all of them work."""
    fan_out = FanOut(mesh, Adder, "add", {"by": [1, 2]})
    view = FanOutView(mesh, Adder, "add", {"by": [1, 2]}, namespace=namespace, fan_out=fan_out, tables=False)
    view.hold("the <cell> waits")
    wait_until(lambda: "the &lt;cell&gt; waits" in view._message.value)
    assert view._form is None  # what is measured is not disturbed by questions to hosts
    assert view._cancel.disabled
    fan_out.run()
    view.settle()
    assert not view.runs.busy
    assert view._message.value == ""
    assert "median" not in view.html()
    assert "4 ok" in view.html()
    again = run(view)
    assert again is not fan_out
    assert again.counts == {"ok": 4}
    view._choose.value = True
    wait_until(lambda: "by" in form(view)._inputs)
    assert form(view)._inputs["by"].value == "[1, 2]"
    view.close()


def test_what_was_not_described_is_not_run_again(mesh: LocalMesh, namespace: dict[str, Any]) -> None:
    """A fan-out that was made elsewhere is watched, until its user describes another one."""
    fan_out = FanOut(mesh, Adder, "add").run()
    view = FanOutView(mesh, namespace=namespace, fan_out=fan_out)
    assert view.runs.wait(10)
    assert view._run.disabled
    with pytest.raises(ExperimentError, match="describe it first"):
        view.start()
    view._choose.value = True
    wait_until(lambda: not view._run.disabled)
    view.close()


def test_a_closed_view_leaves_no_widget_and_its_picture(mesh: LocalMesh, namespace: dict[str, Any]) -> None:
    """Closing, also twice, takes all its widgets away."""
    before = set(widget._instances)
    view = FanOutView(mesh, Adder, "add", {"by": "[1]"}, namespace=namespace)
    wait_until(lambda: "by" in form(view)._inputs)
    run(view)
    view.close()
    view.close()
    wait_until(lambda: set(widget._instances) == before)
    assert "by" in view.html()


def test_a_mesh_that_is_down_is_said(view: FanOutView, mesh: LocalMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the user looks, whatever button is pressed; nothing is raised in a callback."""

    def hosts() -> list[Any]:
        raise MeshError("mesh 'm' is not running")

    monkeypatch.setattr(mesh, "hosts", hosts)
    view._choose.value = False
    view._choose.value = True
    wait_until(lambda: "is not running" in view._message.value)


def test_one_at_a_time_brings_it_up_to_date(mesh: LocalMesh, namespace: dict[str, Any]) -> None:
    """Also while it is made, when the painter may be about it already; else the page is told of two layouts."""
    inside, second = threading.Lock(), threading.Event()

    class Watched(FanOutView):
        def _paint(self) -> None:
            if not inside.acquire(blocking=False):
                second.set()
                return
            try:
                second.wait(0.2)
                super()._paint()
            finally:
                inside.release()

    fan_out = FanOut(mesh, Adder, "add").run()
    view = Watched(mesh, namespace=namespace, fan_out=fan_out)
    assert view.runs.wait(10)
    view.close()
    assert not second.is_set()
    assert view._matrix._plan == 1
