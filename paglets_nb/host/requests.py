"""Requests as they arrive: to a paglet's handler, or to the host's own verbs.

This is the host's side of the path of a typed call. A request that finds its paglet
idle runs in the thread of its connection; everything else is queued.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from inspect import isawaitable
from types import CoroutineType
from typing import Any

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.envelope import HAS_ARG, ONEWAY, TYPED, Envelope, decode_envelope
from paglets_nb.codec.failures import encode_error
from paglets_nb.codec.payload import WireBody
from paglets_nb.core.messages import Message, MessageType
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.core.turns import current_turn, request_origin
from paglets_nb.errors import FrameError, InvalidAgentError, LifecycleError, NotHandledError, PagletError
from paglets_nb.host.loop import loop_thread
from paglets_nb.host.residents import HandlerTurn, Resident, Residents
from paglets_nb.host.workers import WorkerPool
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import ERROR, MOVED, PIPELINED, REPLY, Frame

__all__ = ["OutputScope", "RequestHandler"]

OutputScope = Callable[[str], AbstractContextManager[Any]]
"""Takes the id of a notebook cell; within it, output belongs to that cell."""
Verb = tuple[type, Callable[[str, Any], Any]]
_EMPTY = payloads.encode(None)[0]
_NOTHING: tuple[bytes, Sequence[Any]] = (_EMPTY, ())


async def _finish(awaitable: Any) -> Any:
    return await awaitable


def incoming(envelope: Envelope, body: WireBody) -> Message:
    """The message of a request."""
    args: Any = body
    arg = None
    if envelope.flags & HAS_ARG:
        content = body.to_value()
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


class _Delivery:
    """A queued message and where its reply goes; a ``Job`` of the mailbox."""

    __slots__ = ("connection", "handler", "message", "origin", "request_id", "resident")

    def __init__(
        self,
        handler: RequestHandler,
        resident: Resident,
        message: Message,
        origin: str,
        connection: Connection | None,
        request_id: int,
    ) -> None:
        self.handler = handler
        self.resident = resident
        self.message = message
        self.origin = origin
        self.connection = connection
        self.request_id = request_id

    def run(self, place: int) -> None:
        """Handle the message with the turn held; the drain that calls this gives the turn on."""
        turn = HandlerTurn(self.resident, self.origin, place, self.message.priority)
        reply = self.handler.handle(self.resident, self.message, turn)
        self._reply(*reply)

    def refuse(self) -> None:
        """The paglet has left: say where to, or that it ended."""
        self.handler.answer_absent(self.connection, self.request_id, self.resident.agent_id)

    def _reply(self, kind: int, payload: bytes, buffers: Sequence[Any]) -> None:
        if self.connection is not None:
            with suppress(OSError):
                self.connection.send(kind, 0, self.request_id, b"", payload, buffers)


class RequestHandler:
    """Answers the frames of one host.

    Args:
        host_name: for errors.
        residents: the paglets.
        workers: run what is queued.
        verbs: the host's own verbs, each with its request type and function of (target, request).
    """

    def __init__(
        self, host_name: str, residents: Residents, workers: WorkerPool, verbs: dict[str, Verb]
    ) -> None:
        self._host_name = host_name
        self._residents = residents
        self._workers = workers
        self._verbs = verbs
        self.output_scope: OutputScope | None = None

    def on_frame(self, connection: Connection, frame: Frame) -> None:
        """Answer one request."""
        try:
            envelope = decode_envelope(frame.header)
        except FrameError as error:
            self._send(connection, frame.request_id, ERROR, encode_error(error, self._host_name))
            raise
        kind = envelope.kind
        if kind[:1] == "@":
            if frame.flags & PIPELINED:
                self._workers.submit(self._answer_verb, connection, frame, envelope)
            else:
                self._answer_verb(connection, frame, envelope)
            return
        resident = self._residents.find(envelope.target) or self._residents.lookup(envelope.target)
        if resident is None:
            self.answer_absent(connection, frame.request_id, envelope.target)
            return
        try:
            message = incoming(envelope, WireBody(frame.payload, frame.buffers, bool(envelope.flags & TYPED)))
        except PagletError as error:
            self._send(connection, frame.request_id, ERROR, encode_error(error, self._host_name))
            return
        if envelope.flags & ONEWAY or frame.flags & PIPELINED:
            self._queue(resident, message, envelope, connection, frame)
        elif not message.priority or kind in resident.interleaved:
            turn = HandlerTurn(resident, envelope.origin, 0)
            self._send(connection, frame.request_id, *self.handle(resident, message, turn))
        elif place := resident.mailbox.try_take():
            turn = HandlerTurn(resident, envelope.origin, place, message.priority)
            try:
                reply = self.handle(resident, message, turn)
            finally:
                turn.finish()
            self._send(connection, frame.request_id, *reply)
        else:
            self._queue(resident, message, envelope, connection, frame)

    def _queue(
        self, resident: Resident, message: Message, envelope: Envelope, connection: Connection, frame: Frame
    ) -> None:
        oneway = bool(envelope.flags & ONEWAY)
        answered = None if oneway else connection
        delivery = _Delivery(self, resident, message, envelope.origin, answered, frame.request_id)
        try:
            if not message.priority or message.kind in resident.interleaved:
                self._workers.submit(delivery.run, 0)
            else:
                resident.mailbox.post(delivery, message.priority)
        except LifecycleError as error:
            if resident is self._residents.lookup(resident.agent_id):
                self._send(connection, frame.request_id, ERROR, encode_error(error, self._host_name))
            else:
                self.answer_absent(connection, frame.request_id, envelope.target)
            return
        if oneway:
            self._send(connection, frame.request_id, REPLY, _EMPTY)

    def handle(self, resident: Resident, message: Message, turn: HandlerTurn) -> tuple[int, bytes, Sequence[Any]]:
        """Run the paglet's handler; the frame type, payload and buffers of the reply."""
        current_turn.set(turn)
        try:
            if turn.origin and self.output_scope is not None:
                with self.output_scope(turn.origin):
                    result = self._invoke(resident.paglet, message)
            else:
                result = self._invoke(resident.paglet, message)
            payload, buffers = _NOTHING if result is None else payloads.encode(result)
            return REPLY, payload, buffers
        except BaseException as error:  # whatever user code raises is the caller's to see
            if isinstance(error, NotHandledError) and not error.known:
                error.known = resident.paglet.operation_names()
            return ERROR, encode_error(error, f"{self._host_name}, {type(resident.paglet).__name__}"), ()
        finally:
            current_turn.set(None)

    def _invoke(self, paglet: Any, message: Message) -> Any:
        result = paglet.handle_message(message)
        if type(result) is CoroutineType or isawaitable(result):
            return loop_thread.call(_finish, result, what=message.kind)
        return result

    def answer_absent(self, connection: Connection | None, request_id: int, target: str) -> None:
        """Answer a request for a paglet that is not here: where it went, or that there is none."""
        if connection is None:
            return
        forward = self._residents.forward_of(target)
        if forward:
            with suppress(OSError):
                connection.send(MOVED, 0, request_id, forward.encode(), b"")
            return
        self._send(connection, request_id, ERROR, encode_error(InvalidAgentError(target, self._host_name), ""))

    def _answer_verb(self, connection: Connection, frame: Frame, envelope: Envelope) -> None:
        if envelope.target and self._residents.lookup(envelope.target) is None:
            self.answer_absent(connection, frame.request_id, envelope.target)
            return
        token = request_origin.set(envelope.origin)
        try:
            if envelope.kind not in self._verbs:
                raise NotHandledError(envelope.kind, f"host {self._host_name}", self._verbs)
            request_type, function = self._verbs[envelope.kind]
            request = payloads.decode(frame.payload, frame.buffers, request_type)
            payload, buffers = payloads.encode(function(envelope.target, request))
        except BaseException as error:  # the asker must hear of anything that went wrong
            self._send(connection, frame.request_id, ERROR, encode_error(error, self._host_name))
        else:
            self._send(connection, frame.request_id, REPLY, payload, buffers)
        finally:
            request_origin.reset(token)

    def _send(
        self, connection: Connection, request_id: int, kind: int, payload: bytes, buffers: Sequence[Any] = ()
    ) -> None:
        try:
            connection.send(kind, 0, request_id, b"", payload, buffers)
        except FrameError as error:
            with suppress(OSError):
                connection.send(ERROR, 0, request_id, b"", encode_error(error, self._host_name))
        except OSError:
            connection.close()
