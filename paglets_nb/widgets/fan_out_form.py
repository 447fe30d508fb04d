"""The controls with which a fan-out is described: what is called, the grid, the hosts, how often, how long.

Owns the controls and what they say. What is asked of hosts is asked in the background; it
must not know what runs the fan-out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.axes import read_grid, written
from paglets_nb.experiments.choices import Question, local_targets, mesh_targets, questions_of, target_label
from paglets_nb.experiments.fan_out import MAX_PER_HOST, FanOut
from paglets_nb.experiments.grid import PLACEMENTS, combinations
from paglets_nb.mesh.mesh import Mesh
from paglets_nb.widgets.background import post
from paglets_nb.widgets.markup import escaped
from paglets_nb.widgets.shown import close_tree

__all__ = ["FanOutForm"]

_MOST = 1_000_000
_LABEL = {"description_width": "88px"}
_WIDE = {"width": "460px"}
_NUMBER = {"width": "188px"}


class FanOutForm:
    """Describes a fan-out.

    Args:
        mesh: whose hosts and paglets are offered.
        namespace: the notebook's variables, whose classes and functions are offered.
        target: what is called at first.
        operation: its operation's name.
        grid: the grid, by field name.
        options: further arguments of ``FanOut`` to begin with.
        on_change: called after each change; must not block.

    Attributes:
        widget: all of it.
        problem: why it cannot be run as it is; empty where it can.
    """

    def __init__(
        self,
        mesh: Mesh,
        namespace: Mapping[str, Any],
        target: Any = None,
        operation: str | None = None,
        grid: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._mesh = mesh
        self._namespace = namespace
        self._on_change = on_change
        self._targets: dict[str, Any] = local_targets(namespace)
        self._questions: dict[str, Question] = {}
        self._wanted = operation
        self._texts = {name: written(values) for name, values in (grid or {}).items()}
        self._inputs: dict[str, Any] = {}
        self._asked = 0
        self._asked_for: str | None = None
        self._lock = threading.RLock()
        self._closed = self._quiet = False
        self._extra: dict[str, Any] = {}
        self.problem = ""
        self._make(dict(options or {}))
        if target is not None:
            label = target_label(target, self._targets)
            self._targets = {label: target, **self._targets}
            self._set_targets(label)
        else:
            self._set_targets(None)
        post(self._look_for_paglets, self._on_error)

    # ---- controls

    def _make(self, options: dict[str, Any]) -> None:
        self._target = ipywidgets.Dropdown(description="Call", style=_LABEL, layout=_WIDE)
        self._operation = ipywidgets.Dropdown(description="Operation", style=_LABEL, layout=_WIDE)
        self._fields = ipywidgets.VBox()
        hosts = options.pop("hosts", None)
        self._host_row = ipywidgets.HBox(layout={"flex_flow": "row wrap"})
        self._host_label = ipywidgets.Label("Hosts", layout={"width": "88px", "justify_content": "flex-end"})
        self._hosts: dict[str, Any] = {}
        self._show_hosts(hosts.split(",") if isinstance(hosts, str) else hosts)
        placement = str(options.pop("placement", PLACEMENTS[0]))
        self._placement = ipywidgets.Dropdown(
            options=PLACEMENTS,
            value=placement if placement in PLACEMENTS else PLACEMENTS[0],
            description="Placement",
            tooltip="each request to every host, to whichever is free, or to hosts in turn",
            style=_LABEL,
            layout=_NUMBER,
        )
        self._repeat = _whole("Repeat", options.pop("repeat", 1), 1, _MOST)
        self._per_host = _whole("Per host", options.pop("per_host", 1), 1, MAX_PER_HOST)
        self._concurrency = _whole("At once", options.pop("concurrency", None) or 0, 0, _MOST, "0: as hosts take")
        self._timeout = ipywidgets.BoundedFloatText(
            value=float(options.pop("timeout", 60.0)),
            min=0.1,
            max=1e6,
            description="Deadline (s)",
            style=_LABEL,
            layout=_NUMBER,
        )
        self._extra = options
        numbers = [self._placement, self._repeat, self._per_host, self._concurrency, self._timeout]
        self._said = ipywidgets.HTML()
        self.widget = ipywidgets.VBox(
            [
                self._target,
                self._operation,
                self._fields,
                self._host_row,
                ipywidgets.HBox(numbers, layout={"flex_flow": "row wrap"}),
                self._said,
            ]
        )
        self._target.observe(lambda _change: self._on_target(), "value")
        self._operation.observe(lambda _change: self._on_operation(), "value")
        for control in numbers:
            control.observe(lambda _change: self._check(), "value")

    def _show_hosts(self, chosen: Sequence[str] | None) -> None:
        """Offer the hosts that there are; those chosen before stay so."""
        names, old = [handle.name for handle in self._mesh.hosts()], self._hosts
        self._hosts = {}
        for name in names:
            before = old.get(name)
            value = before.value if before is not None else chosen is None or name in chosen
            button = ipywidgets.ToggleButton(value=value, description=name, layout={"width": "auto"})
            button.observe(lambda _change: self._check(), "value")
            self._hosts[name] = button
        self._host_row.children = (self._host_label, *self._hosts.values())
        for button in old.values():
            close_tree(button)

    def refresh(self) -> None:
        """Offer what there is now."""
        self._targets = {**local_targets(self._namespace), **self._targets}
        self._set_targets(None)
        if [handle.name for handle in self._mesh.hosts()] != list(self._hosts):
            self._show_hosts(None)
            self._check()
        post(self._look_for_paglets, self._on_error)

    def close(self) -> None:
        """Take no more answers from hosts."""
        self._closed = True
        self._asked += 1

    def _set_targets(self, chosen: str | None) -> None:
        """Offer the targets that are known; the one that is chosen stays, or ``chosen`` is."""
        with self._lock:
            value, labels = chosen or self._target.value, list(self._targets)
            self._quiet = True
            if tuple(labels) != tuple(self._target.options):
                self._target.options = labels  # which chooses the first
            self._target.value = value if value in self._targets else next(iter(labels), None)
            self._quiet = False
            changed = self._target.value != self._asked_for
        if changed or self._target.value is None:
            self._on_target()

    def _look_for_paglets(self) -> None:
        found = mesh_targets(self._mesh)
        if not self._closed:
            self._targets = {**self._targets, **{label: found[label] for label in found if label not in self._targets}}
            self._set_targets(None)

    # ---- from one choice to the next

    def _on_target(self) -> None:
        with self._lock:
            if self._quiet:
                return
            self._asked_for = label = self._target.value
            self._asked += 1
            number = self._asked
        self._questions = {}
        if label is None:
            self._show_operations([])
            return

        def ask() -> None:
            questions = questions_of(self._mesh, self._targets[label])
            if number == self._asked:
                self._show_operations(questions)

        def failed(error: Exception) -> None:
            if number == self._asked:
                self._on_error(error)

        post(ask, failed)

    def _show_operations(self, questions: list[Question]) -> None:
        with self._lock:
            labels = [question.label for question in questions]
            wanted = self._wanted if self._wanted in labels else self._operation.value
            self._wanted = None
            self._quiet = True
            self._operation.options = labels
            self._operation.value = wanted if wanted in labels else next(iter(labels), None)
            self._operation.layout.display = "none" if labels == ["run"] else None
            self._quiet = False
            self._questions = {question.label: question for question in questions}
        self._on_operation()

    @property
    def question(self) -> Question | None:
        """What is asked; None while that is not known."""
        return self._questions.get(self._operation.value or "")

    def _on_operation(self) -> None:
        with self._lock:
            if self._quiet:
                return
        self._texts.update({name: control.value for name, control in self._inputs.items()})
        question, old = self.question, list(self._inputs.values())
        self._inputs = {
            field.name: ipywidgets.Text(
                value=self._texts.get(field.name, ""),
                placeholder=field.hint,
                description=field.name,
                tooltip=f"{field.hint}; a list is an axis: [1, 2], range(10)",
                continuous_update=True,
                style=_LABEL,
                layout=_WIDE,
            )
            for field in (question.fields if question is not None else ())
        }
        for control in self._inputs.values():
            control.observe(lambda _change: self._check(), "value")
        self._fields.children = tuple(self._inputs.values())
        for control in old:
            close_tree(control)
        self._check()

    # ---- what it says

    def hosts(self) -> list[str]:
        """The hosts that are chosen."""
        return [name for name, button in self._hosts.items() if button.value]

    def grid(self) -> dict[str, Any]:
        """The grid by field name.

        Raises:
            ExperimentError: a field is missing, or has no value of its type.
        """
        question = self.question
        if question is None:
            raise ExperimentError(
                "choose what to call" if self._targets else "there is no paglet class or function yet"
            )
        return read_grid(question.fields, {name: control.value for name, control in self._inputs.items()})

    def maker(self) -> Callable[[], FanOut]:
        """What makes the fan-out that is described now; it may ask hosts.

        Raises:
            ExperimentError: it cannot be run like this.
        """
        grid, hosts, question = self.grid(), self.hosts(), self.question
        if not hosts:
            raise ExperimentError("choose at least one host")
        target, mesh = self._targets[self._target.value], self._mesh
        options = {
            **self._extra,
            "hosts": None if len(hosts) == len(self._hosts) else hosts,
            "repeat": self._repeat.value,
            "placement": self._placement.value,
            "per_host": self._per_host.value,
            "concurrency": self._concurrency.value or None,
            "timeout": self._timeout.value,
        }
        operation = question.operation if question is not None else None
        return lambda: FanOut(mesh, target, operation, grid or None, **options)

    def _check(self) -> None:
        try:
            self.maker()
            requests, hosts = len(combinations(self.grid())), len(self.hosts())
            self.problem = ""
            each = f" x {hosts} host{'s' * (hosts != 1)}" if self._placement.value == PLACEMENTS[0] else ""
            times = f" x {self._repeat.value}" if self._repeat.value > 1 else ""
            cells = requests * (hosts if each else 1) * self._repeat.value
            said = f"{requests:,} request{'s' * (requests != 1)}{each}{times}: {cells:,} cell{'s' * (cells != 1)}"
        except ExperimentError as error:
            self.problem = said = str(error)
        self._say(said)

    def _say(self, text: str) -> None:
        colour = "var(--jp-error-color1, #c62828)" if self.problem else "var(--jp-ui-font-color2, #616161)"
        self._said.value = f"<span style='margin-left:92px;color:{colour}'>{escaped(text)}</span>"
        self._on_change()

    def _on_error(self, error: Exception) -> None:
        if self._closed:
            return
        self.problem = f"{type(error).__name__}: {error}"
        self._say(self.problem)


def _whole(label: str, value: int, least: int, most: int, tip: str = "") -> Any:
    return ipywidgets.BoundedIntText(
        value=value, min=least, max=most, description=label, tooltip=tip, style=_LABEL, layout=_NUMBER
    )
