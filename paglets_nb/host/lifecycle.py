"""Creation and disposal: how a paglet comes to live on a host and how it ends.

Also owns the two moments every arrival and departure share: ``settle`` (hooks, then the
turn is free, then ``run()``) and ``withdraw``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import wire
from paglets_nb.codec.shipping import code_store
from paglets_nb.core.events import CreationEvent, DisposalEvent
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.records import Record
from paglets_nb.core.tracebacks import format_user_traceback, tell_failure
from paglets_nb.core.turns import current_origin, current_turn
from paglets_nb.core.values import new_agent_id
from paglets_nb.errors import CallTimeoutError, HostError, PagletBusyError, PagletError, SerializationError
from paglets_nb.host.context import ResidentContext
from paglets_nb.host.failpoints import failpoint
from paglets_nb.host.mailbox import Mailbox
from paglets_nb.host.protocol import Born, CreateRequest, Nothing
from paglets_nb.host.residents import HandlerTurn, Resident

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["Lifecycle"]

TURN_TIMEOUT = 60.0
_HELD = nullcontext()


class TurnScope(Record, eq=False):
    """Within this, what runs holds a turn, so that its output goes to the turn's cell.

    Attributes:
        turn: the turn, taken.
        finish: release it at the end.
        before: the turn within which it began.
    """

    turn: HandlerTurn
    finish: bool = False
    before: Any = None

    def __enter__(self) -> HandlerTurn:
        self.before = current_turn.get()
        current_turn.set(self.turn)
        return self.turn

    def __exit__(self, *_exc: object) -> None:
        current_turn.set(self.before)
        if self.finish:
            self.turn.finish()


def _check_constructor(cls: type[Paglet[Any]]) -> None:
    """Raise HostError where a class cannot be made with what a host hands over."""
    try:
        inspect.signature(cls).bind(None, agent_id="")
    except TypeError as error:
        raise HostError(
            f"{cls.__name__}.__init__ must take (state=None, *, agent_id=None) and hand both to super().__init__ "
            f"({error}); what a paglet does at its start may stand in on_creation instead"
        ) from None


class Lifecycle:
    """Creates, settles and ends the paglets of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def load(self, class_name: str) -> type[Paglet[Any]]:
        """The paglet class of a wire name.

        Raises:
            MissingCodeError: shipped by value, and its code is not here.
            SerializationError: not a class that can be loaded here, or not a paglet's.
        """
        cls = code_store.resolve(class_name)
        if not (isinstance(cls, type) and issubclass(cls, Paglet)):
            raise SerializationError(f"{class_name} is not a Paglet class")
        return cls

    def build(
        self, cls: type[Paglet[Any]], class_name: str, state: dict[str, Any] | None, agent_id: str, name: str
    ) -> Resident:
        """A paglet from the wire form of its state, with the turn taken, not yet in the table."""
        self._host.durability.check(cls)
        loaded = None if state is None else wire.state_from_wire(cls.State, state)
        try:
            paglet = cls(loaded, agent_id=agent_id)
        except TypeError:
            _check_constructor(cls)
            raise
        paglet._context = ResidentContext(self._host, paglet.agent_id)
        resident = Resident(paglet, Mailbox(self._host.workers), class_name=class_name, name=name)
        resident.mailbox.try_take()
        return resident

    def create(self, request: CreateRequest) -> Born:
        """Make a paglet: ``on_creation``, then ``run()``."""
        host = self._host
        cls = self.load(request.class_name)
        agent_id = request.agent_id or new_agent_id()
        with host.names.claimed(request.name):
            resident = self.build(cls, request.class_name, request.state, agent_id, request.name)
            host.residents.add(resident)
        event, paglet = CreationEvent(agent_id, host.name, request.init), resident.paglet

        def hook(event: CreationEvent) -> None:
            paglet.on_creation(event)
            paglet.operation_names()  # a table that is wrong is told now, not with the first message

        try:
            self.settle(resident, hook, event)
        except BaseException:
            self.withdraw(resident)
            host.files.clear(agent_id)
            if resident.durability != "memory":
                host.durability.records.forget(agent_id)
            raise
        host.events.record("create", agent_id, class_name=request.class_name, name=request.name)
        return Born(agent_id, host.address, request.name, request.class_name)

    def settle(self, resident: Resident, hook: Callable[[Any], None], event: Any) -> None:
        """Call the arriving hook with the turn held, then free the turn and start ``run()``."""
        origin = current_origin()
        with TurnScope(resident.turn(origin, 1, 10), finish=True):
            try:
                hook(event)
                failpoint("target.hook_done")
            finally:
                if not resident.paglet._ended:
                    self._host.durability.keep(resident)
        self.start_run(resident, origin)

    def start_run(self, resident: Resident, origin: str) -> None:
        """Start the paglet's ``run()`` where its class has one; output goes to the cell ``origin``."""
        if type(resident.paglet).run is not Paglet.run and not resident.paglet._ended:
            self._host.workers.submit(self._run, resident, origin)

    def _run(self, resident: Resident, origin: str) -> None:
        try:
            with TurnScope(resident.turn(origin, 0, 10)):
                resident.paglet.run()
        except BaseException as error:  # nobody waits for run(): its output and the log are where its failure shows
            tell_failure(resident.agent_id, origin, error)
            self._host.events.record(
                "failure", resident.agent_id, error=repr(error), traceback=format_user_traceback(error)
            )

    def turn_of(
        self, resident: Resident, timeout: float = TURN_TIMEOUT, step: str = "reached"
    ) -> AbstractContextManager[Any]:
        """Hold the paglet's turn within this; a handler of the paglet itself holds it already.

        Args:
            resident: the paglet.
            timeout: seconds.
            step: what it is wanted for, as the error says it: ``was not moved``.

        Raises:
            PagletBusyError: not to be had in time.
            LifecycleError: the paglet left meanwhile.
        """
        mine = current_turn.get()
        if mine is not None and mine.paglet is resident.paglet and getattr(mine, "held", False):
            return _HELD
        try:
            place = resident.mailbox.acquire(timeout=timeout)
        except CallTimeoutError:
            called = resident.name or f"{type(resident.paglet).__name__} {resident.agent_id}"
            raise PagletBusyError(called, timeout, step=step, doing=resident.paglet._busy_with()) from None
        return TurnScope(resident.turn(current_origin(), place, 10), finish=True)

    def dispose(self, target: str, timeout: float = TURN_TIMEOUT) -> Nothing:
        """End a paglet: ``on_disposing``; whatever waits is told that it ended."""
        host = self._host
        stored = host.sleep.lookup(target)
        if stored is not None:
            host.sleep.dispose(stored)
            host.events.record("dispose", stored.agent_id)
            return Nothing()
        resident = host.residents.require(target)
        with self.turn_of(resident, timeout, "ended"):
            host.residents.require(resident.agent_id)
            try:
                resident.paglet.on_disposing(DisposalEvent(resident.agent_id, host.name))
                resident.paglet._clean_up()
            except PagletError:
                raise
            except Exception as error:
                host.events.record("failure", resident.agent_id, hook="on_disposing", error=repr(error))
            if resident.durability != "memory":
                host.durability.records.forget(resident.agent_id)
            self.withdraw(resident)
            host.files.clear(resident.agent_id)
        host.events.record("dispose", resident.agent_id)
        return Nothing()

    def withdraw(self, resident: Resident, forward_to: str = "", *, patience: float = -1.0) -> None:
        """Take a paglet out of the table; its waits end, what is queued is answered.

        Args:
            resident: the paglet.
            forward_to: where it went.
            patience: seconds for its state lock, which a handler may hold; -1 for as long as it takes.
        """
        self._host.residents.remove(resident, forward_to)
        self._host.services.withdraw(resident.agent_id)
        paglet = resident.paglet
        lock = paglet._lock
        held = lock.acquire(timeout=patience)
        paglet._ended = True
        if held:
            lock.notify()
            lock.release()
        resident.mailbox.close()
        paglet._context = None
