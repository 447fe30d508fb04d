"""Requests as they arrive: to a paglet's handler, or to the host's own verbs.

This is the host's side of the path of a typed call. A request that finds its paglet
idle runs in the thread of its connection; everything else is queued.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.envelope import (
    NO_DELAY,
    ONEWAY,
    STAY_INACTIVE,
    TYPED,
    Envelope,
    decode_envelope,
    encode_envelope,
)
from paglets_nb.codec.failures import encode_error
from paglets_nb.codec.payload import SHORT, WireBody
from paglets_nb.core.messages import Message
from paglets_nb.core.turns import request_origin
from paglets_nb.errors import FrameError, InvalidAgentError, LifecycleError, NotHandledError, PagletError
from paglets_nb.host.delivery import Delivery, Followers, stored_delivery
from paglets_nb.host.direct import DirectCalls
from paglets_nb.host.handling import incoming, number_message
from paglets_nb.host.protocol import is_verb
from paglets_nb.host.records import StoredMessage
from paglets_nb.host.residents import Resident
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import ERROR, MOVED, PIPELINED, QUEUED, REPLY, RESUMES, Frame

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["RequestHandler", "Verb"]

Verb = tuple[type, Callable[[str, Any], Any]]
"""A verb's request type and its function of (target, request)."""
_EMPTY = payloads.encode(None)[0]


def speaker_of(envelope: Envelope) -> str:
    """The id of the paglet that sent a request; empty for one from outside."""
    return "" if envelope.sender is None else envelope.sender[1]


class RequestHandler:
    """Answers the frames of one host.

    Args:
        host: the host.
        verbs: what the host itself is asked, by kind.
    """

    def __init__(self, host: Host, verbs: dict[str, Verb]) -> None:
        self._host = host
        self._host_name = host.name
        self._residents = host.residents
        self._handling = host.handling
        self._workers = host.workers
        self._verbs = verbs
        self.followers = Followers(host)
        self.direct = DirectCalls(host, self.on_frame, self._answer_verb, self.answer)

    def on_frame(self, connection: Connection, frame: Frame) -> None:
        """Answer a request that is not as ``direct`` knows them."""
        try:
            envelope = decode_envelope(frame.header)
        except FrameError as error:
            self.answer(connection, frame.request_id, ERROR, encode_error(error, self._host_name))
            raise
        kind = envelope.kind
        if is_verb(kind):
            self.direct.learn_verb(frame.header, envelope)
            if frame.flags & PIPELINED:
                self._queue_verb(connection, frame, envelope)
            else:
                self._answer_verb(connection, frame, envelope)
            return
        self.direct.learn(frame.header, envelope)
        number_message(envelope, frame.request_id)
        if frame.flags & PIPELINED:
            connection.pipelined = True
            if connection.diverted and self._is_diverted(connection, frame, envelope):
                return
        resident = self._residents.find(envelope.target) or self._residents.lookup(envelope.target)
        try:
            if resident is None:
                resident = self._wake(connection, frame, envelope)
                if resident is None:
                    return
            message = incoming(envelope, WireBody(frame.payload, frame.buffers, bool(envelope.flags & TYPED)))
        except (PagletError, ValueError) as error:
            self.answer(connection, frame.request_id, ERROR, encode_error(error, self._host_name))
            return
        if envelope.flags & ONEWAY or frame.flags & PIPELINED:
            self._queue(resident, message, envelope, connection, frame)
        elif not message.priority or kind in resident.interleaved:
            turn = resident.turn(envelope.origin, 0)
            self.answer(connection, frame.request_id, *self._handling.handle(resident, message, turn))
        elif place := resident.mailbox.try_take():
            turn = resident.turn(envelope.origin, place, message.priority)
            try:
                reply = self._handling.handle(resident, message, turn)
            finally:
                turn.finish()
            self.answer(connection, frame.request_id, *reply)
        else:
            self._queue(resident, message, envelope, connection, frame)

    def _is_diverted(self, connection: Connection, frame: Frame, envelope: Envelope) -> bool:
        """Turn a request away whose sender does not know yet that one before it was; True where that is done.

        Its paglet may be back by now: handled at once, it would overtake the other.
        """
        target, speaker = envelope.target, speaker_of(envelope)
        if (speaker, target) not in connection.diverted or not envelope.priority:
            return False
        if frame.flags & RESUMES:
            connection.diverted.discard((speaker, target))
            return False
        self.answer_absent(connection, frame.request_id, target, speaker)
        return True

    # ---- what has to wait

    def _queue(
        self, resident: Resident, message: Message, envelope: Envelope, connection: Connection, frame: Frame
    ) -> None:
        oneway = bool(envelope.flags & ONEWAY)
        bypasses = not message.priority or message.kind in resident.interleaved
        stored = oneway and resident.durability == "message" and not bypasses
        answered = None if oneway else connection
        delivery = Delivery(self._host, resident, message, envelope.origin, answered, frame.request_id, stored)
        try:
            if stored:
                self._store(envelope, frame, resident.agent_id)
            if bypasses:
                self._workers.submit(delivery.run, 0)
            else:
                resident.mailbox.post(delivery, message.priority)
        except LifecycleError as error:
            if resident is self._residents.lookup(resident.agent_id):
                self.answer(connection, frame.request_id, ERROR, encode_error(error, self._host_name))
            else:
                self.answer_absent(connection, frame.request_id, envelope.target, speaker_of(envelope))
            return
        except PagletError as error:
            self.answer(connection, frame.request_id, ERROR, encode_error(error, self._host_name))
            return
        if oneway:
            self.answer(connection, frame.request_id, REPLY, _EMPTY)

    def _store(self, envelope: Envelope, frame: Frame, agent_id: str) -> None:
        self._host.durability.queue(self._stored_message(envelope, frame, agent_id))

    @staticmethod
    def _stored_message(envelope: Envelope, frame: Frame, agent_id: str) -> StoredMessage:
        buffers = tuple(bytes(buffer) for buffer in frame.buffers)
        return StoredMessage(agent_id, envelope.message_id, encode_envelope(envelope), frame.payload, buffers)

    def post_stored(self, resident: Resident, message: StoredMessage) -> None:
        """Queue a message from the store for a paglet that wakes."""
        delivery = stored_delivery(self._host, resident, message)
        resident.mailbox.post(delivery, delivery.message.priority)

    # ---- paglets that are not in the table

    def _wake(self, connection: Connection, frame: Frame, envelope: Envelope) -> Resident | None:
        """The paglet, woken for a message; None where the request has been answered otherwise."""
        sleep = self._host.sleep
        stored = sleep.lookup(envelope.target)
        if stored is None:
            self.answer_absent(connection, frame.request_id, envelope.target, speaker_of(envelope))
            return None
        no_delay, stay = bool(envelope.flags & NO_DELAY), bool(envelope.flags & STAY_INACTIVE)
        if not sleep.refuse_or_queue(stored, no_delay=no_delay, stay_inactive=stay):
            try:
                return sleep.wake(stored)[0]
            except InvalidAgentError:  # another message woke it, and it sleeps again or has left
                self.answer_absent(connection, frame.request_id, envelope.target, speaker_of(envelope))
                return None
        if not sleep.keep_message(stored, self._stored_message(envelope, frame, stored.agent_id)):
            self.answer_absent(connection, frame.request_id, envelope.target, speaker_of(envelope))
            return None
        answer = payloads.encode({"queued": True, "message_id": envelope.message_id})[0]
        self.answer(connection, frame.request_id, QUEUED, answer)
        return None

    def answer_absent(self, connection: Connection | None, request_id: int, target: str, speaker: str = "") -> None:
        """Answer a request for a paglet that is not here: where it went, or that there is none.

        On a pipelined connection the speaker's requests to it that are behind this one will be turned away too.
        """
        if connection is None:
            return
        forward = self._residents.forward_of(target)
        if self._residents.lookup(target) is not None or self._host.sleep.lookup(target) is not None:
            forward = self._host.address  # it sleeps by now, or is back: asked again, it answers
        if forward:
            if connection.pipelined:
                connection.diverted.add((speaker, target))
            with suppress(OSError):
                connection.send(MOVED, 0, request_id, forward.encode(), b"")
            return
        self.answer(connection, request_id, ERROR, encode_error(InvalidAgentError(target, self._host_name), ""))

    # ---- verbs

    def _queue_verb(self, connection: Connection, frame: Frame, envelope: Envelope) -> None:
        try:
            self._workers.submit(self._answer_verb, connection, frame, envelope)
        except LifecycleError as error:
            self.answer(connection, frame.request_id, ERROR, encode_error(error, self._host_name))

    def _answer_verb(self, connection: Connection, frame: Frame, envelope: Envelope) -> None:
        target = envelope.target
        resident = (self._residents.find(target) or self._residents.lookup(target)) if target else None
        if target and resident is None and self._host.sleep.lookup(target) is None:
            self.answer_absent(connection, frame.request_id, target)
            return
        token = request_origin.set(envelope.origin) if envelope.origin else None
        try:
            if envelope.kind not in self._verbs:
                raise NotHandledError(envelope.kind, f"host {self._host_name}", self._verbs)
            request_type, function = self._verbs[envelope.kind]
            request = payloads.decode(frame.payload, frame.buffers, request_type)
            payload, buffers = payloads.encode(function(target, request))
        except BaseException as error:  # the asker must hear of anything that went wrong
            if isinstance(error, InvalidAgentError | LifecycleError) and target and self._has_left(target, resident):
                self.answer_absent(connection, frame.request_id, target)
                return
            self.answer(connection, frame.request_id, ERROR, encode_error(error, self._host_name))
        else:
            if buffers or frame.flags or len(payload) > SHORT:  # pipelined ones are answered by several threads
                self.answer(connection, frame.request_id, REPLY, payload, buffers)
            else:
                connection.reply(REPLY, frame.request_id, payload)
        finally:
            if token is not None:
                request_origin.reset(token)

    def _has_left(self, target: str, resident: Resident | None) -> bool:
        """Whether a paglet left while a request for it waited; it may have come back since, as another resident."""
        now = self._residents.lookup(target)
        return now is None or (resident is not None and now is not resident)

    def answer(
        self, connection: Connection, request_id: int, kind: int, payload: bytes, buffers: Sequence[Any] = ()
    ) -> None:
        """Send an answer; one past the bounds becomes an error, one that nobody takes closes the connection."""
        try:
            connection.send(kind, 0, request_id, b"", payload, buffers)
        except FrameError as error:
            with suppress(OSError):
                connection.send(ERROR, 0, request_id, b"", encode_error(error, self._host_name))
        except OSError:
            connection.close()
