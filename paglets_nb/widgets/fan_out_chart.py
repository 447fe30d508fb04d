"""The chart of a fan-out view: in the view, or in a place of its own in a cell; drawn anew when a run has ended.

Owns where the chart stands and which run it shows. It must not know what runs.
"""

from __future__ import annotations

import secrets
import threading
from typing import Any

import ipywidgets

from paglets_nb.plots import Plot

__all__ = ["ChartPlace", "FanOutChart"]


class ChartPlace:
    """Where the cell that runs now has its chart, also after it has ended.

    Args:
        shell: the notebook kernel's shell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._parent = shell.get_parent()
        self._display_id = f"paglets-chart-{secrets.token_hex(6)}"
        self._drawn = False
        self._lock = threading.Lock()

    def draw(self, bundle: dict[str, Any]) -> None:
        """Show a chart, in place of the last one; from any thread."""
        with self._lock:
            tokens = self._shell.set_thread_parent(self._parent)
            try:
                transient = {"display_id": self._display_id}
                self._shell.display_pub.publish(data=bundle, metadata={}, transient=transient, update=self._drawn)
            finally:
                self._shell.reset_thread_parent(tokens)
            self._drawn = True


class FanOutChart:
    """The chart of a view.

    Attributes:
        place: where it is drawn; in the view itself when None.
        widget: what shows it in the view.
    """

    def __init__(self) -> None:
        self.place: ChartPlace | None = None
        self.widget = ipywidgets.Output()
        self._png = ""
        self._of: object = None

    def draw(self, plot: Plot, of: object) -> None:
        """Show a chart; from any thread.

        Args:
            plot: the chart.
            of: what tells the run that it shows, as it stands, from others.
        """
        bundle, self._of = plot._repr_mimebundle_(), of
        if self.place is not None:
            self.place.draw(bundle)
            return
        self._png = bundle.get("image/png", "")
        self.widget.outputs = ({"output_type": "display_data", "data": bundle, "metadata": {}},)

    def outdated(self, of: object) -> bool:
        """Whether something else is shown; told once for each."""
        if self._of is None or self._of == of:
            return False
        self._of = of
        return True

    def html(self) -> str:
        """Its picture; nothing where it is not in the view."""
        source = f"src='data:image/png;base64,{self._png}'"
        return f"<img alt='chart of the times' width='480' {source}>" if self._png else ""
