"""What stands on requests."""

from __future__ import annotations

import os

import pytest

from paglets_nb.codec.envelope import HAS_ARG, NO_DELAY, NUMBERED, ONEWAY, STAY_INACTIVE, TYPED, decode_envelope
from paglets_nb.core.messages import Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.core.turns import default_origin
from paglets_nb.core.values import id_prefix
from paglets_nb.host import headers as module
from paglets_nb.host.client import HostClient
from paglets_nb.host.headers import TypedHeaders, header_of, is_usual
from paglets_nb.testing import AddRequest


def test_a_messages_header_says_all_of_it() -> None:
    """Kind, id, time, priority, who speaks and who is answered, and how it is delivered."""
    message = Message("add", {"by": 1}, sender=PagletProxyRef("u", "p2"), priority=7, timestamp=2.5, message_id="m")
    envelope = decode_envelope(header_of("p1", message, CallOptions(oneway=True, no_delay=True)))
    assert (envelope.target, envelope.kind, envelope.message_id, envelope.timestamp) == ("p1", "add", "m", 2.5)
    assert (envelope.priority, envelope.flags, envelope.sender) == (7, ONEWAY | NO_DELAY, ("u", "p2"))
    for content, flags in ((Message("add", AddRequest(1)), TYPED), (Message("add", arg=3), HAS_ARG)):
        options = CallOptions(activate_if_inactive=False)
        assert decode_envelope(header_of("p1", content, options)).flags == flags | STAY_INACTIVE


def test_a_typed_calls_header_is_made_once() -> None:
    """It is the very same for each call of an operation, another for another cell."""
    headers = TypedHeaders()
    first = headers.of("p1", "add", None)
    assert headers.of("p1", "add", None) is first
    default_origin.cell = "cell"
    try:
        second = headers.of("p1", "add", None)
    finally:
        default_origin.cell = ""
    envelope = decode_envelope(second)
    assert (envelope.origin, envelope.flags, envelope.message_id) == ("cell", TYPED | NUMBERED, id_prefix())
    assert second != first


def test_which_messages_have_it() -> None:
    """A typed request without terms of its own; anything else says so in a header of its own."""
    assert is_usual(Message("add", AddRequest(1)), CallOptions(timeout=3.0, reply_type=AddRequest))
    ref = PagletProxyRef("u", "p")
    others = [
        Message("add", {"by": 1}),
        Message("add", arg=1),
        Message("add", AddRequest(1), priority=0),
        Message("add", AddRequest(1), message_id="m"),
        Message("add", AddRequest(1), sender=ref),
        Message("add", AddRequest(1), reply_to=ref),
    ]
    assert not any(is_usual(message, CallOptions()) for message in others)
    terms = [CallOptions(no_delay=True), CallOptions(activate_if_inactive=False), CallOptions(oneway=True)]
    assert not any(is_usual(Message("add", AddRequest(1)), options) for options in terms)


def test_they_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound they are made anew."""
    monkeypatch.setattr(module, "KEPT", 4)
    headers = TypedHeaders()
    for number in range(20):
        headers.of(f"p{number}", "add", None)
        assert len(headers._made) <= 4


def test_a_forked_child_numbers_its_own_messages() -> None:
    """A header made before a fork is not used after it: its messages would have the parent's ids."""
    client = HostClient()
    before = client._headers.of("p1", "add", None)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, client._headers.of("p1", "add", None))
        os._exit(0)
    os.waitpid(child, 0)
    after = os.read(reading, 1000)
    os.close(reading)
    os.close(writing)
    client.close()
    assert decode_envelope(after).message_id != decode_envelope(before).message_id
