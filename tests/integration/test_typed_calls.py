"""Typed calls between processes: replies, errors, turns, movement, death."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from paglets_nb import Mesh, OperationClient
from paglets_nb.errors import (
    CallTimeoutError,
    HostDiedError,
    InvalidAgentError,
    NotHandledError,
    SerializationError,
    ServiceContractError,
    UnknownHostError,
)
from tests.integration.notebook_kernel import wait_until
from tests.integration.sample import ADD, ASLEEP, BLOCK, COLLECT, DIVIDE, Add, Counter, CounterState, Pause, Total


def test_a_call_runs_in_the_hosts_process(mesh: Mesh) -> None:
    """The reply comes from the kernel's process, with the state it was created with."""
    client = OperationClient(mesh.create(Counter, CounterState(40), on="beta"))
    assert client.call(ADD, Add(2)) == Total(42, mesh["beta"].pid)
    assert mesh["beta"].pid not in (os.getpid(), mesh["alpha"].pid)


def test_an_async_handler_replies_like_any_other(mesh: Mesh) -> None:
    """An ``async def`` handler's reply is typed too."""
    client = OperationClient(mesh.create(Counter, CounterState(5), on="alpha"))
    assert client.call(ASLEEP, Pause(0.01)) == Total(5, mesh["alpha"].pid)


def test_a_parent_waits_for_what_another_operation_records(mesh: Mesh) -> None:
    """A handler that waits gives its turn up, so that another message can bring what it waits for."""
    proxy = mesh.create(Counter, on="alpha")
    waiting = OperationClient(proxy).submit(COLLECT, Add(3))
    for _ in range(3):
        assert not waiting.is_available()
        OperationClient(mesh.paglet(proxy.agent_id)).call(ADD, Add(1))
    assert waiting.get_reply(5).count == 3


def test_a_slow_paglet_holds_nobody_up(mesh: Mesh) -> None:
    """While one paglet is in a long handler, calls and futures to another on the same host are answered."""
    slow = OperationClient(mesh.create(Counter, on="alpha")).submit(BLOCK, Pause(2.0))
    quick = OperationClient(mesh.create(Counter, on="alpha"))
    assert quick.call(ADD, Add(1), timeout=1.0).count == 1
    assert quick.submit(ADD, Add(1)).get_reply(1.0).count == 2
    assert not slow.is_available()
    assert slow.get_reply(5).count == 0


def test_state_and_proxies_follow_a_dispatch(mesh: Mesh) -> None:
    """After a move the state is whole, and a proxy from before reaches the paglet where it went."""
    proxy = mesh.create(Counter, on="alpha", name="traveller")
    old = mesh.paglet("traveller")
    OperationClient(proxy).call(ADD, Add(7))
    proxy.dispatch("beta")
    assert OperationClient(old).call(ADD, Add(1)) == Total(8, mesh["beta"].pid)
    assert old.host_url == mesh["beta"].url
    assert mesh.paglet("traveller").host_url == mesh["beta"].url
    proxy.dispose()


def test_a_clone_has_the_state_and_goes_its_own_way(mesh: Mesh) -> None:
    """A clone starts with a copy of the state; neither sees the other's later changes."""
    proxy = mesh.create(Counter, CounterState(1), on="alpha")
    clone = proxy.clone("beta")
    assert OperationClient(clone).call(ADD, Add(1)) == Total(2, mesh["beta"].pid)
    assert OperationClient(proxy).call(ADD, Add(10)) == Total(11, mesh["alpha"].pid)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda m, p: p.send("nope"), NotHandledError, "Counter does not handle 'nope' (operations: add,"),
        (lambda m, p: p.send("add", {"amount": "x"}), SerializationError, "Add.amount: expected int, got str"),
        (lambda m, p: p.send("add", {"amuont": 1}), SerializationError, "unknown field 'amuont' (fields: amount)"),
        (lambda m, p: OperationClient(p).call(ADD, Pause()), ServiceContractError, "must be a Add, not Pause"),
        (lambda m, p: p.dispatch("gamma"), UnknownHostError, "no host 'gamma' in the mesh (hosts: alpha, beta)"),
        (lambda m, p: m.create(Counter, on="gamma"), UnknownHostError, "no host 'gamma'"),
        (lambda m, p: m.create(Counter, CounterState(log=[{1}, object()])), SerializationError, "CounterState.log[1]"),
        (lambda m, p: m.paglet("nobody"), InvalidAgentError, "no paglet 'nobody'"),
        (lambda m, p: OperationClient(p).call(DIVIDE, Add(0)), ZeroDivisionError, "division"),
    ],
)
def test_a_mistake_is_a_typed_error_and_the_paglet_serves_on(mesh: Mesh, call: object, error: type, says: str) -> None:
    """Every kind of bad input raises its own error in one line, after which the paglet answers."""
    proxy = mesh.create(Counter, on="alpha")
    with pytest.raises(error) as caught:
        call(mesh, proxy)  # type: ignore[operator]
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert OperationClient(proxy).call(ADD, Add(1)).count == 1


def test_a_handlers_exception_brings_its_traceback(mesh: Mesh) -> None:
    """The caller sees the same type, and the line over there that raised it."""
    with pytest.raises(ZeroDivisionError) as caught:
        OperationClient(mesh.create(Counter, on="beta")).call(DIVIDE, Add(0))
    remote = caught.value.remote_traceback  # type: ignore[attr-defined]
    assert "return Total(self.state.count // request.amount)" in remote
    assert "paglets_nb/host" not in remote


def test_a_disposed_paglet_says_so(mesh: Mesh) -> None:
    """Calls to a disposed paglet fail as such."""
    proxy = mesh.create(Counter, on="alpha")
    proxy.dispose()
    with pytest.raises(InvalidAgentError, match="disposed, never created, or lost with its host"):
        OperationClient(proxy).call(ADD)
    assert not proxy.is_valid()


def test_a_time_out_leaves_the_mesh_usable(mesh: Mesh) -> None:
    """A call past its time-out raises before it is done, and the next one is answered when its turn comes."""
    client = OperationClient(mesh.create(Counter, on="alpha"))
    with pytest.raises(CallTimeoutError, match="'block' on alpha: no answer within 0.2 s"):
        client.call(BLOCK, Pause(2.0), timeout=0.2)
    assert client.call(ADD, Add(1)).count == 1


def test_a_host_that_dies_in_a_call_fails_it_at_once() -> None:
    """The caller has an error long before the call would end, which later says how the host died; others serve on."""
    with Mesh(2, restarts=0) as mesh:
        client = OperationClient(mesh.create(Counter, on="beta"))
        client.call(ADD)
        pause = 40.0
        died = threading.Timer(0.3, os.kill, (mesh["beta"].pid, signal.SIGKILL))
        died.start()
        started = time.monotonic()
        with pytest.raises(HostDiedError, match="'beta' is gone"):
            client.call(BLOCK, Pause(pause))
        assert time.monotonic() - started < pause / 2
        wait_until(lambda: mesh["beta"].state == "dead", 20.0, "the supervisor sees the death")
        assert mesh["beta"].reason == "killed by SIGKILL"
        with pytest.raises(HostDiedError, match="killed by SIGKILL"):
            client.call(ADD)
        assert OperationClient(mesh.create(Counter)).call(ADD).pid == mesh["alpha"].pid
