"""The proxy: how everybody else speaks to a paglet.

Owns the caller's face of a paglet. It follows the paglet: when a host answers that it
moved, the client updates ``host_url``. It must not know how requests travel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from paglets_nb.core.messages import FutureReply, Message, MessageType
from paglets_nb.core.ports import CallOptions, Client
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.core.values import ACTIVE, INACTIVE
from paglets_nb.errors import HostDiedError, InvalidAgentError

if TYPE_CHECKING:
    from paglets_nb.core.policy import DeactivationPolicy
    from paglets_nb.core.tickets import TransferTicket

__all__ = ["PagletProxy"]


def as_message(message: Message | str, args: Mapping[str, Any] | None) -> Message:
    """A message from itself, or from a kind and its arguments."""
    return Message(message, args) if isinstance(message, str) else message


class PagletProxy:
    """Speaks to one paglet wherever it lives.

    Args:
        host_url: the address of the host it was last known on.
        agent_id: its id.
        client: what carries the requests.

    Attributes:
        name: the paglet's name in the mesh, empty when it has none or it is not known here.
        class_name: the qualified name of its class, empty when not known here.
    """

    __slots__ = ("__weakref__", "agent_id", "class_name", "client", "host_url", "name")

    def __init__(self, host_url: str, agent_id: str, client: Client, *, name: str = "", class_name: str = "") -> None:
        self.host_url = host_url
        self.agent_id = agent_id
        self.client = client
        self.name = name
        self.class_name = class_name

    def send(
        self,
        message: Message | str,
        args: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        no_delay: bool = False,
        activate_if_inactive: bool = True,
        reply_type: type | None = None,
    ) -> Any:
        """Send and block for the reply.

        Args:
            message: a message, or its kind.
            args: the content that goes with a kind.
            timeout: seconds; None for the client's default.
            no_delay: raise PagletInactiveError rather than queue.
            activate_if_inactive: wake a sleeping paglet.
            reply_type: decode the reply straight into this dataclass.

        Raises:
            CallTimeoutError: no reply in time.
            HostDiedError: its host ended before it replied.
            InvalidAgentError: there is no such paglet any more.
            NotHandledError: it has no handler for this kind.
            Exception: what the handler raised, as the same type where it is known here.
        """
        options = CallOptions(timeout, reply_type, no_delay, activate_if_inactive)
        return self.client.call(self, as_message(message, args), options)

    def send_oneway(
        self,
        message: Message | str,
        args: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        no_delay: bool = False,
        activate_if_inactive: bool = True,
    ) -> None:
        """Send and return as soon as the message is in the paglet's mailbox."""
        message = as_message(message, args)
        message.message_type = MessageType.ONEWAY
        options = CallOptions(timeout, None, no_delay, activate_if_inactive, oneway=True)
        self.client.call(self, message, options)

    def send_future(
        self,
        message: Message | str,
        args: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        no_delay: bool = False,
        activate_if_inactive: bool = True,
        reply_type: type | None = None,
    ) -> FutureReply:
        """Send and return at once; the reply comes to the future, which can also be awaited."""
        message = as_message(message, args)
        message.message_type = MessageType.FUTURE
        options = CallOptions(timeout, reply_type, no_delay, activate_if_inactive)
        return self.client.submit(self, message, options)

    async def send_async(self, message: Message | str, args: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """``send``, awaited."""
        return await self.send_future(message, args, **options)

    def info(self, *, timeout: float | None = None) -> dict[str, Any]:
        """What the host knows of the paglet: class, name, host, pid, activity, operations."""
        return dict(self.client.control(self, "info", {}, timeout))

    async def info_async(self, *, timeout: float | None = None) -> dict[str, Any]:
        """``info``, awaited."""
        return dict(await self.client.control_async(self, "info", {}, timeout))

    def is_valid(self) -> bool:
        """Whether the paglet exists."""
        try:
            self.info()
        except (InvalidAgentError, HostDiedError):
            return False
        return True

    def is_active(self) -> bool:
        """Whether the paglet exists and is awake."""
        return self.is_state(ACTIVE)

    def is_state(self, state: int) -> bool:
        """Whether the paglet is in one of the given states (ACTIVE, INACTIVE, or both added)."""
        try:
            active = self.info()["active"]
        except (InvalidAgentError, HostDiedError):
            return False
        return bool((ACTIVE if active else INACTIVE) & state)

    def dispatch(self, target: str | TransferTicket, *, timeout: float | None = None) -> PagletProxy:
        """Move the paglet to another host; this proxy follows it and is returned."""
        self.client.control(self, "dispatch", {"target": target}, timeout)
        return self

    async def dispatch_async(self, target: str | TransferTicket, *, timeout: float | None = None) -> PagletProxy:
        """``dispatch``, awaited."""
        await self.client.control_async(self, "dispatch", {"target": target}, timeout)
        return self

    def clone(self, target: str | TransferTicket | None = None, *, timeout: float | None = None) -> PagletProxy:
        """Clone the paglet, on its own host or on another; a proxy of the clone."""
        return self._cloned(self.client.control(self, "clone", {"target": target}, timeout))

    async def clone_async(
        self, target: str | TransferTicket | None = None, *, timeout: float | None = None
    ) -> PagletProxy:
        """``clone``, awaited."""
        return self._cloned(await self.client.control_async(self, "clone", {"target": target}, timeout))

    def _cloned(self, reply: dict[str, Any]) -> PagletProxy:
        return PagletProxy(reply["host_url"], reply["agent_id"], self.client, class_name=self.class_name)

    def deactivate(
        self, policy: DeactivationPolicy | None = None, *, reason: str = "", timeout: float | None = None
    ) -> None:
        """Put the paglet to sleep, durably."""
        self.client.control(self, "deactivate", {"policy": policy, "reason": reason}, timeout)

    async def deactivate_async(
        self, policy: DeactivationPolicy | None = None, *, reason: str = "", timeout: float | None = None
    ) -> None:
        """``deactivate``, awaited."""
        await self.client.control_async(self, "deactivate", {"policy": policy, "reason": reason}, timeout)

    def activate(self, *, timeout: float | None = None) -> PagletProxy:
        """Wake the paglet; returns itself when it is awake."""
        self.client.control(self, "wake", {}, timeout)
        return self

    async def activate_async(self, *, timeout: float | None = None) -> PagletProxy:
        """``activate``, awaited."""
        await self.client.control_async(self, "wake", {}, timeout)
        return self

    def dispose(self, *, timeout: float | None = None) -> None:
        """End the paglet."""
        self.client.control(self, "dispose", {}, timeout)

    async def dispose_async(self, *, timeout: float | None = None) -> None:
        """``dispose``, awaited."""
        await self.client.control_async(self, "dispose", {}, timeout)

    @property
    def ref(self) -> PagletProxyRef:
        """A reference that can be stored and sent."""
        return PagletProxyRef(self.host_url, self.agent_id)

    def to_wire(self) -> dict[str, str]:
        """The wire form: host_url and agent_id."""
        return {"host_url": self.host_url, "agent_id": self.agent_id}

    @classmethod
    def from_wire(cls, payload: Mapping[str, str], client: Client) -> PagletProxy:
        """A proxy from its wire form."""
        return cls(payload["host_url"], payload["agent_id"], client)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PagletProxy) and other.agent_id == self.agent_id

    def __hash__(self) -> int:
        return hash(self.agent_id)

    def __repr__(self) -> str:
        called = f" {self.name!r}" if self.name else ""
        kind = self.class_name.rpartition(":")[2].partition("#")[0] or "paglet"
        return f"<{kind}{called} {self.agent_id} at {self.host_url}>"
