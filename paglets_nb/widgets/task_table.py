"""Many tasks as one live table: a view of a ``TaskList``.

Only what has changed since the last time is sent to the page, a few times a second.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from paglets_nb.mesh.mesh import Mesh
from paglets_nb.widgets.background import Coalesced
from paglets_nb.widgets.cancel_presses import CancelPresses
from paglets_nb.widgets.pictures import LOST, elapsed, host_label, status_label
from paglets_nb.widgets.records import TaskEntry, TaskTable
from paglets_nb.widgets.shown import Shown, close_widgets
from paglets_nb.widgets.task_list import TaskList, task_list

__all__ = ["LiveTaskTable", "TaskTableView"]

SHOWN = 100
"""Rows that are shown; those of tasks that run come first."""
_PER_SECOND = 5.0
_STATIC = Path(__file__).parent / "static"


def _row(entry: TaskEntry, presses: CancelPresses | None) -> dict[str, Any]:
    """A row as the page gets it; the page counts the seconds of those that run itself."""
    snapshot = entry.snapshot
    row: dict[str, Any] = {"label": entry.label, "host": host_label(entry.proxy.host_url), "words": ""}
    row |= {"cancel": "", "progress": -1.0, "started": 0.0, "seconds": -1.0}
    if snapshot is None:
        row |= {"state": "unknown" if entry.reason != "asleep" else "asleep", "note": entry.reason}
    else:
        state, runs = LOST if entry.lost else status_label(snapshot), entry.running
        row |= {"state": state, "progress": round(snapshot.progress, 3), "host": snapshot.host_name}
        row |= {
            "note": entry.reason if entry.lost else snapshot.error or snapshot.note,
            "started": snapshot.started_at if runs else 0.0,
        }
        row |= {"seconds": -1.0 if runs or not snapshot.started_at else round(elapsed(snapshot), 1)}
        row |= {"cancel": "Cancel" if runs else ""}
    if presses is not None:
        row["words"] = presses.words
        row["cancel"] = presses.label if row["cancel"] or presses.busy else ""
    row["note"] = str(row["note"])[:200]
    return row


class TaskTableWidget(anywidget.AnyWidget):
    """The table in the page; rows come by messages."""

    _esm = _STATIC / "task_table.js"
    _css = _STATIC / "task_table.css"
    title = traitlets.Unicode("tasks").tag(sync=True)


class TaskTableView(Shown):
    """The live table.

    Args:
        tasks: the tasks.
        on: only those of this host; all where it is empty.
    """

    def __init__(self, tasks: TaskList, on: str = "") -> None:
        super().__init__()
        self._tasks = tasks
        self._on = on
        self._sent: dict[str, dict[str, Any]] = {}
        self._order: list[str] = []
        self._presses: dict[str, CancelPresses] = {}
        self._entries: list[TaskEntry] = []
        self._all = True
        self._lock = threading.Lock()
        self.widget: Any = TaskTableWidget()
        self.widget.on_msg(self._on_message)
        self._paint = Coalesced(self._send, _PER_SECOND)
        self._look()
        self._remove = tasks.add_listener(self.look_again)

    def _look(self) -> None:
        entries = self._tasks.entries()
        self._entries = [e for e in entries if not self._on or _row(e, None)["host"] == self._on]

    def look_again(self) -> None:
        """Have the page and the pictures brought up to date."""
        self._look()
        self._paint()
        self.changed()

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """From the page: it is there and knows nothing yet, or a button was pressed."""
        if content.get("kind") == "ready":
            self._all = True
            self._paint()
        elif content.get("kind") == "cancel":
            self.press(str(content.get("key")))

    def press(self, key: str) -> None:
        """Press the cancel button of the task with this id."""
        with self._lock:
            presses = self._presses.get(key)
            entry = next((entry for entry in self._entries if entry.proxy.agent_id == key), None)
            if presses is None and entry is not None:
                presses = self._presses[key] = CancelPresses(entry.proxy, self.look_again, task=True)
        if presses is not None:
            presses.press()

    def _send(self) -> None:
        """Send what the page does not know yet."""
        entries = self._entries
        shown = {e.proxy.agent_id: _row(e, self._presses.get(e.proxy.agent_id)) for e in entries[:SHOWN]}
        everything, self._all = self._all, False
        known = {} if everything else self._sent
        changed = {key: row for key, row in shown.items() if known.get(key) != row}
        order = list(shown)
        if everything or changed or order != self._order:
            running = sum(entry.running for entry in entries)
            message: dict[str, Any] = {"kind": "rows", "rows": changed, "more": len(entries) - len(shown)}
            message |= {"total": len(entries), "running": running, "now": time.time()}
            if everything or order != self._order:
                message["order"] = order
            self.widget.send(message)
        self._sent, self._order = shown, order

    def text(self) -> str:
        """The tasks as text."""
        return repr(TaskTable(self._entries[:SHOWN]))

    def html(self) -> str:
        """The tasks as a still picture."""
        return TaskTable(self._entries[:SHOWN])._repr_html_()

    def leave(self) -> None:
        """End it, and leave its last picture, in which tasks that were lost with their mesh are."""
        self._tasks.settle()
        self._look()
        super().leave()

    def close(self) -> None:
        """Look no more, and take the widget away."""
        if self._closed:
            return
        self._closed = True
        self._remove()
        self._paint.close()
        close_widgets(self.widget)


class LiveTaskTable(TaskTable):
    """Tasks and where they stood when they were asked; it shows as a live table.

    Args:
        entries: the tasks.
        mesh: their mesh.
        on: only those of this host are shown; all where it is empty.
    """

    def __init__(self, entries: Any, mesh: Mesh, on: str = "") -> None:
        super().__init__(entries)
        self._mesh = mesh
        self._on = on

    def live(self) -> TaskTableView:
        """A view of the tasks as they are from now on."""
        return TaskTableView(task_list(self._mesh), self._on)
