"""The client: carries what proxies say to the hosts where their paglets live.

A synchronous call blocks on a pooled socket of its own; futures go through one
pipelined channel per host. Follows moved paglets and ships code that a host lacks.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any, TypeVar

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.failures import decode_error
from paglets_nb.codec.shipping import Bundle, MissingCodeError, code_store
from paglets_nb.core.messages import FutureReply, Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.turns import current_turn
from paglets_nb.core.values import DEFAULT_TIMEOUT, new_message_number
from paglets_nb.errors import (
    CallTimeoutError,
    HostDiedError,
    InvalidAgentError,
    LifecycleError,
    PagletError,
    TransferError,
)
from paglets_nb.host.channel import Channel, Pending, in_reader, queued_receipt
from paglets_nb.host.controls import control_answer, control_request
from paglets_nb.host.headers import TypedHeaders, encode_content, header_of, pair_of
from paglets_nb.host.lanes import Lanes
from paglets_nb.host.protocol import (
    Born,
    CodeBundle,
    CodeRequest,
    CreateRequest,
    FindRequest,
    Found,
    Nothing,
    is_verb,
)
from paglets_nb.host.sockets import Sockets, host_label, refuse_in_loop
from paglets_nb.host.unanswered import explained
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import MOVED, PIPELINED, QUEUED, REPLY, RESUMES

__all__ = ["HostClient"]

T = TypeVar("T")
MAX_HOPS = 32
_LOCATE = 2.0


_clients: weakref.WeakSet[HostClient] = weakref.WeakSet()
_TURN_VERBS = frozenset(("@clone", "@deactivate", "@dispatch", "@dispose"))
"""Verbs that wait for the paglet's turn."""


class HostClient:
    """Carries requests to hosts; safe to use from any thread.

    Args:
        timeout: default seconds for a reply.
        resolve: turns a host's name into its address; None where only addresses are known.
        explain: says why a host is gone, given its address; empty when unknown.
        outlook: says what comes of that, in the same way.
        members: lists the addresses of hosts that may know where a lost paglet is.
        fate: says what became of a paglet that is nowhere, given its id; empty when unknown.

    Attributes:
        sent: messages sent so far.
    """

    def __init__(
        self,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        resolve: Any = None,
        explain: Any = None,
        outlook: Any = None,
        members: Any = None,
        fate: Any = None,
    ) -> None:
        self.timeout = timeout
        self.resolve = resolve
        self.members = members
        self._fate = fate
        self.sockets = Sockets(explain, outlook)
        self._headers = TypedHeaders()
        self._lock = threading.Lock()
        self._channels: dict[str, Channel] = {}
        self._lanes = Lanes(self._send_pending)
        self._closed = False
        self.sent = 0
        _clients.add(self)

    # ---- the client port of the core room

    def call(self, proxy: PagletProxy, message: Message, options: CallOptions) -> Any:
        """Send and block for the reply."""
        turn = current_turn.get()
        if turn is not None and turn.paglet.agent_id == proxy.agent_id and not options.oneway:
            self._refuse_own_turn(turn, message)
        self.sent += 1
        if self._channels and self._lanes.busy(pair_of(turn, proxy.agent_id)):
            refuse_in_loop(message.kind)
            return self.submit(proxy, message, options).get_reply(options.timeout)
        timeout = self.timeout if options.timeout is None else options.timeout
        content, buffers = encode_content(message)
        header = header_of(proxy.agent_id, message, options)
        return self._deliver(proxy, message.kind, header, content, buffers, timeout, options.reply_type)

    def call_typed(self, proxy: PagletProxy, kind: str, request: Any, reply_type: Any, timeout: float | None) -> Any:
        """Call an operation, or a verb about a paglet, with the usual options.

        As a rule the request is small, a socket idle and the reply small: that takes few steps,
        for each function more on this path costs a hundredth of a call.
        """
        turn = current_turn.get()
        url, agent_id = proxy.host_url, proxy.agent_id
        if (turn is not None and turn.paglet.agent_id == agent_id) or (
            self._channels and self._lanes.busy(pair_of(turn, agent_id))
        ):
            message = Message(kind, request, priority=0 if is_verb(kind) else 5)
            return self.call(proxy, message, CallOptions(timeout, reply_type))
        self.sent += 1
        limit = self.timeout if timeout is None else timeout
        header = self._headers.of(agent_id, kind, turn)
        if type(request) not in payloads.plain_types:
            content, buffers = payloads.encode(request)
            return self._deliver(proxy, kind, header, content, buffers, limit, reply_type)
        try:
            content = payloads.encode_plain(request)
        except payloads.CODING_ERRORS:
            content, _none = payloads.encode(request)  # says what cannot travel
        answer = self.sockets.ask(url, header, content, limit, kind)
        if not isinstance(answer, bytes):
            return self._deliver(proxy, kind, header, content, (), limit, reply_type, answer)
        try:
            if len(answer) <= payloads.SHORT:
                return payloads.decoder(reply_type)(answer)
        except payloads.CODING_ERRORS:
            pass  # what follows says which field it is
        return payloads.decode(answer, (), reply_type)

    def _deliver(
        self,
        proxy: PagletProxy,
        kind: str,
        header: bytes,
        content: bytes,
        buffers: Sequence[Any],
        timeout: float,
        reply_type: Any,
        asked: Connection | None = None,
    ) -> Any:
        """Send a request to its paglet, wherever it went, and take the reply.

        Where it was sent already, ``asked`` is the connection on which its host answers.
        """
        number, sockets = new_message_number(), self.sockets
        for _hop in range(MAX_HOPS):
            url = proxy.host_url
            try:
                if asked is not None:
                    connection, asked = asked, None
                    frame = sockets.answer(url, connection, timeout, kind)
                else:
                    frame = sockets.exchange(url, number, header, content, buffers, timeout, kind)
            except HostDiedError as error:
                if error.delivered or not self._locate(proxy):
                    raise
                continue
            if frame.type == REPLY:
                return payloads.decode(frame.payload, frame.buffers, Any if reply_type is None else reply_type)
            if frame.type == MOVED:
                proxy.host_url = frame.header.decode()
                continue
            if frame.type == QUEUED:
                return queued_receipt(frame, reply_type, proxy.name or proxy.agent_id)
            failure = decode_error(frame.payload)
            if not (isinstance(failure, InvalidAgentError) and self._locate(proxy)):
                raise self._missing(failure, proxy)
        raise TransferError(f"paglet {proxy.agent_id} moved {MAX_HOPS} times while {kind!r} followed it")

    def _locate(self, proxy: PagletProxy) -> bool:
        """Ask the mesh for a paglet that is not where it was; whether it was found elsewhere."""
        for url in self.members() if self.members is not None else ():
            if url == proxy.host_url:
                continue
            try:
                found = self.ask(url, "@find", FindRequest(proxy.agent_id), Found, timeout=_LOCATE)
            except (HostDiedError, TimeoutError):
                continue
            if found.agent_id:
                proxy.host_url = found.host_url
                return True
        return False

    def _missing(self, failure: BaseException, proxy: PagletProxy) -> BaseException:
        """A host's refusal; one for want of the paglet says its name, and what became of it where that is known."""
        theirs = getattr(failure, "remote_traceback", "")
        if theirs or not isinstance(failure, InvalidAgentError) or failure.agent_id != proxy.agent_id:
            return failure
        fate = "" if self._fate is None else str(self._fate(proxy.agent_id))
        return InvalidAgentError(proxy.agent_id, host_label(proxy.host_url), name=proxy.name, fate=fate)

    def _refuse_own_turn(self, turn: Any, message: Message) -> None:
        kind = message.kind
        if turn.held and (message.priority or kind in _TURN_VERBS) and kind not in type(turn.paglet).interleaved_kinds:
            raise LifecycleError(
                f"{type(turn.paglet).__name__} would wait for itself: it sends {kind!r} to itself "
                "from its own handler; call the method, or send it one-way"
            )

    def submit(self, proxy: PagletProxy, message: Message, options: CallOptions) -> FutureReply:
        """Send and return at once."""
        self.sent += 1
        timeout = self.timeout if options.timeout is None else options.timeout
        content, buffers = encode_content(message)
        header = header_of(proxy.agent_id, message, options)
        future = FutureReply(message.kind, timeout)
        pending = Pending(future, proxy, header, content, buffers, options.reply_type, MAX_HOPS)
        pending.pair = pair_of(current_turn.get(), proxy.agent_id)
        if message.priority:
            self._lanes.submit(pending, may_wait=not in_reader())
        else:
            self._send_pending(pending, proxy.host_url, False)
        return future

    def control(self, proxy: PagletProxy, verb: str, arguments: dict[str, Any], timeout: float | None) -> Any:
        """A lifecycle or information request about the proxy's paglet."""
        request, reply_type, limit = control_request(self, verb, arguments, timeout)
        try:
            return control_answer(proxy, verb, self.call_typed(proxy, f"@{verb}", request, reply_type, limit))
        except CallTimeoutError as error:
            raise explained(error, f"@{verb}", host_label(proxy.host_url)) from error

    async def control_async(
        self, proxy: PagletProxy, verb: str, arguments: dict[str, Any], timeout: float | None
    ) -> Any:
        """The same, awaited."""
        request, reply_type, limit = control_request(self, verb, arguments, timeout)
        message, options = Message(f"@{verb}", request, priority=0), CallOptions(limit, reply_type)
        try:
            return control_answer(proxy, verb, await self.submit(proxy, message, options))
        except CallTimeoutError as error:
            raise explained(error, f"@{verb}", host_label(proxy.host_url)) from error

    # ---- requests to the host itself

    def host_url(self, name_or_url: str) -> str:
        """The address of a host given by name or by address."""
        if "://" in name_or_url or self.resolve is None:
            return name_or_url
        return str(self.resolve(name_or_url))

    def ask(
        self, url: str, verb: str, request: Any, reply_type: type[T], *, timeout: float | None = None, target: str = ""
    ) -> T:
        """Ask a host something; ships the code it turns out to lack."""
        limit = self.timeout if timeout is None else timeout
        content, buffers = payloads.encode(request)
        header = self._headers.of(target, verb, current_turn.get())
        answer = None if buffers else self.sockets.ask(url, header, content, limit, verb)
        if isinstance(answer, bytes):
            decoded: T = payloads.decode(answer, (), reply_type)
            return decoded
        for _attempt in range(MAX_HOPS):
            if answer is not None:
                frame, answer = self.sockets.answer(url, answer, limit, verb), None
            else:
                frame = self.sockets.exchange(url, new_message_number(), header, content, buffers, limit, verb)
            if frame.type == REPLY:
                reply: T = payloads.decode(frame.payload, frame.buffers, reply_type)
                return reply
            if frame.type == MOVED:
                url = frame.header.decode()
                continue
            error = decode_error(frame.payload)
            bundle = code_store.bundle(error.digest) if isinstance(error, MissingCodeError) else None
            if bundle is None:
                raise error
            self._ship(url, bundle, limit)
        raise TransferError(f"{verb}: {host_label(url)} keeps asking for code")

    def _ship(self, url: str, bundle: Bundle, timeout: float) -> None:
        code = CodeBundle(bundle.digest, bundle.name, bundle.pickled, bundle.sources)
        self.ask(url, "@code-put", code, Nothing, timeout=timeout)

    def create(self, url: str, request: CreateRequest, *, timeout: float | None = None) -> PagletProxy:
        """Create a paglet on the host at ``url``."""
        born = self.ask(url, "@create", request, Born, timeout=timeout)
        return PagletProxy(born.host_url, born.agent_id, self, name=born.name, class_name=born.class_name)

    def fetch_class(self, url: str, name: str, *, timeout: float | None = None) -> Any:
        """A class by wire name; its code is fetched from the host at ``url`` where it is not here."""
        for _attempt in range(2):
            try:
                return code_store.resolve(name)
            except MissingCodeError as error:
                got = self.ask(url, "@code", CodeRequest(error.digest), CodeBundle, timeout=timeout)
                code_store.add(Bundle(got.digest, got.name, got.pickled, got.sources))
        return code_store.resolve(name)

    # ---- futures

    def _send_pending(self, pending: Pending, url: str, first: bool) -> None:
        flags = PIPELINED | RESUMES if first else PIPELINED
        try:
            try:
                self._channel(url).send(pending, flags)
            except OSError:  # its host closed it before it had the request, and has perhaps come back
                self._channel(url).send(pending, flags)
        except OSError as error:
            pending.settle(error=self.sockets.gone(url, error, delivered=False))
        except PagletError as error:
            pending.settle(error=error)
            raise

    def _channel(self, url: str) -> Channel:
        channel = self._channels.get(url)
        if channel is not None and not channel.closed:
            return channel
        with self._lock:
            channel = self._channels.get(url)
            if self._closed:
                raise ConnectionResetError("the client is closed")
            if channel is None or channel.closed:
                channel = self._channels[url] = Channel(url, self._follow, self.sockets.gone, self._missing)
            return channel

    def _follow(self, pending: Pending, url: str) -> None:
        """A pipelined request found its paglet gone to ``url``."""
        pending.proxy.host_url = url
        pending.hops -= 1
        if pending.hops <= 0:
            pending.settle(error=TransferError(f"paglet {pending.proxy.agent_id} kept moving"))
        elif pending.lane is not None:
            pending.lane.moved(pending, url)
        else:
            self._send_pending(pending, url, False)

    @property
    def closed(self) -> bool:
        """Whether it was closed, as a mesh does with its own when it stops."""
        return self._closed

    def close(self) -> None:
        """Close every socket; calls in progress fail."""
        self._closed = True
        self.sockets.pool.close()
        with self._lock:
            channels, self._channels = list(self._channels.values()), {}
        for channel in channels:
            channel.close()

    def statistics(self) -> dict[str, Any]:
        """Idle sockets by address, and requests outstanding on pipelined ones."""
        return {
            "idle": self.sockets.pool.statistics(),
            "pending": {url: channel.pending() for url, channel in list(self._channels.items())},
        }


def _after_fork() -> None:
    """What a client keeps of its process is the parent's."""
    for client in _clients:
        client.sockets.pool.forget()
        client._headers.forget()


os.register_at_fork(after_in_child=_after_fork)
