"""Who the hosts are, as they are told; real hosts of one process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import StoreError
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.mesh import membership as module
from paglets_nb.mesh.membership import Membership
from paglets_nb.mesh.records import HostRecord
from paglets_nb.testing import AddRequest, Counter
from tests.unit.mesh.made import new_record


class KeptCounter(Counter):
    """A counter that is stored with its lifecycle steps."""

    durability = "lifecycle"


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[list[Host]]:
    """Two hosts that know nobody else."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Host(name, data_dir=tmp_path / name)) for name in ("alpha", "beta")]


@pytest.fixture
def membership(client: HostClient, hosts: list[Host]) -> Membership:
    """A membership with a record of each host."""
    membership = Membership(client)
    for host in hosts:
        record = membership.records[host.name] = new_record(host.name)
        record.state, record.url = "up", host.address
    return membership


def names(host: Host, **options: Any) -> list[str]:
    """The hosts that a host knows."""
    return [member.name for member in host.members.hosts(**options)]


def test_each_hears_of_all(membership: Membership, hosts: list[Host]) -> None:
    """Every host that is up hears of every host, and of every change after that."""
    anyio.run(membership.tell)
    assert [names(host) for host in hosts] == [["alpha", "beta"]] * 2
    membership.records["beta"].state, membership.records["beta"].reason = "dead", "killed by SIGKILL"
    anyio.run(membership.tell)
    alpha, beta = hosts
    assert names(alpha) == ["alpha"]
    assert names(alpha, online_only=False) == ["alpha", "beta"]
    found = alpha.members.find("beta")
    assert found is not None
    assert found.error == "killed by SIGKILL"
    assert names(beta) == ["alpha", "beta"]  # it is not asked any more
    del membership.records["beta"]
    anyio.run(membership.tell)
    assert names(alpha, online_only=False) == ["alpha"]


def test_many_changes_at_once_end_with_the_last(membership: Membership, hosts: list[Host]) -> None:
    """However many tell at once, the hosts know the latest view in the end."""

    async def change() -> None:
        async with anyio.create_task_group() as group:
            for number in range(10):
                membership.records[f"more{number}"] = HostRecord(f"more{number}", 3)
                group.start_soon(membership.tell)

    anyio.run(change)
    for host in hosts:
        assert names(host, online_only=False) == ["alpha", "beta", *(f"more{number}" for number in range(10))]


def test_one_that_is_gone_or_silent_holds_up_nobody(
    membership: Membership, hosts: list[Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telling goes on where a host is gone, or does not answer in time."""
    monkeypatch.setattr(module, "_TELL_TIMEOUT", 0.05)
    alpha, beta = hosts
    gone = membership.records["gone"] = new_record("gone")
    gone.state, gone.url = "up", "unix:///no/such.sock"
    entered: list[str] = []

    def silent(_target: str, _request: Any) -> None:
        entered.append("beta")
        raise TimeoutError

    monkeypatch.setitem(beta.requests._verbs, "@members", (beta.requests._verbs["@members"][0], silent))
    anyio.run(membership.tell)
    assert entered == ["beta"]
    assert names(alpha) == ["alpha", "beta", "gone"]
    assert gone.reason == ""


@pytest.mark.parametrize("one", [True, False])
def test_hosts_save(membership: Membership, hosts: list[Host], client: HostClient, one: bool) -> None:
    """Durable paglets are stored as they are when the mesh says so, on each host or on one."""
    counters: list[PagletProxy] = [host.create(KeptCounter) for host in hosts]
    for counter in counters:
        counter.send("add", AddRequest(5))

    async def save() -> None:
        await (membership.save_one(membership.records["alpha"]) if one else membership.save())

    anyio.run(save)

    def stored(host: Host) -> int:
        return int(host.durability.records.paglets()[0].state["total"])

    assert [stored(host) for host in hosts] == [5, 0 if one else 5]
    membership.records["alpha"].state = "dead"
    counters[0].send("add", AddRequest(1))
    anyio.run(save)
    assert stored(hosts[0]) == 5


def test_what_a_host_refuses_is_kept_as_its_reason(
    membership: Membership, hosts: list[Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of a host that was to save stands in its record."""

    def full(_target: str, _request: Any) -> None:
        raise StoreError("the disk is full")

    verbs = hosts[0].requests._verbs
    monkeypatch.setitem(verbs, "@save", (verbs["@save"][0], full))
    anyio.run(membership.save)
    assert membership.records["alpha"].reason == "the disk is full"
    assert membership.records["beta"].reason == ""
