"""What a paglet may ask of the host it lives on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from paglets_nb.core.paglet_files import FilesContext

if TYPE_CHECKING:
    from paglets_nb.core.messages import FutureReply, Message, ReplySet
    from paglets_nb.core.paglet import Paglet
    from paglets_nb.core.policy import DeactivationPolicy
    from paglets_nb.core.ports import Client
    from paglets_nb.core.proxy import PagletProxy
    from paglets_nb.core.references import HostRef
    from paglets_nb.core.state import PagletState
    from paglets_nb.core.tickets import TransferTicket

__all__ = ["PagletContext"]


class PagletContext(FilesContext, Protocol):
    """The host as one paglet sees it."""

    @property
    def name(self) -> str:
        """The host's name."""
        ...

    @property
    def address(self) -> str:
        """The host's address."""
        ...

    @property
    def host(self) -> Any:
        """The host itself."""
        ...

    @property
    def agent_id(self) -> str:
        """The paglet's id."""
        ...

    @property
    def client(self) -> Client:
        """What carries its messages."""
        ...

    def get_proxy(self, agent_id: str, host_url: str | None = None) -> PagletProxy:
        """A proxy of a paglet on this host, or on the one at ``host_url``."""
        ...

    def get_proxies(self, state: int = 3) -> list[PagletProxy]:
        """The paglets of this host: ACTIVE, INACTIVE or both added up."""
        ...

    def create_paglet(
        self, cls: type[Paglet[Any]], state: PagletState | None = None, *, init: Any = None, host_url: str | None = None
    ) -> PagletProxy:
        """Create a paglet here, or on the host at ``host_url``."""
        ...

    def available_hosts(self, online_only: bool = True, include_self: bool = True) -> list[HostRef]:
        """The hosts of the mesh as last heard."""
        ...

    def host_status(self, name_or_url: str) -> HostRef | None:
        """What is known of one host; None for a stranger."""
        ...

    def is_host_online(self, name_or_url: str) -> bool:
        """Whether the host is known and online."""
        ...

    def wait_for_host(self, name: str, timeout: float = 10.0) -> HostRef:
        """Wait until the host is online; UnknownHostError when it is not in ``timeout`` seconds."""
        ...

    def get_property(self, key: str, default: Any = None) -> Any:
        """A property of the host."""
        ...

    def set_property(self, key: str, value: Any) -> None:
        """Set a property of the host."""
        ...

    def dispatch(self, target: str | TransferTicket) -> PagletProxy:
        """Move this paglet to another host."""
        ...

    def dispatch_to(self, name: str) -> PagletProxy:
        """Move this paglet to the host with this name."""
        ...

    def clone(self, target: str | TransferTicket | None = None) -> PagletProxy:
        """Clone this paglet, here or on another host."""
        ...

    def clone_to(self, name: str) -> PagletProxy:
        """Clone this paglet to the host with this name."""
        ...

    def deactivate(self, policy: DeactivationPolicy | None = None) -> None:
        """Put this paglet to sleep."""
        ...

    def dispose(self) -> None:
        """End this paglet."""
        ...

    def send(self, target: Any, message: Message | str, **options: Any) -> Any:
        """Send to a proxy or reference and block for the reply."""
        ...

    def send_future(self, target: Any, message: Message | str, **options: Any) -> FutureReply:
        """Send to a proxy or reference; the reply comes to the future."""
        ...

    def multicast(self, message: Message, targets: Sequence[Any] | None = None) -> ReplySet:
        """Send to many at once."""
        ...
