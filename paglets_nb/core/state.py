"""The state of a paglet and the lock that guards it.

Owns ``PagletState`` (the one thing that moves), the re-entrant state lock and its
condition. It must not know turns or hosts.
"""

from __future__ import annotations

import functools
import threading
from _thread import RLock
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

__all__ = ["PagletState", "StateLock", "state_locked"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class PagletState:
    """Base of every paglet's state: a dataclass of plain values, the only thing that moves."""


class StateLock(RLock):  # type: ignore[misc]  # final for type checkers only
    """A re-entrant lock with a condition, which can be laid down whole and taken up again.

    It is the lock itself rather than one that has it: every paglet that arrives has one made,
    and it is taken several times on its way.
    """

    _changed: threading.Condition | None = None

    @property
    def changed(self) -> threading.Condition:
        """Notified when the state has changed; to be used with the lock held."""
        if self._changed is None:
            with self:
                self._changed = self._changed or threading.Condition(self)
        return self._changed

    def notify(self, waiters: int | None = None) -> None:
        """Wake so many of those who wait for a change, all for None; with the lock held."""
        if self._changed is not None:
            self._changed.notify_all() if waiters is None else self._changed.notify(waiters)

    def lay_down(self) -> Any:
        """Release every level this thread holds; None when it holds none."""
        lock: Any = self
        return lock._release_save() if lock._is_owned() else None

    def take_up(self, saved: Any) -> None:
        """Acquire again what ``lay_down`` released."""
        if saved is not None:
            lock: Any = self
            lock._acquire_restore(saved)


class _HasLock(Protocol):
    def locked(self) -> Any: ...


SelfT = TypeVar("SelfT", bound=_HasLock)


def state_locked(method: Callable[Concatenate[SelfT, P], R]) -> Callable[Concatenate[SelfT, P], R]:
    """Run a paglet's method under its state lock."""

    @functools.wraps(method)
    def locked_method(self: SelfT, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.locked():
            return method(self, *args, **kwargs)

    return locked_method
