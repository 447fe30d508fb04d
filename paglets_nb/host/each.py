"""One operation of several paglets at once, with as little around it as there can be.

Every request has a pooled socket to itself: all are sent, then each reply is taken in
turn, and they are all there when the slowest is. What does not go as usual (a paglet that
has moved, a host that lacks code) is left to ``MultiCall``. It must not know what is called.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.failures import decode_error
from paglets_nb.core.messages import Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.turns import current_turn
from paglets_nb.core.values import new_message_number
from paglets_nb.errors import MAY_BE_DONE, CallTimeoutError, FrameError, PagletError
from paglets_nb.host.channel import queued_receipt
from paglets_nb.host.multicall import MultiCall
from paglets_nb.host.sockets import host_label, refuse_in_loop
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import MOVED, QUEUED, REPLY, REQUEST, Frame

if TYPE_CHECKING:
    from paglets_nb.host.client import HostClient

__all__ = ["call_each"]

_Sent = tuple[int, str, Connection]
"""A request under way: its number, its host's address and its socket."""
_SHORT = 64 * 1024
"""Bytes that an idle socket takes without waiting for its other side."""
_PROMPT = 0.01
"""Seconds within which a socket's time-out is as good as what is left of it, and not set anew."""


def call_each(
    client: HostClient, proxies: Sequence[PagletProxy], kind: str, request: Any, reply_type: type, timeout: float
) -> list[Any]:
    """Call an operation of each paglet with the same request.

    Args:
        client: whose sockets are used.
        proxies: the paglets'; each follows where it moves. One named more than once is called
            that often, in no order.
        kind: the operation's name.
        request: a dataclass.
        reply_type: the dataclass of the replies.
        timeout: seconds for all of them.

    Returns:
        For each paglet its typed reply, or, not raised, the error that stands in its place.

    Raises:
        SerializationError: the request cannot travel.
    """
    refuse_in_loop(kind)
    began = time.monotonic()
    content, buffers = payloads.encode(request)
    replies: list[Any] = [None] * len(proxies)
    sent: list[_Sent] = []
    left = list(range(len(proxies)))
    if not buffers and len(content) <= _SHORT:
        sent, left = _send(client, proxies, kind, content, timeout)
    try:
        while sent:
            number, url, connection = sent[0]
            waited = time.monotonic() - began
            if waited > _PROMPT:
                connection.set_timeout(max(timeout - waited, 0.001))
            try:
                frame = connection.receive()
            except BlockingIOError:
                late = CallTimeoutError(f"{kind!r} on {host_label(url)}", timeout, hint=MAY_BE_DONE)
                frame, replies[number] = None, late
            except (OSError, FrameError):
                frame = None
            sent.pop(0)
            if frame is None:
                connection.close()
                replies[number] = replies[number] or client.sockets.gone(url)
                continue
            client.sockets.pool.give_back(url, connection)
            if frame.type == MOVED:
                proxies[number].host_url = frame.header.decode()
                left.append(number)
            else:
                replies[number] = _reply(frame, reply_type, kind)
    finally:
        for _number, _url, connection in sent:  # interrupted: what they would bring is nobody's
            connection.close()
    if left:
        rest = timeout - (time.monotonic() - began)
        _call_others(client, proxies, sorted(left), Message(kind, request), reply_type, rest, replies)
    return replies


def _reply(frame: Frame, reply_type: type, kind: str) -> Any:
    """The reply of a frame, or the error it tells of."""
    try:
        if frame.type == REPLY:
            return payloads.decode(frame.payload, frame.buffers, reply_type)
        if frame.type == QUEUED:
            return queued_receipt(frame, reply_type, kind)
        return decode_error(frame.payload)
    except PagletError as error:
        return error


def _send(
    client: HostClient, proxies: Sequence[PagletProxy], kind: str, content: bytes, timeout: float
) -> tuple[list[_Sent], list[int]]:
    """Send to each; what is under way, and the numbers of those to whom nothing could be sent."""
    sent: list[_Sent] = []
    left: list[int] = []
    take, header_of, turn = client.sockets.pool.take, client._headers.of, current_turn.get()
    client.sent += len(proxies)
    for number, proxy in enumerate(proxies):
        url = proxy.host_url
        try:
            connection = take(url)[0]
        except (OSError, PagletError):
            left.append(number)
            continue
        try:
            if connection.timeout != timeout:
                connection.set_timeout(timeout)
            connection.send(REQUEST, 0, new_message_number(), header_of(proxy.agent_id, kind, turn), content)
        except OSError:  # nothing was delivered
            connection.close()
            left.append(number)
        except BaseException:
            for _number, _url, other in (*sent, (number, url, connection)):
                other.close()
            raise
        else:
            sent.append((number, url, connection))
    return sent, left


def _call_others(
    client: HostClient,
    proxies: Sequence[PagletProxy],
    numbers: Sequence[int],
    message: Message,
    reply_type: type,
    timeout: float,
    replies: list[Any],
) -> None:
    """Call those whose request was not sent, or found them gone."""
    calls = MultiCall(client, patience=max(timeout, 0.001))
    options = CallOptions(timeout, reply_type)
    try:
        for number in numbers:
            calls.call(number, proxies[number], Message(message.kind, message.body), options)
        answers = calls.gather(max(timeout, 0.0))
    finally:
        calls.close()
    for number in numbers:
        answer = answers.get(number)
        if answer is None:
            replies[number] = CallTimeoutError(message.kind, timeout, hint=MAY_BE_DONE)
        else:
            replies[number] = answer.value if answer.error is None else answer.error
