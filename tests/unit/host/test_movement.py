"""Dispatch and clone: hooks, refusals, and proxies that follow."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.errors import HostDiedError, InvalidAgentError, NameTakenError, SerializationError, UnknownHostError
from paglets_nb.host.host import Host
from paglets_nb.testing import wait_until
from tests.unit.host.scripted import Script, Scripted, ScriptedState
from tests.unit.host.test_requests import Gate


def where(*hosts: Host) -> list[list[str]]:
    """The ids of the paglets on each host."""
    return [[proxy.agent_id for proxy in host.get_proxies()] for host in hosts]


class TestDispatch:
    def test_it_moves_with_its_state(self, script: Script, alpha: Host, beta: Host) -> None:
        """The paglet keeps id, name and state, and lives on the other host only."""
        proxy = alpha.create(Scripted, ScriptedState(["a"], 3), name="walker")
        assert proxy.dispatch("beta") is proxy
        assert proxy.host_url == beta.address
        assert where(alpha, beta) == [[], [proxy.agent_id]]
        assert beta.get_state(proxy.agent_id) == ScriptedState(["a"], 3)
        assert proxy.send("read") == ["a"]
        assert alpha.find("walker") == proxy

    def test_the_hooks_and_their_order(self, script: Script, alpha: Host, beta: Host) -> None:
        """``on_dispatching`` at the source, then ``on_arrival`` and ``run`` at the target, with both addresses."""
        ran: list[str] = []
        script.run = lambda me: ran.append(me.context.name)
        proxy = alpha.create(Scripted)
        wait_until(lambda: ran == ["alpha"])
        proxy.dispatch("beta")
        wait_until(lambda: ran == ["alpha", "beta"])
        names = [(name, host) for name, host, _event in script.called]
        assert names == [("on_creation", "alpha"), ("on_dispatching", "alpha"), ("on_arrival", "beta")]
        for _name, _host, event in script.called[1:]:
            assert (event.source, event.target) == (alpha.address, beta.address)

    def test_transient_attributes_stay_behind(self, script: Script, paglet: PagletProxy) -> None:
        """Only the state moves."""

        def mark(me: Any, _message: Any) -> bool:
            before = hasattr(me, "mark")
            me.mark = True
            return before

        script.handlers["mark"] = mark
        assert paglet.send("mark") is False
        assert paglet.send("mark") is True
        paglet.dispatch("beta")
        assert paglet.send("mark") is False

    def test_old_proxies_follow_through_chains(
        self, script: Script, alpha: Host, beta: Host, gamma: Host, paglet: PagletProxy
    ) -> None:
        """A proxy that never heard of two moves finds the paglet, in every way of sending, and learns the address."""
        olds = [PagletProxy(alpha.address, paglet.agent_id, host.client) for host in (alpha, beta, gamma) * 2]
        paglet.dispatch("beta")
        paglet.dispatch("gamma")
        assert olds[0].send("echo", {"a": 1}) == {"a": 1}
        assert olds[1].send_future("echo", {"a": 2}).get_reply(5) == {"a": 2}
        olds[2].send_oneway("log", {"text": "x"})
        assert olds[3].info()["host_name"] == "gamma"
        assert olds[4].clone("alpha").host_url == alpha.address
        assert {old.host_url for old in olds[:5]} == {gamma.address}
        assert olds[0].send("read") == ["x"]
        olds[5].dispatch("alpha")
        assert paglet.send("read") == ["x"]
        assert paglet.host_url == alpha.address

    def test_a_refusal_leaves_it_where_it_was(
        self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy
    ) -> None:
        """An exception in ``on_dispatching`` reaches the caller and the paglet stays, at work."""

        def refuse(_me: Any, _event: Any) -> None:
            raise ValueError("I stay")

        script.hooks["on_dispatching"] = refuse
        with pytest.raises(ValueError, match="I stay"):
            paglet.dispatch("beta")
        assert where(alpha, beta) == [[paglet.agent_id], []]
        assert paglet.send("echo", {"a": 1}) == {"a": 1}

    def test_an_unknown_or_dead_host(self, script: Script, alpha: Host, gamma: Host, paglet: PagletProxy) -> None:
        """A stranger is named with the hosts there are; a dead host is said to be; the paglet stays."""
        with pytest.raises(UnknownHostError, match=r"no host 'delta' in the mesh \(hosts: alpha, beta, gamma\)"):
            paglet.dispatch("delta")
        address = gamma.address
        gamma.stop()
        with pytest.raises(UnknownHostError, match=r"hosts: alpha, beta\)"):
            paglet.dispatch("gamma")
        with pytest.raises(HostDiedError):
            paglet.dispatch(TransferTicket(address, timeout=2.0))
        assert paglet.send("echo", {"a": 1}) == {"a": 1}
        assert where(alpha) == [[paglet.agent_id]]

    @pytest.mark.parametrize(
        ("value", "told"),
        [
            (object(), r"ScriptedState\.extra: .*of type object cannot travel"),
            ([2**64], r"state\['extra'\]\[0\]: 18446744073709551616 of type int cannot travel"),
        ],
    )
    def test_a_state_that_cannot_travel(
        self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy, value: object, told: str
    ) -> None:
        """A value that cannot travel is named, and the paglet stays."""

        def spoil(me: Any, _message: Any) -> None:
            me.state.extra = value

        script.handlers["spoil"] = spoil
        paglet.send("spoil")
        with pytest.raises(SerializationError, match=told):
            paglet.dispatch("beta")
        assert where(alpha, beta) == [[paglet.agent_id], []]
        assert paglet.send("echo", {"a": 1}) == {"a": 1}

    def test_to_where_it_is_already(self, script: Script, alpha: Host, paglet: PagletProxy) -> None:
        """A dispatch to its own host changes nothing."""
        paglet.dispatch("alpha")
        assert where(alpha) == [[paglet.agent_id]]
        assert [name for name, _host, _event in script.called] == ["on_creation"]

    def test_it_waits_for_the_handler_and_takes_the_queue_along(
        self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy
    ) -> None:
        """A running handler ends first; messages that wait are handled at the target, in order."""
        gate = script.handlers["gate"] = Gate()
        running = paglet.send_future("gate")
        gate.wait_entered()
        with ThreadPoolExecutor(1) as pool:
            mover = PagletProxy(alpha.address, paglet.agent_id, beta.client)
            moving = pool.submit(mover.dispatch, "beta")
            wait_until(lambda: paglet.info()["waiting"] == 1)
            futures = [paglet.send_future("log", {"text": str(number)}) for number in range(10)]
            wait_until(lambda: paglet.info()["waiting"] == 11)
            gate.open.set()
            moving.result(10)
        assert running.get_reply(5) == "through"
        for future in futures:
            future.get_reply(5)
        assert paglet.send("read") == [str(number) for number in range(10)]
        assert where(alpha, beta) == [[], [paglet.agent_id]]

    def test_oneway_messages_that_wait_go_along(
        self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy
    ) -> None:
        """One-way messages that wait when their paglet leaves are handled at the target."""
        gate = script.handlers["gate"] = Gate()
        running = paglet.send_future("gate")
        gate.wait_entered()
        with ThreadPoolExecutor(1) as pool:
            mover = PagletProxy(alpha.address, paglet.agent_id, beta.client)
            moving = pool.submit(mover.dispatch, "beta")
            wait_until(lambda: paglet.info()["waiting"] == 1)
            for number in range(5):
                paglet.send_oneway("log", {"text": str(number)})
            gate.open.set()
            moving.result(10)
        running.get_reply(5)
        wait_until(lambda: paglet.send("read") == [str(number) for number in range(5)])

    def test_two_dispatches_at_once(
        self, script: Script, alpha: Host, beta: Host, gamma: Host, paglet: PagletProxy
    ) -> None:
        """Two dispatches under way at once both succeed, one after the other; the paglet is in one place."""
        gate = script.handlers["gate"] = Gate()
        running = paglet.send_future("gate")
        gate.wait_entered()
        proxies = [PagletProxy(alpha.address, paglet.agent_id, beta.client) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            moving = [pool.submit(p.dispatch, n) for p, n in zip(proxies, ("beta", "gamma"), strict=True)]
            wait_until(lambda: paglet.info()["waiting"] == 2)
            gate.open.set()
            for future in moving:
                future.result(10)
        running.get_reply(5)
        assert sorted(map(len, where(alpha, beta, gamma))) == [0, 0, 1]
        assert paglet.send("echo", {"a": 1}) == {"a": 1}

    def test_from_its_own_handler(self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy) -> None:
        """``self.dispatch`` in a handler moves the paglet; the reply of the handler still comes."""

        def go(me: Any, message: Any) -> str:
            return str(me.dispatch(message.args["to"]).host_url)

        script.handlers["go"] = go
        assert paglet.send("go", {"to": "beta"}) == beta.address
        assert where(alpha, beta) == [[], [paglet.agent_id]]
        assert paglet.send("go", {"to": "alpha"}) == alpha.address
        assert where(alpha, beta) == [[paglet.agent_id], []]

    def test_from_run(self, script: Script, alpha: Host, beta: Host, gamma: Host) -> None:
        """``self.dispatch`` in ``run`` carries a paglet from host to host."""
        route = iter(["beta", "gamma"])

        def travel(me: Any) -> None:
            me.state.log.append(me.context.name)
            following = next(route, None)
            if following is not None:
                me.dispatch(following)

        script.run = travel
        proxy = alpha.create(Scripted)
        wait_until(lambda: where(alpha, beta, gamma) == [[], [], [proxy.agent_id]])
        wait_until(lambda: proxy.send("read") == ["alpha", "beta", "gamma"])

    def test_a_waiting_handler_is_woken_when_it_leaves(self, script: Script, paglet: PagletProxy) -> None:
        """A handler that waits while its paglet leaves is woken, and its reply comes."""
        entered = threading.Event()

        def wait(me: Any, _message: Any) -> str:
            entered.set()
            return f"came: {me.wait_state(lambda: False, timeout=10)}"

        script.handlers["wait"] = wait
        waiting = paglet.send_future("wait")
        assert entered.wait(5)
        paglet.dispatch("beta", timeout=5)
        assert waiting.get_reply(5) == "came: False"

    def test_many_callers_while_it_travels(
        self, script: Script, alpha: Host, beta: Host, gamma: Host, paglet: PagletProxy
    ) -> None:
        """Callers that never stop while the paglet goes round lose no call."""

        def count(me: Any, _message: Any) -> int:
            me.state.number += 1
            return int(me.state.number)

        script.handlers["count"] = count
        stop = threading.Event()

        def call(host: Host) -> int:
            proxy = PagletProxy(alpha.address, paglet.agent_id, host.client)
            calls = 0
            while not stop.is_set():
                proxy.send("count", timeout=10)
                calls += 1
            return calls

        with ThreadPoolExecutor(3) as pool:
            counting = [pool.submit(call, host) for host in (alpha, beta, gamma)]
            for name in ["beta", "gamma", "alpha"] * 4:
                paglet.dispatch(name, timeout=10)
            stop.set()
            made = sum(future.result(10) for future in counting)
        assert paglet.send("count") == made + 1
        assert sorted(map(len, where(alpha, beta, gamma))) == [0, 0, 1]


class TestClone:
    @pytest.mark.parametrize("target", [None, "alpha", "beta"])
    def test_a_clone_has_its_own_copy(self, script: Script, alpha: Host, target: str | None) -> None:
        """A clone, here or on another host, has another id, no name, and a copy of the state."""
        proxy = alpha.create(Scripted, ScriptedState(["a"]), name="original")
        clone = proxy.clone(target)
        assert clone != proxy
        assert clone.info()["host_name"] == (target or "alpha")
        assert clone.info()["name"] == ""
        clone.send("log", {"text": "b"})
        assert proxy.send("read") == ["a"]
        assert clone.send("read") == ["a", "b"]

    @pytest.mark.parametrize("target", ["alpha", "beta"])
    def test_the_hooks_and_their_order(self, script: Script, alpha: Host, beta: Host, target: str) -> None:
        """``on_cloning`` on the parent, ``on_clone`` on the clone, then ``on_cloned`` on the parent."""
        proxy = alpha.create(Scripted)
        clone = proxy.clone(target)
        names = [(name, host) for name, host, _event in script.called]
        assert names == [
            ("on_creation", "alpha"),
            ("on_cloning", "alpha"),
            ("on_clone", target),
            ("on_cloned", "alpha"),
        ]
        for _name, _host, event in script.called[1:]:
            assert (event.clone_id, event.parent_id) == (clone.agent_id, proxy.agent_id)

    def test_a_refusal_makes_no_clone(self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy) -> None:
        """An exception in ``on_cloning`` reaches the caller and there is no clone."""

        def refuse(_me: Any, _event: Any) -> None:
            raise ValueError("one is enough")

        script.hooks["on_cloning"] = refuse
        for target in (None, "beta"):
            with pytest.raises(ValueError, match="one is enough"):
                paglet.clone(target)
        assert where(alpha, beta) == [[paglet.agent_id], []]
        assert paglet.send("echo") == {}

    def test_from_its_own_handler(self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy) -> None:
        """``self.clone`` in a handler makes a copy of the state as it is then."""

        def split(me: Any, _message: Any) -> list[str]:
            me.state.log.append("split")
            return [me.clone().agent_id, me.clone_to("beta").agent_id]

        script.handlers["split"] = split
        here, there = paglet.send("split")
        assert where(alpha, beta) == [[paglet.agent_id, here], [there]]
        assert PagletProxy(beta.address, there, alpha.client).send("read") == ["split"]

    def test_the_clone_runs(self, script: Script, alpha: Host) -> None:
        """``run`` is called for the clone too."""
        ran: list[str] = []
        script.run = lambda me: ran.append(me.agent_id)
        proxy = alpha.create(Scripted)
        clone = proxy.clone("beta")
        wait_until(lambda: sorted(ran) == sorted([proxy.agent_id, clone.agent_id]))


def test_a_disposed_paglet_moves_nowhere(paglet: PagletProxy) -> None:
    """Moving or cloning what is gone says that it is."""
    paglet.dispose()
    with pytest.raises(InvalidAgentError):
        paglet.dispatch("beta")
    with pytest.raises(InvalidAgentError):
        paglet.clone()


def test_a_name_travels_and_stays_taken(script: Script, alpha: Host, beta: Host, gamma: Host) -> None:
    """A name is taken wherever its paglet went."""
    proxy = alpha.create(Scripted, name="walker")
    proxy.dispatch("beta")
    for host in (alpha, beta, gamma):
        with pytest.raises(NameTakenError):
            host.create(Scripted, name="walker")
    assert alpha.find("walker").host_url == beta.address


def test_movements_are_in_the_event_logs(script: Script, alpha: Host, beta: Host, paglet: PagletProxy) -> None:
    """The source logs the dispatch, the target the arrival."""
    paglet.dispatch("beta")
    assert "dispatch" in [event.kind for event in alpha.list_events() if event.agent_id == paglet.agent_id]
    assert "arrival" in [event.kind for event in beta.list_events() if event.agent_id == paglet.agent_id]


def test_the_awaited_forms(script: Script, alpha: Host, beta: Host, paglet: PagletProxy) -> None:
    """Sending, moving, cloning, asking and disposing can be awaited."""
    import anyio

    async def main() -> None:
        assert await paglet.send_async("echo", {"a": 1}) == {"a": 1}
        assert (await paglet.dispatch_async("beta")).host_url == beta.address
        clone = await paglet.clone_async("alpha")
        assert (await clone.info_async())["host_name"] == "alpha"
        await clone.dispose_async()
        with pytest.raises(InvalidAgentError):
            await clone.send_async("echo")

    anyio.run(main)
    assert where(alpha, beta) == [[], [paglet.agent_id]]
