"""Movements whose hosts lost sight of each other: one active copy in the end, whatever was lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.errors import HostDiedError, StoreError
from paglets_nb.host import settlement as module
from paglets_nb.host.client import HostClient
from paglets_nb.host.failpoints import InjectedFaultError, arm
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import Nothing, Outcome, OutcomeRequest, Settle
from paglets_nb.testing import wait_until
from tests.unit.host.crashes import Hosts
from tests.unit.host.scripted import Durable, Script, Scripted, ScriptedState

LEVELS = pytest.mark.parametrize("cls", [Scripted, Durable])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubts are looked into at once."""
    monkeypatch.setattr(module, "GRACE", 0.05)
    monkeypatch.setattr(module, "_INTERVAL", 0.02)


def lose(host: Host, monkeypatch: pytest.MonkeyPatch, *verbs: str) -> Callable[[], None]:
    """Have requests of these kinds from a host get lost; the result lets them through again."""
    ask = host.client.ask

    def losing(url: str, verb: str, *arguments: Any, **options: Any) -> Any:
        if verb in verbs:
            raise HostDiedError(url, "lost on its way", delivered=False)
        return ask(url, verb, *arguments, **options)

    monkeypatch.setattr(host.client, "ask", losing)
    return lambda: monkeypatch.setattr(host.client, "ask", ask)


def hooks(script: Script, name: str) -> int:
    """How often a hook was called."""
    return [called for called, _host, _event in script.called].count(name)


def settled(host: Host) -> bool:
    """Whether nothing is in doubt at a host, and what was has been seen to."""
    return not host.arrivals._prepared


@LEVELS
def test_a_source_that_fails_before_its_commit(
    script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch, cls: type[Scripted]
) -> None:
    """A prepared target whose source gave up, and could not say so, asks, and forgets the paglet; it stays at work."""
    alpha, beta = mesh["alpha"], mesh["beta"]
    proxy = alpha.create(cls, ScriptedState(["a"]))
    lose(alpha, monkeypatch, "@abandon")
    arm("source.prepared", "raise")
    with pytest.raises(InjectedFaultError):
        alpha.dispatch(proxy.agent_id, "beta")
    wait_until(lambda: settled(beta) and not beta.residents.all())
    assert proxy.send("read") == ["a"]
    assert hooks(script, "on_arrival") == 0
    assert not beta.durability.exists or beta.durability.records.paglets() == []
    alpha.dispatch(proxy.agent_id, "beta")
    assert proxy.send("read") == ["a"]
    assert hooks(script, "on_arrival") == 1


@LEVELS
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_commit_whose_activation_is_lost(
    script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch, cls: type[Scripted], side: str
) -> None:
    """A committed movement whose activation got lost is settled once, by either side."""
    alpha, beta = mesh["alpha"], mesh["beta"]
    proxy = alpha.create(cls, ScriptedState(["a"]))
    unasked = lose(beta, monkeypatch, "@outcome")
    untold = lose(alpha, monkeypatch, "@activate")
    assert alpha.dispatch(proxy.agent_id, "beta").host_url == beta.address
    assert hooks(script, "on_arrival") == 0
    (untold if side == "source" else unasked)()
    assert proxy.send("read") == ["a"]  # it waits for the activation
    wait_until(lambda: settled(beta))
    (unasked if side == "source" else untold)()
    operation_id = next(event for event in alpha.list_events() if event.kind == "dispatch").details["operation_id"]
    wait_until(lambda: alpha.movement.outcome("", OutcomeRequest(operation_id)).decision == "abort")  # told, forgotten
    for _ in range(3):
        alpha.client.ask(beta.address, "@activate", Settle(operation_id), Nothing)
    assert hooks(script, "on_arrival") == 1
    assert not alpha.residents.all()


@pytest.mark.parametrize("restarted", [True, False], ids=["restarted", "gone"])
def test_the_last_copy_of_one_in_memory_is_kept(
    script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    """A paglet in memory whose source lost its memory, before the commit or after it, lives on at the target."""
    alpha, beta = mesh["alpha"], mesh["beta"]
    proxy = alpha.create(Scripted, ScriptedState(["a"]))
    lose(alpha, monkeypatch, "@abandon", "@activate")
    answer = lose(beta, monkeypatch, "@outcome")
    arm("source.prepared", "raise")
    with pytest.raises(InjectedFaultError):
        alpha.dispatch(proxy.agent_id, "beta")
    if restarted:
        mesh.restart("alpha")
    else:
        mesh.kill("alpha")
        gone = [member for member in beta.members.hosts(online_only=False) if member.name == "alpha"]
        assert not gone
        from dataclasses import replace

        beta.members.update(2**63, [beta.ref(), replace(alpha.ref(), online=False)])
    answer()
    wait_until(lambda: hooks(script, "on_arrival") == 1)
    assert beta.get_proxy(proxy.agent_id).send("read") == ["a"]


def test_a_clone_of_one_in_memory_is_not_kept(script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prepared clone whose source restarted is forgotten: its parent never heard of it."""
    alpha, beta = mesh["alpha"], mesh["beta"]
    proxy = alpha.create(Scripted)
    lose(alpha, monkeypatch, "@abandon")
    answer = lose(beta, monkeypatch, "@outcome")
    arm("source.prepared", "raise")
    with pytest.raises(InjectedFaultError):
        alpha.clone(proxy.agent_id, "beta")
    assert len(beta.residents) == 1
    mesh.restart("alpha")
    answer()
    wait_until(lambda: not beta.residents.all())
    assert hooks(script, "on_clone") == 0


def test_a_clone_that_was_committed_is_kept(script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A durable clone whose source committed and then died comes to life once."""
    alpha, beta = mesh["alpha"], mesh["beta"]
    proxy = alpha.create(Durable, ScriptedState(["a"]))
    arm("source.committed", "raise")
    with pytest.raises(InjectedFaultError):
        alpha.clone(proxy.agent_id, "beta")
    mesh.restart("alpha")
    wait_until(lambda: hooks(script, "on_clone") == 1)
    wait_until(lambda: settled(beta))
    [clone] = beta.get_proxies()
    assert clone.send("read") == ["a"]
    wait_until(lambda: proxy.agent_id in {p.agent_id for p in mesh["alpha"].get_proxies()})
    assert hooks(script, "on_clone") == 1


def test_messages_wait_while_it_is_in_doubt(script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages to a paglet that was prepared and does not come follow it back to where it is."""
    alpha, beta = mesh["alpha"], mesh["beta"]
    proxy = alpha.create(Scripted)
    lose(alpha, monkeypatch, "@abandon")
    answer = lose(beta, monkeypatch, "@outcome")
    arm("source.prepared", "raise")
    with pytest.raises(InjectedFaultError):
        alpha.dispatch(proxy.agent_id, "beta")
    waiting = PagletProxy(beta.address, proxy.agent_id, alpha.client).send_future("echo", {"a": 1})
    assert not waiting.wait_for_reply(0.05)
    answer()
    assert waiting.get_reply(5) == {"a": 1}
    assert proxy.send("echo") == {}


def test_acknowledged_messages_follow_it_back(script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """One-way messages that a target has stored for a paglet that does not come are handled where it is."""
    alpha, beta = mesh["alpha"], mesh["beta"]
    proxy = alpha.create(Durable)
    lose(alpha, monkeypatch, "@abandon")
    answer = lose(beta, monkeypatch, "@outcome")
    arm("source.prepared", "raise")
    with pytest.raises(InjectedFaultError):
        alpha.dispatch(proxy.agent_id, "beta")
    for text in "abc":
        PagletProxy(beta.address, proxy.agent_id, alpha.client).send_oneway("log", {"text": text})
    answer()
    wait_until(lambda: proxy.send("read") == ["a", "b", "c"])
    wait_until(lambda: not beta.durability.records.queued(proxy.agent_id))
    beta = mesh.restart("beta")
    stale = PagletProxy(beta.address, proxy.agent_id, alpha.client)
    assert stale.send_future("read").get_reply(5) == ["a", "b", "c"]


def test_a_movement_under_way_is_left_alone(script: Script, mesh: Hosts) -> None:
    """A target that asks while its source is still at it hears that the movement is pending, and waits."""
    alpha, beta = mesh["alpha"], mesh["beta"]
    asked: list[Outcome] = []
    proxy = alpha.create(Durable)
    commit = alpha.durability.records.commit_departure

    def slow(agent_id: str, name: str, epoch: int, url: str, operation_id: str) -> None:
        asked.append(beta.client.ask(alpha.address, "@outcome", OutcomeRequest(operation_id), Outcome))
        assert beta.arrivals.in_doubt(0.0)
        commit(agent_id, name, epoch, url, operation_id)

    alpha.durability.records.commit_departure = slow  # type: ignore[method-assign]
    proxy.dispatch("beta")
    assert [(outcome.decision, outcome.boot) for outcome in asked] == [("pending", alpha.movement.boot)]
    assert hooks(script, "on_arrival") == 1


def test_a_movement_that_never_was(script: Script, mesh: Hosts) -> None:
    """Asked about a movement it knows nothing of, a host says that it will never be."""
    client = HostClient()
    outcome = client.ask(mesh["alpha"].address, "@outcome", OutcomeRequest("nothing"), Outcome)
    assert outcome == Outcome("abort", mesh["alpha"].movement.boot)
    client.close()


def test_a_failed_attempt_is_noted_once(script: Script, mesh: Hosts) -> None:
    """Each attempt of a dispatch with retries leaves one event; the paglet stays, or arrives with the last one."""
    alpha, beta = mesh["alpha"], mesh["beta"]
    proxy = alpha.create(Scripted)
    address = beta.address
    mesh.kill("beta")
    with pytest.raises(HostDiedError):
        alpha.dispatch(proxy.agent_id, TransferTicket(address, timeout=1.0, retries=2, retry_interval=0.01))
    noted = [(event.kind, event.details.get("step")) for event in alpha.list_events() if event.kind != "create"]
    assert [kind for kind, _step in noted] == ["transfer-failed", "failure"] * 3
    assert {step for kind, step in noted if kind == "failure"} == {"abandon"}
    assert proxy.send("echo") == {}


def test_a_step_that_fails_is_tried_again(script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails while messages are sent after a paglet keeps them, and the settling goes on."""
    alpha = mesh["alpha"]
    proxy = alpha.create(Durable)
    proxy.dispatch("beta")
    failing = 3

    def fail(agent_id: str) -> Any:
        nonlocal failing
        failing -= 1
        if failing >= 0:
            raise StoreError("no room")
        return queued(agent_id)

    queued = alpha.durability.records.queued
    monkeypatch.setattr(alpha.durability.records, "queued", fail)
    alpha.settlement.forward(proxy.agent_id, mesh["beta"].address)
    wait_until(lambda: failing < 0)
    wait_until(lambda: not alpha.settlement._running)
    told = [event.details["error"] for event in alpha.list_events() if event.details.get("step") == "settle"]
    assert told == ["StoreError('no room')"] * 3


def test_one_thread_sends_messages_after_a_paglet(script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that leaves again meanwhile has the thread that is at it look once more, and no other beside it."""
    alpha = mesh["alpha"]
    going, open_ = threading.Semaphore(0), threading.Semaphore(0)
    asked: list[str] = []

    def slow(host: Host, agent_id: str, url: str) -> bool:
        asked.append(url)
        going.release()
        assert open_.acquire(timeout=10)
        return True

    monkeypatch.setattr(module, "forward_stored", slow)
    first = threading.Thread(target=alpha.settlement.forward, args=("p1", "unix:///one"))
    first.start()
    assert going.acquire(timeout=10)
    alpha.settlement.forward("p1", "unix:///two")
    assert asked == ["unix:///one"]
    open_.release()
    assert going.acquire(timeout=10)
    assert asked == ["unix:///one", "unix:///two"]
    open_.release()
    first.join(10)
    wait_until(lambda: not alpha.settlement._running)
    assert asked == ["unix:///one", "unix:///two"]
    assert not alpha.settlement._behind
    assert not alpha.settlement._following
