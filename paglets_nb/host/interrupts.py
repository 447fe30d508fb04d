"""What runs for a paglet at this moment, and how that is interrupted.

The threads that run a paglet's code are found by their frames when somebody asks, so that a
call that nobody asks about pays nothing for it. Python code is interrupted at its next step;
code in C not before it returns, which is why somebody else may have to end the host.
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from paglets_nb.core.interrupts import HandlerInterrupt
from paglets_nb.core.paglet import Paglet
from paglets_nb.host.loop import LoopThread
from paglets_nb.host.protocol import Nothing

if TYPE_CHECKING:
    from paglets_nb.host.host import Host
    from paglets_nb.host.requests import Verb

__all__ = [
    "INTERRUPT_VERB",
    "RUNNING_VERB",
    "InterruptRequest",
    "Interrupts",
    "Neighbour",
    "Run",
    "Running",
    "interrupt_verbs",
]

RUNNING_VERB = "@running"
INTERRUPT_VERB = "@interrupt"
_PATIENCE = 0.5
"""Seconds to wait for a thread to come out of the runtime, or for a lock its handler holds."""
_STEP = 0.0005
_STDLIB = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
_PACKAGE = Path(__file__).resolve().parents[1]
_ROOMS = tuple(f"{_PACKAGE / room}/" for room in ("codec", "core", "host", "mesh", "patterns", "services", "transport"))
_LOCKS = str(_PACKAGE / "core" / "state.py")
_HOST_ROOM = f"{_PACKAGE / 'host'}/"


@dataclass(frozen=True)
class Run:
    """Code of a paglet that runs.

    Attributes:
        key: tells it from others of this host.
        what: the function that runs, e.g. ``run_task``.
        where: file and line at which it is now.
    """

    key: str
    what: str
    where: str = ""


@dataclass(frozen=True)
class Neighbour:
    """A paglet that lives on the host too."""

    agent_id: str
    name: str
    class_name: str
    durability: str


@dataclass(frozen=True)
class Running:
    """What runs for a paglet, and who would go with its host."""

    host_name: str
    host_url: str
    runs: list[Run] = field(default_factory=list)
    neighbours: list[Neighbour] = field(default_factory=list)


@dataclass(frozen=True)
class InterruptRequest:
    """``@interrupt``: interrupt these runs; all of the paglet's where no key is given."""

    keys: list[str] = field(default_factory=list)


def _is_runtime(code: CodeType) -> bool:
    """Whether code is the runtime's or the standard library's rather than a paglet's."""
    name = code.co_filename
    return (
        name.startswith(_ROOMS) or name.startswith("<frozen") or (name.startswith(_STDLIB) and "-packages" not in name)
    )


class _Thread:
    """A thread that runs a paglet's code, as its frames tell.

    Attributes:
        pending: what the thread waits for on the loop, of an ``async def`` handler.
    """

    def __init__(self, ident: int, key: str, user: list[FrameType], pending: Future[Any] | None) -> None:
        self.ident = ident
        self.pending = pending
        self.inside = bool(user)
        what, where = (user[-1].f_code.co_name, user[0]) if user else ("an async handler", None)
        place = f"{Path(where.f_code.co_filename).name}:{where.f_lineno}" if where is not None else ""
        self.run = Run(key, what, place)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _look(ident: int, innermost: FrameType, paglet: Paglet[Any]) -> _Thread | None:
    """The thread, if it runs code of the paglet; one that only answers how the paglet is, or waits for it, does not."""
    user: list[FrameType] = []
    pending: Future[Any] | None = None
    for frame in _outwards(innermost):
        if not _is_runtime(frame.f_code):
            user.append(frame)
            continue
        if frame.f_code is LoopThread.call.__code__:
            pending = frame.f_locals.get("future")
        if not frame.f_code.co_filename.startswith(_HOST_ROOM) or not (user or pending):
            continue
        names = frame.f_locals
        held: Any = names.get("turn") or names.get("resident")
        if getattr(held, "paglet", None) is paglet:
            place = getattr(held, "place", None)
            if place == 0:
                return None
            return _Thread(ident, f"{ident}:{place or id(frame)}", user, pending)
    return None


class Interrupts:
    """Finds and interrupts what runs for the paglets of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def _threads(self, paglet: Paglet[Any]) -> list[_Thread]:
        found = [_look(ident, frame, paglet) for ident, frame in sys._current_frames().items()]
        return [thread for thread in found if thread is not None]

    def running(self, target: str, _request: Nothing) -> Running:
        """What runs for a paglet now."""
        resident = self._host.residents.lookup(target)
        runs = [] if resident is None else [thread.run for thread in self._threads(resident.paglet)]
        return self._running(target, runs)

    def interrupt(self, target: str, request: InterruptRequest) -> Running:
        """Interrupt what runs for a paglet; the answer tells what that was.

        A paglet of which nothing runs is told instead, so that it may settle what was under way.
        """
        resident = self._host.residents.lookup(target)
        if resident is None:
            return self._running(target, [])
        paglet = resident.paglet
        threads = [t for t in self._threads(paglet) if not request.keys or t.run.key in request.keys]
        for thread in threads:
            self._interrupt(thread, paglet)
        if threads:
            self._wake(paglet)
        elif not request.keys:
            paglet.settle_interrupted()
            self._host.durability.keep(resident)
        return self._running(target, [thread.run for thread in threads])

    def _interrupt(self, thread: _Thread, paglet: Paglet[Any]) -> None:
        """Interrupt a thread in the paglet's code rather than in the runtime's, which may just have taken a lock."""
        if thread.pending is not None:
            thread.pending.cancel()
        until, key = time.monotonic() + _PATIENCE, thread.run.key
        while thread.inside and (at := self._at(thread.ident, key, paglet)) is not None:
            frame, instruction = at
            runtime = frame.f_code.co_filename.startswith(_ROOMS)
            if runtime and (time.monotonic() < until or frame.f_code.co_filename == _LOCKS):
                if time.monotonic() > until:
                    return
                time.sleep(_STEP)
                continue
            if sys._current_frames().get(thread.ident) is frame and frame.f_lasti == instruction:
                _raise_in(thread.ident, HandlerInterrupt)
                if self._at(thread.ident, key, paglet) is None:  # it ended, and what the thread does now is not meant
                    _raise_in(thread.ident, None)
                return

    @staticmethod
    def _at(ident: int, key: str, paglet: Paglet[Any]) -> tuple[FrameType, int] | None:
        """The frame in which a run is now, and the place in it; None when it has ended."""
        frame = sys._current_frames().get(ident)
        if frame is None:
            return None
        instruction = frame.f_lasti
        now = _look(ident, frame, paglet)
        return None if now is None or now.run.key != key else (frame, instruction)

    def _wake(self, paglet: Paglet[Any]) -> None:
        """Have waits for the paglet's state or messages look up, so that they are interrupted too."""
        lock = paglet._lock
        if lock.acquire(timeout=_PATIENCE):
            try:
                lock.notify()
            finally:
                lock.release()

    def _running(self, target: str, runs: list[Run]) -> Running:
        host = self._host
        neighbours = [Neighbour(r.agent_id, r.name, r.class_name, r.durability) for r in host.guests()]
        others = [neighbour for neighbour in neighbours if target not in (neighbour.agent_id, neighbour.name)]
        return Running(host.name, host.address, runs, others)


def _raise_in(ident: int, error: type[BaseException] | None) -> None:
    """Have a thread raise ``error`` at its next step in Python; None takes back what it has not raised yet."""
    given = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), given)


def interrupt_verbs(host: Host) -> dict[str, Verb]:
    """The verbs of interrupts."""
    interrupts = Interrupts(host)
    return {
        RUNNING_VERB: (Nothing, interrupts.running),
        INTERRUPT_VERB: (InterruptRequest, interrupts.interrupt),
    }
