"""Typed operations and service contracts.

A ``ServiceOperation`` names a kind of message and the dataclasses of its request and
reply; a ``ServiceContract`` is a named, versioned set of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from paglets_nb.core.messages import Message
from paglets_nb.core.ports import CallOptions, codec
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.errors import NotHandledError, ServiceContractError

__all__ = [
    "EmptyPayload",
    "ServiceContract",
    "ServiceHandle",
    "ServiceOperation",
    "ServiceRecord",
    "ServiceScope",
]

_NO_DEFAULT: Any = object()


@dataclass(frozen=True)
class EmptyPayload:
    """A request or reply with nothing in it."""


class ServiceScope(Enum):
    """How far an advertisement reaches."""

    LOCAL = "local"
    MESH = "mesh"


@dataclass(frozen=True)
class ServiceOperation:
    """One kind of message with typed request and reply.

    Attributes:
        name: the message's kind.
        request_type: the dataclass of the request.
        reply_type: the dataclass of the reply.
    """

    name: str
    request_type: type = EmptyPayload
    reply_type: type = EmptyPayload

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ServiceContractError("an operation needs a name")
        for role, cls in (("request", self.request_type), ("reply", self.reply_type)):
            if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
                raise ServiceContractError(f"operation {self.name!r}: its {role} type must be a dataclass, not {cls!r}")

    def _checked(self, value: Any, cls: type, role: str) -> Any:
        if value is None:
            try:
                return cls()
            except TypeError as error:
                if role == "reply":
                    raise ServiceContractError(
                        f"operation {self.name!r}: its reply must be a {cls.__name__}, not None"
                    ) from None
                wanted = [f.name for f in dataclasses.fields(cls) if f.default is f.default_factory]
                raise ServiceContractError(
                    f"operation {self.name!r} needs a {cls.__name__} (fields: {', '.join(wanted)})"
                ) from error
        if not isinstance(value, cls):
            raise ServiceContractError(
                f"operation {self.name!r}: its {role} must be a {cls.__name__}, not {type(value).__name__}"
            )
        return value

    def checked_request(self, request: Any = None) -> Any:
        """A request as it is sent: of ``request_type``, of defaults for None.

        Raises:
            ServiceContractError: ``request`` is of another type.
        """
        return self._checked(request, self.request_type, "request")

    def to_message(self, request: Any = None, **options: Any) -> Message:
        """A message that carries ``request``; None stands for a request of defaults.

        Args:
            request: an instance of ``request_type``.
            **options: further arguments of ``Message``, e.g. ``priority``.

        Raises:
            ServiceContractError: ``request`` is of another type.
        """
        if type(request) is not self.request_type:
            request = self.checked_request(request)
        return Message(self.name, request, **options)

    def encode_request(self, request: Any = None) -> dict[str, Any]:
        """The wire form of a request."""
        return codec().to_wire(self._checked(request, self.request_type, "request"))

    def decode_request(self, payload: Message | Mapping[str, Any]) -> Any:
        """The request from a message or from its wire form."""
        if isinstance(payload, Message):
            return payload.decode(self.request_type)
        return codec().from_wire(self.request_type, payload)

    def encode_reply(self, reply: Any = None) -> dict[str, Any]:
        """The wire form of a reply."""
        if type(reply) is not self.reply_type:
            reply = self._checked(reply, self.reply_type, "reply")
        return codec().to_wire(reply)

    def decode_reply(self, payload: Any) -> Any:
        """The reply from its wire form; one that is decoded already is returned as it is."""
        if isinstance(payload, self.reply_type):
            return payload
        if payload is None and self.reply_type is EmptyPayload:
            return EmptyPayload()
        if not isinstance(payload, Mapping):
            raise ServiceContractError(
                f"operation {self.name!r}: its reply must be a {self.reply_type.__name__}, not {type(payload).__name__}"
            )
        return codec().from_wire(self.reply_type, payload)

    def request_schema(self) -> dict[str, Any]:
        """The JSON schema of the request."""
        return codec().schema(self.request_type)

    def reply_schema(self) -> dict[str, Any]:
        """The JSON schema of the reply."""
        return codec().schema(self.reply_type)


@dataclass(frozen=True)
class ServiceRecord:
    """One advertised service.

    Attributes:
        name: the contract's name.
        proxy: who provides it.
        version: the contract's version.
        capabilities: names of its operations.
    """

    name: str
    proxy: PagletProxyRef
    version: str = ""
    capabilities: tuple[str, ...] = ()
    scope: ServiceScope = ServiceScope.LOCAL
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceContract:
    """A named, versioned set of operations.

    Attributes:
        name: the service's name.
        operations: what it offers.
    """

    METADATA_KEY: ClassVar[str] = "contract"

    name: str
    operations: tuple[ServiceOperation, ...] = ()
    version: str = "1"

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The names of the operations."""
        return tuple(operation.name for operation in self.operations)

    def operation_for(self, message: Message | str) -> ServiceOperation | None:
        """The operation a message (or a kind) asks for."""
        kind = message if isinstance(message, str) else message.kind
        return next((operation for operation in self.operations if operation.name == kind), None)

    def require_operation(self, message: Message | str) -> ServiceOperation:
        """The same; ServiceContractError when there is none."""
        operation = self.operation_for(message)
        if operation is None:
            kind = message if isinstance(message, str) else message.kind
            known = ", ".join(self.capabilities)
            raise ServiceContractError(f"contract {self.name!r} has no operation {kind!r} (operations: {known})")
        return operation

    def metadata(self) -> dict[str, Any]:
        """The contract as plain values: name, version, operations with their schemas."""
        return {
            "name": self.name,
            "version": self.version,
            "operations": {o.name: {"request": o.request_schema(), "reply": o.reply_schema()} for o in self.operations},
        }

    def advertise_metadata(self, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Metadata for an advertisement, ``extra`` added."""
        return {**(extra or {}), self.METADATA_KEY: {"name": self.name, "version": self.version}}

    def matches_record(self, record: ServiceRecord) -> bool:
        """Whether the record advertises this contract in this version, with every operation."""
        return (
            record.name == self.name
            and record.version == self.version
            and set(self.capabilities) <= set(record.capabilities)
        )

    def route(
        self,
        message: Message,
        handlers: Mapping[Any, Callable[[Any], Any]],
        default: Any = _NO_DEFAULT,
    ) -> Any:
        """Decode the message's request, call its handler and encode the reply.

        Args:
            message: what arrived.
            handlers: by operation or by operation name.
            default: answered for a message outside the contract; NotHandledError when not given.
        """
        operation = self.operation_for(message)
        if operation is None:
            if default is _NO_DEFAULT:
                raise NotHandledError(message.kind, self.name, self.capabilities)
            return default(message) if callable(default) else default
        handler = handlers.get(operation) or handlers.get(operation.name)
        if handler is None:
            raise ServiceContractError(f"No handler registered for operation {operation.name!r}")
        return operation.encode_reply(handler(operation.decode_request(message)))


@dataclass(frozen=True)
class ServiceHandle:
    """A contract bound to one provider."""

    contract: ServiceContract
    proxy: PagletProxy

    def call(self, operation: ServiceOperation | str, request: Any = None, *, timeout: float | None = None) -> Any:
        """Call an operation of the contract and return its typed reply."""
        operation = self.contract.require_operation(operation if isinstance(operation, str) else operation.name)
        options = CallOptions(timeout, operation.reply_type)
        return operation.decode_reply(self.proxy.client.call(self.proxy, operation.to_message(request), options))

    def send_oneway(
        self, operation: ServiceOperation | str, request: Any = None, *, timeout: float | None = None
    ) -> None:
        """Send an operation of the contract without waiting for its reply."""
        operation = self.contract.require_operation(operation if isinstance(operation, str) else operation.name)
        self.proxy.send_oneway(operation.to_message(request), timeout=timeout)
