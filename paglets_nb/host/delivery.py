"""Deliveries: messages that wait in a mailbox, and what becomes of them when the paglet goes."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from paglets_nb.codec.envelope import TYPED, decode_envelope
from paglets_nb.codec.payload import WireBody
from paglets_nb.core.messages import Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import HostDiedError, PagletError
from paglets_nb.host.handling import incoming
from paglets_nb.host.records import StoredMessage
from paglets_nb.host.residents import Resident
from paglets_nb.transport.connection import Connection

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["Delivery", "Followers", "forward_stored", "stored_delivery"]


class Delivery:
    """A queued message and where its reply goes; a ``Job`` of the mailbox.

    Args:
        connection: takes the reply; None for a message whose sender has been answered.
        stored: the message is in the store until it has been handled.
    """

    __slots__ = ("connection", "host", "message", "origin", "request_id", "resident", "stored")

    def __init__(
        self,
        host: Host,
        resident: Resident,
        message: Message,
        origin: str,
        connection: Connection | None,
        request_id: int,
        stored: bool = False,
    ) -> None:
        self.host = host
        self.resident = resident
        self.message = message
        self.origin = origin
        self.connection = connection
        self.request_id = request_id
        self.stored = stored

    def run(self, place: int) -> None:
        """Handle the message with the turn held; the drain that calls this gives the turn on."""
        turn = self.resident.turn(self.origin, place, self.message.priority)
        kind, payload, buffers = self.host.handling.handle(self.resident, self.message, turn)
        if self.connection is not None:
            self.host.requests.answer(self.connection, self.request_id, kind, payload, buffers)
        if self.stored:
            with suppress(PagletError):
                self.host.durability.records.unqueue(self.resident.agent_id, self.message.message_id)

    def refuse(self) -> None:
        """The paglet has left, sleeps or ended: say so, or take the message after it."""
        if self.connection is not None:
            sender = self.message.sender
            speaker = "" if sender is None else sender.agent_id
            if self.resident.name and self.connection.pipelined:
                self.connection.diverted.add((speaker, self.resident.name))
            self.host.requests.answer_absent(self.connection, self.request_id, self.resident.agent_id, speaker)
        elif not self.stored or self._is_left_to_follow():
            self.host.requests.followers.add(self)

    def _is_left_to_follow(self) -> bool:
        """A stored message of a paglet that left and is not durable by itself: nobody else sends it after it."""
        resident = self.resident
        return resident.durability != "message" and bool(self.host.residents.forward_of(resident.agent_id))

    def send_on(self) -> None:
        """A message that was acknowledged follows the paglet."""
        agent_id = self.resident.agent_id
        url = self.host.residents.forward_of(agent_id) or self.host.address
        try:
            proxy = PagletProxy(url, agent_id, self.host.client)
            self.host.client.call(proxy, self.message, CallOptions(oneway=True))
            if self.stored:
                self.host.durability.records.unqueue(agent_id, self.message.message_id)
        except Exception as error:  # nobody waits for it: the log is where it shows
            self.host.events.record("failure", agent_id, step="forward", message=self.message.kind, error=str(error))


class Followers:
    """Acknowledged messages on their way after paglets that left, those to one paglet in their order."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Delivery]] = {}

    def add(self, delivery: Delivery) -> None:
        """Send a delivery after its paglet when those before it are sent."""
        agent_id = delivery.resident.agent_id
        with self._lock:
            if agent_id in self._waiting:
                self._waiting[agent_id].append(delivery)
                return
            self._waiting[agent_id] = deque([delivery])
        try:
            self._host.workers.submit(self._drain, agent_id)
        except PagletError:
            with self._lock:
                del self._waiting[agent_id]

    def _drain(self, agent_id: str) -> None:
        while True:
            with self._lock:
                if not self._waiting[agent_id]:
                    del self._waiting[agent_id]
                    return
                delivery = self._waiting[agent_id].popleft()
            delivery.send_on()


def stored_delivery(host: Host, resident: Resident, stored: StoredMessage) -> Delivery:
    """The delivery of a message from the store."""
    envelope = decode_envelope(stored.header)
    body = WireBody(stored.payload, stored.buffers, bool(envelope.flags & TYPED))
    return Delivery(host, resident, incoming(envelope, body), envelope.origin, None, 0, stored=True)


def forward_stored(host: Host, agent_id: str, url: str) -> bool:
    """Send the stored messages of a paglet that has left after it; each stays stored until it has arrived.

    Returns:
        False where some are left because the host they go to is out of reach.
    """
    for stored in host.durability.records.queued(agent_id):
        envelope = decode_envelope(stored.header)
        body = WireBody(stored.payload, stored.buffers, bool(envelope.flags & TYPED))
        try:
            proxy = PagletProxy(url, agent_id, host.client)
            host.client.call(proxy, incoming(envelope, body), CallOptions(oneway=True))
        except (HostDiedError, TimeoutError):
            return False
        except Exception as error:  # nobody waits for it: the log is where it shows
            host.events.record("failure", agent_id, step="forward", message=envelope.kind, error=str(error))
        host.durability.records.unqueue(agent_id, stored.message_id)
    return True
