"""Calls that somebody makes one after another and looks at: what a form does when it is sent.

Plain Python, of use without any widget. It must not know how a call is shown.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from paglets_nb.core.messages import FutureReply
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.turns import request_origin
from paglets_nb.errors import CallTimeoutError, LifecycleError
from paglets_nb.patterns.operations import OperationClient
from paglets_nb.patterns.task_client import TaskClient, TaskHandle
from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.widgets.background import post
from paglets_nb.widgets.forms.code_lines import field_words
from paglets_nb.widgets.markup import clipped
from paglets_nb.widgets.pictures import reply_text

__all__ = ["HISTORY", "Call", "Caller", "OperationAsker", "Phase", "TaskAsker"]

HISTORY = 20
"""Calls that are remembered."""
_MOST_SAID = 200
"""Characters that are remembered of a reply that is not the last one."""
_TICK = 1.0
"""Seconds between two looks at a call that runs."""


class Phase(Enum):
    """Where a call stands."""

    RUNNING = "running"
    REPLIED = "replied"
    FAILED = "failed"
    GAVE_UP = "gave up"


@dataclass(eq=False)
class Call:
    """One call.

    Attributes:
        number: of the calls of one caller, from 1.
        fields: of the request, as ``field=value`` words.
        began_at: POSIX seconds.
        seconds: until it ended, or so far.
        reply: the typed reply, or a task's handle; kept of the last call only.
        error: why there is none.
        said: what came of it, in one line.
    """

    number: int
    request: Any
    fields: str
    began_at: float
    phase: Phase = Phase.RUNNING
    seconds: float = 0.0
    reply: Any = None
    error: Exception | None = None
    said: str = ""
    _began: float = field(default_factory=time.monotonic, repr=False)
    _woken: threading.Event = field(default_factory=threading.Event, repr=False)
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def elapsed(self) -> float:
        """Seconds until now, or until it ended."""
        return time.monotonic() - self._began if self.phase is Phase.RUNNING else self.seconds

    def wait(self, timeout: float) -> bool:
        """Wait until it has ended; whether it has within ``timeout`` seconds."""
        return self._ended.wait(timeout)


class OperationAsker:
    """Asks one operation of one paglet.

    Args:
        proxy: the paglet.
        operation: what is asked.
    """

    def __init__(self, proxy: PagletProxy, operation: ServiceOperation) -> None:
        self.proxy = proxy
        self.operation = operation
        self.name = operation.name
        self.request_type = operation.request_type

    def ask(self, request: Any, timeout: float) -> FutureReply:
        """Send a request; may block for as long as it takes to reach the host."""
        return OperationClient(self.proxy).submit(self.operation, request, timeout=timeout)


class TaskAsker:
    """Starts one task; the reply is its handle.

    Args:
        client: the task's client.
    """

    name = "start"

    def __init__(self, client: TaskClient[Any]) -> None:
        self.client = client
        self.request_type = client.request_type

    @property
    def proxy(self) -> PagletProxy:
        """The task."""
        return self.client.proxy

    def ask(self, request: Any, timeout: float) -> FutureReply:
        """Start it; LifecycleError while it runs already."""
        status = self.client.status(timeout=timeout).status
        if status in (TaskStatus.RUNNING, TaskStatus.WAITING_FOR_ARRIVAL):
            raise LifecycleError("the task is running already; wait for it, or cancel it")
        started = FutureReply("start", timeout)
        handle: TaskHandle[Any] = self.client.submit(request)
        started.set_reply(handle)
        return started


class Caller:
    """Makes one call at a time, in the background, and remembers the last ones.

    Args:
        asker: what asks.
        on_change: called when a call begins, while it runs, and when it ended; from any thread.
        origin: the notebook cell for which a call is made; empty for the one that was run last.
    """

    def __init__(
        self,
        asker: OperationAsker | TaskAsker,
        on_change: Callable[[Call], None] = lambda _call: None,
        origin: Callable[[], str] = str,
    ) -> None:
        self.asker = asker
        self._on_change = on_change
        self._origin = origin
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=HISTORY)
        self._numbers = itertools.count(1)

    @property
    def history(self) -> list[Call]:
        """The last calls, newest first."""
        with self._lock:
            return list(reversed(self._calls))

    @property
    def last(self) -> Call | None:
        """The last call; None before the first."""
        with self._lock:
            return self._calls[-1] if self._calls else None

    def send(self, request: Any, timeout: float) -> Call | None:
        """Begin a call and return at once; None while another runs.

        Args:
            request: an instance of the request type.
            timeout: seconds until the call fails for want of a reply.
        """
        fields = field_words(request)
        with self._lock:
            last = self._calls[-1] if self._calls else None
            if last is not None:
                if last.phase is Phase.RUNNING:
                    return None
                last.reply = None  # replies may be large; what was shown of them is shown
            call = Call(next(self._numbers), request, fields, time.time())
            self._calls.append(call)
        self._on_change(call)
        post(lambda: self._follow(call, timeout), lambda error: self._fail(call, error))
        return call

    def cancel(self) -> bool:
        """Give up waiting for the call that runs; whether one did. What it asked for may go on."""
        last = self.last
        return last is not None and self._end(last, Phase.GAVE_UP)

    def _follow(self, call: Call, timeout: float) -> None:
        deadline = call._began + timeout
        token = request_origin.set(self._origin())
        try:
            future = self.asker.ask(call.request, timeout)
        finally:
            request_origin.reset(token)
        future.add_done_callback(lambda _future: call._woken.set())
        while not call._woken.wait(max(0.0, min(_TICK, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                raise CallTimeoutError(future.what, timeout, hint="the handler may go on")
            self._on_change(call)
        if call.phase is Phase.RUNNING:
            self._end(call, Phase.REPLIED, reply=future.get_reply(0.0))

    def _fail(self, call: Call, error: Exception) -> None:
        self._end(call, Phase.FAILED, error=error)

    def _end(self, call: Call, phase: Phase, *, reply: Any = None, error: Exception | None = None) -> bool:
        """Settle a call; False when it was already."""
        with self._lock:
            if call.phase is not Phase.RUNNING:
                return False
            call.seconds = time.monotonic() - call._began
            call.reply, call.error, call.phase = reply, error, phase
            call.said = _said(call)
        call._woken.set()
        call._ended.set()
        self._on_change(call)
        return True


def _said(call: Call) -> str:
    """What came of a call, in one line."""
    if call.error is not None:
        return clipped(" ".join(f"{type(call.error).__name__}: {call.error}".split()), _MOST_SAID)
    if call.phase is Phase.GAVE_UP:
        return "given up"
    if dataclasses.is_dataclass(call.reply):
        return clipped(" ".join(reply_text(call.reply).split()), _MOST_SAID)
    return "started"
