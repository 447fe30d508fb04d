"""Requests to many hosts at once, from one thread.

Each request has a pooled socket to itself, on which its host runs the handler at once; one
``poll`` waits for all of them. So a fan-out costs no thread, no queue and no hop more than
the same calls one by one. It must not know what is called, or why.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.failures import decode_error
from paglets_nb.codec.shipping import MissingCodeError, code_store
from paglets_nb.core.messages import Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.turns import current_turn
from paglets_nb.core.values import new_message_number
from paglets_nb.errors import LOST, MAY_BE_DONE, CallTimeoutError, FrameError, PagletError, TransferError
from paglets_nb.host.channel import queued_receipt
from paglets_nb.host.client import MAX_HOPS
from paglets_nb.host.headers import encode_content, header_of, is_usual
from paglets_nb.host.protocol import CodeBundle
from paglets_nb.host.sockets import host_label, refuse_in_loop
from paglets_nb.transport.frames import MOVED, QUEUED, REPLY, REQUEST, Frame, frame_head

if TYPE_CHECKING:
    from paglets_nb.host.client import HostClient
    from paglets_nb.transport.connection import Connection

__all__ = ["ANSWERED", "LOST_REPLY", "UNDELIVERED", "Answer", "MultiCall"]

ANSWERED, LOST_REPLY, UNDELIVERED = "answered", "lost", "undelivered"
"""What became of a request: there is a reply or the handler's error; it was delivered; it was not."""

_AT_ONCE = 128 * 1024
"""Bytes that an idle socket takes without waiting for its other side."""
_STALL = 0.5
_PROMPT = 0.01
"""Seconds within which a socket's time-out is as good as what is left of it, and not set anew."""
_EXPLAINED_WITHIN = 0.1
"""Seconds a supervisor may take to say why a host is gone."""


class Answer(NamedTuple):
    """What became of one request.

    Attributes:
        key: as it was given with the request.
        fate: ANSWERED, LOST_REPLY or UNDELIVERED.
        value: the reply, decoded.
        error: what the handler raised, or why there is no reply.
        seconds: from just before it was sent until now.
    """

    key: Any
    fate: str
    value: Any
    error: BaseException | None
    seconds: float


class _Flight:
    """One request under way."""

    __slots__ = (
        "buffers",
        "connection",
        "content",
        "header",
        "hops",
        "key",
        "number",
        "outgoing",
        "proxy",
        "reply_type",
        "sent_at",
        "shipping",
        "url",
        "what",
    )

    def __init__(
        self, key: Any, url: str, what: str, header: bytes, content: bytes, buffers: Sequence[Any], reply_type: Any
    ) -> None:
        self.key = key
        self.number = new_message_number()
        self.url = url
        self.what = what
        self.header = header
        self.content = content
        self.buffers = buffers
        self.reply_type = reply_type
        self.proxy: PagletProxy | None = None
        self.connection: Connection | None = None
        self.outgoing: deque[memoryview] | None = None
        self.shipping: tuple[bytes, bytes, Sequence[Any]] | None = None
        self.hops = MAX_HOPS
        self.sent_at = time.monotonic()


class MultiCall:
    """Requests under way to any number of hosts; belongs to one thread at a time.

    Calls made here are not ordered with futures that the same client has under way.

    Args:
        client: whose sockets are used.
        patience: seconds without a byte after which a reply that has begun is given up.
    """

    def __init__(self, client: HostClient, *, patience: float = _STALL) -> None:
        self._client = client
        self._sockets = client.sockets
        self._pool = client.sockets.pool
        self._patience = patience
        self._poll = select.poll()
        self._polled: set[int] = set()
        self._flights: dict[int, _Flight] = {}
        self._answers: list[Answer] = []
        self._fallen: list[tuple[_Flight, float]] = []

    def __len__(self) -> int:
        """How many have not been answered yet."""
        return len(self._flights) + len(self._answers) + len(self._fallen)

    # ---- sending

    def call(
        self,
        key: Any,
        proxy: PagletProxy,
        message: Message,
        options: CallOptions,
        content: tuple[bytes, Sequence[Any]] | None = None,
    ) -> None:
        """Send a message to a paglet.

        Args:
            key: stands for it in its answer.
            proxy: the paglet's; follows where it moves.
            message: what is sent.
            options: how; their time-out is the caller's to keep.
            content: what ``encode_content`` made of the message, where it is known already.
        """
        if not self._flights:
            refuse_in_loop(message.kind)
        self._client.sent += 1
        payload, buffers = encode_content(message) if content is None else content
        if is_usual(message, options):
            header = self._client._headers.of(proxy.agent_id, message.kind, current_turn.get())
        else:
            header = header_of(proxy.agent_id, message, options)
        flight = _Flight(key, proxy.host_url, message.kind, header, payload, buffers, options.reply_type)
        flight.proxy = proxy
        self._launch(flight)

    def ask(self, key: Any, url: str, verb: str, request: Any, reply_type: type, *, target: str = "") -> None:
        """Ask a host something; code that it turns out to lack is shipped."""
        refuse_in_loop(verb)
        payload, buffers = payloads.encode(request)
        self._launch(
            _Flight(
                key, url, verb, self._client._headers.of(target, verb, current_turn.get()), payload, buffers, reply_type
            )
        )

    def _launch(self, flight: _Flight) -> None:
        """Put a request on a socket, or say at once that it cannot be delivered."""
        pool, url = self._pool, flight.url
        while True:
            used, connection = False, None
            try:
                connection, used = pool.take(url)
                connection.set_timeout(self._patience)
                number = flight.number
                if flight.buffers or len(flight.content) > _AT_ONCE:
                    head = frame_head(REQUEST, 0, number, flight.header, flight.content, flight.buffers)
                    flight.outgoing = deque(memoryview(part).cast("B") for part in (head, *flight.buffers))
                else:
                    connection.send(REQUEST, 0, number, flight.header, flight.content)
            except OSError as error:
                if connection is not None:
                    connection.close()
                if used:  # the host closed it before this request: nothing was delivered
                    continue
                pool.drop(url)
                self._answer(flight, UNDELIVERED, error=self._sockets.died(url, error, delivered=False))
                return
            except PagletError as error:  # past a bound, or another user's host
                if connection is not None:
                    connection.close()
                self._answer(flight, UNDELIVERED, error=error)
                return
            flight.connection = connection
            self._flights[connection.sock.fileno()] = flight
            return

    def _go_on_sending(self, number: int, flight: _Flight, connection: Connection) -> None:
        """Send as much of a large request as its socket takes without waiting."""
        outgoing = flight.outgoing
        try:
            while outgoing:
                done = connection.sock.send(outgoing[0], socket.MSG_DONTWAIT)
                outgoing[0] = outgoing[0][done:]
                if not outgoing[0]:
                    outgoing.popleft()
        except BlockingIOError:
            return
        except OSError as error:
            self._land(number, flight, connection, keep=False)
            self._answer(flight, UNDELIVERED, error=self._sockets.died(flight.url, error, delivered=False))
            return
        flight.outgoing = None
        self._poll.modify(number, select.POLLIN)

    # ---- receiving

    def receive(self, timeout: float) -> list[Answer]:
        """The answers that are there, waiting up to ``timeout`` seconds for the first."""
        if self._fallen:
            self._explain()
            timeout = min(timeout, 0.005)
        if not self._answers or not timeout:
            self._watch()
            for number, _event in self._poll.poll(0 if self._answers else max(0, round(timeout * 1000 + 0.5))):
                flight = self._flights[number]
                connection = flight.connection
                assert connection is not None
                if flight.outgoing is not None:
                    self._go_on_sending(number, flight, connection)
                else:
                    self._take(number, flight, connection)
        answers, self._answers = self._answers, []
        return answers

    def _watch(self) -> None:
        """Have every socket polled on which something is awaited."""
        for number in self._flights.keys() - self._polled:
            sending = self._flights[number].outgoing is not None
            self._poll.register(number, select.POLLOUT if sending else select.POLLIN)
            self._polled.add(number)

    def gather(self, timeout: float) -> dict[Any, Answer]:
        """Every answer by key that comes within ``timeout`` seconds, where ``patience`` is as long.

        Waits for each in turn, in the call that takes it from its socket: they are all there when the
        slowest is, and nothing need be polled.
        """
        began = time.monotonic()
        found: dict[Any, Answer] = {}
        for number, flight in list(self._flights.items()):
            waited = time.monotonic() - began
            if waited >= timeout or flight.outgoing is not None or flight.connection is None:
                break
            if waited > _PROMPT:
                flight.connection.set_timeout(timeout - waited)
            self._take(number, flight, flight.connection)
        while True:
            left = timeout - (time.monotonic() - began)
            found.update({answer.key: answer for answer in self.receive(max(0.0, left) if len(self) else 0.0)})
            if not len(self) or left <= 0:
                return found

    def _take(self, number: int, flight: _Flight, connection: Connection) -> None:
        try:
            frame = connection.receive()
        except BlockingIOError:
            self._land(number, flight, connection, keep=False)
            what = f"{flight.what!r} on {host_label(flight.url)}"
            late = CallTimeoutError(what, self._patience, hint=MAY_BE_DONE)
            self._answer(flight, LOST_REPLY, error=late)
            return
        except (OSError, FrameError):
            frame = None
        self._land(number, flight, connection, keep=frame is not None)
        if frame is None:
            self._pool.drop(flight.url)
            self._fallen.append((flight, time.monotonic() + _EXPLAINED_WITHIN))
            return
        try:
            self._read(flight, frame)
        except Exception as error:  # a reply that cannot be read is this request's failure, nobody else's
            self._answer(flight, ANSWERED, error=error)

    def _land(self, number: int, flight: _Flight, connection: Connection, *, keep: bool) -> None:
        if number in self._polled:
            self._poll.unregister(number)
            self._polled.discard(number)
        del self._flights[number]
        flight.connection = None
        if keep:
            self._pool.give_back(flight.url, connection)
        else:
            connection.close()

    def _read(self, flight: _Flight, frame: Frame) -> None:
        if frame.type == REPLY:
            if flight.shipping is not None:
                flight.header, flight.content, flight.buffers = flight.shipping
                flight.shipping = None
                self._launch(flight)
                return
            cls = Any if flight.reply_type is None else flight.reply_type
            self._answer(flight, ANSWERED, payloads.decode(frame.payload, frame.buffers, cls))
        elif frame.type == MOVED:
            self._follow(flight, frame.header.decode())
        elif frame.type == QUEUED:
            self._answer(flight, ANSWERED, queued_receipt(frame, flight.reply_type, flight.what))
        else:
            error = decode_error(frame.payload)
            if not (isinstance(error, MissingCodeError) and self._ship(flight, error.digest)):
                self._answer(flight, ANSWERED, error=error)

    def _follow(self, flight: _Flight, url: str) -> None:
        flight.url = url
        flight.hops -= 1
        if flight.proxy is not None:
            flight.proxy.host_url = url
        if flight.hops <= 0:
            self._answer(flight, UNDELIVERED, error=TransferError(f"the paglet of {flight.what!r} kept moving"))
        else:
            self._launch(flight)

    def _ship(self, flight: _Flight, digest: str) -> bool:
        """Send the code that a request's host lacks, then the request again; whether the code is here."""
        bundle = code_store.bundle(digest)
        flight.hops -= 1
        if bundle is None or flight.hops <= 0:
            return False
        flight.shipping = flight.header, flight.content, flight.buffers
        put = CodeBundle(bundle.digest, bundle.name, bundle.pickled, bundle.sources)
        flight.header = self._client._headers.of("", "@code-put", current_turn.get())
        flight.content, flight.buffers = payloads.encode(put)
        self._launch(flight)
        return True

    # ---- what became of them

    def _answer(self, flight: _Flight, fate: str, value: Any = None, error: BaseException | None = None) -> None:
        self._answers.append(Answer(flight.key, fate, value, error, time.monotonic() - flight.sent_at))

    def _explain(self) -> None:
        """Answer for hosts that ended in a call, once it is known why or it has taken too long."""
        fallen, self._fallen = self._fallen, []
        for flight, until in fallen:
            error = self._sockets.died(flight.url, None, delivered=True)
            if error.reason == LOST and self._sockets.explain is not None and time.monotonic() < until:
                self._fallen.append((flight, until))
            elif flight.shipping is not None:
                self._answer(flight, UNDELIVERED, error=self._sockets.died(flight.url, None, delivered=False))
            else:
                self._answer(flight, LOST_REPLY, error=error)

    def forget(self, key: Any) -> None:
        """Wait no longer for the answers of a key; the request may still have its effect."""
        for number, flight in list(self._flights.items()):
            if flight.key is key and flight.connection is not None:
                self._land(number, flight, flight.connection, keep=False)
        self._fallen = [(flight, until) for flight, until in self._fallen if flight.key is not key]
        self._answers = [answer for answer in self._answers if answer.key is not key]

    def close(self) -> None:
        """Wait for nothing any more."""
        for number, flight in list(self._flights.items()):
            if flight.connection is not None:
                self._land(number, flight, flight.connection, keep=False)
        self._answers, self._fallen = [], []
