"""What stands on a request: who sends what to whom, and for which cell.

Owns envelopes as the client makes them. A typed call's header says nothing of one call
alone, so that it is made once for many; its message is numbered by its frame.
"""

from __future__ import annotations

from typing import Any

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.envelope import (
    HAS_ARG,
    NO_DELAY,
    NUMBERED,
    ONEWAY,
    STAY_INACTIVE,
    TYPED,
    Envelope,
    encode_envelope,
)
from paglets_nb.core.messages import Message
from paglets_nb.core.ports import Body, CallOptions
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.core.turns import current_origin, current_turn, default_origin, request_origin
from paglets_nb.core.values import id_prefix

__all__ = ["TypedHeaders", "encode_content", "header_of", "is_usual", "pair_of"]

KEPT = 4096
"""Headers of typed calls that are kept."""
_USUAL = 5


def pair_of(turn: Any, agent_id: str) -> str:
    """Who speaks to whom: the paglet in whose handler this runs, or nobody's, to the one with this id."""
    return f"{turn.paglet.agent_id if turn is not None else ''}>{agent_id}"


def encode_content(message: Message) -> tuple[bytes, Any]:
    """A message's content as payload and buffers."""
    body = message.body
    if message.arg is not None:
        return payloads.encode({"args": message.args, "arg": message.arg})
    if isinstance(body, payloads.WireBody):
        return body.payload, body.buffers
    return payloads.encode({} if body is None else message.args if isinstance(body, Body) else body)


def header_of(target: str, message: Message, options: CallOptions) -> bytes:
    """The header of a message's request."""
    flags = 0
    if message.arg is not None:
        flags = HAS_ARG
    elif message.body is not None and type(message.body) is not dict and not isinstance(message.body, Body):
        flags = TYPED
    if options.oneway:
        flags |= ONEWAY
    if options.no_delay:
        flags |= NO_DELAY
    if not options.activate_if_inactive:
        flags |= STAY_INACTIVE
    sender, reply_to, origin = message.sender, message.reply_to, current_origin()
    if sender is None:
        turn = current_turn.get()
        if turn is not None and (context := turn.paglet._context) is not None:
            sender = PagletProxyRef(context.address, turn.paglet.agent_id)
    return encode_envelope(
        Envelope(
            target,
            message.kind,
            message.message_id,
            message.timestamp,
            message.priority,
            flags,
            origin,
            None if sender is None else (sender.host_url, sender.agent_id),
            None if reply_to is None else (reply_to.host_url, reply_to.agent_id),
        )
    )


def is_usual(message: Message, options: CallOptions) -> bool:
    """Whether a message is a typed call like any other, whose header is the same for many."""
    return (
        message._message_id is None
        and message.priority == _USUAL
        and message.arg is None
        and hasattr(type(message.body), "__dataclass_fields__")
        and message.sender is None
        and message.reply_to is None
        and options.activate_if_inactive
        and not options.no_delay
        and not options.oneway
    )


class TypedHeaders:
    """The headers of typed calls, each made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, str, str, str], bytes] = {}

    def of(self, target: str, kind: str, turn: Any) -> bytes:
        """The header of a call.

        Args:
            target: the paglet's id.
            kind: the operation's name.
            turn: of the handler that calls; None outside handlers.
        """
        if turn is None:
            key = (target, kind, request_origin.get() or default_origin.cell, "", "")
        else:
            context = turn.paglet._context
            key = (target, kind, turn.origin, "" if context is None else context.address, turn.paglet.agent_id)
        return self._made.get(key) or self._make(key)

    def forget(self) -> None:
        """Make every header anew: after a fork messages are numbered anew."""
        self._made = {}

    def _make(self, key: tuple[str, str, str, str, str]) -> bytes:
        target, kind, origin, address, speaker = key
        if len(self._made) >= KEPT:
            self.forget()
        sender = (address, speaker) if address else None
        envelope = Envelope(target, kind, id_prefix(), flags=TYPED | NUMBERED, origin=origin, sender=sender)
        header = self._made[key] = encode_envelope(envelope)
        return header
