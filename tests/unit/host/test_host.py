"""The host as a plain object."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.core.values import ACTIVE, INACTIVE
from paglets_nb.errors import HostError, InvalidAgentError, LifecycleError, UnknownHostError
from paglets_nb.host import host as host_module
from paglets_nb.host.host import Host
from paglets_nb.patterns.operations import OperationClient
from paglets_nb.testing import ADD, AddRequest, Counter, TotalReply, in_process_mesh, wait_until
from paglets_nb.transport.addresses import unix_path
from tests.unit.host.scripted import Kept, Script, Scripted


def test_a_host_alone() -> None:
    """A host needs no mesh: it knows itself, serves its paglets, and leaves nothing behind."""
    with Host("solo") as host:
        assert [ref.name for ref in host.members.hosts()] == ["solo"]
        proxy = host.create(Counter)
        assert OperationClient(proxy).call(ADD, AddRequest(2)) == TotalReply(2)
        path = Path(unix_path(host.address))
        assert path.is_socket()
        assert "solo" in repr(host)
    assert not path.parent.exists()


def test_the_socket_folder_is_private() -> None:
    """The folder of the socket is its user's alone, and so is the socket."""
    with Host("solo") as host:
        path = Path(unix_path(host.address))
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "1st", "a b", "a/b", "../x", "é?"])
def test_odd_names_are_refused(name: str) -> None:
    """A host's name has letters, digits, - and _ only."""
    with pytest.raises(HostError, match="is not a host's name"):
        Host(name)


def test_hosts_of_a_mesh_know_each_other() -> None:
    """Hosts of one mesh name see each other as they come and go; another mesh does not."""
    with in_process_mesh(["alpha", "beta"]) as (alpha, beta), in_process_mesh(["alpha"]) as (other,):
        assert [ref.name for ref in alpha.members.hosts()] == ["alpha", "beta"]
        assert [ref.url for ref in other.members.hosts()] == [other.address]
        with Host("gamma", mesh=alpha.mesh) as gamma:
            for host in (alpha, beta, gamma):
                assert {ref.name for ref in host.members.hosts()} == {"alpha", "beta", "gamma"}
        assert {ref.name for ref in alpha.members.hosts()} == {"alpha", "beta"}


def test_names_of_hosts_are_unique() -> None:
    """A second host of the same name is refused, and the first one serves on."""
    with in_process_mesh(["alpha"]) as (alpha,):
        twin = Host("alpha", mesh=alpha.mesh)
        with pytest.raises(HostError, match="has a host 'alpha' already"):
            twin.start_background()
        twin.stop()
        assert [ref.url for ref in alpha.members.hosts()] == [alpha.address]
        assert alpha.create(Counter).is_active()


def test_stopping_leaves_no_thread() -> None:
    """After ``stop`` the host's threads end; stopping twice is harmless."""
    with in_process_mesh(["quiet"]) as (host,):
        proxy = host.create(Counter)
        proxy.send_future("total").get_reply(5)
        host.stop()
    host.stop()
    wait_until(lambda: not [t.name for t in threading.enumerate() if t.name.startswith("quiet")])


def test_stopping_wakes_what_waits(script: Script) -> None:
    """A handler that waits is woken when its host stops."""
    entered, left = threading.Event(), threading.Event()

    def wait(me: Any) -> None:
        entered.set()
        me.wait_state(lambda: False, timeout=10)
        left.set()

    script.run = wait
    with Host("solo") as host:
        host.create(Scripted)
        assert entered.wait(5)
    assert left.wait(5)


def test_what_a_host_tells(alpha: Host) -> None:
    """A host lists its paglets, its health and what is known of one paglet, as plain values."""
    proxy = alpha.create(Counter, name="tally")
    OperationClient(proxy).call(ADD, AddRequest(4))
    (listed,) = alpha.list_agents()
    assert (listed["agent_id"], listed["name"], listed["class_name"]) == (
        proxy.agent_id, "tally", "paglets_nb.testing:Counter",
    )  # fmt: skip
    health = alpha.health()
    assert (health["name"], health["url"], health["pid"], health["paglets"]) == (
        "alpha", alpha.address, os.getpid(), 1,
    )  # fmt: skip
    assert health["connections"] >= 1
    info = proxy.info()
    assert info["state"] == {"total": 4}
    assert info["host_name"] == "alpha"
    assert [operation["name"] for operation in info["operations"]] == ["add", "total"]
    assert info["operations"][0]["request_type"] == "paglets_nb.testing:AddRequest"


def test_info_of_a_state_that_cannot_travel(script: Script, alpha: Host) -> None:
    """A state with values that cannot travel does not keep its paglet from being asked about."""
    proxy = alpha.create(Scripted)
    script.handlers["spoil"] = lambda me, _m: setattr(me.state, "extra", object())
    proxy.send("spoil")
    assert "cannot travel" in proxy.info()["state"]["unreadable"]


def test_proxies_and_states(alpha: Host) -> None:
    """Proxies are had by id; a stranger is an error that names the host."""
    proxy = alpha.create(Counter)
    assert alpha.get_proxy(proxy.agent_id) == proxy
    assert alpha.get_proxies() == [proxy]
    with pytest.raises(InvalidAgentError, match="no paglet 'nobody' on alpha"):
        alpha.get_proxy("nobody")
    with pytest.raises(InvalidAgentError):
        alpha.get_state("nobody")
    with pytest.raises(InvalidAgentError):
        alpha.dispose("nobody")


def test_movement_by_the_host(alpha: Host, beta: Host) -> None:
    """A host dispatches, clones and disposes its paglets."""
    proxy = alpha.create(Counter)
    clone = alpha.clone(proxy.agent_id)
    assert clone.host_url == alpha.address
    assert alpha.clone(proxy.agent_id, "beta").host_url == beta.address
    assert alpha.dispatch(proxy.agent_id, "beta").host_url == beta.address
    alpha.dispose(clone.agent_id)
    assert not alpha.get_proxies()
    assert len(beta.get_proxies()) == 2


class TestContext:
    def test_what_a_paglet_sees_of_its_host(self, script: Script, alpha: Host, beta: Host, gamma: Host) -> None:
        """The context tells the host's name, address and properties, and the hosts there are."""
        seen: dict[str, Any] = {}

        def look(me: Any, _event: Any) -> None:
            context = me.context
            seen.update(
                name=context.name,
                address=context.address,
                host=context.host,
                agent_id=context.agent_id,
                others=[ref.name for ref in context.available_hosts(include_self=False)],
                every=[ref.name for ref in context.available_hosts()],
                online=[context.is_host_online(name) for name in ("beta", beta.address, "delta")],
                status=context.host_status("beta").url,
                stranger=context.host_status("delta"),
                waited=context.wait_for_host("gamma", 1.0).name,
                proxies=[context.get_proxies(state) for state in (ACTIVE, INACTIVE)],
                ref=me.ref,
                proxy=me.proxy,
            )
            context.set_property("colour", "red")
            seen["properties"] = [context.get_property("colour"), context.get_property("size", 3)]
            with pytest.raises(UnknownHostError, match="delta"):
                context.wait_for_host("delta", 0.01)
            with pytest.raises(LifecycleError, match="cannot send to 3"):
                me.send(3, "echo")

        script.hooks["on_creation"] = look
        proxy = alpha.create(Scripted)
        assert (seen["name"], seen["address"], seen["host"]) == ("alpha", alpha.address, alpha)
        assert seen["agent_id"] == proxy.agent_id
        assert seen["ref"] == proxy.ref
        assert seen["proxy"] == proxy
        assert seen["others"] == ["beta", "gamma"]
        assert seen["every"] == ["alpha", "beta", "gamma"]
        assert seen["online"] == [True, True, False]
        assert (seen["status"], seen["stranger"], seen["waited"]) == (beta.address, None, "gamma")
        assert seen["proxies"] == [[proxy], []]
        assert seen["properties"] == ["red", 3]
        assert alpha.properties["colour"] == "red"

    def test_sending_and_creating(self, script: Script, alpha: Host, beta: Host) -> None:
        """A paglet sends to proxies, references, ids and names, signed, and creates others anywhere."""
        script.handlers["who"] = lambda me, m: m.sender.agent_id

        def talk(me: Any, _message: Message) -> list[Any]:
            there = me.context.create_paglet(Scripted, host_url="beta")
            here = me.context.create_paglet(Scripted, init="x")
            return [
                there.host_url,
                me.send(there, "who"),
                me.send(there.ref, Message("who")),
                me.send(here.agent_id, "who"),
                me.send_future(here, "who").get_reply(5),
                me.context.get_proxy(there.agent_id, "beta").send("echo", {"a": 1}),
            ]

        script.handlers["talk"] = talk
        proxy = alpha.create(Scripted)
        assert proxy.send("talk") == [beta.address, *[proxy.agent_id] * 4, {"a": 1}]
        assert [event.init for name, _host, event in script.called if name == "on_creation"] == [None, None, "x"]

    def test_a_paglet_that_left_has_no_context(self, script: Script, alpha: Host) -> None:
        """After it left, the old object says that it lives nowhere."""
        left: list[Any] = []

        def go(me: Any, _message: Message) -> None:
            me.dispatch_to("beta")
            with pytest.raises(LifecycleError, match="lives on no host"):
                _ = me.context
            left.append(me)

        script.handlers["go"] = go
        alpha.create(Scripted).send("go")
        assert len(left) == 1


class TestStop:
    @pytest.mark.parametrize("cls", [Scripted, Kept])
    def test_a_locked_state_does_not_keep_a_host(
        self, script: Script, cls: type[Scripted], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A host whose paglet holds its state lock for ever ends in time, and stores what it can."""
        monkeypatch.setattr(host_module, "_PATIENCE", 0.1)
        entered, leave = threading.Event(), threading.Event()

        def hold(me: Any, _message: Any) -> None:
            with me.locked():
                entered.set()
                assert leave.wait(held)

        held = 40.0
        script.handlers["hold"] = hold
        host = Host("delta").start_background()
        holders = [host.create(cls) for _ in range(3)]
        good = host.create(Kept)
        good.send("log", {"text": "a"})
        for holder in holders:
            entered.clear()
            holder.send_oneway("hold")
            assert entered.wait(5)
        begun = time.monotonic()
        host.save()
        stored = {paglet.agent_id: paglet.state["log"] for paglet in host.durability.records.paglets()}
        host.stop()
        assert time.monotonic() - begun < held / 2
        assert stored[good.agent_id] == ["a"]
        failed = [event.agent_id for event in host.list_events() if event.details.get("step") == "save"]
        assert set(failed) == ({holder.agent_id for holder in holders} if cls is Kept else set())
        leave.set()

    def test_waits_end_with_the_host(self, script: Script) -> None:
        """A handler that waits for its state is woken by the end of its host."""
        entered, ended = threading.Event(), threading.Event()

        def wait(me: Any, _message: Any) -> None:
            me.wait_state(entered.set, timeout=10)
            ended.set()

        script.handlers["wait"] = wait
        with Host("delta") as host:
            proxy = host.create(Scripted)
            proxy.send_oneway("wait")
            assert entered.wait(5)
        assert ended.wait(5)
