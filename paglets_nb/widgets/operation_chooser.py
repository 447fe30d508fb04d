"""A choice of a paglet's operations, and the form of the one that is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.turns import default_origin
from paglets_nb.core.values import DEFAULT_TIMEOUT
from paglets_nb.errors import PagletError, ServiceContractError
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.widgets import pictures
from paglets_nb.widgets.display import Showing
from paglets_nb.widgets.operation_form import OperationForm
from paglets_nb.widgets.shown import Shown, close_widgets

__all__ = ["OperationChooser"]


class OperationChooser(Shown):
    """A form for each operation of a paglet, made when it is chosen first.

    Args:
        proxy: the paglet.
        operations: its operations.
        timeout: see ``OperationForm``.
        task: see ``OperationForm``.

    Attributes:
        widget: the widget to display.
        form: the form that is shown.
        chosen: the dropdown; set its ``value`` to an operation's name to choose.

    Raises:
        ServiceContractError: there are no operations.
    """

    def __init__(
        self,
        proxy: PagletProxy,
        operations: Sequence[ServiceOperation],
        *,
        timeout: float = DEFAULT_TIMEOUT,
        task: Any = None,
    ) -> None:
        super().__init__()
        if not operations:
            raise ServiceContractError("a paglet without typed operations has no forms")
        self._proxy, self._timeout, self._task = proxy, timeout, task
        self._operations = {operation.name: operation for operation in operations}
        self._forms: dict[str, OperationForm] = {}
        self._cell = default_origin.cell
        names = list(self._operations)
        self.chosen = ipywidgets.Dropdown(options=names, description="operation", layout={"width": "max-content"})
        self._problem = ipywidgets.HTML()
        self.widget = ipywidgets.VBox([self.chosen])
        self.chosen.observe(lambda change: self._choose(str(change["new"])), "value")
        self.form: OperationForm | None = None
        self._choose(names[0])

    def _choose(self, name: str) -> None:
        """Show the form of an operation; asks nobody."""
        try:
            if name not in self._forms:
                operation = self._operations[name]
                made = OperationForm(self._proxy, operation, timeout=self._timeout, task=self._task)
                made.on_change, made.cell = self.changed, self._cell
                self._forms[name] = made
            self.form = self._forms[name]
            self.widget.children = (self.chosen, self.form.widget)
        except PagletError as error:  # a task that does not say what it takes
            self.form = None
            self._problem.value = pictures.error_html(error)
            self.widget.children = (self.chosen, self._problem)
        self.changed()

    def show(self) -> Showing | None:
        """Display it in the cell that runs now, which the output of what its forms call goes to from then on."""
        self._cell = default_origin.cell
        for form in self._forms.values():
            form.cell = self._cell
        return super().show()

    def text(self) -> str:
        """The form that is shown, as text."""
        return self.form.text() if self.form is not None else ""

    def html(self) -> str:
        """The form that is shown: its last call."""
        return self.form.html() if self.form is not None else str(self._problem.value)

    def close(self) -> None:
        """Close every form; harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        for form in self._forms.values():
            form.close()
        close_widgets(self.chosen, self._problem, self.widget)
