"""Plans by themselves, and paglets that follow them over in-process hosts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from paglets_nb import Host, OperationPaglet, Paglet, PagletProxy, ServiceOperation
from paglets_nb.codec.wire import dataclass_from_wire, dataclass_to_wire
from paglets_nb.core.events import MobilityEvent
from paglets_nb.core.itinerary import (
    ItineraryAgentMixin,
    ItineraryPlan,
    ItineraryState,
    ItineraryTask,
    TaskItineraryPlan,
    TaskItineraryState,
)
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.errors import HostError, TransferError, UnknownHostError
from paglets_nb.testing import in_process_mesh, wait_until

TEN = tuple(f"h{number}" for number in range(10))


@dataclass
class TravelState(ItineraryState):
    log: list[str] = field(default_factory=list)
    finished: bool = False


class Traveller(ItineraryAgentMixin, Paglet[TravelState]):
    """Goes by itself and notes where it was."""

    def run(self) -> None:
        """Follow the plan."""
        self.follow_itinerary()

    def on_arrival(self, event: MobilityEvent) -> None:
        """Note the host."""
        self.state.log.append(f"arrived {self.context.name}")

    def on_stop(self, stop: str) -> None:
        """Note the stop."""
        assert stop == self.context.name
        self.state.log.append(f"at {stop}")

    def on_itinerary_finished(self) -> None:
        """Say so in the state."""
        with self.locked():
            self.state.finished = True
            self.notify_all_state_changed()


class Stepper(ItineraryAgentMixin, Paglet[TravelState]):
    """Takes one step when told to."""

    def handle_message(self, message: Any) -> Any:
        """``start`` and ``next``."""
        if message.kind == "start":
            self.start_itinerary(ItineraryPlan(tuple(message.args["stops"])))
        elif message.kind == "next":
            return self.dispatch_next() is not None
        return None

    def on_dispatching(self, event: MobilityEvent) -> None:
        """Refuse to go to gamma."""
        if event.target.endswith("gamma.sock"):
            raise TransferError("not to gamma")


@dataclass(frozen=True)
class Amount:
    value: int = 0


@dataclass
class WorkState(TaskItineraryState):
    total: int = 0
    places: list[str] = field(default_factory=list)


GATHER = ServiceOperation("gather", Amount)


class Worker(ItineraryAgentMixin, OperationPaglet[WorkState]):
    """Does what each stop of its plan says."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """gather."""
        return {GATHER: self.gather}

    def gather(self, request: Amount) -> None:
        """Add, and note where."""
        self.state.total += request.value
        self.state.places.append(self.context.name)

    def run(self) -> None:
        """Follow the plan."""
        self.follow_itinerary()


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Three hosts."""
    with in_process_mesh(("alpha", "beta", "gamma")) as mesh:
        yield mesh


def found(hosts: list[Host], proxy: PagletProxy) -> Any:
    """The paglet itself, wherever it is; None while it is on its way."""
    for host in hosts:
        resident = host.residents.lookup(proxy.agent_id)
        if resident is not None and resident.paglet._context is not None:
            return resident.paglet
    return None


# ---- plans


def test_a_plan_is_advanced_without_being_changed() -> None:
    """Each step makes a new plan; the last one is finished and stays so."""
    plan = ItineraryPlan.of(["alpha", "beta"])
    assert (plan.current, plan.next_stop, plan.finished, plan.remaining) == (None, "alpha", False, ("alpha", "beta"))
    one = plan.advance()
    assert (one.current, one.next_stop, one.next_host, one.remaining) == ("alpha", "beta", "beta", ("beta",))
    two = one.advance()
    assert (two.current, two.next_stop, two.finished, two.remaining) == ("beta", None, True, ())
    assert two.advance() is two
    assert plan == ItineraryPlan(("alpha", "beta"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.visited = 1  # type: ignore[misc]
    assert two.restart() == plan
    assert two.then("gamma").next_stop == "gamma"
    assert (ItineraryPlan().finished, ItineraryPlan(circular=True).finished) == (True, True)
    assert ItineraryPlan(circular=True).current is None


def test_a_circular_plan_never_ends() -> None:
    """After the last stop comes the first."""
    plan = ItineraryPlan.of(["alpha", "beta"], circular=True)
    seen = []
    for _ in range(5):
        plan = plan.advance()
        seen.append(plan.current)
    assert seen == ["alpha", "beta", "alpha", "beta", "alpha"]
    assert (plan.finished, plan.remaining) == (False, ("beta",))


def test_plans_survive_the_wire() -> None:
    """A state with a plan is the same after a trip."""
    for state in (
        ItineraryState(ItineraryPlan(("alpha", "beta"), 1, True)),
        TaskItineraryState(
            TaskItineraryPlan((ItineraryTask("alpha", "gather", {"value": 3}), ItineraryTask("beta")), 1)
        ),
    ):
        assert dataclass_from_wire(type(state), dataclass_to_wire(state)) == state
    plan = TaskItineraryPlan.of([ItineraryTask("alpha")])
    assert (plan.next_host, plan.advance().next_host) == ("alpha", None)


# ---- paglets


def test_a_paglet_visits_every_host_by_itself() -> None:
    """A plan of ten hosts, twice round, is followed in order with nothing missed."""
    with in_process_mesh(TEN) as mesh:
        proxy = mesh[0].create(Traveller, TravelState(itinerary=ItineraryPlan(TEN[1:] + TEN)))
        paglet = wait_until(lambda: (p := found(mesh, proxy)) is not None and p.state.finished and p, 20.0)
        expected = [line for name in TEN[1:] + TEN for line in (f"arrived {name}", f"at {name}")]
        assert paglet.state.log == expected
        assert paglet.context.name == TEN[-1]
        assert sum(len(host.residents) for host in mesh) == 1


def test_a_stop_where_it_is_already(hosts: list[Host]) -> None:
    """A stop at the host where the paglet is takes no journey, and its work is done all the same."""
    plan = ItineraryPlan(("alpha", "alpha", "beta", "beta"))
    proxy = hosts[0].create(Traveller, TravelState(itinerary=plan))
    paglet = wait_until(lambda: (p := found(hosts, proxy)) is not None and p.state.finished and p, 10.0)
    assert paglet.state.log == ["at alpha", "at alpha", "arrived beta", "at beta", "at beta"]


def test_a_circular_plan_goes_round_and_round(hosts: list[Host]) -> None:
    """A circular plan is followed until the paglet ends."""
    plan = ItineraryPlan(("beta", "gamma", "alpha"), circular=True)
    proxy = hosts[0].create(Traveller, TravelState(itinerary=plan))
    wait_until(lambda: (p := found(hosts, proxy)) is not None and p.state.itinerary.visited > 7, 10.0)
    proxy.dispose()
    wait_until(lambda: sum(len(host.residents) for host in hosts) == 0)


def test_tasks_are_done_where_the_plan_says(hosts: list[Host]) -> None:
    """The message of each stop is handled there, by the operation it names."""
    plan = TaskItineraryPlan(
        (
            ItineraryTask("beta", "gather", {"value": 1}),
            ItineraryTask("gamma"),
            ItineraryTask("alpha", "gather", {"value": 10}),
            ItineraryTask("alpha", "gather", {"value": 100}),
        )
    )
    proxy = hosts[0].create(Worker, WorkState(itinerary=plan))
    paglet = wait_until(lambda: (p := found(hosts, proxy)) is not None and p.state.total == 111 and p, 10.0)
    assert paglet.state.places == ["beta", "alpha", "alpha"]
    wait_until(lambda: paglet.state.itinerary.finished)


def test_one_step_at_a_time(hosts: list[Host]) -> None:
    """A plan is advanced before the dispatch, so that the state that arrives says where it is."""
    proxy = hosts[0].create(Stepper)
    proxy.send("start", {"stops": ["beta", "alpha"]})
    there = hosts[1].residents.require(proxy.agent_id).paglet
    assert (there.state.itinerary.current, there.state.itinerary.next_stop) == ("beta", "alpha")
    assert proxy.send("next") is True
    assert hosts[0].residents.require(proxy.agent_id).paglet.state.itinerary.finished
    assert proxy.send("next") is False


@pytest.mark.parametrize(("stop", "error"), [("gamma", TransferError), ("nowhere", UnknownHostError)])
def test_a_step_that_fails_puts_the_plan_back(stop: str, error: type[HostError], hosts: list[Host]) -> None:
    """A dispatch that cannot be done leaves paglet and plan where they were."""
    proxy = hosts[0].create(Stepper)
    with pytest.raises(error):
        proxy.send("start", {"stops": [stop, "beta"]})
    state = hosts[0].residents.require(proxy.agent_id).paglet.state
    assert state.itinerary == ItineraryPlan((stop, "beta"))


def test_the_terms_of_a_ticket_are_kept(hosts: list[Host]) -> None:
    """``dispatch_next`` goes on the terms of a ticket, to the plan's host."""
    proxy = hosts[0].create(Stepper, TravelState(itinerary=ItineraryPlan(("beta",))))
    paglet = hosts[0].residents.require(proxy.agent_id).paglet
    with pytest.raises(TransferError, match="version"):
        paglet.dispatch_next(TransferTicket("elsewhere", expected_code_version="0.0.0-none"))
    assert paglet.state.itinerary.visited == 0
    moved = paglet.dispatch_next(TransferTicket("elsewhere", timeout=5.0))
    assert moved.host_url == hosts[1].address
