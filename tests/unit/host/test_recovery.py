"""What a host has back when it starts again, and what it keeps from running."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.errors import PagletCrashedError, StoreError
from paglets_nb.host import recovery as module
from paglets_nb.host.failpoints import InjectedFaultError, arm
from paglets_nb.host.host import Host
from paglets_nb.host.records import PREPARED, QUARANTINED
from paglets_nb.testing import wait_until
from tests.unit.host.crashes import Hosts
from tests.unit.host.scripted import Durable, Kept, Script, Scripted, ScriptedState

DEEP = DeactivationPolicy(activate_on_message=False)


@pytest.mark.parametrize("cls", [Kept, Durable])
def test_active_ones_run_again(script: Script, mesh: Hosts, cls: type[Scripted]) -> None:
    """A durable paglet is active again after its host died, with ``on_activation`` and its reason, name and ``run``."""
    ran: list[str] = []
    script.run = lambda me: ran.append(me.agent_id)
    proxy = mesh["alpha"].create(cls, ScriptedState(["a"], 3), name="keeper")
    forgotten = mesh["alpha"].create(Scripted)
    wait_until(lambda: len(ran) == 2)
    mesh.restart("alpha")
    wait_until(lambda: len(ran) == 3)
    back = mesh["beta"].find("keeper")
    assert back == proxy
    assert back.is_active()
    assert mesh["alpha"].get_state(back.agent_id) == ScriptedState(["a"], 3)
    name, host, event = script.called[-1]
    assert (name, host, event.reason, event.agent_id) == ("on_activation", "alpha", "recovered", proxy.agent_id)
    assert ran[-1] == proxy.agent_id
    assert not forgotten.is_valid()
    wait_until(lambda: [event.kind for event in mesh["alpha"].list_events() if event.kind != "failure"] == ["activate"])
    assert mesh["alpha"].list_events()[0].details == {"reason": "recovered"}


def test_sleepers_stay_asleep(script: Script, mesh: Hosts) -> None:
    """A sleeping paglet of any durability sleeps again; one that wakes on start-up, or whose time has come, wakes."""
    alpha = mesh["alpha"]
    sleepers = [alpha.create(cls) for cls in (Scripted, Kept, Durable)]
    for proxy in sleepers:
        proxy.deactivate(DEEP)
    early = alpha.create(Scripted)
    early.deactivate(DeactivationPolicy(activate_on_message=False, activate_on_startup=True))
    due = alpha.create(Scripted)
    alpha.clock.close()  # so that it is due only after the restart
    due.deactivate(DeactivationPolicy(activate_on_message=False, activate_at=time.time()))
    alpha = mesh.restart("alpha")
    wait_until(lambda: alpha.get_proxy(early.agent_id).is_active() and len(alpha.get_proxies()) == 2)
    assert {proxy.agent_id for proxy in alpha.get_proxies()} == {early.agent_id, due.agent_id}
    assert {stored.agent_id for stored in alpha.sleep.all()} == {proxy.agent_id for proxy in sleepers}


def test_one_that_does_not_load_keeps_nobody_back(script: Script, mesh: Hosts) -> None:
    """A paglet whose class is gone, or whose hook fails, stays stored and is told of; the others come back."""
    alpha = mesh["alpha"]
    gone, good = alpha.create(Kept), alpha.create(Kept)
    stored = alpha.durability.records.paglet(gone.agent_id)
    assert stored is not None
    alpha.durability.records._store.execute(
        "UPDATE paglets SET class_name = 'tests.unit.host.scripted:Missing' WHERE agent_id = ?", (gone.agent_id,)
    )
    alpha = mesh.restart("alpha")
    wait_until(lambda: alpha.get_proxy(good.agent_id).is_active())
    failures = [event for event in alpha.list_events() if event.kind == "failure"]
    assert [(event.agent_id, event.details["step"]) for event in failures] == [(gone.agent_id, "recover")]
    assert alpha.sleep.lookup(gone.agent_id) is not None


def test_forwards_are_known_again(script: Script, mesh: Hosts) -> None:
    """An old proxy of a paglet that left finds it by a source that has died meanwhile."""
    proxy = mesh["alpha"].create(Durable, name="walker")
    stale = mesh["alpha"].get_proxy(proxy.agent_id)
    proxy.dispatch("beta")
    alpha = mesh.restart("alpha")
    stale.client = mesh["beta"].client
    assert stale.host_url == alpha.address
    assert stale.send("echo", {"a": 1}) == {"a": 1}
    assert stale.host_url == mesh["beta"].address


def test_an_arrival_in_doubt_is_asked_about(script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that died with a prepared paglet has it still, not active, and settles it with its source."""
    proxy = mesh["alpha"].create(Durable, ScriptedState(["a"]))
    arm("target.before_activate", "raise")
    with pytest.raises(InjectedFaultError):
        proxy.dispatch("beta")
    [stored] = mesh["beta"].durability.records.paglets()
    assert (stored.status, stored.agent_id) == (PREPARED, proxy.agent_id)
    script.called.clear()
    # the source was told of a failure after the commit and holds the target for informed: it must be asked
    mesh["alpha"].durability.records.commit_departure(proxy.agent_id, "", 2, mesh["beta"].address, stored.operation_id)
    beta = mesh.restart("beta")
    wait_until(lambda: [name for name, _host, _event in script.called] == ["on_arrival"], timeout=10)
    assert beta.get_proxy(proxy.agent_id).send("read") == ["a"]
    assert beta.durability.records.paglets()[0].status == "active"


def test_a_source_tells_of_its_commit_when_it_is_back(script: Script, mesh: Hosts) -> None:
    """A source that died between its commit and telling the target tells it, or is asked: it arrives exactly once."""
    proxy = mesh["alpha"].create(Durable, ScriptedState(["a"]))
    arm("source.committed", "raise")
    with pytest.raises(InjectedFaultError):
        mesh["alpha"].dispatch(proxy.agent_id, "beta")
    alpha = mesh.restart("alpha")
    wait_until(lambda: [name for name, _host, _event in script.called].count("on_arrival") == 1, timeout=10)
    wait_until(lambda: not alpha.durability.records.unsettled())
    wait_until(lambda: mesh["beta"].find(proxy.agent_id).send("read") == ["a"])
    assert [name for name, _host, _event in script.called].count("on_arrival") == 1


class TestQuarantine:
    def die_in_handler(self, mesh: Hosts, agent_id: str, gate: threading.Event) -> None:
        """Have alpha die while the paglet is in a handler, and start it again."""
        alpha = mesh["alpha"]
        entered = threading.Event()
        self.script.handlers["die"] = lambda _me, _message: (entered.set(), gate.wait(10))[1]
        alpha.get_proxy(agent_id).send_future("die")
        assert entered.wait(5)
        mesh.restart("alpha")

    def test_after_three_deaths(self, script: Script, mesh: Hosts) -> None:
        """A paglet in whose handlers its host died three times in a minute runs no more until it is disposed."""
        self.script = script
        gate = threading.Event()
        poison, good = mesh["alpha"].create(Durable), mesh["alpha"].create(Durable)
        for deaths in range(1, 4):
            self.die_in_handler(mesh, poison.agent_id, gate)
            if deaths < module.CRASHES:
                wait_until(lambda: mesh["alpha"].get_proxy(poison.agent_id).is_active())
        gate.set()
        alpha = mesh["alpha"]
        stored = alpha.sleep.lookup(poison.agent_id)
        assert stored is not None
        assert stored.status == QUARANTINED
        found = mesh["beta"].find(poison.agent_id)
        for attempt in (lambda: found.send("echo"), found.activate, lambda: found.send_oneway("echo")):
            with pytest.raises(PagletCrashedError, match="crashed its host too often"):
                attempt()
        wait_until(lambda: alpha.get_proxy(good.agent_id).is_active())
        [event] = [event for event in alpha.list_events() if event.kind == "quarantine"]
        assert (event.agent_id, event.details) == (poison.agent_id, {"crashes": 3})
        alpha = mesh.restart("alpha")
        assert alpha.sleep.lookup(poison.agent_id) is not None
        mesh["beta"].find(poison.agent_id).dispose()
        assert alpha.durability.records.paglet(poison.agent_id) is None

    def test_deaths_long_ago_do_not_count(self, script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
        """Deaths that lie further apart than the window leave the paglet at work."""
        self.script = script
        monkeypatch.setattr(module, "WINDOW", 0.0)
        gate = threading.Event()
        proxy = mesh["alpha"].create(Durable)
        for _ in range(4):
            self.die_in_handler(mesh, proxy.agent_id, gate)
            wait_until(lambda: mesh["alpha"].get_proxy(proxy.agent_id).is_active())
        gate.set()


def test_a_damaged_store_stops_the_start(script: Script, tmp_path: Path) -> None:
    """A host whose store is damaged does not start as if it had none; the next start begins anew and says nothing."""
    with Host("delta", data_dir=tmp_path) as host:
        host.create(Kept)
    data = (tmp_path / "store.db").read_bytes()
    (tmp_path / "store.db").write_bytes(b"\xff" * 4096 + data[4096:])
    with pytest.raises(StoreError, match="is damaged"):
        Host("delta", data_dir=tmp_path).start_background()
    with Host("delta", data_dir=tmp_path) as host:
        assert host.get_proxies() == []


def test_nothing_to_recover(script: Script, tmp_path: Path) -> None:
    """A host that never stored anything starts without making a store."""
    with Host("delta", data_dir=tmp_path) as host:
        assert host.list_events() == []
    assert not (tmp_path / "store.db").exists()
