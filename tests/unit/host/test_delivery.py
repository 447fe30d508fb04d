"""Messages that wait, and what becomes of them when their paglet goes."""

from __future__ import annotations

import threading

import pytest

from paglets_nb.codec.envelope import TYPED, Envelope, encode_envelope
from paglets_nb.core.messages import Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import InvalidAgentError
from paglets_nb.host.delivery import Delivery, forward_stored, stored_delivery
from paglets_nb.host.headers import encode_content, header_of
from paglets_nb.host.host import Host
from paglets_nb.host.records import StoredMessage
from paglets_nb.testing import ADD, AddRequest, Counter, wait_until
from tests.unit.host.crashes import Hosts, followed
from tests.unit.host.scripted import Durable, Script, Scripted
from tests.unit.host.test_requests import Gate


def stored(agent_id: str, text: str, kind: str = "log") -> StoredMessage:
    """A one-way message as it waits in the store."""
    message = Message(kind, {"text": text})
    payload, _buffers = encode_content(message)
    return StoredMessage(agent_id, message.message_id, header_of(agent_id, message, CallOptions(oneway=True)), payload)


def failures(host: Host) -> list[str]:
    """The steps that failed at a host."""
    return [event.details["step"] for event in host.list_events() if event.kind == "failure"]


def test_a_stored_message_is_what_was_sent(script: Script, alpha: Host, paglet: PagletProxy) -> None:
    """A message from the store is the one that was sent: kind, priority, cell, id and typed content."""
    payload, buffers = encode_content(Message("add", AddRequest(5)))
    header = encode_envelope(Envelope(paglet.agent_id, "add", "m1", 2.5, 7, TYPED, "cell-1"))
    resident = alpha.residents.require(paglet.agent_id)
    delivery = stored_delivery(alpha, resident, StoredMessage(paglet.agent_id, "m1", header, payload, tuple(buffers)))
    assert (delivery.origin, delivery.connection, delivery.stored) == ("cell-1", None, True)
    message = delivery.message
    assert (message.kind, message.priority, message.message_id) == ("add", 7, "m1")
    assert message.decode(AddRequest) == AddRequest(5)


def test_typed_messages_wait_for_a_sleeper(alpha: Host) -> None:
    """A typed one-way message to a sleeping counter counts."""
    counter = alpha.create(Counter)
    counter.deactivate()
    counter.send_oneway(ADD.to_message(AddRequest(5)))
    wait_until(lambda: alpha.get_state(counter.agent_id).total == 5)


def test_waiting_calls_of_a_paglet_that_ends(script: Script, paglet: PagletProxy) -> None:
    """Calls that wait when their paglet is disposed of are told that it is gone; one-way messages are dropped."""
    gate = script.handlers["gate"] = Gate()
    running = paglet.send_future("gate")
    gate.wait_entered()
    waiting = [paglet.send_future("echo") for _ in range(3)]
    paglet.send_oneway("log", {"text": "a"})
    disposing = threading.Thread(target=paglet.dispose)
    disposing.start()
    wait_until(lambda: paglet.client.sent >= 6)
    gate.open.set()
    disposing.join(5)
    running.get_reply(5)
    for future in waiting:
        future.wait_for_reply(5)
        assert future.is_available()
    assert not paglet.is_valid()


class TestForward:
    @pytest.fixture
    def proxy(self, script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch) -> PagletProxy:
        """A paglet that has left alpha for beta, and alpha has looked for messages to send after it."""
        alpha = mesh["alpha"]
        looked = followed(alpha, monkeypatch)
        proxy = alpha.create(Durable)
        proxy.dispatch("beta")
        assert looked.wait(10.0)
        return proxy

    def test_stored_messages_follow_in_order(self, mesh: Hosts, proxy: PagletProxy) -> None:
        """Stored messages of a paglet that left are handled over there in order and are no longer stored here."""
        alpha = mesh["alpha"]
        for text in "abc":
            alpha.durability.queue(stored(proxy.agent_id, text))
        assert forward_stored(alpha, proxy.agent_id, mesh["beta"].address)
        wait_until(lambda: proxy.send("read") == ["a", "b", "c"])
        assert alpha.durability.records.queued(proxy.agent_id) == []

    def test_what_cannot_be_delivered_now_stays(self, mesh: Hosts, proxy: PagletProxy) -> None:
        """Messages to a host that is gone stay stored, all of them."""
        alpha = mesh["alpha"]
        for text in "ab":
            alpha.durability.queue(stored(proxy.agent_id, text))
        address = mesh["beta"].address
        mesh.kill("beta")
        assert not forward_stored(alpha, proxy.agent_id, address)
        assert len(alpha.durability.records.queued(proxy.agent_id)) == 2

    def test_what_can_never_be_delivered_is_told(self, mesh: Hosts, proxy: PagletProxy) -> None:
        """Messages to a paglet that has ended meanwhile are dropped, and the log says so."""
        alpha = mesh["alpha"]
        for text in "ab":
            alpha.durability.queue(stored(proxy.agent_id, text))
        proxy.dispose()
        assert forward_stored(alpha, proxy.agent_id, mesh["beta"].address)
        assert alpha.durability.records.queued(proxy.agent_id) == []
        assert failures(alpha) == ["forward", "forward"]


class TestFollowers:
    @pytest.fixture
    def left(self, alpha: Host, beta: Host, script: Script) -> Scripted:
        """A paglet that has left alpha for beta."""
        proxy = alpha.create(Scripted)
        resident = alpha.residents.require(proxy.agent_id)
        proxy.dispatch("beta")
        self.proxy, self.resident = proxy, resident
        return resident.paglet  # type: ignore[return-value]

    def delivery(self, host: Host, text: str) -> Delivery:
        """A one-way message that waited for it."""
        return Delivery(host, self.resident, Message("log", {"text": text}), "", None, 0)

    @pytest.mark.usefixtures("left")
    def test_they_keep_their_order(self, alpha: Host) -> None:
        """Acknowledged messages follow a paglet one behind the other."""
        for number in range(50):
            self.delivery(alpha, str(number)).refuse()
        wait_until(lambda: len(self.proxy.send("read")) == 50)
        assert self.proxy.send("read") == [str(number) for number in range(50)]
        wait_until(lambda: not alpha.requests.followers._waiting)

    @pytest.mark.usefixtures("left")
    def test_one_that_does_not_find_it_is_told(self, alpha: Host) -> None:
        """A message whose paglet has ended meanwhile shows in the log, and the next is tried all the same."""
        self.proxy.dispose()
        for text in "ab":
            self.delivery(alpha, text).refuse()
        wait_until(lambda: failures(alpha) == ["forward", "forward"])

    @pytest.mark.usefixtures("left")
    def test_at_the_end_of_its_host(self, alpha: Host) -> None:
        """A host that ends takes no more followers, and refuses quietly."""
        alpha.workers.close()
        self.delivery(alpha, "a").refuse()
        assert not alpha.requests.followers._waiting
        with pytest.raises(InvalidAgentError):
            alpha.get_proxy(self.proxy.agent_id)
