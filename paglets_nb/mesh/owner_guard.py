"""What a host's process does when the process that owns it ends: it ends too, or goes on alone.

A thread of its own asks the system for the owner's death signal, which the system keeps
by thread, so that it can be taken back while the kernel's main thread is busy. It knows
no mesh and no kernel; what is to happen when a host goes on alone it is told.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from paglets_nb.platform import die_with_parent, live_without_parent, open_process, process_alive

__all__ = ["OwnerGuard", "owner_guard"]

_LOOK = 1.0
"""Seconds between looks at the owner where the system does not tell of its end."""
_LOOK_ALONE = 5.0
_TAKE_OVER = 2.0


class OwnerGuard:
    """Watches over one process and its owner.

    Attributes:
        on_alone: called when the process goes on without an owner, from a thread of its own.
        on_owned: called when it has an owner again.
        may_go_on: asked now and then while it is alone; where it says no, the process ends with those it started.
        alone_since: POSIX seconds at which the last owner was lost; 0 while there has always been one.
    """

    def __init__(self) -> None:
        self.on_alone: Callable[[], None] = lambda: None
        self.on_owned: Callable[[], None] = lambda: None
        self.may_go_on: Callable[[], bool] = lambda: True
        self.alone_since = 0.0
        self._owner = 0
        self._outlive = False
        self._changed = threading.Condition()
        self._applied = 0
        self._wanted = 0
        self._wake_end, self._wake = -1, -1

    def start(self, owner: int) -> None:
        """Begin; the process ends with ``owner``, its parent, until it is told otherwise."""
        self._owner = owner
        self._wake_end, self._wake = os.pipe()
        threading.Thread(target=self._watch, name="paglets-owner", daemon=True).start()

    def own(self, owner: int, outlive: bool) -> bool:
        """Have another owner, or none.

        Args:
            owner: its process id; 0 for nobody.
            outlive: go on when it ends.

        Returns:
            Whether it took effect.
        """
        with self._changed:
            self._owner, self._outlive = owner, outlive
            self._wanted += 1
            wanted = self._wanted
            os.write(self._wake, b"x")
            return self._changed.wait_for(lambda: self._applied >= wanted, _TAKE_OVER)

    def _watch(self) -> None:
        die_with_parent(self._owner)
        while True:
            with self._changed:
                owner, outlive, wanted = self._owner, self._outlive, self._wanted
            if wanted != self._applied:
                self._apply(owner, outlive)
            with self._changed:
                self._applied = wanted
                self._changed.notify_all()
            if not owner:
                self._be_alone()
            elif self._ended(owner):
                if not outlive:
                    os._exit(1)
                self._alone()
                self._be_alone()

    def _be_alone(self) -> None:
        """Wait for another owner; end where there can be none any more."""
        if self._ended(0):
            if os.getpgrp() == os.getpid():
                os.killpg(0, signal.SIGKILL)
            os._exit(1)

    def _apply(self, owner: int, outlive: bool) -> None:
        if outlive:
            live_without_parent()
        else:
            die_with_parent(owner)
        if owner:
            self.on_owned()
        else:
            self._alone()

    def _alone(self) -> None:
        self.alone_since = time.time()
        self.on_alone()

    def _ended(self, owner: int) -> bool:
        """Wait until the owner has ended, or nobody can become it; False when there is another to be watched."""
        descriptor = open_process(owner) if owner else None
        try:
            waiting = [self._wake_end] if descriptor is None else [self._wake_end, descriptor]
            while process_alive(owner) if owner else self.may_go_on():
                patience = _LOOK_ALONE if not owner else _LOOK if descriptor is None else None
                readable = select.select(waiting, (), (), patience)[0]
                if self._wake_end in readable:
                    os.read(self._wake_end, 1)
                    return False
            return True
        finally:
            if descriptor is not None:
                with suppress(OSError):
                    os.close(descriptor)


owner_guard = OwnerGuard()
"""The process's guard."""
