"""What a mesh has back after its hosts, or all of it, were killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paglets_nb import Mesh, OperationClient, OperationPaglet, PagletState, ServiceOperation
from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.tickets import ArrivalMode, TransferTicket
from paglets_nb.errors import (
    HostDiedError,
    InvalidAgentError,
    MeshError,
    PagletCrashedError,
    PagletInactiveError,
    TransferError,
)
from tests.integration.notebook_kernel import wait_until
from tests.integration.sample import ADD, Add, Counter, CounterState


class Kept(Counter):
    """A counter stored at each lifecycle step."""

    durability = "lifecycle"


class Exact(Counter):
    """A counter stored before each reply."""

    durability = "message"


@dataclass(frozen=True)
class Poke:
    """Make the paglet kill its host."""


POKE = ServiceOperation("poke", Poke, Poke)


class Poison(OperationPaglet[PagletState]):
    """Kills its host whenever it wakes."""

    durability = "message"

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """poke."""
        return {POKE: self.poke}

    def poke(self, request: Poke) -> Poke:
        """Kill the host."""
        os.kill(os.getpid(), signal.SIGKILL)
        return request


def kill(mesh: Mesh, name: str) -> None:
    """Kill -9 a host and wait until it has been restarted."""
    restarts = mesh[name].restarts
    os.kill(mesh[name].pid, signal.SIGKILL)
    wait_until(lambda: mesh[name].restarts > restarts and mesh[name].state == "up", 20, f"{name} is back")


def test_a_killed_host_comes_back_with_what_was_durable(tmp_path: Path) -> None:
    """The durable paglets are back with the state they promise, the memory ones are gone, and it says why."""
    with Mesh(2, data_dir=tmp_path) as mesh:
        memory, kept, exact = (mesh.create(cls, CounterState(1), on="beta") for cls in (Counter, Kept, Exact))
        for proxy in (memory, kept, exact):
            proxy.send("add", {"amount": 5})
        kill(mesh, "beta")
        assert mesh["beta"].reason == "killed by SIGKILL"
        assert exact.send("add", {"amount": 0})["count"] == 6
        assert kept.send("add", {"amount": 0})["count"] == 1
        with pytest.raises(InvalidAgentError):
            memory.send("add", {})


def test_a_stopped_mesh_finds_its_paglets_again(tmp_path: Path) -> None:
    """A mesh that starts again where it left off has its paglets, asleep or awake, by name, state kept."""
    with Mesh(2, data_dir=tmp_path) as mesh:
        mesh.create(Kept, CounterState(3), on="alpha", name="kept").send("add", {"amount": 4})
        asleep = mesh.create(Counter, CounterState(9), on="beta", name="asleep")
        asleep.deactivate(DeactivationPolicy(activate_on_message=False))
        queued = asleep.send("add", {"amount": 100})
        assert queued["queued"] is True
    with Mesh(2, data_dir=tmp_path) as mesh:
        assert mesh.paglet("kept").send("add", {})["count"] == 8
        asleep = mesh.paglet("asleep")
        assert not asleep.is_active()
        asleep.activate()
        assert asleep.send("add", {"amount": 1})["count"] == 110


def test_a_message_sent_again_after_a_kill_has_its_effect_once(tmp_path: Path) -> None:
    """The same message is answered from the store where it was applied before the host died."""
    with Mesh(1, data_dir=tmp_path) as mesh:
        proxy = mesh.create(Exact)
        message = ADD.to_message(Add(5))
        assert proxy.send(message)["count"] == 5
        kill(mesh, "alpha")
        assert proxy.send(message)["count"] == 5
        assert proxy.send("add", {"amount": 1})["count"] == 6


def test_sleep_and_what_wakes(tmp_path: Path) -> None:
    """A message wakes a sleeper unless it may not; time wakes it too; no_delay is refused."""
    with Mesh(1, data_dir=tmp_path) as mesh:
        proxy = mesh.create(Counter, CounterState(1))
        proxy.deactivate()
        with pytest.raises(PagletInactiveError, match="deactivated"):
            proxy.send("add", {}, no_delay=True)
        assert not proxy.is_active()
        assert proxy.send("add", {"amount": 1})["count"] == 2
        assert proxy.is_active()
        proxy.deactivate(DeactivationPolicy(activate_on_message=False).after(0.5))
        wait_until(proxy.is_active, 5, "its time wakes it")
        proxy.deactivate(DeactivationPolicy(activate_on_message=False, activate_on_startup=True))
        kill(mesh, "alpha")
        wait_until(proxy.is_active, 5, "the start wakes it")
        assert proxy.send("add", {})["count"] == 3


def test_a_typed_call_to_a_sleeper_that_keeps_messages_says_so(tmp_path: Path) -> None:
    """There is no reply to make up: the call says that its message is queued, and it runs once on waking."""
    with Mesh(1, data_dir=tmp_path) as mesh:
        proxy = mesh.create(Counter, CounterState(1))
        proxy.deactivate(DeactivationPolicy(activate_on_message=False))
        with pytest.raises(PagletInactiveError, match="is asleep and keeps messages .* is queued"):
            OperationClient(proxy).call(ADD, Add(5))
        with pytest.raises(PagletInactiveError, match="is queued"):
            OperationClient(proxy).submit(ADD, Add(5)).get_reply(5)
        proxy.activate()
        assert OperationClient(proxy).call(ADD, Add(0)).count == 11


def test_a_poisonous_paglet_is_quarantined(tmp_path: Path) -> None:
    """A paglet in whose handlers its host died three times within a minute is kept aside; the host serves on."""
    with Mesh(1, data_dir=tmp_path, restarts=10) as mesh:
        poison = mesh.create(Poison)
        healthy = mesh.create(Exact)
        healthy.send("add", {"amount": 2})
        for number in range(3):
            with pytest.raises(HostDiedError):
                poison.send("poke")
            wait_until(lambda n=number: mesh["alpha"].restarts > n and mesh["alpha"].state == "up", 20, "a restart")
        with pytest.raises(PagletCrashedError, match="crashed its host too often"):
            poison.send("poke")
        assert healthy.send("add", {})["count"] == 3
        poison.dispose()
        assert not poison.is_valid()


def test_a_damaged_store_is_moved_aside_with_a_clear_error(tmp_path: Path) -> None:
    """A mesh does not start on a damaged store; it says where the store went, and then starts without it."""
    with Mesh(1, data_dir=tmp_path) as mesh:
        mesh.create(Kept)
    store = tmp_path / "alpha" / "store.db"
    for path in store.parent.glob("store.db*"):
        path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(MeshError, match=r"store .* is damaged .* moved to store\.db\.damaged"):
        Mesh(1, data_dir=tmp_path).start()
    assert list(store.parent.glob("store.db.damaged-*"))
    with Mesh(1, data_dir=tmp_path) as mesh:
        assert mesh.paglets() == []


def test_a_host_that_keeps_dying_is_given_up(tmp_path: Path) -> None:
    """Past the limit of its window a host stays dead and says so; the others serve on."""
    with Mesh(2, data_dir=tmp_path, restarts=1) as mesh:
        kill(mesh, "beta")
        os.kill(mesh["beta"].pid, signal.SIGKILL)
        wait_until(lambda: mesh["beta"].state == "dead", 10, "it is given up")
        assert "restarted 1 times" in mesh["beta"].reason
        assert OperationClient(mesh.create(Counter)).call(ADD).pid == mesh["alpha"].pid
        mesh["beta"].restart()
        assert mesh["beta"].state == "up"


def test_tickets_are_checked_before_anything_moves(tmp_path: Path) -> None:
    """A target that does not meet the ticket refuses, and the paglet is where it was; it may arrive asleep."""
    with Mesh(2, data_dir=tmp_path) as mesh:
        proxy = mesh.create(Counter, CounterState(1), on="alpha")
        with pytest.raises(TransferError, match="does not offer magic"):
            proxy.dispatch(TransferTicket("beta", required_capabilities=("magic",)))
        with pytest.raises(TransferError, match="the ticket wants 9"):
            proxy.dispatch(TransferTicket("beta", expected_code_version="9"))
        assert OperationClient(proxy).call(ADD, Add(1)).pid == mesh["alpha"].pid
        proxy.dispatch(TransferTicket("beta", arrival_mode=ArrivalMode.INACTIVE))
        assert not proxy.is_active()
        assert OperationClient(proxy).call(ADD, Add(1)).count == 3
        assert proxy.host_url == mesh["beta"].url


def test_hosts_come_and_go(tmp_path: Path) -> None:
    """A host is added; another is removed after its paglets have moved away."""
    with Mesh(2, data_dir=tmp_path) as mesh:
        proxies = [mesh.create(Counter, CounterState(n), on="beta") for n in range(4)]
        added = mesh.add_host()
        assert [host.name for host in mesh] == ["alpha", "beta", "gamma"]
        assert added.state == "up"
        moved = mesh.remove_host("beta")
        assert {proxy.agent_id for proxy in moved} == {proxy.agent_id for proxy in proxies}
        assert [OperationClient(proxy).call(ADD, Add(0)).count for proxy in proxies] == [0, 1, 2, 3]
        assert [host.name for host in mesh] == ["alpha", "gamma"]


def test_a_host_stays_where_no_other_can_take_its_paglets(tmp_path: Path) -> None:
    """Rather than that they are lost with it unasked."""
    with Mesh(2, data_dir=tmp_path, restarts=0) as mesh:
        proxy = mesh.create(Counter, CounterState(7), on="beta")
        os.kill(mesh["alpha"].pid, signal.SIGKILL)
        wait_until(lambda: mesh["alpha"].state not in ("up", "restarting"), 10, "the end of alpha")
        with pytest.raises(MeshError, match="no other host is up to take what is on 'beta'"):
            mesh.remove_host("beta")
        assert OperationClient(proxy).call(ADD, Add(0)).count == 7
        assert mesh.remove_host("beta", drain=False) == []
