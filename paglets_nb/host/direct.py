"""The shortest way of a typed call through its host.

A call that finds its paglet idle, in memory and with the usual routing goes straight from
its frame to the operation's handler: no message is made, and the request is decoded once.
Every other request is left to the general way. Owns the headers that are known by heart
and the operations as they are called; must not know what is queued, stored or forwarded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import time
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.envelope import NUMBERED, TYPED, Envelope
from paglets_nb.codec.payload import SHORT, encode_plain, plain_types
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.ports import DirectOperation
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.core.turns import current_turn
from paglets_nb.host.residents import HandlerTurn, Resident
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import REPLY, Frame

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["DirectCalls"]

KEPT = 4096
"""Headers known by heart."""
_USUAL = 5


class _Header:
    """A typed call's header, read once."""

    __slots__ = ("kind", "origin", "sender", "target")

    def __init__(self, envelope: Envelope) -> None:
        self.target = envelope.target
        self.kind = envelope.kind
        self.origin = envelope.origin
        self.sender = None if envelope.sender is None else PagletProxyRef(*envelope.sender)


class _Operation:
    """An operation of one paglet, ready to be called."""

    __slots__ = ("decode", "finish", "handler", "paglet", "reply_type", "request_type")

    def __init__(self, paglet: Paglet[Any], found: DirectOperation) -> None:
        self.paglet = paglet
        self.request_type, self.reply_type, self.handler, self.finish = found
        self.decode = payloads.decoder(self.request_type)


class DirectCalls:
    """Answers the typed calls of one host that need no more than their handler.

    Args:
        host: the host.
        otherwise: the general way of a request.
        verb: the way of a request to the host itself, given its envelope too.
        answer: sends an answer, given the connection, the request's number, and the answer's
            type, payload and buffers.
    """

    def __init__(
        self,
        host: Host,
        otherwise: Callable[[Connection, Frame], None],
        verb: Callable[[Connection, Frame, Envelope], None],
        answer: Callable[..., None],
    ) -> None:
        self._handling = host.handling
        self._events = host.events
        self._record = host.events.record_message
        self._find = host.residents.find
        self._otherwise = otherwise
        self._verb = verb
        self._answer = answer
        self._headers: dict[bytes, _Header] = {}
        self._verbs: dict[bytes, Envelope] = {}

    def learn_verb(self, header: bytes, envelope: Envelope) -> None:
        """Know a verb's header by heart, where it is the same for many requests."""
        if envelope.flags & NUMBERED:
            if len(self._verbs) >= KEPT:
                self._verbs = {}
            self._verbs[header] = envelope

    def learn(self, header: bytes, envelope: Envelope) -> None:
        """Know a header by heart, where calls with it may go this way."""
        if envelope.flags == TYPED | NUMBERED and envelope.priority == _USUAL and envelope.reply_to is None:
            if len(self._headers) >= KEPT:
                self._headers = {}
            self._headers[header] = _Header(envelope)

    def on_frame(self, connection: Connection, frame: Frame) -> None:
        """Answer a request, where it is as usual; any other goes the general way."""
        header = self._headers.get(frame.header)
        payload = frame.payload
        if header is None or frame.flags or frame.buffers or len(payload) > SHORT:
            verb = self._verbs.get(frame.header)
            if verb is None or frame.flags:
                return self._otherwise(connection, frame)
            return self._verb(connection, frame, verb)
        resident = self._find(header.target)
        if resident is None:
            return self._otherwise(connection, frame)
        operation = resident.direct.get(header.kind) or self._operation(resident, header.kind)
        mailbox = resident.mailbox
        if operation is None or not (place := mailbox.try_take()):
            return self._otherwise(connection, frame)
        paglet = resident.paglet
        turn = HandlerTurn(paglet, mailbox, header.origin, place)
        if operation.paglet is not paglet:  # another version has taken its place
            turn.finish()
            return self._otherwise(connection, frame)
        kind = REPLY
        buffers: Sequence[Any] = ()
        error: BaseException | None = None
        began = time() if self._events.timed else None
        current_turn.set(turn)
        try:
            try:
                request = operation.decode(payload)
            except payloads.CODING_ERRORS:
                request = payloads.decode(payload, (), operation.request_type)  # says which field it is
            reply = operation.handler(request)
            if type(reply) is not operation.reply_type:
                reply = self._handling.awaited(operation.finish(reply), header.kind)
            try:
                content = encode_plain(reply) if type(reply) in plain_types else b""
            except payloads.CODING_ERRORS:
                content = b""
            if not content:
                content, buffers = payloads.encode(reply)  # which says what cannot travel
        except BaseException as raised:  # whatever user code raises is the caller's to see
            error = raised
            kind, content, buffers = self._handling.failure(operation.paglet, error)
        finally:
            current_turn.set(None)
            self._record(header.target, header.kind, header.sender, error, began)
            if turn.held:  # as in its ``finish``
                turn.held = False
                mailbox.release()
        if buffers or len(content) > SHORT:
            self._answer(connection, frame.request_id, kind, content, buffers)
        else:
            connection.reply(kind, frame.request_id, content)
        return None

    @staticmethod
    def _operation(resident: Resident, kind: str) -> _Operation | None:
        """The operation as it is called; remembered, also that there is none."""
        if kind in resident.direct:
            return None
        usual = resident.durability == "memory" and kind not in resident.interleaved
        found = resident.paglet.direct_operation(kind) if usual else None
        operation = None if found is None else _Operation(resident.paglet, found)
        if len(resident.direct) < KEPT:
            resident.direct[kind] = operation
        return operation
