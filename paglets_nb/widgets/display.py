"""A live view in a cell, and beside it the picture that stays in the saved notebook.

A widget lives only as long as its kernel, so each is displayed twice: as itself, and as a
picture in HTML that is hidden while the widget is alive in the page. A notebook that is
opened without a kernel, or on a code host, shows the picture; so does the page when the
kernel ends or starts again, and it says so. Owns how both are published; it must not know
what they show.
"""

from __future__ import annotations

import secrets
import sys
from typing import Any, Protocol

from paglets_nb.widgets.background import Coalesced

__all__ = ["Showing", "View", "show", "show_picture"]

_PICTURES_PER_SECOND = 0.5
_MODEL = "application/vnd.jupyter.widget-view+json"
# The picture gives way to the living widget; what is left of a dead one gives way to the picture.
# The page itself marks the boxes of a kernel that was started again as disconnected; see heart.js for one that ended.
_RULES = (
    ".jp-OutputArea-child:has({alive}) ~ .jp-OutputArea-child:has(.paglets-still-{key}),"
    ".jp-OutputArea-child:has(.paglets-none-{key}),"
    ".jp-OutputArea-child:not(:has({alive})):has(+ .jp-OutputArea-child .paglets-still-{key})"
    "{{display:none}}"
    ".jp-OutputArea-child:has({dead}) + .jp-OutputArea-child .paglets-ended-{key}{{display:block!important}}"
    ".jp-OutputArea-child:has({dead}) + .jp-OutputArea-child .paglets-last-{key}{{opacity:0.6}}"
)
_ENDED = "The kernel of this view has ended; this is how things stood last."


def _rules(key: str) -> str:
    live, gone = f".paglets-live-{key}", ".jupyter-widgets-disconnected"
    return _RULES.format(key=key, alive=f"{live}:not({gone})", dead=f"{live}{gone}")


class View(Protocol):
    """What can be shown: a widget and its pictures."""

    @property
    def widget(self) -> Any:
        """The ipywidgets widget at its root."""
        ...

    def text(self) -> str:
        """How things stand, as text."""
        ...

    def html(self) -> str:
        """The same as HTML, escaped, without scripts."""
        ...

    def close(self) -> None:
        """Stop following what it shows and take its widgets away; harmless when repeated."""
        ...


def _framed(widget: Any, name: str) -> Any:
    """A view's widget in a box of that class, which the page marks when the kernel is gone; its keys are its own."""
    import ipywidgets

    from paglets_nb.widgets.heart import Heart

    box = ipywidgets.VBox([widget, Heart(layout={"display": "none"})], layout={"overflow": "visible"})
    for each in ("paglets-view", name):
        box.add_class(each)
    return box


class Showing:
    """A view that is displayed in a cell.

    Args:
        view: the view.
        shell: the notebook kernel's shell.
        parent: the cell's parent header.
    """

    def __init__(self, view: View, shell: Any, parent: Any) -> None:
        self.view = view
        self._shell = shell
        self._parent = parent
        self._key = secrets.token_hex(6)
        self._last = ""
        self._open = True
        self.refresh = Coalesced(self._publish_picture, _PICTURES_PER_SECOND)
        """Want the picture brought up to date; called whenever the view has changed."""
        self._frame = _framed(view.widget, f"paglets-live-{self._key}")
        model = {"version_major": 2, "version_minor": 0, "model_id": self._frame.model_id}
        self._publish("live", {"text/plain": "", "text/html": "", _MODEL: model}, update=False)
        self._publish_picture(update=False)

    def _publish(self, part: str, data: dict[str, Any], *, update: bool) -> None:
        tokens = self._shell.set_thread_parent(self._parent)
        try:
            transient = {"display_id": f"paglets-{part}-{self._key}"}
            self._shell.display_pub.publish(data=data, metadata={}, transient=transient, update=update)
        finally:
            self._shell.reset_thread_parent(tokens)

    def _publish_picture(self, update: bool = True) -> None:
        text, html = self.view.text(), self.view.html()
        if html == self._last:
            return
        self._last = html
        style = f"<style>{_rules(self._key)}</style>"
        ended = f"<div hidden class='paglets-ended-{self._key}' role='status'><i>{_ENDED}</i></div>"
        last = f"<div class='paglets-last-{self._key}'>{html}</div>"
        still = f"<div class='paglets-still paglets-still-{self._key}'>{ended}{last}</div>"
        self._publish("still", {"text/plain": text, "text/html": style + still}, update=update)

    def close(self) -> None:
        """Leave the picture of how things stand now in the widget's place; harmless when repeated."""
        if not self._open:
            return
        self._open = False
        self.refresh()
        self.refresh.close()
        self._publish("live", {"text/plain": "", "text/html": f"<i class='paglets-none-{self._key}'></i>"}, update=True)
        heart = self._frame.children[-1]
        for widget in (heart, heart.layout, self._frame.layout, self._frame):
            widget.close()
        self.view.close()


def show_picture(view: View) -> None:
    """Display how a view stands in the cell that runs now, as a picture that stays as it is."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        sys.stdout.write(f"{view.text()}\n")
    else:
        display({"text/plain": view.text(), "text/html": view.html()}, raw=True)  # type: ignore[no-untyped-call]


def show(view: View) -> Showing | None:
    """Display a view in the cell that runs now.

    Args:
        view: the view.

    Returns:
        What shows it, to be closed by whoever owns the view; None where only text or a still
        picture can be shown, and then the view is closed already.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is not None and hasattr(shell, "set_thread_parent"):
        return Showing(view, shell, shell.get_parent())
    show_picture(view)
    view.close()
    return None
