"""Messages and the futures of their replies.

Owns what a message says and how a pending reply is waited for. It must not know how
messages travel: an incoming one holds a ``Body`` that decodes itself when looked at.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from paglets_nb.core.ports import Body, codec
from paglets_nb.core.values import DEFAULT_TIMEOUT, new_message_id, wrong_timeout
from paglets_nb.errors import MAY_COME, CallTimeoutError, SerializationError

if TYPE_CHECKING:
    from paglets_nb.core.references import PagletProxyRef

__all__ = ["FutureReply", "Message", "MessageType", "ReplySet"]

T = TypeVar("T")


class MessageType(Enum):
    """How the sender waits."""

    SYNCHRONOUS = "synchronous"
    FUTURE = "future"
    ONEWAY = "oneway"


SYNCHRONOUS = MessageType.SYNCHRONOUS


class Message:
    """One message to a paglet.

    Args:
        kind: what is asked for; an operation's name.
        args: plain values by name, or a dataclass instance that stands for them.
        arg: one plain value, for kinds that take a single thing.
        sender: the paglet that speaks, None from outside.
        reply_to: whom an answer that comes later should reach.
        priority: 1 to 10, higher first; 0 bypasses the queue.
        timestamp: POSIX seconds of its making.
        message_id: unique among all processes of a mesh.
    """

    __slots__ = (
        "_args",
        "_message_id",
        "arg",
        "body",
        "kind",
        "message_type",
        "priority",
        "reply_to",
        "sender",
        "timestamp",
    )

    def __init__(
        self,
        kind: str,
        args: Any = None,
        arg: Any = None,
        sender: PagletProxyRef | None = None,
        reply_to: PagletProxyRef | None = None,
        priority: int = 5,
        message_type: MessageType = SYNCHRONOUS,
        timestamp: float | None = None,
        message_id: str | None = None,
    ) -> None:
        if not 0 <= priority <= 10:
            raise ValueError(f"priority must be 0 to 10, not {priority}")
        self.kind = kind
        self.body: Any = args
        self._args: dict[str, Any] | None = None
        self.arg = arg
        self.sender = sender
        self.reply_to = reply_to
        self.priority = priority
        self.message_type = message_type
        self.timestamp = time.time() if timestamp is None else timestamp
        self._message_id = message_id

    @property
    def message_id(self) -> str:
        """The message's id, made when first asked for."""
        if self._message_id is None:
            self._message_id = new_message_id()
        return self._message_id

    @property
    def args(self) -> dict[str, Any]:
        """The content as plain values by name."""
        if self._args is None:
            body = self.body
            if body is None:
                self._args = {}
            elif isinstance(body, Body):
                value = body.to_value()
                self._args = value if isinstance(value, dict) else {}
            elif isinstance(body, Mapping):
                self._args = dict(body)
            else:
                self._args = codec().to_wire(body)
        return self._args

    def decode(self, cls: type[T]) -> T:
        """The content as an instance of ``cls``, straight from the wire where it came by wire."""
        body = self.body
        if self._args is None:
            if isinstance(body, Body):
                return body.decode(cls)
            if isinstance(body, cls):
                return body
        return codec().from_wire(cls, self.args)

    def __repr__(self) -> str:
        return f"Message({self.kind!r}, priority={self.priority}, message_id={self.message_id!r})"


class FutureReply:
    """A reply that comes later; wait for it, await it, or ask whether it is there."""

    __slots__ = ("_awaited", "_callbacks", "_cancel", "_done", "_error", "_lock", "_value", "timeout", "what")

    def __init__(self, what: str = "reply", timeout: float = DEFAULT_TIMEOUT) -> None:
        self.what = what
        self.timeout = timeout
        self._lock = threading.Condition(threading.Lock())
        self._done = False
        self._awaited = False
        self._value: Any = None
        self._error: tuple[BaseException, TracebackType | None] | None = None
        self._callbacks: list[Callable[[FutureReply], None]] = []
        self._cancel: Callable[[], None] | None = None

    def set_reply(self, value: Any) -> None:
        """Settle with a value; later settlements are ignored."""
        self._settle(value, None)

    def set_error(self, error: BaseException) -> None:
        """Settle with an error; later settlements are ignored."""
        self._settle(None, (error, error.__traceback__))

    def _settle(self, value: Any, error: tuple[BaseException, TracebackType | None] | None) -> None:
        with self._lock:
            if self._done:
                return
            self._value, self._error, self._done = value, error, True  # done last: it is looked at without the lock
            callbacks, self._callbacks = self._callbacks, []
            if self._awaited:
                self._lock.notify_all()
        for callback in callbacks:
            self._call(callback)

    def _call(self, callback: Callable[[FutureReply], None]) -> None:
        try:
            callback(self)
        except Exception:  # the thread that settles serves others too
            logging.getLogger(__name__).exception("a callback of %r failed", self)

    def add_done_callback(self, callback: Callable[[FutureReply], None]) -> None:
        """Call ``callback(self)`` once settled, at once if it is already."""
        with self._lock:
            if not self._done:
                self._callbacks.append(callback)
                return
        self._call(callback)

    def is_available(self) -> bool:
        """Whether the reply, or the error, is there."""
        return self._done

    def wait_for_reply(self, timeout: float | None = None) -> bool:
        """Wait until it is there; False when ``timeout`` seconds (default: the call's) passed first."""
        if self._done:
            return True
        with self._lock:
            self._awaited = True
            return self._lock.wait_for(lambda: self._done, self.timeout if timeout is None else timeout)

    def get_reply(self, timeout: float | None = None) -> Any:
        """The reply.

        Raises:
            CallTimeoutError: not there in time.
            Exception: what the handler raised.
        """
        limit = self.timeout if timeout is None else timeout
        try:
            there = self.wait_for_reply(limit)
        except (TypeError, ValueError):
            wrong = wrong_timeout(limit)
            if wrong is not None:
                raise wrong from None
            raise
        if not there:
            raise CallTimeoutError(self.what, limit, hint=MAY_COME)
        return self._take()

    def _take(self) -> Any:
        if self._error is not None:
            error, trace = self._error
            raise error.with_traceback(trace)  # without the frames of those who took it before
        return self._value

    def _typed(self, cls: type[T], timeout: float | None) -> T:
        value = self.get_reply(timeout)
        if cls is float and type(value) is int:
            value = float(value)
        if type(value) is not cls:
            raise SerializationError(f"{self.what}: wanted {cls.__name__}, got {type(value).__name__}")
        return value

    def get_boolean_reply(self, timeout: float | None = None) -> bool:
        """The reply, which must be a bool."""
        return self._typed(bool, timeout)

    def get_int_reply(self, timeout: float | None = None) -> int:
        """The reply, which must be an int."""
        return self._typed(int, timeout)

    def get_float_reply(self, timeout: float | None = None) -> float:
        """The reply, which must be a float or an int."""
        return self._typed(float, timeout)

    def get_string_reply(self, timeout: float | None = None) -> str:
        """The reply, which must be a str."""
        return self._typed(str, timeout)

    def __await__(self) -> Generator[Any, None, Any]:
        return self._wait_async().__await__()

    async def _wait_async(self) -> Any:
        import anyio
        from anyio import lowlevel

        ready = anyio.Event()
        native: Any = lowlevel.current_token().native_token
        soon = getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon

        def wake(_reply: FutureReply) -> None:
            with suppress(RuntimeError):  # the loop that waited has ended meanwhile
                soon(ready.set)

        if not self._done:
            self.add_done_callback(wake)
            try:
                scope = anyio.move_on_after(self.timeout)
            except TypeError:
                wrong = wrong_timeout(self.timeout)
                if wrong is not None:
                    raise wrong from None
                raise
            with scope:
                await ready.wait()
        if not self._done:
            raise CallTimeoutError(self.what, self.timeout, hint=MAY_COME)
        return self._take()

    def __repr__(self) -> str:
        state = "pending" if not self._done else "failed" if self._error is not None else "available"
        return f"FutureReply({self.what!r}, {state})"


class ReplySet:
    """Pending replies, iterated in the order in which they complete."""

    def __init__(self, replies: Mapping[Any, FutureReply] | None = None) -> None:
        self._lock = threading.Condition(threading.Lock())
        self._pending: dict[FutureReply, Any] = {}
        self._completed: list[tuple[Any, FutureReply]] = []
        for key, reply in (replies or {}).items():
            self.add(reply, key=key)

    def add(self, reply: FutureReply, *, key: Any = None) -> None:
        """Add a reply; ``key`` says whose it is."""
        with self._lock:
            self._pending[reply] = key
        reply.add_done_callback(self._complete)

    def _complete(self, reply: FutureReply) -> None:
        with self._lock:
            self._completed.append((self._pending.pop(reply), reply))
            self._lock.notify_all()

    def __len__(self) -> int:
        with self._lock:
            return len(self._pending) + len(self._completed)

    def has_more(self) -> bool:
        """Whether any reply has not been handed out yet."""
        return len(self) > 0

    def is_any_available(self) -> bool:
        """Whether a reply can be had without waiting."""
        with self._lock:
            return bool(self._completed)

    def next_item(self, timeout: float | None = None) -> tuple[Any, FutureReply]:
        """The key and the reply that completed next; CallTimeoutError past ``timeout`` seconds."""
        limit = DEFAULT_TIMEOUT if timeout is None else timeout
        with self._lock:
            if not self._lock.wait_for(lambda: bool(self._completed), limit):
                raise CallTimeoutError("reply set", limit)
            return self._completed.pop(0)

    def next_reply(self, timeout: float | None = None) -> FutureReply:
        """The reply that completed next."""
        return self.next_item(timeout)[1]

    def __iter__(self) -> Iterator[FutureReply]:
        while self.has_more():
            yield self.next_reply()
