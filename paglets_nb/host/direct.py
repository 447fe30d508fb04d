"""The shortest way of a typed call through its host.

A call that finds its paglet idle, in memory and with the usual routing goes straight from
its frame to the operation's handler: no message is made, and the request is decoded once.
Every other request is left to the general way. Owns the headers that are known by heart
and the operations as they are called; must not know what is queued, stored or forwarded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.envelope import NUMBERED, TYPED, Envelope
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.ports import DirectOperation
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.core.turns import current_turn
from paglets_nb.host.handling import Reply
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

    __slots__ = ("decode", "encode", "finish", "handler", "paglet", "reply_type", "request_type")

    def __init__(self, paglet: Paglet[Any], found: DirectOperation) -> None:
        self.paglet = paglet
        self.request_type, self.reply_type, self.handler, self.finish = found
        self.decode = payloads.decoder(self.request_type)
        self.encode = payloads.encode


class DirectCalls:
    """Answers the typed calls of one host that need no more than their handler.

    Args:
        host: the host.
        answer: sends an answer, given the connection, the request's number, and a ``Reply``'s parts.
    """

    def __init__(self, host: Host, answer: Callable[..., None]) -> None:
        self._handling = host.handling
        self._record = host.events.record_message
        self._find = host.residents.find
        self._answer = answer
        self._headers: dict[bytes, _Header] = {}

    def learn(self, header: bytes, envelope: Envelope) -> None:
        """Know a header by heart, where calls with it may go this way."""
        if envelope.flags == TYPED | NUMBERED and envelope.priority == _USUAL and envelope.reply_to is None:
            if len(self._headers) >= KEPT:
                self._headers = {}
            self._headers[header] = _Header(envelope)

    def answer(self, connection: Connection, frame: Frame) -> bool:
        """Answer a request; False where it is to go the general way."""
        header = self._headers.get(frame[3])
        payload = frame[4]
        if header is None or frame[1] or frame[5] or len(payload) > payloads.SHORT:
            return False
        resident = self._find(header.target)
        if resident is None:
            return False
        operation = resident.direct.get(header.kind) or self._operation(resident, header.kind)
        if operation is None or not (place := resident.mailbox.try_take()):
            return False
        turn = HandlerTurn(resident, header.origin, place)
        if operation.paglet is not turn.paglet:  # another version has taken its place
            turn.finish()
            return False
        current_turn.set(turn)
        try:
            reply = self._call(operation, header, payload)
        finally:
            current_turn.set(None)
            turn.finish()
        if reply[2] or len(reply[1]) > payloads.SHORT:
            self._answer(connection, frame[2], *reply)
            return True
        try:
            connection.send(reply[0], 0, frame[2], b"", reply[1])
        except OSError:  # nobody takes it
            connection.close()
        return True

    def _call(self, operation: _Operation, header: _Header, payload: bytes) -> Reply:
        agent_id = operation.paglet.agent_id
        try:
            try:
                request = operation.decode(payload)
            except payloads.CODING_ERRORS:
                request = payloads.decode(payload, (), operation.request_type)  # says which field it is
            reply = operation.handler(request)
            if type(reply) is operation.reply_type:
                content, buffers = operation.encode(reply)
            else:
                content, buffers = payloads.encode(self._handling.awaited(operation.finish(reply), header.kind))
            self._record(agent_id, header.kind, header.sender)
            return REPLY, content, buffers
        except BaseException as error:  # whatever user code raises is the caller's to see
            self._record(agent_id, header.kind, header.sender, error)
            return self._handling.failure(operation.paglet, error)

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
