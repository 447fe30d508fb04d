"""A fan-out, live: described, run, watched cell by cell, cancelled, repeated where it failed, plotted and compared.

A view of ``FanOut``. What it starts runs in the background, so that no cell waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import ipywidgets

from paglets_nb.errors import ExperimentError, PagletError
from paglets_nb.experiments.cells import FAILED, NOT_RUN
from paglets_nb.experiments.fan_out import FanOut
from paglets_nb.mesh.mesh import Mesh
from paglets_nb.widgets.background import Coalesced, post
from paglets_nb.widgets.experiments import results_html, table_html
from paglets_nb.widgets.fan_out_chart import ChartPlace, FanOutChart
from paglets_nb.widgets.fan_out_export import FanOutExport, shell_namespace
from paglets_nb.widgets.fan_out_form import FanOutForm
from paglets_nb.widgets.fan_out_runs import FanOutRuns
from paglets_nb.widgets.markup import escaped
from paglets_nb.widgets.matrix_widget import MatrixWidget
from paglets_nb.widgets.shown import Shown, close_tree

__all__ = ["FanOutView"]

_UPDATES_PER_SECOND = 10.0
_SETTLING = 1.0
_HIDDEN = "none"
_WRAPPED = {"flex_flow": "row wrap"}
_RETRY, _REST = "Retry failed", "Run the rest"


class FanOutView(Shown):
    """Describes and runs fan-outs over a mesh; displays itself in a notebook.

    Args:
        mesh: whose hosts are used.
        target: what is called at first: a paglet class, a function or a paglet.
        operation: its operation's name; None for a task or a function.
        grid: fields by name, each one value or a list of values; with ``fan_out`` also a list of requests.
        namespace: the notebook's variables: classes and functions to choose from, and where frames
            are put; those of the shell when None.
        fan_out: one that runs, or has run, and is shown at first; the controls are then folded away.
        tables: whether medians stand below the matrix, also in the picture that stays.
        **options: further arguments of ``FanOut``.

    Attributes:
        runs: the runs, the last twelve of them.
        widget: the widget to display.
    """

    def __init__(
        self,
        mesh: Mesh,
        target: Any = None,
        operation: str | None = None,
        grid: Any = None,
        *,
        namespace: MutableMapping[str, Any] | None = None,
        fan_out: FanOut | None = None,
        tables: bool = True,
        **options: Any,
    ) -> None:
        super().__init__()
        self._namespace = shell_namespace() if namespace is None else namespace
        self._tables = tables
        self._held = ""
        self._said: tuple[str, bool] = ("", False)
        self._closed = self._ready = False
        self._export = FanOutExport(self._namespace)
        self._listed: tuple[Any, ...] = ()
        self._chart = FanOutChart()
        self._compared = ""
        self._medians: tuple[Any, str] = (None, "")
        self._changed = Coalesced(self._paint, _UPDATES_PER_SECOND)
        self._matrix = MatrixWidget()
        self.runs = FanOutRuns(self._changed)
        self._make()
        self._mesh = mesh
        self._line = (target, operation, grid, options)
        self._form: FanOutForm | None = None
        self._form_box = ipywidgets.VBox()
        parts = [self._bar, self._form_box, self._matrix.widget, self._message, self._tools, self._table]
        self.widget = ipywidgets.VBox([*parts, self._chart.widget], layout={"width": "100%"})
        self._choose.observe(self._on_choose, "value")
        self._choose.value = fan_out is None
        self._ready = True
        if fan_out is not None:
            self.runs.follow(fan_out)
        self._changed.paint()  # not beside the painter, which may be at it already

    # ---- controls

    def _make(self) -> None:
        self._run = _button("Run", "play", "Run what is described", self._act(self.start), "primary")
        self._cancel = _button("Cancel", "stop", "End the run; what has come stays", self._act(self.cancel))
        tip = "Run the cells again that failed, and those that were not run"
        self._retry = _button(_RETRY, "repeat", tip, self._act(self.retry))
        self._choose = ipywidgets.ToggleButton(
            description="Describe", icon="sliders", tooltip="Show what is run", layout={"width": "110px"}
        )
        self._bar = ipywidgets.HBox([self._run, self._cancel, self._retry, self._choose], layout=_WRAPPED)
        self._message = ipywidgets.HTML()
        self._draw = _button("Plot", "bar-chart", "Chart of the times", lambda: post(self.plot, self._on_error))
        self._against = ipywidgets.Dropdown(
            description="Compare with",
            style={"description_width": "96px"},
            layout={"width": "420px", "max_width": "100%"},
        )
        self._against.observe(self._on_against, "value")
        self._name = ipywidgets.Text(value="frame", tooltip="Name of a variable", layout={"width": "110px"})
        self._set = _button("To variable", "table", "Put a frame of the cells into a variable", self._on_frame)
        self._path = ipywidgets.Text(value="fan-out.csv", tooltip="Path of a file", layout={"width": "150px"})
        self._write = _button("Write CSV", "save", "Write the cells to a file", self._on_csv)
        self._tools = ipywidgets.VBox(
            [
                ipywidgets.HBox([self._draw, self._name, self._set, self._path, self._write], layout=_WRAPPED),
                ipywidgets.HBox([self._against]),
            ],
            layout={"display": _HIDDEN},
        )
        self._table = ipywidgets.HTML(layout={"max_height": "420px", "overflow": "auto"})
        self._table.add_class("jp-RenderedHTMLCommon").add_class("paglets-medians")  # tables as those of the page

    def _act(self, action: Callable[[], None]) -> Callable[[], None]:
        """What a button calls: a mistake is shown."""

        def act() -> None:
            try:
                action()
            except PagletError as error:
                self._on_error(error)

        return act

    def _on_choose(self, change: Any) -> None:
        _display(self._form_box, change["new"])
        if change["new"]:
            self._act(self._open_form)()

    def _open_form(self) -> None:
        """Show the controls, which are made when they are first wanted: they ask hosts what there is."""
        if self._form is not None:
            self._form.refresh()
            return
        target, operation, grid, options = self._line
        known = grid if isinstance(grid, Mapping) else None
        self._form = FanOutForm(self._mesh, self._namespace, target, operation, known, options, self._changed)
        self._form_box.children = (self._form.widget,)
        self._changed()

    def _maker(self) -> Callable[[], FanOut]:
        """What makes the fan-out that is described; by the line that opened the view, until the controls are open."""
        target, operation, grid, options = self._line
        if self._form is not None:
            return self._form.maker()
        if target is None:
            raise ExperimentError("describe it first")
        return lambda: FanOut(self._mesh, target, operation, grid, **options)

    def _runnable(self) -> bool:
        return not self._form.problem if self._form is not None else self._line[0] is not None

    # ---- what a user does

    def start(self) -> None:
        """Run what is described, in the background.

        Raises:
            ExperimentError: it cannot be run like this, or one runs already.
        """
        self.runs.start(self._maker())
        self._say("")

    def cancel(self) -> None:
        """End the run; what has come stays."""
        self.runs.cancel()

    def retry(self, *, unknown: bool = False) -> None:
        """Run the cells again that failed or were not run, in the background; with ``unknown`` also those."""
        self.runs.retry(unknown=unknown)
        self._say("")

    @property
    def results(self) -> FanOut:
        """The latest run.

        Raises:
            ExperimentError: there is none.
        """
        run = self.runs.current
        if run is None:
            raise ExperimentError("nothing has been run yet")
        return run.fan_out

    def plot(self) -> None:
        """Show the chart of the latest run below the matrix, or where ``plot_in`` has put it.

        It is drawn anew when a run has ended.

        Raises:
            PagletError: nothing has been run, or Altair is not installed.
        """
        self._chart.draw(self.results.plot(), self._key())
        self._changed()

    def plot_in(self, place: ChartPlace) -> None:
        """Show the chart in a place outside the view, from now on; see ``plot``."""
        self._chart.place = place
        self.plot()

    def show_tables(self) -> bool:
        """Have medians stand below the matrix from now on; whether that can still be done."""
        if self._closed:
            return False
        self._tables = True
        self._changed.paint()
        self.picture_now()
        return True

    def export_frame(self, name: str) -> Any:
        """Put a frame of the latest run's cells into a variable of the notebook.

        Returns:
            The frame.

        Raises:
            ExperimentError: it is no name, or is taken by something that was not put there from here.
        """
        return self._export.frame(self.results, name)

    def export_csv(self, path: str) -> None:
        """Write the latest run's cells to a file; one that was written from here is replaced.

        Raises:
            ExperimentError: there is another file already.
            OSError: it cannot be written.
        """
        self._export.csv(self.results, path)

    def compare(self, number: int) -> Any:
        """The latest run compared with an earlier one, shown below the matrix; a table."""
        found = self.runs.compare(number)
        self._compared = f"<b>Compared with run {number}</b>{table_html(found)}"
        self._changed()
        return found

    def hold(self, why: str) -> None:
        """Have no button pressed, since somebody else runs it, until ``settle``."""
        self._held = why
        self._changed()

    def settle(self) -> None:
        """Who ran it says that it has ended: buttons can be pressed, and the picture is as things are now."""
        self._held = ""
        self.runs.followed()
        self.runs.wait(_SETTLING)
        self._changed.paint()
        self.picture_now()

    def close(self) -> None:
        """End what was started from here, and take the widgets away; harmless when repeated."""
        if self._closed:
            return
        self.runs.close()
        if self._form is not None:
            self._form.close()
        self._changed.close()
        self._closed = True
        close_tree(self.widget)

    # ---- what its buttons do

    def _on_frame(self) -> None:
        name = self._name.value.strip()

        def export() -> None:
            frame = self.export_frame(name)
            self._say(f"{name}: {len(frame):,} rows")

        post(export, self._on_error)

    def _on_csv(self) -> None:
        path = self._path.value

        def export() -> None:
            self.export_csv(path)
            self._say(f"written: {path}")

        post(export, self._on_error)

    def _on_against(self, change: Any) -> None:
        number = change["new"]
        if not number:
            self._compared = ""
            self._changed()
            return
        post(lambda: self.compare(number), self._on_error)

    def _on_error(self, error: Exception) -> None:
        self._say(str(error) if isinstance(error, PagletError) else f"{type(error).__name__}: {error}", bad=True)

    def _say(self, text: str, *, bad: bool = False) -> None:
        self._said = (text, bad)
        self._changed()

    # ---- how it looks now

    def _paint(self) -> None:
        if self._closed or not self._ready:
            return
        run, busy = self.runs.current, self.runs.busy
        if run is not None:
            self._matrix.update(run.fan_out, "running" if busy else "", busy=busy)
        held = bool(self._held)
        counts = run.fan_out.counts if run is not None else {}
        failed, left = counts.get(FAILED, 0), counts.get(NOT_RUN, 0)
        self._run.disabled = busy or held or not self._runnable()
        self._cancel.disabled = not busy or held
        self._retry.disabled = busy or held or not (failed or left)
        self._retry.description = _REST if left and not failed else _RETRY
        _display(self._matrix.widget, run is not None)
        _display(self._tools, run is not None and not busy)
        self._message.value = self._message_html()
        if not busy:
            self._offer_runs()
            self._table.value = self._results_html()
            if self._chart.outdated(self._key()):
                post(self.plot, self._on_error)
        self.changed()

    def _key(self) -> tuple[int, float] | None:
        """What tells how things stand now from how they stood before a run; None before the first."""
        run = self.runs.current
        return (run.number, run.fan_out.elapsed) if run is not None else None

    def _message_html(self) -> str:
        error = self.runs.error
        text, bad = self._said
        if error is not None and not text:
            text, bad = str(error), True
        text = text or self._held
        colour = "var(--jp-error-color1, #c62828)" if bad else "var(--jp-ui-font-color2, #616161)"
        return f"<span role='status' style='color:{colour}'>{escaped(text)}</span>" if text else ""

    def _offer_runs(self) -> None:
        earlier = list(self.runs.kept)[:-1]
        options = (("an earlier run", 0), *((run.label, run.number) for run in reversed(earlier)))
        if options == self._listed:
            return
        chosen, self._listed = self._against.value, options
        self._against.options = options
        self._against.value = chosen if chosen in [number for _label, number in options] else 0
        self._against.disabled = not earlier

    def _results_html(self) -> str:
        run = self.runs.current
        if run is None or self.runs.busy:
            return ""
        key = self._key()
        if self._tables and self._medians[0] != key:
            self._medians = key, results_html(run.fan_out)
        return self._medians[1] + self._compared

    # ---- its pictures

    def text(self) -> str:
        """The latest run as text."""
        run = self.runs.current
        if run is None:
            return "a fan-out that has not been run"
        told = repr(run.fan_out) if self._tables else run.fan_out.headline()
        return f"{told}\n{self._matrix.matrix_of(run.fan_out).text()}"

    def html(self) -> str:
        """The latest run as HTML: the matrix, medians, and the chart where it was drawn."""
        run = self.runs.current
        if run is None:
            return "<i>a fan-out that has not been run</i>"
        head = "" if self._tables else f"<div>{escaped(run.fan_out.headline())}</div>"
        return f"{head}{self._matrix.matrix_of(run.fan_out).html()}{self._results_html()}{self._chart.html()}"


def _button(label: str, icon: str, tip: str, action: Callable[[], Any], style: str = "") -> Any:
    button = ipywidgets.Button(
        description=label, icon=icon, tooltip=tip, button_style=style, layout={"width": "auto", "min_width": "84px"}
    )
    button.on_click(lambda _button: action())
    return button


def _display(widget: Any, shown: bool) -> None:
    wanted = None if shown else _HIDDEN
    if widget.layout.display != wanted:
        widget.layout.display = wanted
