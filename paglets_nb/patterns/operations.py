"""Typed operations on a paglet, and their client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CoroutineType
from typing import Any, ClassVar, TypeVar

from paglets_nb.core.messages import FutureReply, Message, MessageType
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.ports import CallOptions, DirectOperation
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.state import PagletState
from paglets_nb.errors import ServiceContractError
from paglets_nb.services.contracts import ServiceOperation

__all__ = ["OperationClient", "OperationPaglet"]

StateT = TypeVar("StateT", bound=PagletState)
_ROUTING = ("handle_message", "dispatch_operation", "operation_for_message")


class OperationPaglet(Paglet[StateT]):
    """A paglet whose messages are typed operations.

    Class attributes:
        Operations: the operations it has.
    """

    Operations: ClassVar[tuple[ServiceOperation, ...]] = ()

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """The handlers by operation, asked for once; each takes the request and returns the reply."""
        return {}

    def _by_name(self) -> dict[str, tuple[ServiceOperation, Callable[[Any], Any] | None]]:
        table = self.__dict__.get("_operation_table")
        if table is None:
            handlers = dict(self.operation_handlers())
            for operation in handlers:
                if not isinstance(operation, ServiceOperation):
                    raise ServiceContractError(
                        f"{type(self).__name__}.operation_handlers: wants ServiceOperations as keys, "
                        f"e.g. {{ADD: self.add}}, not {operation!r}"
                    )
            named = {operation.name: handler for operation, handler in handlers.items()}
            table = {operation.name: (operation, handler) for operation, handler in handlers.items()}
            table.update({operation.name: (operation, named.get(operation.name)) for operation in self.Operations})
            self._operation_table = table
        return table

    def operation_names(self) -> list[str]:
        """The names of its operations."""
        return list(self._by_name())

    def operations(self) -> list[ServiceOperation]:
        """Its operations."""
        return [operation for operation, _handler in self._by_name().values()]

    def operation_for_message(self, message: Message) -> ServiceOperation | None:
        """The operation a message asks for; None when it asks for something else."""
        found = self._by_name().get(message.kind)
        return None if found is None else found[0]

    def dispatch_operation(self, operation: ServiceOperation, message: Message) -> Any:
        """Decode the request, call the handler and encode the reply.

        Returns:
            The reply's wire form; for an ``async def`` handler a coroutine of it.
        """
        found = self._by_name().get(operation.name)
        handler = None if found is None else found[1]
        if handler is None:
            raise ServiceContractError(f"No handler registered for operation {operation.name!r}")
        reply = handler(message.decode(operation.request_type))
        if type(reply) is CoroutineType:
            return self._encode_later(operation, reply)
        return operation.encode_reply(reply)

    def direct_operation(self, kind: str) -> DirectOperation | None:
        """An operation with a handler, where the class leaves the way to it as it is here."""
        cls = type(self)
        if any(getattr(cls, name) is not getattr(OperationPaglet, name) for name in _ROUTING):
            return None
        operation, handler = self._by_name().get(kind, (None, None))
        if operation is None or handler is None:
            return None

        def finish(reply: Any) -> Any:
            if type(reply) is CoroutineType:
                return self._encode_later(operation, reply)
            return operation.encode_reply(reply)

        return DirectOperation(operation.request_type, operation.reply_type, handler, finish)

    async def _encode_later(self, operation: ServiceOperation, reply: CoroutineType[Any, Any, Any]) -> dict[str, Any]:
        return operation.encode_reply(await reply)

    def handle_message(self, message: Message) -> Any:
        """Route to the operation's handler, else to ``handle_operation_message``."""
        operation = self.operation_for_message(message)
        if operation is not None:
            return self.dispatch_operation(operation, message)
        reply = self.handle_operation_message(message)
        return self.not_handled(message) if reply is None else reply

    def handle_operation_message(self, message: Message) -> Any:
        """Messages that are no operation; None means not handled."""
        return None


@dataclass(slots=True, init=False)
class OperationClient:
    """Calls typed operations through a proxy.

    Attributes:
        proxy: the paglet's proxy.
    """

    proxy: PagletProxy

    def __init__(self, proxy: PagletProxy) -> None:
        if not isinstance(proxy, PagletProxy):
            raise ServiceContractError(f"wanted a paglet's proxy, got {proxy!r}; mesh.paglet(name) finds one")
        self.proxy = proxy

    def call(
        self,
        operation: ServiceOperation,
        request: Any = None,
        *,
        activate_if_inactive: bool = True,
        no_delay: bool = False,
        timeout: float | None = None,
    ) -> Any:
        """Call and block for the typed reply.

        Args:
            operation: which one.
            request: an instance of its request type; None for one of defaults.
            activate_if_inactive: wake a sleeping paglet.
            no_delay: raise PagletInactiveError rather than queue.
            timeout: seconds; None for the client's default.

        Returns:
            An instance of the operation's reply type.

        Raises:
            ServiceContractError: the request, or the reply, is of another type.
            PagletError: what ``PagletProxy.send`` raises.
            Exception: what the handler raised.
        """
        proxy = self.proxy
        if not isinstance(operation, ServiceOperation):
            raise ServiceContractError(f"wanted a ServiceOperation, got {operation!r}; send a kind by PagletProxy.send")
        reply_type = operation.reply_type
        if activate_if_inactive and not no_delay:
            if type(request) is not operation.request_type:
                request = operation.checked_request(request)
            reply = proxy.client.call_typed(proxy, operation.name, request, reply_type, timeout)
        else:
            options = CallOptions(timeout, reply_type, no_delay, activate_if_inactive)
            reply = proxy.client.call(proxy, operation.to_message(request), options)
        return reply if type(reply) is reply_type else operation.decode_reply(reply)

    def send_oneway(
        self,
        operation: ServiceOperation,
        request: Any = None,
        *,
        activate_if_inactive: bool = True,
        no_delay: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Send and return as soon as the message is in the paglet's mailbox."""
        self.proxy.send_oneway(
            operation.to_message(request),
            timeout=timeout,
            no_delay=no_delay,
            activate_if_inactive=activate_if_inactive,
        )

    def submit(
        self,
        operation: ServiceOperation,
        request: Any = None,
        *,
        activate_if_inactive: bool = True,
        no_delay: bool = False,
        timeout: float | None = None,
    ) -> FutureReply:
        """Send and return at once; the typed reply comes to the future."""
        options = CallOptions(timeout, operation.reply_type, no_delay, activate_if_inactive)
        message = operation.to_message(request)
        message.message_type = MessageType.FUTURE
        return self.proxy.client.submit(self.proxy, message, options)

    async def call_async(self, operation: ServiceOperation, request: Any = None, **options: Any) -> Any:
        """``call``, awaited; takes the same options."""
        return operation.decode_reply(await self.submit(operation, request, **options))
