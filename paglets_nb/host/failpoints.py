"""Named points at which a fault can be injected, for the tests of what is promised under fault.

``arm`` makes one point act once in its process: kill a process, stop it, or raise. They
stand on the path of every movement, and cost it next to nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

__all__ = ["POINTS", "arm", "failpoint"]

POINTS = (
    "source.hook_done",
    "source.before_prepare",
    "source.prepared",
    "source.committed",
    "target.before_store",
    "target.stored",
    "target.prepared",
    "target.before_activate",
    "target.built",
    "target.hook_done",
    "target.active",
    "source.told",
)
"""The points, in the order in which a movement passes them on either side."""


_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class InjectedFaultError(RuntimeError):
    """What a point armed with ``raise`` raises."""


class _Unarmed(dict[str, None]):
    """The points that do nothing: all of them, but for the one that is missing because it acts.

    So a point that is not armed costs a look into a dictionary, without a call of a function in Python.
    """

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(POINTS))
        self._action = ""
        self._pid = 0

    def arm(self, name: str, action: str, pid: int) -> None:
        """Have one point act; those before it do not any more."""
        self.update(dict.fromkeys(POINTS))
        self._action, self._pid = action, pid
        if name:
            del self[name]

    def __missing__(self, name: str) -> None:
        self.setdefault(name)
        if self._action == "raise":
            raise InjectedFaultError(name)
        os.kill(self._pid or os.getpid(), _SIGNALS[self._action])


_unarmed = _Unarmed()


def arm(name: str, action: str = "kill", pid: int = 0) -> None:
    """Have the point ``name`` act once; an empty name disarms.

    Args:
        name: one of ``POINTS``.
        action: ``kill``, ``stop`` or ``raise``.
        pid: the process to kill or stop; 0 for the one that passes the point.
    """
    if name and name not in POINTS:
        raise ValueError(f"no failpoint {name!r} (failpoints: {', '.join(POINTS)})")
    if action not in (*_SIGNALS, "raise"):
        raise ValueError(f"no action {action!r} (actions: kill, stop, raise)")
    _unarmed.arm(name, action, pid)


failpoint: Callable[[str], None] = _unarmed.__getitem__
"""Act if the point of this name is armed."""
