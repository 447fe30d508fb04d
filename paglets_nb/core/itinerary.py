"""Itineraries: the hosts a paglet visits one after the other, and what it does at each.

Owns the plans, which are plain immutable values of a state, and the mixin that follows
them. A plan is advanced before each dispatch, so that the state that arrives says where
the paglet is; a dispatch that fails puts the plan back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState
from paglets_nb.core.tickets import TransferTicket

if TYPE_CHECKING:
    from typing import Self

    from paglets_nb.core.proxy import PagletProxy

    _Base = Paglet[Any]
else:
    _Base = object

__all__ = [
    "ItineraryAgentMixin",
    "ItineraryPlan",
    "ItineraryState",
    "ItineraryTask",
    "TaskItineraryPlan",
    "TaskItineraryState",
]


@dataclass(frozen=True)
class ItineraryPlan:
    """Hosts in order; every change makes a new plan.

    Attributes:
        stops: names or addresses of hosts.
        visited: how many stops have been gone to.
        circular: after the last stop comes the first.
    """

    stops: tuple[str, ...] = ()
    visited: int = 0
    circular: bool = False

    @classmethod
    def of(cls, stops: Iterable[Any], *, circular: bool = False) -> Self:
        """A plan that has not begun."""
        return cls(tuple(stops), circular=circular)

    def _at(self, number: int) -> Any:
        if not self.stops or number < 0 or (number >= len(self.stops) and not self.circular):
            return None
        return self.stops[number % len(self.stops)]

    @property
    def current(self) -> Any:
        """The stop gone to last; None before the first."""
        return self._at(self.visited - 1)

    @property
    def next_stop(self) -> Any:
        """The stop to go to; None where the plan is finished."""
        return self._at(self.visited)

    @property
    def next_host(self) -> str | None:
        """The host to go to; None where the plan is finished."""
        stop: str | None = self.next_stop
        return stop

    @property
    def finished(self) -> bool:
        """Whether no stop is left; never for a circular plan that has any."""
        return self.next_stop is None

    @property
    def remaining(self) -> tuple[Any, ...]:
        """The stops left of this round."""
        if not self.stops or (self.visited >= len(self.stops) and not self.circular):
            return ()
        return self.stops[self.visited % len(self.stops) :]

    def advance(self) -> Self:
        """The plan once the next stop is gone to; itself where it is finished."""
        return self if self.finished else replace(self, visited=self.visited + 1)

    def restart(self) -> Self:
        """The plan from its first stop."""
        return replace(self, visited=0)

    def then(self, *stops: Any) -> Self:
        """The plan with further stops behind the last."""
        return replace(self, stops=(*self.stops, *stops))


@dataclass(frozen=True)
class ItineraryTask:
    """A stop with something to do: a message that the paglet gets when it is there.

    Attributes:
        host: name or address.
        kind: the message's kind; empty for nothing to do.
        args: the message's content.
    """

    host: str
    kind: str = ""
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskItineraryPlan(ItineraryPlan):
    """A plan whose stops say what is to be done there."""

    stops: tuple[ItineraryTask, ...] = ()  # type: ignore[assignment]

    @property
    def next_host(self) -> str | None:
        """The host to go to; None where the plan is finished."""
        stop = self.next_stop
        return None if stop is None else stop.host


@dataclass
class ItineraryState(PagletState):
    """A state with a plan of hosts; any state with the field ``itinerary`` will do."""

    itinerary: ItineraryPlan = field(default_factory=ItineraryPlan)


@dataclass
class TaskItineraryState(PagletState):
    """A state with a plan of hosts and tasks."""

    itinerary: TaskItineraryPlan = field(default_factory=TaskItineraryPlan)


class ItineraryAgentMixin(_Base):
    """Follows the plan in ``state.itinerary``. Put it before the paglet's class.

    ``def run(self): self.follow_itinerary()`` has the paglet visit every stop by itself;
    ``start_itinerary`` and ``dispatch_next`` take one step each.
    """

    def start_itinerary(self, plan: ItineraryPlan) -> PagletProxy | None:
        """Take over a plan and go to its first stop."""
        with self.locked():
            self.state.itinerary = plan
            self.notify_all_state_changed()
        return self.dispatch_next()

    def dispatch_next(self, ticket: TransferTicket | None = None) -> PagletProxy | None:
        """Go to the next stop.

        Args:
            ticket: the terms; its destination is replaced by the stop's host.

        Returns:
            A proxy of this paglet over there; None where the plan is finished. Where the next
            stop is this very host, the plan is advanced and the proxy is one of it here.

        Raises:
            PagletError: it could not go; the plan is what it was.
        """
        with self.locked():
            before: ItineraryPlan = self.state.itinerary
            host = before.next_host
            if host is None:
                return None
            here = host in (self.context.name, self.context.address)
            after = self.state.itinerary = before.advance()
            self.notify_all_state_changed()
        if here:
            return self.proxy
        try:
            return self.dispatch(host if ticket is None else replace(ticket, destination=host))
        except BaseException:
            with self.locked():
                if self._context is not None and self.state.itinerary is after:
                    self.state.itinerary = before
                    self.notify_all_state_changed()
            raise

    def follow_itinerary(self, ticket: TransferTicket | None = None) -> None:
        """From ``run()``: do what is to be done at this stop, then go to the next, until the plan is finished."""
        while True:
            plan: ItineraryPlan = self.state.itinerary
            if plan.current is not None:
                self.on_stop(plan.current)
                if self._context is None:  # on_stop has sent it elsewhere, or ended it
                    return
            if self.state.itinerary.finished:
                self.on_itinerary_finished()
                return
            address = self.context.address
            proxy = self.dispatch_next(ticket)
            if proxy is None or proxy.host_url != address or self._context is None:
                return

    def on_stop(self, stop: Any) -> Any:
        """The paglet is at a stop of its plan; by default a task's message is handled here, with the turn held.

        Returns:
            The reply to the message; None where the stop has no task.
        """
        if not isinstance(stop, ItineraryTask) or not stop.kind:
            return None
        args: Mapping[str, Any] = stop.args
        return self.send(self.proxy, Message(stop.kind, dict(args)))

    def on_itinerary_finished(self) -> None:
        """The last stop's work is done."""
