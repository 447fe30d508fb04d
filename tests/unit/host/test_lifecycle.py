"""Creation, names, disposal, and the hooks around them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import InvalidAgentError, LifecycleError, NameTakenError, SerializationError
from paglets_nb.host.host import Host
from paglets_nb.testing import Counter, CounterState, wait_until
from tests.unit.host.scripted import Script, Scripted, ScriptedState
from tests.unit.host.test_requests import Gate


def hooks_of(script: Script) -> list[tuple[str, str]]:
    """Names of the called hooks, each with its host."""
    return [(name, host) for name, host, _event in script.called]


def test_creation(script: Script, alpha: Host) -> None:
    """A paglet is made with its state; ``on_creation`` comes before ``run`` and before any message."""
    order: list[str] = []
    script.hooks["on_creation"] = lambda me, event: order.append(f"creation {event.init} {me.state.number}")
    script.run = lambda me: order.append(f"run {me.context.name}")
    proxy = alpha.create(Scripted, ScriptedState(number=3), init={"a": 1})
    wait_until(lambda: len(order) == 2)
    assert order == ["creation {'a': 1} 3", "run alpha"]
    assert alpha.get_state(proxy.agent_id) == ScriptedState(number=3)
    assert proxy.is_active()


def test_the_creators_state_is_not_shared(script: Script, alpha: Host) -> None:
    """The paglet's state is a copy: what its creator does to its own object does not reach it."""
    state = ScriptedState(log=["a"])
    proxy = alpha.create(Scripted, state)
    state.log.append("b")
    assert proxy.send("read") == ["a"]
    alpha.get_state(proxy.agent_id).log.append("c")
    assert proxy.send("read") == ["a"]


def test_on_another_host(script: Script, alpha: Host, beta: Host) -> None:
    """A paglet can be created on another host, by name or address."""
    for where in ("beta", beta.address):
        proxy = alpha.create_remote(where, Scripted, ScriptedState(number=2))
        assert proxy.host_url == beta.address
        assert beta.get_state(proxy.agent_id).number == 2
    assert hooks_of(script) == [("on_creation", "beta")] * 2


def test_a_failing_creation_leaves_nothing(script: Script, alpha: Host) -> None:
    """What ``on_creation`` raises reaches the creator; the paglet and its name are gone."""

    def fail(_me: Any, _event: Any) -> None:
        raise ValueError("not today")

    script.hooks["on_creation"] = fail
    for host in ("alpha", "beta"):
        with pytest.raises(ValueError, match="not today"):
            alpha.create_remote(host, Scripted, name="worker")
    assert not alpha.get_proxies()
    script.hooks.clear()
    assert alpha.create(Scripted, name="worker").name == "worker"


@pytest.mark.parametrize(
    ("cls", "state", "wanted"),
    [
        (dict, None, "is not a Paglet class"),
        (Scripted, CounterState(), "Scripted wants a ScriptedState, not a CounterState"),
        (Scripted, ScriptedState(extra=print), "ScriptedState.extra: .*print.* cannot travel"),
        (Scripted, ScriptedState(number="three"), r"ScriptedState\.number: expected int, got str"),  # type: ignore[arg-type]
    ],
)
@pytest.mark.parametrize("where", ["alpha", "beta"])
def test_what_cannot_be_created_is_said(
    script: Script, alpha: Host, cls: Any, state: Any, wanted: str, where: str
) -> None:
    """A class that is none, a state of another class or with values that cannot travel is named."""
    with pytest.raises(SerializationError, match=wanted):
        alpha.create_remote(where, cls, state)
    assert not alpha.get_proxies()


def test_names_are_unique_in_the_mesh(script: Script, alpha: Host, beta: Host) -> None:
    """A name is taken everywhere, and free again after its paglet's end."""
    proxy = alpha.create(Scripted, name="worker")
    for host in (alpha, beta):
        with pytest.raises(NameTakenError, match="the name 'worker' is taken by a paglet on alpha"):
            host.create(Scripted, name="worker")
    proxy.dispose()
    assert beta.create(Scripted, name="worker").name == "worker"


def test_names_are_used_wherever_ids_are(script: Script, alpha: Host, beta: Host) -> None:
    """A paglet is found by its name from any host, and called by it."""
    proxy = alpha.create(Scripted, name="worker")
    assert alpha.get_proxy("worker") == beta.find("worker") == proxy
    assert PagletProxy(alpha.address, "worker", beta.client).send("echo", {"a": 1}) == {"a": 1}
    other = beta.create(Scripted)
    script.handlers["ask"] = lambda me, message: me.send("worker", "echo")
    assert other.send("ask") == {}
    with pytest.raises(InvalidAgentError, match="any host of the mesh"):
        beta.find("nobody")


@pytest.mark.parametrize("name", ["1st", "a b", "a-b", "a/b", "é!"])
def test_odd_names_are_refused(script: Script, alpha: Host, name: str) -> None:
    """A name must be an identifier."""
    with pytest.raises(LifecycleError, match="is not a paglet's name"):
        alpha.create(Scripted, name=name)


def test_disposal(script: Script, alpha: Host, paglet: PagletProxy) -> None:
    """``on_disposing`` is called with the turn held; then the paglet is gone."""
    paglet.dispose()
    assert hooks_of(script) == [("on_creation", "alpha"), ("on_disposing", "alpha")]
    assert not alpha.get_proxies()
    with pytest.raises(InvalidAgentError):
        alpha.dispose(paglet.agent_id)


def test_disposal_waits_for_the_handler(script: Script, paglet: PagletProxy) -> None:
    """A running handler ends before the paglet does; what waits behind is told that it ended."""
    gate = script.handlers["gate"] = Gate()
    running = paglet.send_future("gate")
    gate.wait_entered()
    with ThreadPoolExecutor(2) as pool:
        disposing = pool.submit(paglet.dispose, timeout=10)
        wait_until(lambda: paglet.info()["waiting"] == 1)
        queued = paglet.send_future("log", {"text": "x"})
        wait_until(lambda: paglet.info()["waiting"] == 2)
        gate.open.set()
        disposing.result(10)
    assert running.get_reply(5) == "through"
    with pytest.raises(InvalidAgentError):
        queued.get_reply(5)


def test_disposing_twice_at_once(script: Script, paglet: PagletProxy) -> None:
    """Of two disposals under way at once one succeeds and the other hears that it is gone."""
    gate = script.handlers["gate"] = Gate()
    running = paglet.send_future("gate")
    gate.wait_entered()
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(paglet.dispose, timeout=10) for _ in range(2)]
        wait_until(lambda: paglet.info()["waiting"] == 2)
        gate.open.set()
        outcomes = [future.exception(10) for future in both]
    running.get_reply(5)
    assert outcomes.count(None) == 1
    assert isinstance(next(filter(None, outcomes)), InvalidAgentError)


def test_a_handler_may_end_its_own_paglet(script: Script, alpha: Host, paglet: PagletProxy) -> None:
    """``self.dispose()`` in a handler ends the paglet; the reply still comes."""

    def end(me: Any, _message: Any) -> str:
        me.dispose()
        return "ended"

    script.handlers["end"] = end
    assert paglet.send("end") == "ended"
    assert not alpha.get_proxies()
    assert not paglet.is_valid()


def test_run_may_end_its_own_paglet(script: Script, alpha: Host) -> None:
    """``self.dispose()`` in ``run`` ends the paglet."""
    script.run = lambda me: me.dispose()
    proxy = alpha.create(Scripted)
    wait_until(lambda: not proxy.is_valid())


def test_a_failing_run_is_in_the_log(script: Script, alpha: Host) -> None:
    """Nobody waits for ``run``; its failure is an event with its traceback, and the paglet serves on."""

    def fail(_me: Any) -> None:
        raise ValueError("run failed")

    script.run = fail
    proxy = alpha.create(Scripted)
    failures = wait_until(lambda: [event for event in alpha.list_events() if event.kind == "failure"])
    assert failures[0].agent_id == proxy.agent_id
    assert "run failed" in failures[0].details["error"]
    assert "raise ValueError" in failures[0].details["traceback"]
    assert proxy.send("echo", {"a": 1}) == {"a": 1}


def test_messages_wait_for_creation(script: Script, alpha: Host) -> None:
    """A message that comes while ``on_creation`` runs is handled after it."""
    entered, leave = threading.Event(), threading.Event()

    def create(me: Any, _event: Any) -> None:
        entered.set()
        assert leave.wait(5)
        me.state.log.append("created")

    script.hooks["on_creation"] = create
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(alpha.create, Scripted, name="early")
        assert entered.wait(5)
        early = PagletProxy(alpha.address, "early", alpha.client)
        logged = early.send_future("log", {"text": "message"})
        assert not logged.wait_for_reply(0.02)
        leave.set()
        proxy = creating.result(5)
    logged.get_reply(5)
    assert proxy.send("read") == ["created", "message"]


def test_a_failing_on_disposing_does_not_keep_it(script: Script, alpha: Host, paglet: PagletProxy) -> None:
    """An ordinary exception in ``on_disposing`` is in the log, and the paglet ends."""

    def fail(_me: Any, _event: Any) -> None:
        raise ValueError("cannot let go")

    script.hooks["on_disposing"] = fail
    paglet.dispose()
    assert not paglet.is_valid()
    assert any("cannot let go" in str(event.details) for event in alpha.list_events())


def test_the_steps_are_in_the_event_log(script: Script, alpha: Host) -> None:
    """Creation and disposal are events of the host."""
    proxy = alpha.create(Counter, name="tally")
    proxy.dispose()
    kinds = [(event.kind, event.agent_id) for event in alpha.list_events() if event.kind in ("create", "dispose")]
    assert kinds == [("create", proxy.agent_id), ("dispose", proxy.agent_id)]


def test_classes_defined_in_functions_live_on_hosts(alpha: Host, beta: Host) -> None:
    """A class that cannot be imported is shipped by value to the host where its paglet is made."""

    class Doubler(Counter):
        def add(self, request: Any) -> Any:
            super().add(request)
            return super().add(request)

    from paglets_nb.patterns.operations import OperationClient
    from paglets_nb.testing import ADD, AddRequest

    for host in (alpha, beta):
        proxy = alpha.create_remote(host.name, Doubler)
        assert OperationClient(proxy).call(ADD, AddRequest(5)).total == 10
        assert "Doubler" in repr(proxy)
