"""What a host tells of itself and its paglets."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import InvalidAgentError
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import Found, OperationInfo
from paglets_nb.testing import AddRequest, Counter, CounterState, wait_until
from tests.unit.host.scripted import Script
from tests.unit.host.test_requests import Gate


def test_a_paglet_that_is_awake(alpha: Host) -> None:
    """Everything of a paglet that is awake: who, where, since when, its operations and its state."""
    before = time.time()
    proxy = alpha.create(Counter, CounterState(3), name="one")
    info = alpha.information.of("one")
    assert info == alpha.information.of(proxy.agent_id)
    assert (info.agent_id, info.name, info.class_name) == (proxy.agent_id, "one", "paglets_nb.testing:Counter")
    assert (info.host_name, info.host_url, info.pid) == ("alpha", alpha.address, os.getpid())
    assert before <= info.created_at <= time.time()
    assert info.active
    assert info.state == {"total": 3}
    room = "paglets_nb.testing"
    assert OperationInfo("add", f"{room}:AddRequest", f"{room}:TotalReply") in info.operations


def test_one_that_sleeps(alpha: Host) -> None:
    """A sleeping paglet is told of with its stored state, as inactive."""
    proxy = alpha.create(Counter, CounterState(3), name="one")
    proxy.send("add", AddRequest(4))
    proxy.deactivate()
    info = alpha.information.of("one")
    assert (info.agent_id, info.active, info.state) == (proxy.agent_id, False, {"total": 7})
    [listed] = alpha.information.listing().paglets
    assert (listed.agent_id, listed.active, listed.state) == (proxy.agent_id, False, {})


def test_a_stranger(alpha: Host) -> None:
    """A paglet that is not here is said not to be."""
    with pytest.raises(InvalidAgentError, match="no paglet 'nobody' on alpha"):
        alpha.information.of("nobody")
    assert alpha.information.find("nobody") == Found()


def test_a_state_that_cannot_be_read(script: Script, alpha: Host, paglet: PagletProxy) -> None:
    """A state that holds what cannot travel does not keep the rest from being told."""

    def spoil(me: Any, _message: Any) -> None:
        me.state.extra = object()

    script.handlers["spoil"] = spoil
    paglet.send("spoil")
    assert "cannot travel" in alpha.information.of(paglet.agent_id).state["unreadable"]


def test_what_waits_is_counted(script: Script, alpha: Host, paglet: PagletProxy) -> None:
    """The messages that wait for a paglet are counted, without waiting for it."""
    gate = script.handlers["gate"] = Gate()
    futures = [paglet.send_future("gate") for _ in range(3)]
    gate.wait_entered()
    wait_until(lambda: alpha.information.of(paglet.agent_id).waiting == 2)
    gate.open.set()
    for future in futures:
        future.get_reply(5)


def test_the_host_itself(script: Script, alpha: Host, paglet: PagletProxy) -> None:
    """A host counts its paglets, connections and messages, and knows how long it runs and what it costs."""
    paglet.send("echo")
    health = alpha.information.health()
    assert (health.name, health.url, health.pid, health.paglets) == ("alpha", alpha.address, os.getpid(), 1)
    assert health.uptime > 0
    assert health.connections >= 1
    assert health.threads >= 2
    assert alpha.health()["paglets"] == 1
    assert health.cpu_seconds > 0
    assert health.rss_bytes > 1_000_000
    handled = health.messages
    paglet.send("echo")
    assert alpha.information.health().messages == handled + 1
    paglet.deactivate(DeactivationPolicy())
    assert (alpha.health()["paglets"], alpha.health()["asleep"]) == (0, 1)


def test_finding_on_a_host_that_is_gone(alpha: Host, beta: Host) -> None:
    """A host that is gone has nobody."""
    proxy = beta.create(Counter, name="one")
    assert alpha.information.find_on(beta.address, "one").agent_id == proxy.agent_id
    beta.stop()
    assert alpha.information.find_on(beta.address, "one") == Found()
