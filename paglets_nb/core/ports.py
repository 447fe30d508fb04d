"""The ports through which the upper rooms serve the vocabulary of this one.

``Codec`` turns dataclasses into wire form and back (the codec room provides it),
``Body`` is the content of a message that arrived and was not decoded yet, ``Client``
carries what a proxy says to a host (the host room provides it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from paglets_nb.errors import SerializationError

if TYPE_CHECKING:
    from paglets_nb.core.messages import FutureReply, Message
    from paglets_nb.core.proxy import PagletProxy

__all__ = ["Body", "CallOptions", "Client", "Codec", "DirectOperation", "codec", "install_codec"]

T = TypeVar("T")


class Body:
    """Base of the content of a message as it arrived, decoded when somebody looks."""

    __slots__ = ()

    def decode(self, cls: type[T]) -> T:
        """Decode straight into ``cls``; SerializationError names the field that does not fit."""
        raise NotImplementedError

    def to_value(self) -> Any:
        """Decode into plain dicts, lists and scalars."""
        raise NotImplementedError


class Codec(Protocol):
    """Dataclasses to wire form and back."""

    def to_wire(self, value: Any) -> dict[str, Any]:
        """The wire form (a dict of plain values) of a dataclass instance."""
        ...

    def from_wire(self, cls: type[T], payload: Mapping[str, Any]) -> T:
        """An instance of ``cls`` from its wire form."""
        ...

    def schema(self, cls: type) -> dict[str, Any]:
        """The JSON schema of a dataclass."""
        ...


class Client(Protocol):
    """What carries a proxy's requests to the host where its paglet lives."""

    def call(self, proxy: PagletProxy, message: Message, options: CallOptions) -> Any:
        """Send and block for the reply."""
        ...

    def call_typed(self, proxy: PagletProxy, kind: str, request: Any, reply_type: type, timeout: float | None) -> Any:
        """Call an operation with the usual options and block for its typed reply."""
        ...

    def submit(self, proxy: PagletProxy, message: Message, options: CallOptions) -> FutureReply:
        """Send and return at once; the reply comes to the future."""
        ...

    def control(self, proxy: PagletProxy, verb: str, arguments: dict[str, Any], timeout: float | None) -> Any:
        """A lifecycle or information request about the proxy's paglet."""
        ...

    async def control_async(
        self, proxy: PagletProxy, verb: str, arguments: dict[str, Any], timeout: float | None
    ) -> Any:
        """The same, awaited."""
        ...


class CallOptions:
    """How one message is to be delivered.

    Attributes:
        timeout: seconds to wait for the reply; None for the client's default.
        reply_type: decode the reply straight into this dataclass; None for plain values.
        no_delay: raise PagletInactiveError rather than queue for a sleeping paglet.
        activate_if_inactive: wake a sleeping paglet.
        oneway: answer as soon as the message is queued.
    """

    __slots__ = ("activate_if_inactive", "no_delay", "oneway", "reply_type", "timeout")

    def __init__(
        self,
        timeout: float | None = None,
        reply_type: type | None = None,
        no_delay: bool = False,
        activate_if_inactive: bool = True,
        oneway: bool = False,
    ) -> None:
        self.timeout = timeout
        self.reply_type = reply_type
        self.no_delay = no_delay
        self.activate_if_inactive = activate_if_inactive
        self.oneway = oneway


class DirectOperation(NamedTuple):
    """An operation that a host may call without a message around its request.

    Attributes:
        request_type: the dataclass the handler takes.
        reply_type: the dataclass it returns.
        handler: may also return a coroutine of the reply.
        finish: turns whatever else it returned into the wire form of a reply.
    """

    request_type: type
    reply_type: type
    handler: Callable[[Any], Any]
    finish: Callable[[Any], Any]


class _Installed:
    """The process's codec, made when first needed."""

    __slots__ = ("codec", "make")

    def __init__(self) -> None:
        self.make: Callable[[], Codec] | None = None
        self.codec: Codec | None = None


_installed = _Installed()


def install_codec(make: Callable[[], Codec]) -> None:
    """Have ``make()`` provide the process's codec; the package does so when it is imported."""
    _installed.make, _installed.codec = make, None


def codec() -> Codec:
    """The process's codec."""
    if _installed.codec is None:
        if _installed.make is None:
            raise SerializationError("no codec is installed; import paglets_nb first")
        _installed.codec = _installed.make()
    return _installed.codec
