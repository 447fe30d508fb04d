"""Named points at which a fault can be injected, for the tests of what is promised under fault.

``PAGLETS_NB_FAILPOINT=name:kill`` (or ``:stop``, ``:raise``) in a host's environment, or
``arm`` in its process, makes the point act once. Unarmed, a point costs one comparison.
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
    "target.answered",
)
"""The points, in the order in which a movement passes them on either side."""


class _Armed:
    """The one point that acts, and how."""

    __slots__ = ("action", "name")

    def __init__(self) -> None:
        self.name, _colon, self.action = os.environ.get("PAGLETS_NB_FAILPOINT", "").partition(":")


_armed = _Armed()


class InjectedFaultError(RuntimeError):
    """What a point armed with ``raise`` raises."""


def arm(name: str, action: str = "kill") -> None:
    """Have the point ``name`` act once: ``kill``, ``stop`` or ``raise``; an empty name disarms."""
    if name and name not in POINTS:
        raise ValueError(f"no failpoint {name!r} (failpoints: {', '.join(POINTS)})")
    _armed.name, _armed.action = name, action


def failpoint(name: str) -> None:
    """Act if this point is armed."""
    if _armed.name != name:
        return
    _armed.name = ""
    if _armed.action == "raise":
        raise InjectedFaultError(name)
    os.kill(os.getpid(), signal.SIGSTOP if _armed.action == "stop" else signal.SIGKILL)
