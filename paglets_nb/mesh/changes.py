"""Who wants to hear when a host of the mesh changes its state, comes or goes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Changes", "Watched"]


class Changes:
    """The listeners of one supervisor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[Callable[[], None], ...] = ()

    def add(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each change, on the loop's thread.

        Args:
            listener: must not block; what it raises is logged.

        Returns:
            Takes it off again; harmless when repeated.
        """
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def remove() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)

        return remove

    def tell(self) -> None:
        """Something changed."""
        for listener in self._listeners:
            try:
                listener()
            except Exception:  # one that fails must not keep the hosts from being watched
                logging.getLogger(__name__).exception("a listener to changes of the mesh failed")


class Watched:
    """What of a mesh is watched by views."""

    supervisor: Any

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` whenever a host changes its state, comes or goes, until the mesh is stopped.

        Args:
            listener: called without arguments on the loop's thread; must not block. ``hosts()`` has
                what changed.

        Returns:
            Takes it off again.

        Raises:
            MeshError: the mesh is not running.
        """
        remove: Callable[[], None] = self.supervisor.changes.add(listener)
        return remove
