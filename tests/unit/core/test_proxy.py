"""The proxy: what it asks its client for."""

from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.core.messages import FutureReply, Message, MessageType
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import HostRef, PagletProxyRef
from paglets_nb.core.tickets import ArrivalMode, TransferTicket
from paglets_nb.core.values import ACTIVE, INACTIVE
from paglets_nb.errors import HostDiedError, InvalidAgentError
from paglets_nb.services.contracts import EmptyPayload


class RecordingClient:
    """Remembers what it was asked and answers what it was told to."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def _give(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def call(self, proxy: PagletProxy, message: Message, options: CallOptions) -> Any:
        """Remember the call."""
        self.asked.append((message, options))
        return self._give()

    def submit(self, proxy: PagletProxy, message: Message, options: CallOptions) -> FutureReply:
        """Remember the call and settle it."""
        self.asked.append((message, options))
        future = FutureReply(message.kind)
        future.set_reply(self.answer)
        return future

    def control(self, proxy: PagletProxy, verb: str, arguments: dict[str, Any], timeout: float | None) -> Any:
        """Remember the verb."""
        self.asked.append((verb, arguments, timeout))
        return self._give()

    async def control_async(
        self, proxy: PagletProxy, verb: str, arguments: dict[str, Any], timeout: float | None
    ) -> Any:
        """Remember the verb."""
        return self.control(proxy, verb, arguments, timeout)


def proxy_of(client: RecordingClient) -> PagletProxy:
    """A proxy that speaks to the client."""
    return PagletProxy("unix:///a.sock", "ab12", client, name="counter", class_name="cell:Counter#12")


def test_send_makes_the_message_and_the_options() -> None:
    """A kind with arguments becomes a message; every option reaches the client."""
    client = RecordingClient(answer=7)
    reply = proxy_of(client).send(
        "add", {"n": 1}, timeout=2.0, no_delay=True, activate_if_inactive=False, reply_type=EmptyPayload
    )
    message, options = client.asked[0]
    assert reply == 7
    assert (message.kind, message.args) == ("add", {"n": 1})
    assert message.message_type is MessageType.SYNCHRONOUS
    assert (options.timeout, options.no_delay, options.activate_if_inactive) == (2.0, True, False)
    assert options.reply_type is EmptyPayload
    assert not options.oneway


def test_oneway_and_future_say_how_the_sender_waits() -> None:
    """A one-way send and a future carry their type of message and option."""
    client = RecordingClient(answer=3)
    proxy = proxy_of(client)
    assert proxy.send_oneway(Message("add")) is None  # type: ignore[func-returns-value]
    message, options = client.asked[0]
    assert message.message_type is MessageType.ONEWAY
    assert options.oneway
    assert proxy.send_future("add").get_reply() == 3
    message, options = client.asked[1]
    assert message.message_type is MessageType.FUTURE
    assert not options.oneway


@pytest.mark.parametrize("error", [InvalidAgentError("ab12"), HostDiedError("a")])
def test_a_paglet_that_is_gone_is_not_valid(error: Exception) -> None:
    """Asking after a disposed paglet, or one whose host died, says no and raises nothing."""
    proxy = proxy_of(RecordingClient(error))
    assert not proxy.is_valid()
    assert not proxy.is_active()
    assert not proxy.is_state(ACTIVE | INACTIVE)


@pytest.mark.parametrize(("active", "states"), [(True, {ACTIVE, ACTIVE | INACTIVE}), (False, {INACTIVE, 3})])
def test_states(active: bool, states: set[int]) -> None:
    """A paglet is in the states that its activity is part of."""
    proxy = proxy_of(RecordingClient({"active": active}))
    assert proxy.is_valid()
    assert {state for state in (1, 2, 3) if proxy.is_state(state)} == states
    assert proxy.is_active() is active


def test_movement_goes_to_the_client() -> None:
    """Dispatch returns the proxy itself, clone a proxy of the clone, dispose nothing."""
    client = RecordingClient({"host_url": "unix:///b.sock", "agent_id": "cd34"})
    proxy = proxy_of(client)
    assert proxy.dispatch("beta", timeout=3.0) is proxy
    clone = proxy.clone()
    assert (clone.host_url, clone.agent_id, clone.name) == ("unix:///b.sock", "cd34", "")
    assert clone.class_name == proxy.class_name
    proxy.dispose()
    assert client.asked == [
        ("dispatch", {"target": "beta"}, 3.0),
        ("clone", {"target": None}, None),
        ("dispose", {}, None),
    ]


def test_wire_forms_and_references() -> None:
    """A proxy, its wire form and its reference lead to each other."""
    client = RecordingClient()
    proxy = proxy_of(client)
    assert proxy.to_wire() == {"host_url": "unix:///a.sock", "agent_id": "ab12"}
    assert PagletProxy.from_wire(proxy.to_wire(), client) == proxy
    assert proxy.ref == PagletProxyRef("unix:///a.sock", "ab12")
    assert proxy.ref.resolve(client).client is client

    class Context:
        def __init__(self) -> None:
            self.client = client

    assert proxy.ref.resolve(Context()) == proxy


def test_proxies_are_equal_by_paglet() -> None:
    """Two proxies of one paglet are equal wherever they think it lives."""
    client = RecordingClient()
    one, two = PagletProxy("unix:///a", "x", client), PagletProxy("unix:///b", "x", client)
    assert one == two
    assert len({one, two, PagletProxy("unix:///a", "y", client)}) == 2
    assert one != "x"


def test_a_readable_repr() -> None:
    """The repr names class, name, id and address."""
    assert repr(proxy_of(RecordingClient())) == "<Counter 'counter' ab12 at unix:///a.sock>"
    assert repr(PagletProxy("unix:///a", "x", RecordingClient())) == "<paglet x at unix:///a>"


def test_references_and_tickets_have_the_fixed_fields() -> None:
    """References, host references and tickets have the documented fields and defaults."""
    ticket = TransferTicket("beta")
    assert (ticket.timeout, ticket.retries, ticket.retry_interval) == (10.0, 0, 0.25)
    assert (ticket.required_capabilities, ticket.expected_code_version) == ((), None)
    assert ticket.arrival_mode is ArrivalMode.ACTIVATE
    ref = HostRef("alpha", "unix:///a")
    assert ref.online
    assert (ref.active_count, ref.inactive_count, ref.tags, ref.properties, ref.error) == (0, 0, (), {}, "")
