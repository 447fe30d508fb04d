"""Handling: one message, one handler, one reply.

Runs a paglet's handler with its turn held and its output going to the right cell, and
has the effect of a message to a durable paglet stored before its reply is sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from inspect import isawaitable
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.envelope import HAS_ARG, NUMBERED, ONEWAY, Envelope
from paglets_nb.codec.failures import encode_error
from paglets_nb.codec.payload import WireBody
from paglets_nb.core.messages import Message, MessageType
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.core.turns import current_turn
from paglets_nb.core.values import message_id
from paglets_nb.errors import NotHandledError, PagletError, SerializationError
from paglets_nb.host.loop import loop_thread
from paglets_nb.host.residents import HandlerTurn, Resident
from paglets_nb.transport.frames import ERROR, REPLY

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["Handling", "OutputScope", "Reply", "incoming", "number_message"]

OutputScope = Callable[[str], AbstractContextManager[Any]]
"""Takes the id of a notebook cell; within it, output belongs to that cell."""
Reply = tuple[int, bytes, Sequence[Any]]
"""A reply's frame type, payload and buffers."""
_NOTHING: tuple[bytes, Sequence[Any]] = (payloads.encode(None)[0], ())


async def _finish(awaitable: Any) -> Any:
    return await awaitable


def number_message(envelope: Envelope, number: int) -> None:
    """Give the message of a numbered request, whose header says nothing of it alone, its id and its time."""
    if envelope.flags & NUMBERED:
        envelope.message_id, envelope.timestamp = message_id(envelope.message_id, number), time.time()
        envelope.flags &= ~NUMBERED


def incoming(envelope: Envelope, body: WireBody) -> Message:
    """The message of a request."""
    args: Any = body
    arg = None
    if envelope.flags & HAS_ARG:
        content = body.to_value()
        if not (isinstance(content, dict) and isinstance(content.get("args"), dict) and "arg" in content):
            raise SerializationError(f"{envelope.kind}: wanted args and arg")
        args, arg = content["args"], content["arg"]
    message = Message(
        envelope.kind,
        args,
        arg,
        None,
        None,
        envelope.priority,
        MessageType.ONEWAY if envelope.flags & ONEWAY else MessageType.SYNCHRONOUS,
        envelope.timestamp,
        envelope.message_id,
    )
    if envelope.sender is not None:
        message.sender = PagletProxyRef(*envelope.sender)
    if envelope.reply_to is not None:
        message.reply_to = PagletProxyRef(*envelope.reply_to)
    return message


class Handling:
    """Runs the handlers of one host's paglets.

    Attributes:
        output_scope: has output within a handler belong to a notebook cell; None without a notebook.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._events = host.events
        self._record = host.events.record_message
        self.output_scope: OutputScope | None = None

    def handle(self, resident: Resident, message: Message, turn: HandlerTurn) -> Reply:
        """Run the paglet's handler; the reply, which of a durable paglet is stored."""
        if resident.durability == "memory" or not turn.place:
            return self._run(resident, message, turn)
        return self._handle_durable(resident, message, turn)

    def _handle_durable(self, resident: Resident, message: Message, turn: HandlerTurn) -> Reply:
        durability, flight = self._host.durability, self._host.flight
        reading = message.kind in type(resident.paglet).reading_kinds
        each_message = resident.durability == "message" and not reading
        if each_message:
            earlier = durability.earlier_reply(resident, message.message_id)
            if earlier is not None:
                return earlier
        slot = flight.enter(resident.agent_id)
        try:
            reply = self._run(resident, message, turn)
        finally:
            flight.leave(slot)
        if each_message and not resident.paglet._ended:
            try:
                durability.apply(resident, message.message_id, reply)
            except (PagletError, TimeoutError) as error:
                return self.failure(resident.paglet, error)
        return reply

    def _run(self, resident: Resident, message: Message, turn: HandlerTurn) -> Reply:
        current_turn.set(turn)
        began = time.time() if self._events.timed else None
        try:
            if turn.origin and self.output_scope is not None:
                with self.output_scope(turn.origin):
                    result = self._invoke(resident.paglet, message)
            else:
                result = self._invoke(resident.paglet, message)
            payload, buffers = _NOTHING if result is None else payloads.encode(result)
            self._record(resident.paglet.agent_id, message.kind, message.sender, None, began)
            return REPLY, payload, buffers
        except BaseException as error:  # whatever user code raises is the caller's to see
            self._record(resident.paglet.agent_id, message.kind, message.sender, error, began)
            return self.failure(resident.paglet, error)
        finally:
            current_turn.set(None)

    def failure(self, paglet: Paglet[Any], error: BaseException) -> Reply:
        """The reply that tells of an error."""
        if isinstance(error, NotHandledError) and not error.known:
            error.known = paglet.operation_names()
        return ERROR, encode_error(error, f"{self._host.name}, {type(paglet).__name__}"), ()

    def _invoke(self, paglet: Paglet[Any], message: Message) -> Any:
        return self.awaited(paglet.handle_message(message), message.kind)

    @staticmethod
    def awaited(result: Any, what: str) -> Any:
        """What a handler returned; of an ``async def`` one, what it comes to on the loop."""
        if type(result) is CoroutineType or isawaitable(result):
            return loop_thread.call(_finish, result, what=what)
        return result
