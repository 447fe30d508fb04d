"""What the traveller tells its parent; the parent is one that notes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from paglets_nb import Host, OperationPaglet, PagletProxy, PagletState
from paglets_nb.agents.movement_results import Arrived, Onward
from paglets_nb.agents.traveller import ARRIVED, CLOCK, ClockReading, Traveller, TravellerState
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.testing import wait_until


@dataclass
class GuideState(PagletState):
    told: list[Arrived] = field(default_factory=list)
    way: list[Onward] = field(default_factory=list)


class Guide(OperationPaglet[GuideState]):
    """Notes what it is told, and sends the traveller on a way that was laid out before."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """The parent's, and a clock."""
        return {ARRIVED: self.arrived, CLOCK: lambda _request: ClockReading(1)}

    def arrived(self, report: Arrived) -> Onward:
        """The next step, while there is one."""
        self.state.told.append(report)
        return self.state.way.pop(0) if self.state.way else Onward()


@pytest.fixture
def guide(hosts: list[Host]) -> PagletProxy:
    """The parent, on the first host."""
    return hosts[0].create(Guide)


def travel(hosts: list[Host], guide: PagletProxy, *targets: str, reports: int, **state: Any) -> list[Arrived]:
    """Send a traveller to some hosts; what it told."""
    found: Any = hosts[0].residents.require(guide.agent_id).paglet
    found.state.way = [Onward(True, target, guide.host_url, guide.agent_id, 2.0) for target in targets]
    hosts[0].create(Traveller, TravellerState(guide.ref, 3, **state))
    wait_until(lambda: len(found.state.told) >= reports)
    told: list[Arrived] = found.state.told
    return told


def test_each_hop_is_told_with_its_stamps(hosts: list[Host], guide: PagletProxy) -> None:
    """Where it is, whence it came, when it left and when it was there; numbered, for one run."""
    told = travel(hosts, guide, "beta", "gamma", "gamma", "alpha", reports=5)
    assert [(report.source, report.host_name) for report in told] == [
        ("", "alpha"),
        ("alpha", "beta"),
        ("beta", "gamma"),
        ("gamma", "gamma"),
        ("gamma", "alpha"),
    ]
    assert [(report.run, report.number) for report in told] == [(3, number) for number in range(1, 6)]
    assert told[2].host_url == hosts[2].address
    stamps = [stamp for report in told[1:] for stamp in (report.departed_ns, report.arrived_ns)]
    assert stamps == sorted(stamps)
    assert all(report.message_seconds > 0 for report in told[1:])


def test_a_hop_that_fails_is_told_from_where_it_is(hosts: list[Host], guide: PagletProxy) -> None:
    """With the target and the error's type; it goes nowhere then."""
    told = travel(hosts, guide, "beta", "nowhere", reports=3)
    assert (told[2].host_name, told[2].target, told[2].error_type) == ("beta", "nowhere", "UnknownHostError")
    assert "nowhere" in told[2].error
    assert len(hosts[1].guests()) == 1


def test_the_payload_is_made_once(hosts: list[Host], guide: PagletProxy) -> None:
    """And is there at the end of the way."""
    travel(hosts, guide, "beta", reports=2, payload_bytes=1000)
    wait_until(lambda: hosts[1].guests())
    (resident,) = hosts[1].guests()
    assert len(hosts[1].get_state(resident.agent_id).payload) == 1000


def test_one_whose_parent_is_gone_ends(hosts: list[Host], guide: PagletProxy) -> None:
    """Nothing else would end it."""
    guide.dispose()
    hosts[1].create(Traveller, TravellerState(guide.ref, 1))
    wait_until(lambda: hosts[1].guests() == [])
