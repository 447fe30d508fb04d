"""A task within another view: its own view, and where it stood last, for the other's pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paglets_nb.patterns.task_client import TaskHandle, TaskSnapshot
from paglets_nb.widgets import pictures
from paglets_nb.widgets.lost_tasks import loss_of
from paglets_nb.widgets.task_status import TaskFollower
from paglets_nb.widgets.task_view import TaskView

__all__ = ["TaskPart"]


class TaskPart:
    """A task that is followed to its end.

    Args:
        handle: the task.
        changed: called when there is news, from any thread.

    Attributes:
        view: shows it.
    """

    def __init__(self, handle: TaskHandle[Any], changed: Callable[[], None]) -> None:
        self.view = TaskView(handle)
        self._changed = changed
        self._snapshot: TaskSnapshot[Any] | None = None
        self._error: BaseException | None = None
        self._follower = TaskFollower(handle, self._on_snapshot, self._on_end, self.view.silent)
        self._follower.start()

    def _on_snapshot(self, snapshot: TaskSnapshot[Any]) -> None:
        self._snapshot = snapshot
        self.view.update(snapshot)
        self._changed()

    def _on_end(self, error: BaseException | None) -> None:
        self._error = error
        if error is not None:
            self.view.lost(error)
        self._changed()

    def text(self) -> str:
        """Where the task stood last."""
        if loss := loss_of(self._error):
            return f"{pictures.LOST}: {loss}"
        if self._error is not None:
            return f"{type(self._error).__name__}: {self._error}"
        return pictures.snapshot_text(self._snapshot) if self._snapshot is not None else ""

    def html(self) -> str:
        """The same as HTML."""
        if loss := loss_of(self._error):
            return pictures.failure_html(f"{pictures.LOST}: {loss}")
        if self._error is not None:
            return pictures.error_html(self._error)
        return pictures.snapshot_html(self._snapshot) if self._snapshot is not None else ""

    def close(self) -> None:
        """Stop following; the task goes on."""
        self._follower.close()
        self.view.close()
