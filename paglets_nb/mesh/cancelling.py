"""One cancel: a paglet is asked to stop, then interrupted, then its host is started again.

Each step has its own time-out, and what came of it is told. Owns the order of the steps and
their words; how a thread is interrupted is the host's.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import HostDiedError, InvalidAgentError, MeshError, PagletError
from paglets_nb.host.interrupts import INTERRUPT_VERB, RUNNING_VERB, InterruptRequest, Neighbour, Running
from paglets_nb.host.protocol import Listing, Nothing
from paglets_nb.mesh.fan_outs import FansOut
from paglets_nb.patterns.task_client import TaskHandle
from paglets_nb.patterns.tasks import TASK_CANCEL, TASK_STATUS, TaskPaglet, TaskStatusReply

if TYPE_CHECKING:
    from paglets_nb.mesh.handles import HostHandle
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["ASKED", "INTERRUPTED", "RESTARTED", "RESTARTING", "CancelStep", "Cancellation", "Cancelling", "Cancels"]

ASKED = "asked to stop"
INTERRUPTED = "interrupted"
RESTARTED = "host restarted"
RESTARTING = "restarting"
_REFUSED = "refused: "
_LOOK = 0.05
"""Seconds between looks at whether it has ended."""
_ANSWER = 2.0
"""Seconds in which a host that is not held up answers."""
_SILENT = 0.3
"""Seconds in which one that did not answer before may do so."""
_AGAIN = 1.0
"""Seconds after which what goes on is interrupted again."""


@dataclass(frozen=True)
class CancelStep:
    """One step of a cancel.

    Attributes:
        name: ``asked to stop``, ``interrupted`` or ``host restarted``.
        seconds: how long it took.
        ended: whether what was cancelled had ended by then.
        detail: what came of it.
    """

    name: str
    seconds: float
    ended: bool
    detail: str = ""

    def words(self) -> str:
        """What was done, and what came of it."""
        if self.detail.startswith(_REFUSED):
            return f"host not restarted ({self.detail.removeprefix(_REFUSED)})"
        return f"{self.name} ({self.seconds:.1f} s{f'; {self.detail}' if self.detail else ''})"


@dataclass(frozen=True)
class Cancellation:
    """What a cancel did.

    Attributes:
        label: what was cancelled, as messages call it.
        ended: whether it has ended.
        steps: what was tried, in order; none where there was nothing to cancel.
        back: other paglets of a host that was restarted, which are there again.
        lost: those that are not.
    """

    label: str
    ended: bool
    steps: tuple[CancelStep, ...] = ()
    back: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def summary(self) -> str:
        """What was done, in one line."""
        if not self.steps:
            return "nothing of it runs"
        told = ", then ".join(step.words() for step in self.steps)
        return f"{told}; {'it has ended' if self.ended else 'it goes on'}"

    def __str__(self) -> str:
        return f"{self.label}: {self.summary()}"

    __repr__ = __str__


class Cancelling:
    """A cancel under way.

    Args:
        target: a task's handle, or the proxy of a paglet.
        cooperative: seconds for a paglet that can be asked to stop (one that answers ``cancel``
            while it is busy, as tasks do) to do so.
        interrupt: seconds for the interrupt of its thread to take effect.
        restart: start its host again where nothing else helped; None only where no other paglet
            would be lost by that.
        mesh: the mesh; without one no host can be restarted, and a proxy is a task's only if ``task`` says so.
        task: whether a proxy is known to be a task's.
        on_step: called with what is tried now, in words, from the thread of ``run``.

    Attributes:
        doing: what is tried now.
    """

    def __init__(
        self,
        target: TaskHandle[Any] | PagletProxy,
        *,
        cooperative: float = 5.0,
        interrupt: float = 5.0,
        restart: bool | None = None,
        mesh: Mesh | None = None,
        task: bool = False,
        on_step: Callable[[str], None] | None = None,
    ) -> None:
        self._handle = target if isinstance(target, TaskHandle) else None
        self._proxy = target.proxy if isinstance(target, TaskHandle) else target
        self._limits = {ASKED: cooperative, INTERRUPTED: interrupt}
        self._restart_wanted = restart
        self._mesh = mesh
        self._on_step = on_step
        self._hurry = threading.Event()
        self._silent = False
        self._task = task or self._handle is not None
        self._askable = self._task
        self._keys: list[str] = []
        self._neighbours: list[Neighbour] | None = None
        self._back: tuple[str, ...] = ()
        self._lost: tuple[str, ...] = ()
        self._label = self._proxy.name or self._proxy.agent_id
        self.doing = ""

    def escalate(self) -> None:
        """Go on to the next step at once."""
        self._hurry.set()

    def run(self) -> Cancellation:
        """Take the steps, until one has ended it."""
        self._find_out()
        steps: list[CancelStep] = []
        ended = not self._runs()
        for name, step in ((ASKED, self._ask), (INTERRUPTED, self._interrupt), (RESTARTED, self._restart)):
            if ended or (name == ASKED and not self._askable):
                continue
            self._hurry.clear()
            began = time.monotonic()
            ended, detail = step()
            steps.append(CancelStep(name, time.monotonic() - began, ended, detail))
        self._say("")
        return Cancellation(self._label, ended, tuple(steps), self._back, self._lost)

    def _say(self, words: str) -> None:
        self.doing = words
        if self._on_step is not None:
            self._on_step(words)

    # ---- what runs

    def _find_out(self) -> None:
        """Learn what kind of paglet it is, and what runs."""
        with suppress(TimeoutError, HostDiedError):
            found = self._ask_host(RUNNING_VERB, Nothing())
            if not self._task and self._mesh is not None:
                cls = self._mesh.class_of(self._proxy)
                self._askable = TASK_CANCEL.name in cls.interleaved_kinds
                self._task = issubclass(cls, TaskPaglet)
            self._keys = [] if self._task else [run.key for run in found.runs]

    def _patience(self) -> float:
        return _SILENT if self._silent else _ANSWER

    def _ask_host(self, verb: str, request: Any) -> Running:
        proxy = self._proxy
        client: Any = proxy.client
        url, patience = proxy.host_url, self._patience()
        self._silent = True
        found: Running = client.ask(url, verb, request, Running, timeout=patience, target=proxy.agent_id)
        self._silent = False
        proxy.host_url = found.host_url
        self._neighbours = found.neighbours
        return found

    def _runs(self) -> bool:
        """Whether what is cancelled runs still; so it does as far as one knows where its host does not answer."""
        try:
            if not self._task:
                return bool({run.key for run in self._ask_host(RUNNING_VERB, Nothing()).runs} & {*self._keys})
            message = TASK_STATUS.to_message(priority=0)
            reply: TaskStatusReply = self._proxy.send(message, timeout=self._patience(), reply_type=TaskStatusReply)
        except TimeoutError:
            self._silent = True
            return True
        except (InvalidAgentError, HostDiedError):
            return False
        return not reply.done

    def _ended_within(self, seconds: float, words: str, again: Callable[[], None] | None = None) -> bool:
        """Wait for the end, or the wish to go on; ``again`` is done and the seconds left are told each second."""
        deadline, due = time.monotonic() + seconds, time.monotonic() + _AGAIN
        told = math.ceil(seconds)
        while self._runs():
            if time.monotonic() > deadline or self._hurry.wait(_LOOK):
                return False
            left = math.ceil(deadline - time.monotonic())
            if 0 < left < told:
                told = left
                self._say(words.format(left))
            if again is not None and time.monotonic() > due:
                again()
                due = time.monotonic() + _AGAIN
        return True

    # ---- the steps

    def _ask(self) -> tuple[bool, str]:
        limit = self._limits[ASKED]
        words = f"{ASKED}; in {{:g}} s it will be interrupted"
        self._say(words.format(limit))
        try:
            self._proxy.send(TASK_CANCEL.to_message(priority=0), timeout=self._patience())
        except TimeoutError:
            self._silent = True
        except (InvalidAgentError, HostDiedError):
            return True, "it is gone"
        ended = self._ended_within(limit, words)
        return ended, "its host does not answer" if self._silent and not ended else ""

    def _interrupt(self) -> tuple[bool, str]:
        limit = self._limits[INTERRUPTED]
        words = f"{INTERRUPTED}; waiting up to {{:g}} s"
        self._say(words.format(limit))
        where: list[str] = []

        def interrupt() -> None:
            with suppress(TimeoutError, InvalidAgentError, HostDiedError):
                found = self._ask_host(INTERRUPT_VERB, InterruptRequest(self._keys))
                where[:] = [f"{run.what} at {run.where}" if run.where else run.what for run in found.runs] or where

        interrupt()
        ended = self._ended_within(limit, words, interrupt)
        return ended, f"in {', '.join(where)}" if where else "its host does not answer" if self._silent else ""

    def _restart(self) -> tuple[bool, str]:
        host = self._host()
        if host is None or self._restart_wanted is False:
            return False, _REFUSED + ("there is no mesh to do it" if host is None else "not wanted")
        others = None if self._silent else self._neighbours
        if self._restart_wanted is None and (refused := self._would_lose(host.name)):
            return False, f"{_REFUSED}{refused}"
        self._say(f"{RESTARTING} {host.name}")
        try:
            host.restart(why=f"to cancel {self._label}")
        except MeshError as error:
            return True, f"{host.name} did not start again: {error}"
        self._take_stock(host, others or [])
        return True, f"{host.name}{self._outcome()}"

    def _host(self) -> HostHandle | None:
        if self._mesh is None:
            return None
        return next((host for host in self._mesh.hosts() if host.url == self._proxy.host_url), None)

    def _would_lose(self, name: str) -> str:
        """Why a restart has to be asked for; empty where nothing but what is cancelled would be lost."""
        if self._neighbours is None:
            return f"{name} does not answer, so what else would be lost with it is not known"
        lost = [other.name or other.agent_id for other in self._neighbours if other.durability == "memory"]
        return f"{', '.join(lost)} on {name} would be lost" if lost else ""

    def _take_stock(self, host: HostHandle, others: list[Neighbour]) -> None:
        """See who is back, and settle what is cancelled if it is."""
        client: Any = self._proxy.client
        there = {p.agent_id for p in client.ask(host.url, "@list", Nothing(), Listing, timeout=_ANSWER).paglets}
        self._back = tuple(other.name or other.agent_id for other in others if other.agent_id in there)
        self._lost = tuple(other.name or other.agent_id for other in others if other.agent_id not in there)
        if self._proxy.agent_id in there:
            with suppress(PagletError):
                self._ask_host(INTERRUPT_VERB, InterruptRequest())
            self._back = (self._label, *self._back)
        else:
            self._lost = (self._label, *self._lost)

    def _outcome(self) -> str:
        parts = [f"{', '.join(names)} {word}" for names, word in ((self._back, "back"), (self._lost, "lost")) if names]
        return f": {'; '.join(parts)}" if parts else ""


class Cancels(FansOut):
    """What of a mesh ends what runs."""

    def cancel(
        self,
        target: TaskHandle[Any] | PagletProxy,
        *,
        cooperative: float = 5.0,
        interrupt: float = 5.0,
        restart: bool | None = None,
        on_step: Callable[[str], None] | None = None,
    ) -> Cancellation:
        """End what a task or a paglet does now: ask it to stop, interrupt it, start its host again.

        Args:
            target: a task's handle, or the proxy of a paglet.
            cooperative: seconds given to a task to stop by itself.
            interrupt: seconds given to the interrupt of its thread, which ends Python code but no call in C.
            restart: True starts its host again where nothing else helped, whoever lives there; False never;
                None only where no other paglet would be lost.
            on_step: called with what is tried now, in words.

        Returns:
            What was done, and whether that ended it.
        """
        mesh: Any = self
        return Cancelling(
            target, cooperative=cooperative, interrupt=interrupt, restart=restart, mesh=mesh, on_step=on_step
        ).run()
