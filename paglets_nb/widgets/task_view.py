"""A task, live: a view of a ``TaskHandle`` that works without it.

Status, progress, note, time, the host it is on now, what it prints, its result or its error,
and a button that cancels it. When the task is done a still picture takes the widget's place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.turns import default_origin
from paglets_nb.errors import MeshError
from paglets_nb.mesh.outputs import PagletLog, paglet_log
from paglets_nb.patterns.task_client import TaskHandle, TaskSnapshot
from paglets_nb.widgets import pictures
from paglets_nb.widgets.background import Coalesced, post
from paglets_nb.widgets.cancel_presses import CancelPresses, mesh_of
from paglets_nb.widgets.display import Showing, show, show_picture
from paglets_nb.widgets.lost_tasks import ended_at, loss_of
from paglets_nb.widgets.markup import escaped, muted
from paglets_nb.widgets.paglet_output import OutputArea, output_html
from paglets_nb.widgets.shown import close_widgets
from paglets_nb.widgets.task_status import TaskFollower

__all__ = ["ShownTask", "TaskView", "show_task"]

_STYLES = {"COMPLETED": "success", "FAILED": "danger", pictures.LOST: "danger", "CANCELLED": "warning"}
_PER_SECOND = 10.0
_FIRST_ANSWER = 2.0
_LAST_PICTURE = 2.0
_RESTARTED = 30.0
"""Seconds in which a host that is started again is up."""
_LOOK = 0.1
_NARROW = {"flex": "0 0 auto"}
_ROW = {"align_items": "center", "width": "100%", "grid_gap": "2px 10px", "flex_flow": "row wrap"}


def _starts_again(proxy: PagletProxy) -> bool:
    """Whether a paglet's host is on its way back."""
    mesh = mesh_of(proxy)
    with suppress(MeshError):  # it is down
        hosts = mesh.hosts() if mesh is not None else []
        return any(host.url == proxy.host_url and host.state in ("stopped", "restarting") for host in hosts)
    return False


class TaskView:
    """An ipywidgets view of a task; a ``View``.

    Args:
        handle: the task.
        cooperative: seconds that the cancel button gives the task to stop by itself.
        interrupt: seconds that it gives the interrupt after that.
        output: show what the task prints.

    Attributes:
        widget: the widget to display.
        presses: the cancel button without its button.
        on_change: called when it looks different from before; None for nobody.
    """

    def __init__(
        self, handle: TaskHandle[Any], *, cooperative: float = 5.0, interrupt: float = 5.0, output: bool = True
    ) -> None:
        import ipywidgets

        self.handle = handle
        self._last: TaskSnapshot[Any] | None = None
        self._error: BaseException | None = None
        self._silent = 0.0
        self._closed = False
        self.on_change: Callable[[], None] | None = None
        self.presses = CancelPresses(handle, self._changed, cooperative=cooperative, interrupt=interrupt)
        self._bar = ipywidgets.FloatProgress(min=0.0, max=1.0, layout={"width": "160px", **_NARROW})
        self._status, self._place = (ipywidgets.HTML(layout=_NARROW) for _ in range(2))
        self._note = ipywidgets.HTML(layout={"flex": "1 1 auto", "max_width": "100%", "overflow": "hidden"})
        self._cancel = ipywidgets.Button(icon="stop", layout={"width": "auto", **_NARROW})
        self._cancel.on_click(lambda _button: self.presses.press())
        self._words, self._end = ipywidgets.HTML(), ipywidgets.HTML()
        self._log = paglet_log(handle.proxy) if output else PagletLog("")
        self._output = OutputArea(self._log)
        parts = [self._status, self._bar, self._note, self._place, self._cancel]
        row = ipywidgets.HBox(parts, layout=_ROW)
        self.widget = ipywidgets.VBox([row, self._words, self._end, self._output.widget])
        self._parts = (*parts, self._words, self._end, row, self.widget)
        self._paint = Coalesced(self._show, _PER_SECOND)
        self._show()

    # ---- what it is told

    @property
    def done(self) -> bool:
        """Whether the last snapshot was one of a task that is done."""
        return self._last is not None and self._last.done

    def ask(self) -> None:
        """Ask the task where it stands, and show that."""
        try:
            self._last = self.handle.snapshot(timeout=_FIRST_ANSWER)
        except TimeoutError:
            self._silent = _FIRST_ANSWER
        except Exception as error:  # whatever ended the task is shown
            self._error = error
        self._paint.paint()

    def update(self, snapshot: TaskSnapshot[Any]) -> None:
        """Show a snapshot."""
        self._last, self._silent = snapshot, 0.0
        self._changed()

    def silent(self, seconds: float) -> None:
        """Show that the task does not answer."""
        self._silent = seconds
        self._changed()

    def lost(self, error: BaseException) -> None:
        """Show that the task is lost."""
        if self._last is not None and loss_of(error):
            self._last = ended_at(self._last, time.time())
        self._error, self._silent = error, 0.0
        self._changed()

    def look_again(self) -> None:
        """See whether a task that was lost is back once its host is up again, as a durable one is; may block."""
        if not loss_of(self._error):
            return
        proxy, deadline = self.handle.proxy, time.monotonic() + _RESTARTED
        while _starts_again(proxy) and time.monotonic() < deadline:
            time.sleep(_LOOK)
        with suppress(Exception):  # then it is lost
            self._last = self.handle.client.status(timeout=_FIRST_ANSWER)
            self._error = None if self._last.done else MeshError("it is there again, and not followed any more")
            self._changed()

    def _loss(self) -> str:
        """Why the task is lost; empty where it is not."""
        why = loss_of(self._error)
        return "its host was restarted to end it" if why and self.presses.restarted else why

    def _end_html(self) -> str:
        """Why it is not followed any more; empty while it is, or is done."""
        if self._error is None:
            return ""
        loss = self._loss()
        return pictures.failure_html(f"lost: {loss}") if loss else pictures.error_html(self._error)

    def _changed(self) -> None:
        self._paint()
        if self.on_change is not None:
            self.on_change()

    # ---- what it shows

    def _show(self) -> None:
        snapshot, ended = self._last, self._error is not None
        if snapshot is not None:
            shown = pictures.LOST if self._loss() else pictures.status_label(snapshot)
            ended = ended or snapshot.done
            self._bar.value = snapshot.progress
            self._bar.bar_style = _STYLES.get(shown, "info")
            self._status.value = f"<b>{escaped(shown)}</b>"
            note = f"no answer for {self._silent:.0f} s" if self._silent else snapshot.note
            self._note.value = f"{snapshot.progress:.0%} {muted(note).html}"
            self._place.value = f"{pictures.elapsed(snapshot):.1f} s on <b>{escaped(snapshot.host_name)}</b>"
            if snapshot.done:
                self._end.value = pictures.outcome_html(snapshot)
        if self._error is not None:
            self._end.value = self._end_html()
        self._cancel.disabled = ended
        self._cancel.description = self.presses.label
        self._cancel.tooltip = f"{self.presses.label} this task"
        words = self.presses.words
        self._words.value = f"<div role='status'>{escaped(words)}</div>" if words else ""

    def text(self) -> str:
        """How things stand, as text."""
        loss = self._loss()
        said = f"lost: {loss}" if loss else str(self._error or "")
        parts = [f"task {self.handle.proxy.agent_id}"]
        if self._last is not None:
            parts = [pictures.snapshot_text(self._last, lost=bool(loss))]
        parts += [self.presses.words, said]
        return "\n".join(part for part in parts if part)

    def html(self) -> str:
        """The same as a picture, with the last of what it printed."""
        parts = [escaped(self.text())]
        if self._last is not None:
            parts = [pictures.snapshot_html(self._last, lost=bool(self._loss()))]
        parts += [f"<div>{escaped(self.presses.words)}</div>" if self.presses.words else ""]
        parts += [self._end_html(), output_html(self._log)]
        return "".join(parts)

    def close(self) -> None:
        """Take the widget away; the task goes on."""
        if self._closed:
            return
        self._closed = True
        self._paint.close()
        self._output.close()
        close_widgets(*self._parts)


class ShownTask:
    """A task that is shown in a cell: follower, view and display together.

    Args:
        view: the view.
        showing: what displays it.
    """

    def __init__(self, view: TaskView, showing: Showing) -> None:
        self._view = view
        self._showing = showing
        self._closed = threading.Event()
        view.on_change = showing.refresh
        self._follower = TaskFollower(view.handle, view.update, self._on_end, view.silent)
        self._follower.start()

    def wait(self, timeout: float) -> bool:
        """Wait until the last picture is there; whether it is within ``timeout`` seconds."""
        return self._closed.wait(timeout)

    def close(self) -> None:
        """Follow no more, and leave a picture; the task goes on."""
        self._follower.close()
        self.wait(_LAST_PICTURE)

    def _on_end(self, error: BaseException | None) -> None:
        if error is not None:
            self._view.lost(error)
        elif not self._view.done:
            self._view.lost(MeshError("the task is not followed any more"))
        post(self._leave, lambda _error: self._closed.set())

    def _leave(self) -> None:
        """Leave the last picture, with what the task printed last, and what a cancel came to."""
        self._view.presses.wait(_RESTARTED if self._view.presses.restarted else _LAST_PICTURE)
        self._view.look_again()
        mesh = mesh_of(self._view.handle.proxy)
        if mesh is not None:
            mesh.sync_output()
        self._showing.close()
        self._closed.set()


def show_task(handle: TaskHandle[Any]) -> ShownTask | None:
    """Display a task in the cell that runs now, and keep the display up to date.

    What the task prints stands in the view, unless this is the cell that started it: there
    it stands below.

    Args:
        handle: the task.

    Returns:
        What shows it, to be closed by whoever owns the cell; None where nothing is left to be updated.
    """
    done = handle.done()  # before it is asked: it may be by then
    view = TaskView(handle, output=not handle.cell or handle.cell != default_origin.cell)
    view.ask()
    if done:
        show_picture(view)
        view.close()
        return None
    showing = show(view)
    return None if showing is None else ShownTask(view, showing)
