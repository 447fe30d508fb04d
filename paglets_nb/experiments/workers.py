"""The workers that a fan-out puts on hosts: paglets that time their calls and end by themselves.

A worker is the user's class, or a function, with ``Leased`` in front. Hosts import this
module, so it knows the core only.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, ClassVar

from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState
from paglets_nb.errors import InvalidAgentError, LifecycleError, PagletError

if TYPE_CHECKING:
    from paglets_nb.core.events import CreationEvent, MobilityEvent, PersistencyEvent

__all__ = ["CALL", "FUNCTION", "FunctionWorker", "Leased", "lease", "worker_of"]

CALL = "fan-out"
"""The kind of a timed call: holds the kind and the content of the message to be handled."""
FUNCTION = "function"
_MARGIN = 2.0
"""Seconds that a worker stays past its fan-out's deadline, which owner and host may read on different clocks."""


def lease(seconds: float, init: Any = None) -> dict[str, Any]:
    """What a worker is told when it is made.

    Args:
        seconds: until the fan-out's deadline.
        init: what the user's own ``on_creation`` is handed.
    """
    return {"until": time.time() + seconds + _MARGIN, "longest": seconds + _MARGIN, "init": init}


class Leased(Paglet[Any]):
    """What makes a worker of a paglet class.

    A worker that nobody ends, since its owner is gone or its host was stopped at the time,
    ends by itself soon after the deadline; made later than that, it is refused. It stays on
    its host, and never sleeps.
    """

    durability: ClassVar[str] = "memory"

    def on_creation(self, event: CreationEvent) -> None:
        """Begin the lease."""
        left = min(event.init["until"] - time.time(), event.init["longest"])
        if left <= 0:
            raise LifecycleError("the fan-out that wanted this worker has ended")
        super().on_creation(dataclasses.replace(event, init=event.init["init"]))
        timer = threading.Timer(left, self._expire)
        timer.daemon = True
        timer.start()
        self.resources.callback(timer.cancel)

    def _expire(self) -> None:
        while not self._ended:
            try:
                self.dispose()
            except (InvalidAgentError, LifecycleError):
                return
            except (PagletError, TimeoutError):  # a handler has the turn, for longer than a host waits
                continue

    def on_dispatching(self, event: MobilityEvent) -> None:
        """A worker stays."""
        raise LifecycleError("a fan-out's worker stays on its host")

    def on_reverting(self, event: MobilityEvent) -> None:
        """A worker stays."""
        raise LifecycleError("a fan-out's worker stays on its host")

    def on_deactivating(self, event: PersistencyEvent) -> None:
        """A worker does not sleep."""
        raise LifecycleError("a fan-out's worker does not sleep")

    def handle_message(self, message: Message) -> Any:
        """Handle a timed call's message; the reply and the seconds that it took."""
        if message.kind != CALL:
            return super().handle_message(message)
        inner = Message(
            message.args["kind"],
            message.args["content"],
            sender=message.sender,
            priority=message.priority,
            message_id=message.message_id,
        )
        began = time.perf_counter()
        reply = super().handle_message(inner)
        if isawaitable(reply):
            return self._awaited(reply, began)
        return {"seconds": time.perf_counter() - began, "reply": reply}

    async def _awaited(self, reply: Any, began: float) -> dict[str, Any]:
        value = await reply
        return {"seconds": time.perf_counter() - began, "reply": value}


class FunctionWorker(Paglet[PagletState]):
    """Calls a function with the fields of each message.

    Class attributes:
        function: the function; workers are subclasses that have one.
    """

    function: ClassVar[Callable[..., Any]]

    def handle_message(self, message: Message) -> Any:
        """Call the function."""
        return type(self).function(**message.args) if message.kind == FUNCTION else self.not_handled(message)


@lru_cache(maxsize=64)
def worker_of(target: Any) -> type[Paglet[Any]]:
    """The worker class of a paglet class or of a function; the same one each time, so that it is shipped once."""
    if isinstance(target, type):
        namespace = {"__module__": target.__module__, "__qualname__": target.__qualname__, "State": target.State}  # type: ignore[attr-defined]
        return type(target.__name__, (Leased, target), {**namespace, "__doc__": target.__doc__})
    name = getattr(target, "__name__", "function")
    label = name if name.isidentifier() else "function"
    namespace = {"__module__": getattr(target, "__module__", None) or "__main__", "__qualname__": label}
    return type(label, (Leased, FunctionWorker), {**namespace, "function": staticmethod(target)})
