"""What a cancel button does: the first press asks, the next ones go on to the next step at once.

Plain Python; a view calls ``press`` and shows ``label`` and ``words``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.mesh.cancelling import ASKED, INTERRUPTED, RESTARTED, RESTARTING, Cancelling
from paglets_nb.mesh.mesh import Mesh, running_meshes
from paglets_nb.patterns.task_client import TaskHandle
from paglets_nb.widgets.background import post

__all__ = ["CancelPresses", "mesh_of"]

_QUICK = 0.5
"""Seconds for the first steps where the restart has been confirmed."""
_NEXT = {ASKED: "Interrupt", INTERRUPTED: "Restart host"}


def mesh_of(proxy: PagletProxy) -> Mesh | None:
    """The mesh a paglet belongs to; None where this process runs none."""
    return next((mesh for mesh in running_meshes() if mesh.client is proxy.client), None)


class CancelPresses:
    """One cancel button.

    Args:
        target: a task's handle, or the proxy of a paglet.
        on_change: called when ``label`` or ``words`` have changed, from any thread; must not block.
        cooperative: seconds for the task to stop by itself.
        interrupt: seconds for the interrupt to take effect.
        task: whether a proxy is known to be a task's.

    Attributes:
        label: what the next press does.
        words: what is tried, or came of it.
        busy: whether something is tried now.
        restarted: whether the last press came to start its host again.
    """

    def __init__(
        self,
        target: TaskHandle[Any] | PagletProxy,
        on_change: Callable[[], None],
        *,
        cooperative: float = 5.0,
        interrupt: float = 5.0,
        task: bool = False,
    ) -> None:
        self._target = target
        self._on_change = on_change
        self._limits = cooperative, interrupt
        self._task = task
        self._lock = threading.Lock()
        self._running: Cancelling | None = None
        self._confirmed = False
        self._idle = threading.Event()
        self._idle.set()
        self.label = "Cancel"
        self.words = ""
        self.restarted = False

    @property
    def busy(self) -> bool:
        """Whether something is tried now."""
        return self._running is not None

    def press(self) -> None:
        """Begin; or, while it is under way, go on to the next step at once. Returns at once."""
        with self._lock:
            if self._running is not None:
                self._running.escalate()
                return
            self._idle.clear()
            self.restarted = False
            proxy = self._target.proxy if isinstance(self._target, TaskHandle) else self._target
            cooperative, interrupt = (_QUICK, _QUICK) if self._confirmed else self._limits
            running = self._running = Cancelling(
                self._target,
                cooperative=cooperative,
                interrupt=interrupt,
                restart=True if self._confirmed else None,
                mesh=mesh_of(proxy),
                task=self._task,
                on_step=self._step,
            )
        post(lambda: self._run(running), self._failed)

    def _step(self, words: str) -> None:
        if words:
            self.restarted = words.startswith(RESTARTING)
            self._tell(words, next((label for step, label in _NEXT.items() if words.startswith(step)), "Restarting"))

    def _run(self, running: Cancelling) -> None:
        done = running.run()
        refused = not done.ended and bool(done.steps) and done.steps[-1].name == RESTARTED
        self._confirmed = refused
        self._end(done.summary() if done.steps else "", "Restart anyway" if refused else "Cancel")

    def _failed(self, error: Exception) -> None:
        self._end(f"it could not be cancelled: {type(error).__name__}: {error}", "Cancel")

    def _end(self, words: str, label: str) -> None:
        with self._lock:
            self._running = None
        self._tell(words, label)
        self._idle.set()

    def wait(self, timeout: float) -> bool:
        """Wait until nothing is tried; whether that is so within ``timeout`` seconds."""
        return self._idle.wait(timeout)

    def _tell(self, words: str, label: str) -> None:
        self.words, self.label = words, label
        self._on_change()
