"""The paglet: an object with an identity, one dataclass of state, hooks and handlers.

Owns what a user subclasses. Everything that needs a host goes through the context.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from paglets_nb.core.paglet_files import PagletFiles
from paglets_nb.core.paglet_services import PagletServices
from paglets_nb.core.policy import DeactivationPolicy, DeactivationRequest
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.core.resources import Resources
from paglets_nb.core.state import PagletState, StateLock
from paglets_nb.core.turns import current_turn
from paglets_nb.core.values import new_agent_id
from paglets_nb.errors import HostError, LifecycleError, NotHandledError

if TYPE_CHECKING:
    from paglets_nb.core.context import PagletContext
    from paglets_nb.core.events import CloneEvent, CreationEvent, DisposalEvent, MobilityEvent, PersistencyEvent
    from paglets_nb.core.messages import FutureReply, Message, ReplySet
    from paglets_nb.core.ports import DirectOperation
    from paglets_nb.core.proxy import PagletProxy
    from paglets_nb.core.tickets import TransferTicket

__all__ = ["Paglet"]

StateT = TypeVar("StateT", bound=PagletState)


def _is_state(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, PagletState)


class Paglet(PagletFiles, PagletServices, Generic[StateT]):
    """Base of every paglet.

    Only ``state`` moves; every other attribute is transient and belongs to one host.

    Class attributes:
        State: the dataclass of the state; taken from ``Paglet[MyState]`` where not given.
        interleaved_kinds: kinds of message that never wait for the turn, like priority 0.
        reading_kinds: kinds of message that change nothing, for which no state is stored.
        durability: ``memory``; ``lifecycle`` stores the state at each lifecycle step,
            ``message`` also before each reply.

    Args:
        state: the state; a fresh ``State()`` when None.
        agent_id: the identity; a new one when None.
    """

    State: ClassVar[type[PagletState]] = PagletState
    interleaved_kinds: ClassVar[frozenset[str]] = frozenset()
    reading_kinds: ClassVar[frozenset[str]] = frozenset()
    durability: ClassVar[str] = "memory"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._check_state()
        if "State" in cls.__dict__:
            return
        for base in getattr(cls, "__orig_bases__", ()):
            for argument in typing.get_args(base):
                if isinstance(argument, type) and issubclass(argument, PagletState):
                    cls.State = argument

    @classmethod
    def _check_state(cls) -> None:
        """HostError where what stands for the state, in the brackets or as ``State``, is of another kind."""
        stated = [cls.__dict__["State"]] if "State" in cls.__dict__ else []
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin = typing.get_origin(base)
            if isinstance(origin, type) and issubclass(origin, Paglet):
                parameters: tuple[Any, ...] = getattr(origin, "__parameters__", ())
                stated += [
                    argument
                    for parameter, argument in zip(parameters, typing.get_args(base), strict=False)
                    if _is_state(getattr(parameter, "__bound__", None))
                ]
        for state in stated:
            if isinstance(state, type) and state is not Any and not _is_state(state):
                raise HostError(
                    f"the state of {cls.__name__} must be a dataclass that subclasses PagletState; "
                    f"{state.__name__} is none"
                )

    def __init__(self, state: StateT | None = None, *, agent_id: str | None = None) -> None:
        self.state: StateT = type(self).State() if state is None else state  # type: ignore[assignment]
        self.agent_id = agent_id or new_agent_id()
        self._context: PagletContext | None = None
        self._lock = StateLock()
        self._ended = False
        self._messages_notified = 0

    @property
    def resources(self) -> Resources:
        """What is closed before the paglet leaves, sleeps or ends."""
        found: Resources | None = self.__dict__.get("_resources")
        return self.__dict__.setdefault("_resources", Resources()) if found is None else found

    def _clean_up(self) -> None:
        """Close what was put into ``resources``; LifecycleError where that fails."""
        if "_resources" in self.__dict__:
            self.resources.clean_up()

    # ---- where it lives

    @property
    def context(self) -> PagletContext:
        """The host as this paglet sees it; LifecycleError while it lives nowhere."""
        if self._context is None:
            raise LifecycleError(f"{type(self).__name__} {self.agent_id} lives on no host")
        return self._context

    @property
    def proxy(self) -> PagletProxy:
        """A proxy of this paglet."""
        return self.context.get_proxy(self.agent_id)

    @property
    def ref(self) -> PagletProxyRef:
        """A reference to this paglet, to store or send."""
        return PagletProxyRef(self.context.address, self.agent_id)

    def _busy_with(self) -> str:
        """What keeps its turn, for errors."""
        return "a message"

    # ---- state

    def locked(self) -> StateLock:
        """The state lock, to be used with ``with``; re-entrant."""
        return self._lock

    @contextmanager
    def locked_state(self) -> Iterator[StateT]:
        """The state, held under its lock."""
        with self._lock:
            yield self.state

    def notify_state_changed(self) -> None:
        """Wake one waiter of ``wait_state``."""
        with self._lock:
            self._lock.notify(1)

    def notify_all_state_changed(self) -> None:
        """Wake every waiter of ``wait_state``."""
        with self._lock:
            self._lock.notify()

    def wait_state(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until ``predicate()`` holds, looked at under the state lock after each notification.

        In a handler the turn is given up meanwhile, so that other messages are
        handled, and taken again before this returns.

        Args:
            predicate: what to wait for; must not block.
            timeout: seconds; None waits until it holds or the paglet leaves or ends.

        Returns:
            Whether the predicate holds.
        """
        with self._lock:
            if predicate():
                return True
        with self._turn_given_up(), self._lock:
            self._lock.changed.wait_for(lambda: self._ended or predicate(), timeout)
        with self._lock:
            return predicate()

    async def wait_state_async(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """``wait_state`` for ``async def`` handlers."""
        import anyio

        limiter = anyio.CapacityLimiter(1)
        return await anyio.to_thread.run_sync(
            self.wait_state, predicate, timeout, limiter=limiter, abandon_on_cancel=True
        )

    def wait_message(self, timeout: float | None = None) -> bool:
        """Wait for ``notify_message``, with the turn given up; False when it did not come in time."""
        with self._lock:
            seen = self._messages_notified
        with self._turn_given_up(), self._lock:
            return self._lock.changed.wait_for(lambda: self._ended or self._messages_notified > seen, timeout)

    def notify_message(self) -> None:
        """Wake a waiter of ``wait_message``."""
        self.notify_all_messages()

    def notify_all_messages(self) -> None:
        """Wake every waiter of ``wait_message``."""
        with self._lock:
            self._messages_notified += 1
            self._lock.notify()

    @contextmanager
    def _turn_given_up(self) -> Iterator[None]:
        turn = current_turn.get()
        mine = turn is not None and turn.paglet is self and turn.give_up()
        saved = self._lock.lay_down() if mine else None
        try:
            yield
        finally:
            if turn is not None and mine:
                turn.take_back()
                self._lock.take_up(saved)

    # ---- messages

    def handle_message(self, message: Message) -> Any:
        """Handle one message; the returned value is the reply. May be ``async def``."""
        return self.not_handled(message)

    def not_handled(self, message: Message | None = None) -> Any:
        """Say that there is no handler for the message."""
        kind = message.kind if message is not None else "this message"
        raise NotHandledError(kind, type(self).__name__, self.operation_names())

    def operation_names(self) -> list[str]:
        """The kinds of message this paglet says it handles."""
        return []

    def send(self, target: Any, message: Message | str, **options: Any) -> Any:
        """Send to another paglet (a proxy or a reference) and block for the reply."""
        return self.context.send(target, message, **options)

    def send_future(self, target: Any, message: Message | str, **options: Any) -> FutureReply:
        """Send to another paglet; the reply comes to the future."""
        return self.context.send_future(target, message, **options)

    def multicast(self, message: Message, targets: Sequence[Any] | None = None) -> ReplySet:
        """Send to many at once; to every other paglet of this host where no targets are given."""
        return self.context.multicast(message, targets)

    def direct_operation(self, kind: str) -> DirectOperation | None:
        """How its host may call an operation without ``handle_message``; None where a message is wanted."""
        return None

    # ---- movement

    def dispatch(self, target: str | TransferTicket) -> PagletProxy:
        """Move to another host. What follows in the calling code runs on a paglet that has left."""
        return self.context.dispatch(target)

    def dispatch_to(self, name: str) -> PagletProxy:
        """Move to the host with this name."""
        return self.context.dispatch_to(name)

    def clone(self, target: str | TransferTicket | None = None) -> PagletProxy:
        """Make a copy of this paglet, here or on another host."""
        return self.context.clone(target)

    def clone_to(self, name: str) -> PagletProxy:
        """Make a copy of this paglet on the host with this name."""
        return self.context.clone_to(name)

    def deactivate(self, policy: DeactivationPolicy | None = None) -> None:
        """Go to sleep, durably; what follows in the calling code runs on a paglet that has left."""
        self.context.deactivate(policy)

    def dispose(self) -> None:
        """End this paglet."""
        self.context.dispose()

    # ---- hooks, each called by its host with the turn held

    def on_creation(self, event: CreationEvent) -> None:
        """The paglet was made."""

    def on_dispatching(self, event: MobilityEvent) -> None:
        """The paglet is about to leave; an exception keeps it here."""

    def on_arrival(self, event: MobilityEvent) -> None:
        """The paglet has come to this host."""

    def on_reverting(self, event: MobilityEvent) -> None:
        """The paglet is being retracted; an exception keeps it here."""

    def on_cloning(self, event: CloneEvent) -> None:
        """The paglet is about to be cloned; an exception prevents it."""

    def on_clone(self, event: CloneEvent) -> None:
        """This paglet is a new clone."""

    def on_cloned(self, event: CloneEvent) -> None:
        """The paglet has been cloned."""

    def deactivation_policy(self, request: DeactivationRequest) -> DeactivationPolicy:
        """The terms on which to sleep; those proposed unless overridden."""
        return request.policy

    def on_deactivating(self, event: PersistencyEvent) -> None:
        """The paglet is about to sleep; an exception keeps it awake."""

    def on_activation(self, event: PersistencyEvent) -> None:
        """The paglet has woken."""

    def on_disposing(self, event: DisposalEvent) -> None:
        """The paglet is about to end."""

    def settle_interrupted(self) -> None:
        """A cancel interrupted the paglet, of which nothing runs any more; called without the turn, must not block."""

    def run(self) -> None:
        """The paglet's own activity, in a thread of its own, after each arrival."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.agent_id}>"
