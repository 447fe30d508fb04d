"""What a paglet hands to its host's services."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from paglets_nb.core.paglet import Paglet
from paglets_nb.errors import LifecycleError
from paglets_nb.services.contracts import ServiceContract, ServiceOperation

CONTRACT = ServiceContract("store", (ServiceOperation("get"),), version="3")


class Books:
    """A host's services that answer with what they were asked."""

    def __getattr__(self, name: str) -> Any:
        """Any method: returns its own name and arguments."""

        def answer(*args: Any, **options: Any) -> Any:
            asked = (name, args, options)
            return [asked] if name in ("lookup", "lookup_contracts") else asked

        return answer


@pytest.fixture
def paglet() -> Paglet[Any]:
    """A paglet on a host with such services."""
    paglet: Paglet[Any] = Paglet(agent_id="p1")
    context: Any = SimpleNamespace(host=SimpleNamespace(services=Books()))
    paglet._context = context
    return paglet


def test_a_contract_is_advertised_whole(paglet: Paglet[Any]) -> None:
    """Name, version, operations and metadata of a contract go to the host, for this paglet."""
    name, args, options = paglet.advertise_contract(CONTRACT, "mesh", {"x": 1})
    assert (name, args) == ("advertise", ("p1", "store"))
    assert options == {
        "version": "3",
        "capabilities": ("get",),
        "scope": "mesh",
        "metadata": {"x": 1, "contract": {"name": "store", "version": "3"}},
    }


def test_offers_and_look_ups_are_local_unless_told_otherwise(paglet: Paglet[Any]) -> None:
    """Nothing reaches beyond the host by default."""
    assert paglet.advertise_service("plain")[2]["scope"] == "local"
    assert paglet.lookup_contract(CONTRACT) == ("lookup_contract", (CONTRACT, "local"), {"timeout": 2.0})
    assert paglet.lookup_service("plain") == ("lookup", ("plain", "local"), {"first": True})


def test_leases_and_requirements_pass_their_times(paglet: Paglet[Any]) -> None:
    """Time-outs and durations are handed through."""
    assert paglet.require_contract(CONTRACT, "mesh", timeout=1.0)[2] == {"timeout": 1.0}
    assert paglet.lease_contract(CONTRACT, duration=5.0)[2] == {"timeout": 2.0, "duration": 5.0}
    assert paglet.lookup_services("plain", version="1")[0][2] == {
        "version": "1",
        "capabilities": (),
        "timeout": 2.0,
    }


def test_the_awaited_twins_do_the_same(paglet: Paglet[Any]) -> None:
    """Each twin awaits what its sync face returns."""

    async def ask() -> list[Any]:
        return [
            await paglet.lookup_contract_async(CONTRACT, "mesh"),
            await paglet.lookup_contracts_async(CONTRACT),
            await paglet.require_contract_async(CONTRACT, timeout=1.0),
            await paglet.lease_contract_async(CONTRACT, duration=3.0),
        ]

    assert anyio.run(ask) == [
        paglet.lookup_contract(CONTRACT, "mesh"),
        paglet.lookup_contracts(CONTRACT),
        paglet.require_contract(CONTRACT, timeout=1.0),
        paglet.lease_contract(CONTRACT, duration=3.0),
    ]


def test_without_a_host_there_are_no_services() -> None:
    """A paglet that lives nowhere says so."""
    with pytest.raises(LifecycleError, match="lives on no host"):
        Paglet(agent_id="p1").lookup_contract(CONTRACT)
