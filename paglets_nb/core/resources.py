"""What a paglet holds on one host and must clean up before it leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from paglets_nb.errors import LifecycleError

__all__ = ["Resources"]

T = TypeVar("T")


class Resources:
    """Clean-ups, run last in first out before the paglet leaves, sleeps or ends.

    A failing clean-up cancels the step, unless it was added with ``suppress=True``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stack: list[tuple[Callable[[], Any], bool]] = []

    def callback(self, function: Callable[..., Any], *args: Any, suppress: bool = False) -> None:
        """Call ``function(*args)`` on the way out."""
        with self._lock:
            self._stack.append((lambda: function(*args), suppress))

    def push(self, resource: T, *, suppress: bool = False) -> T:
        """Close ``resource`` (by ``close()``) on the way out; returns it."""
        self.callback(getattr(resource, "close"), suppress=suppress)  # noqa: B009 - any closable
        return resource

    def enter(self, manager: AbstractContextManager[T], *, suppress: bool = False) -> T:
        """Enter a context manager and exit it on the way out; returns what it yields."""
        value = manager.__enter__()
        self.callback(manager.__exit__, None, None, None, suppress=suppress)
        return value

    def clean_up(self) -> None:
        """Run the clean-ups.

        Raises:
            LifecycleError: one failed; those below it are still in place.
        """
        while True:
            with self._lock:
                if not self._stack:
                    return
                function, suppress = self._stack.pop()
            try:
                function()
            except Exception as error:
                if not suppress:
                    raise LifecycleError(f"a resource could not be cleaned up: {error}") from error

    def __len__(self) -> int:
        with self._lock:
            return len(self._stack)
