"""A task's progress, live: a view of a ``TaskHandle`` that works without it.

One thread per view follows the task and ends with it. When the task is done a still
picture takes the widget's place, so that a saved notebook shows how it ended.
"""

from __future__ import annotations

import secrets
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from paglets_nb.patterns.task_client import TaskHandle, TaskSnapshot
from paglets_nb.widgets import pictures

__all__ = ["TaskFollower", "TaskView", "show_task"]

_POLL = 0.2
_PAUSE = 0.1
_STYLES = {"COMPLETED": "success", "FAILED": "danger", "CANCELLED": "warning"}


class TaskFollower:
    """Watches a task from a thread of its own until it is done or lost.

    Args:
        handle: the task.
        on_snapshot: called with each snapshot, at most ten times a second.
        on_end: called once after the last one, with the error where the task was lost.
    """

    def __init__(
        self,
        handle: TaskHandle[Any],
        on_snapshot: Callable[[TaskSnapshot[Any]], None],
        on_end: Callable[[BaseException | None], None],
    ) -> None:
        self._handle = handle
        self._on_snapshot = on_snapshot
        self._on_end = on_end
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="paglets-task-view", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching; the task goes on."""
        self._closed.set()

    def wait(self, timeout: float) -> bool:
        """Wait until it has ended; whether it has within ``timeout`` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _follow(self) -> None:
        error: BaseException | None = None
        try:
            while not self._closed.is_set():
                began = time.monotonic()
                snapshot = self._handle.wait(_POLL)
                self._on_snapshot(snapshot)
                if snapshot.done:
                    break
                self._closed.wait(max(0.0, began + _PAUSE - time.monotonic()))
        except Exception as lost:  # whatever ended the task is shown, not raised in a thread
            error = lost
        self._on_end(error)


class TaskView:
    """An ipywidgets view of a task: status, bar, note, time, host and a cancel button.

    Args:
        handle: the task.

    Attributes:
        widget: the widget to display.
    """

    def __init__(self, handle: TaskHandle[Any]) -> None:
        import ipywidgets

        self._handle = handle
        self._bar = ipywidgets.FloatProgress(min=0.0, max=1.0, layout={"width": "240px"})
        self._status = ipywidgets.Label()
        self._note = ipywidgets.Label()
        self._cancel = ipywidgets.Button(description="Cancel", icon="stop", layout={"width": "90px"})
        self._cancel.on_click(self._on_cancel)
        self._end = ipywidgets.HTML()
        row = ipywidgets.HBox([self._bar, self._status, self._note, self._cancel])
        self.widget = ipywidgets.VBox([row, self._end])
        self._boxes = (row, self.widget)

    def update(self, snapshot: TaskSnapshot[Any]) -> None:
        """Show a snapshot."""
        status = str(snapshot.status.value)
        shown = "CANCELLING" if snapshot.cancelling and not snapshot.done else status
        self._bar.value = snapshot.progress
        self._bar.bar_style = _STYLES.get(status, "info")
        self._status.value = f"{shown} {snapshot.progress:.0%}, {pictures.elapsed(snapshot):.1f} s"
        self._note.value = " ".join(part for part in (snapshot.note, f"on {snapshot.host_name}") if part)
        if snapshot.done:
            self._cancel.disabled = True
            self._end.value = pictures.outcome_html(snapshot)

    def close(self) -> None:
        """Take the widget away; the task goes on."""
        for widget in (self._bar, self._status, self._note, self._cancel, self._end, *self._boxes):
            for part in (getattr(widget, "style", None), widget.layout, widget):
                if part is not None:
                    part.close()

    def _on_cancel(self, _button: Any) -> None:
        self._cancel.disabled = True

        def cancel() -> None:
            try:
                self._handle.cancel()
            except Exception as error:  # shown where the user looks; a callback has nobody to raise to
                self._end.value = pictures.error_html(error)

        threading.Thread(target=cancel, name="paglets-task-cancel", daemon=True).start()


def _bundle(view: TaskView | None, text: str, html: str) -> dict[str, Any]:
    data: dict[str, Any] = {"text/plain": text, "text/html": html}
    if view is not None:
        model = {"version_major": 2, "version_minor": 0, "model_id": view.widget.model_id}
        data["application/vnd.jupyter.widget-view+json"] = model
    return data


def show_task(handle: TaskHandle[Any]) -> TaskFollower | None:
    """Display a task in the cell that runs now, and keep the display up to date.

    Args:
        handle: the task.

    Returns:
        What follows the task; None where it is done already, or where nothing can be updated.
    """
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    shell: Any = get_ipython()
    done = handle.done()  # before the picture is made: it may be by then
    text, html = pictures.handle_text(handle), pictures.handle_html(handle)
    if shell is None:
        sys.stdout.write(f"{text}\n")
        return None
    if done or not hasattr(shell, "set_thread_parent"):
        display(_bundle(None, text, html), raw=True)  # type: ignore[no-untyped-call]
        return None
    view = TaskView(handle)
    parent, display_id = shell.get_parent(), f"paglets-{secrets.token_hex(8)}"
    transient = {"display_id": display_id}
    shell.display_pub.publish(data=_bundle(view, text, html), metadata={}, transient=transient)
    last: list[TaskSnapshot[Any]] = []

    def on_snapshot(snapshot: TaskSnapshot[Any]) -> None:
        last[:] = [snapshot]
        view.update(snapshot)

    def on_end(error: BaseException | None) -> None:
        shown = text, html
        if error is not None:
            shown = str(error), pictures.error_html(error)
        elif last:
            shown = pictures.snapshot_text(last[0]), pictures.snapshot_html(last[0])
        tokens = shell.set_thread_parent(parent)
        try:
            shell.display_pub.publish(data=_bundle(None, *shown), metadata={}, transient=transient, update=True)
        finally:
            shell.reset_thread_parent(tokens)
        view.close()

    follower = TaskFollower(handle, on_snapshot, on_end)
    follower.start()
    return follower
