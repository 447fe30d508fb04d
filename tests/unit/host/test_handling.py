"""One message, one handler, one reply."""

from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.envelope import HAS_ARG, ONEWAY, Envelope
from paglets_nb.codec.failures import decode_error
from paglets_nb.codec.payload import WireBody
from paglets_nb.core.messages import Message, MessageType
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.tracebacks import told_failures
from paglets_nb.core.turns import current_turn, default_origin
from paglets_nb.errors import NotHandledError, SerializationError
from paglets_nb.host.flight import FlightRecorder
from paglets_nb.host.handling import incoming
from paglets_nb.host.host import Host
from paglets_nb.testing import wait_until
from paglets_nb.transport.frames import ERROR, REPLY
from tests.unit.host.scripted import Durable, Kept, Script, Scripted


def body(value: Any) -> WireBody:
    """Content as it comes by wire."""
    return WireBody(*payloads.encode(value), False)


class TestIncoming:
    def test_everything_of_the_envelope(self) -> None:
        """A message has what its envelope and its content say."""
        envelope = Envelope("p1", "add", "m1", 2.5, 7, ONEWAY, "", ("unix:///a", "p2"), ("unix:///b", "p3"))
        message = incoming(envelope, body({"amount": 3}))
        assert (message.kind, message.args, message.arg) == ("add", {"amount": 3}, None)
        assert (message.message_id, message.timestamp, message.priority) == ("m1", 2.5, 7)
        assert message.message_type is MessageType.ONEWAY
        assert message.sender is not None
        assert message.reply_to is not None
        assert (message.sender.agent_id, message.reply_to.agent_id) == ("p2", "p3")

    def test_a_single_argument(self) -> None:
        """``arg`` comes beside the arguments by name."""
        message = incoming(Envelope("p1", "add", flags=HAS_ARG), body({"args": {"a": 1}, "arg": [2]}))
        assert (message.args, message.arg, message.sender) == ({"a": 1}, [2], None)

    @pytest.mark.parametrize("content", [None, 5, {"args": 1, "arg": 2}, {"args": {}}])
    def test_content_of_the_wrong_shape(self, content: Any) -> None:
        """Content that says it has a single argument and has none is refused."""
        with pytest.raises(SerializationError, match="add: wanted args and arg"):
            incoming(Envelope("p1", "add", flags=HAS_ARG), body(content))

    @pytest.mark.parametrize("priority", [-1, 11])
    def test_a_priority_past_its_bounds(self, priority: int) -> None:
        """A priority that is none is refused."""
        with pytest.raises(ValueError, match="priority must be 0 to 10"):
            incoming(Envelope("p1", "add", priority=priority), body({}))


def handle(host: Host, proxy: PagletProxy, message: Message, place: int = 1) -> Any:
    """Have a host handle a message, in this thread."""
    resident = host.residents.require(proxy.agent_id)
    return host.handling.handle(resident, message, resident.turn("", place))


def test_a_reply_and_a_failure(script: Script, alpha: Host, paglet: PagletProxy) -> None:
    """What a handler returns is a reply, what it raises an error with where it was raised; no turn is left behind."""
    kind, payload, buffers = handle(alpha, paglet, Message("echo", {"a": 1}))
    assert (kind, payloads.decode(payload, buffers)) == (REPLY, {"a": 1})

    def leave(_me: Any, _message: Message) -> None:
        raise SystemExit(3)

    script.handlers["leave"] = leave
    kind, payload, _buffers = handle(alpha, paglet, Message("leave"))
    assert kind == ERROR
    assert "3" in str(decode_error(payload))
    assert current_turn.get() is None
    events = [(event.kind, event.details) for event in alpha.list_events() if event.kind.startswith("message")]
    assert events == [
        ("message-delivered", {"message": "echo", "sender": ""}),
        ("message-failed", {"message": "leave", "sender": "", "error": "SystemExit"}),
    ]


def test_a_kind_that_nobody_handles(alpha: Host, paglet: PagletProxy) -> None:
    """A message that is not handled names what would be."""
    kind, payload, _buffers = handle(alpha, paglet, Message("nothing"))
    error = decode_error(payload)
    assert kind == ERROR
    assert isinstance(error, NotHandledError)
    assert error.known == ["echo", "log", "read"]


def test_a_reply_that_cannot_travel(script: Script, alpha: Host, paglet: PagletProxy) -> None:
    """A reply of a type that cannot travel is the caller's error, and the paglet handles the next message."""
    script.handlers["odd"] = lambda _me, _message: object()
    with pytest.raises(SerializationError, match="object"):
        paglet.send("odd")
    assert paglet.send("echo") == {}


def test_an_awaited_handler(script: Script, alpha: Host, paglet: PagletProxy) -> None:
    """An ``async def`` handler's result is the reply."""

    async def later(_me: Any, message: Message) -> Any:
        return message.args["a"] + 1

    script.handlers["later"] = later
    assert paglet.send("later", {"a": 1}) == 2


def test_who_is_told_of_errors(script: Script, alpha: Host, paglet: PagletProxy, monkeypatch: Any) -> None:
    """One that the caller is told belongs to no cell; one of a message that nobody waits for to the sender's."""
    told: list[tuple[str, str | None, str]] = []
    monkeypatch.setattr(told_failures, "listener", lambda *given: told.append((*given[:2], str(given[2]))))

    def fail(_me: Any, message: Message) -> None:
        raise ValueError(message.args["text"])

    script.handlers["fail"] = fail
    monkeypatch.setattr(default_origin, "cell", "cell-1")
    with pytest.raises(ValueError, match="one"):
        paglet.send("fail", {"text": "one"})
    with pytest.raises(NotHandledError):
        paglet.send("unknown")
    paglet.send_oneway("fail", {"text": "two"})
    wait_until(lambda: len(told) == 2)
    assert told == [(paglet.agent_id, None, "one"), (paglet.agent_id, "cell-1", "two")]


@pytest.mark.parametrize(("cls", "noted"), [(Scripted, False), (Kept, True), (Durable, True)])
def test_who_is_in_flight(script: Script, alpha: Host, cls: type[Scripted], noted: bool) -> None:
    """A durable paglet is noted while it is in a handler, also one that fails, and no longer."""
    seen: list[list[str]] = []

    def look(_me: Any, _message: Message) -> None:
        path = alpha.data_dir / "flight"
        slots = path.read_bytes().split(b"\0") if path.exists() else []
        seen.append([slot.decode() for slot in slots if slot])
        raise ValueError("looked")

    script.handlers["look"] = look
    proxy = alpha.create(cls)
    with pytest.raises(ValueError, match="looked"):
        proxy.send("look")
    assert seen == [[proxy.agent_id] if noted else []]
    assert FlightRecorder(alpha.data_dir).in_flight_at_death() == []


def test_a_message_outside_the_turn_is_not_stored(script: Script, alpha: Host) -> None:
    """A message that bypasses the queue is handled at once and its reply is not kept."""
    proxy = alpha.create(Durable)
    handle(alpha, proxy, Message("log", {"text": "a"}, message_id="m1"), place=0)
    handle(alpha, proxy, Message("log", {"text": "b"}, message_id="m2"))
    assert [message_id for message_id, *_ in alpha.durability.records.applied(proxy.agent_id)] == ["m2"]


def test_a_paglet_that_ended_in_its_handler(script: Script, alpha: Host) -> None:
    """A durable paglet that disposes of itself answers, and is not stored again by that."""

    def end(me: Any, _message: Message) -> str:
        me.context.dispose()
        return "gone"

    script.handlers["end"] = end
    proxy = alpha.create(Durable)
    assert proxy.send("end") == "gone"
    assert alpha.durability.records.paglets() == []
    assert alpha.durability.records.applied(proxy.agent_id) == []
