"""Named points at which a fault can be injected, for the tests of what is promised under fault.

``arm`` makes one point act once in its process: kill a process, stop it, or raise. Unarmed,
a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

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


class _Armed:
    """The one point that acts, and how."""

    __slots__ = ("action", "name", "pid")

    def __init__(self) -> None:
        self.name = ""
        self.action = ""
        self.pid = 0


_armed = _Armed()
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class InjectedFaultError(RuntimeError):
    """What a point armed with ``raise`` raises."""


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
    _armed.name, _armed.action, _armed.pid = name, action, pid


def failpoint(name: str) -> None:
    """Act if this point is armed."""
    if _armed.name != name:
        return
    _armed.name = ""
    if _armed.action == "raise":
        raise InjectedFaultError(name)
    os.kill(_armed.pid or os.getpid(), _SIGNALS[_armed.action])
