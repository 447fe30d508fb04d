"""Many requests from one thread: fates, followed paglets, shipped code, large content."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import CallTimeoutError, HostDiedError, LifecycleError, PagletInactiveError, SerializationError
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host, create_request
from paglets_nb.host.loop import loop_thread
from paglets_nb.host.multicall import ANSWERED, LOST_REPLY, UNDELIVERED, Answer, MultiCall
from paglets_nb.host.protocol import Born, HostInfo, Nothing
from paglets_nb.testing import Counter
from tests.unit.host.crashes import Hosts
from tests.unit.host.scripted import Script, Scripted
from tests.unit.host.test_requests import Gate

OPTIONS = CallOptions()


@pytest.fixture
def client() -> Iterator[HostClient]:
    """A client of nobody's host."""
    client = HostClient(timeout=10.0)
    yield client
    client.close()


@pytest.fixture
def calls(client: HostClient) -> Iterator[MultiCall]:
    """Requests of it."""
    calls = MultiCall(client)
    yield calls
    calls.close()


def all_of(calls: MultiCall, timeout: float = 10.0) -> dict[Any, Answer]:
    """Every answer by key."""
    answers: dict[Any, Answer] = {}
    deadline = time.monotonic() + timeout
    while len(calls):
        assert time.monotonic() < deadline, "not in time"
        answers.update({answer.key: answer for answer in calls.receive(0.05)})
    return answers


def test_answers_come_as_they_are_ready(
    client: HostClient, calls: MultiCall, script: Script, hosts: list[Host]
) -> None:
    """One that is slow keeps nobody waiting, and no thread is needed for any of them."""
    gate = script.handlers["gate"] = Gate()
    proxies = [PagletProxy(host.address, host.create(Scripted).agent_id, client) for host in hosts]
    threads = threading.active_count()
    calls.call("slow", proxies[0], Message("gate"), OPTIONS)
    for number, proxy in enumerate(proxies):
        if number:
            calls.call(number, proxy, Message("echo", {"n": number}), OPTIONS)
    quick: dict[Any, Any] = {}
    while len(quick) < 2:
        quick.update({answer.key: answer.value for answer in calls.receive(5.0)})
    assert quick == {1: {"n": 1}, 2: {"n": 2}}
    assert [thread.name for thread in threading.enumerate() if thread.name == "paglets-replies"] == []
    assert threading.active_count() <= threads + len(hosts)  # each host has one for the new connection
    gate.open.set()
    answer = all_of(calls)["slow"]
    assert (answer.fate, answer.value) == (ANSWERED, "through")
    assert answer.seconds > 0


def test_errors_of_handlers_are_answers(
    client: HostClient, calls: MultiCall, script: Script, paglet: PagletProxy
) -> None:
    """With their type; so is a reply that does not fit."""
    script.handlers["fail"] = lambda _paglet, message: message.args["missing"]
    proxy = PagletProxy(paglet.host_url, paglet.agent_id, client)
    calls.call("fail", proxy, Message("fail"), OPTIONS)
    calls.call("odd", proxy, Message("echo", {"n": 1}), CallOptions(reply_type=HostInfo))
    answers = all_of(calls)
    assert isinstance(answers["fail"].error, KeyError)
    assert isinstance(answers["odd"].error, SerializationError)
    assert {answer.fate for answer in answers.values()} == {ANSWERED}


def test_sockets_are_used_again(client: HostClient, calls: MultiCall, alpha: Host, paglet: PagletProxy) -> None:
    """By calls of both kinds; one that is given up is not."""
    proxy = PagletProxy(paglet.host_url, paglet.agent_id, client)
    proxy.send("echo")
    for _ in range(3):
        calls.call(0, proxy, Message("echo"), OPTIONS)
        all_of(calls)
    assert client.statistics()["idle"] == {alpha.address: 1}
    key = object()
    calls.call(key, proxy, Message("echo"), OPTIONS)
    calls.forget(key)
    assert len(calls) == 0
    assert client.statistics()["idle"] == {alpha.address: 0}
    assert proxy.send("echo", {"n": 1}) == {"n": 1}


def test_a_moved_paglet_is_followed(
    client: HostClient, calls: MultiCall, hosts: list[Host], paglet: PagletProxy
) -> None:
    """And its proxy knows from then on."""
    proxy = PagletProxy(paglet.host_url, paglet.agent_id, client)
    paglet.dispatch(hosts[1].address)
    calls.call(0, proxy, Message("echo", {"n": 1}), OPTIONS)
    assert all_of(calls)[0].value == {"n": 1}
    assert proxy.host_url == hosts[1].address


def test_sleepers_that_stay_asleep_are_told(client: HostClient, calls: MultiCall, paglet: PagletProxy) -> None:
    """A typed reply cannot come from one that is not to be woken."""
    from paglets_nb.core.policy import DeactivationPolicy

    paglet.deactivate(DeactivationPolicy(activate_on_message=False))
    proxy = PagletProxy(paglet.host_url, paglet.agent_id, client)
    calls.call(0, proxy, Message("echo"), CallOptions(reply_type=HostInfo))
    assert isinstance(all_of(calls)[0].error, PagletInactiveError)


def test_code_is_shipped_where_it_is_missing(
    client: HostClient, calls: MultiCall, alpha: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that asks for a class's code gets it, and the request again."""
    from paglets_nb.codec.shipping import MissingCodeError, code_store

    class Local(Counter):
        pass

    request = create_request(Local)
    resolve, asked = code_store.resolve, []

    def lacking(name: str) -> Any:
        if "#" in name and not asked:
            asked.append(name)
            raise MissingCodeError(name.partition("#")[2], name)
        return resolve(name)

    monkeypatch.setattr(code_store, "resolve", lacking)
    calls.ask(0, alpha.address, "@create", request, Born)
    answer = all_of(calls)[0]
    assert answer.error is None
    assert asked
    assert alpha.find(answer.value.agent_id).is_valid()


def test_a_host_that_is_gone_was_sent_nothing(client: HostClient, calls: MultiCall, mesh: Hosts) -> None:
    """Also where a socket to it was left over from before."""
    proxy = PagletProxy(mesh["alpha"].address, mesh["alpha"].create(Scripted).agent_id, client)
    proxy.send("echo")
    mesh.kill("alpha")
    calls.call(0, proxy, Message("echo"), OPTIONS)
    answer = all_of(calls)[0]
    assert answer.fate in (UNDELIVERED, LOST_REPLY)
    calls.call(0, proxy, Message("echo"), OPTIONS)
    answer = all_of(calls)[0]
    assert answer.fate == UNDELIVERED
    assert isinstance(answer.error, HostDiedError)
    assert not answer.error.delivered


def test_a_host_that_dies_in_a_call_may_have_done_it(
    client: HostClient, calls: MultiCall, script: Script, mesh: Hosts
) -> None:
    """The fate says so, and the error why the host is gone, where somebody knows soon."""
    gate = script.handlers["gate"] = Gate()
    reasons = iter(["", "", "killed by a test"])
    client.sockets.explain = lambda _url: next(reasons, "killed by a test")
    proxy = PagletProxy(mesh["alpha"].address, mesh["alpha"].create(Scripted).agent_id, client)
    calls.call(0, proxy, Message("gate"), OPTIONS)
    gate.wait_entered()
    stopping = threading.Thread(target=mesh.kill, args=("alpha",))
    stopping.start()
    answer = all_of(calls)[0]
    gate.open.set()
    stopping.join()
    assert answer.fate == LOST_REPLY
    assert isinstance(answer.error, HostDiedError)
    assert answer.error.reason == "killed by a test"


def test_large_requests_and_replies_pass(
    client: HostClient, calls: MultiCall, hosts: list[Host], script: Script
) -> None:
    """Megabytes to several hosts at once, bytes in band and out of it."""
    proxies = [PagletProxy(host.address, host.create(Scripted).agent_id, client) for host in hosts]
    content = bytes(range(256)) * 40_000
    for number, proxy in enumerate(proxies):
        calls.call(number, proxy, Message("echo", {"data": content, "text": "x" * 300_000}), OPTIONS)
    answers = all_of(calls)
    assert all(answer.value == {"data": content, "text": "x" * 300_000} for answer in answers.values())
    assert len(answers) == len(hosts)


def test_a_reader_that_does_not_read_holds_nobody_up(client: HostClient, calls: MultiCall, paglet: PagletProxy) -> None:
    """A large request to a process that takes nothing waits by itself; the others are answered."""
    import os
    import socket

    path = f"{os.path.dirname(paglet.host_url.removeprefix('unix://'))}/deaf.sock"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(path)
        deaf.listen(1)
        key = object()
        calls.call(key, PagletProxy(f"unix://{path}", "x", client), Message("echo", {"data": bytes(8 << 20)}), OPTIONS)
        calls.call(1, PagletProxy(paglet.host_url, paglet.agent_id, client), Message("echo", {"n": 1}), OPTIONS)
        answers: list[Answer] = []
        while not answers:
            answers = calls.receive(5.0)
        assert [answer.key for answer in answers] == [1]
        calls.forget(key)
        assert len(calls) == 0


def test_a_reply_that_stops_half_way_is_given_up(client: HostClient, calls: MultiCall, paglet: PagletProxy) -> None:
    """It was delivered, so its fate is not known; it costs half a second, not the deadline."""
    import os
    import socket
    import struct

    path = f"{os.path.dirname(paglet.host_url.removeprefix('unix://'))}/half.sock"
    with socket.socket(socket.AF_UNIX) as half:
        half.bind(path)
        half.listen(1)
        calls.call(0, PagletProxy(f"unix://{path}", "x", client), Message("echo"), OPTIONS)
        accepted, _address = half.accept()
        with accepted:
            accepted.recv(65536)
            accepted.sendall(struct.pack("<IIHBBI", 0, 1000, 0, 2, 0, 1) + b"abc")
            answer = all_of(calls)[0]
    assert answer.fate == LOST_REPLY
    assert isinstance(answer.error, CallTimeoutError)


def test_the_event_loop_is_not_blocked(client: HostClient, alpha: Host) -> None:
    """In the loop's thread it is refused, like every blocking call."""

    async def ask() -> None:
        MultiCall(client).ask(0, alpha.address, "@health", Nothing(), HostInfo)

    with pytest.raises(LifecycleError, match="would block the event loop"):
        loop_thread.call(ask)
