"""References to paglets and hosts that can be stored in a state or sent in a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paglets_nb.core.proxy import PagletProxy

__all__ = ["HostRef", "PagletProxyRef"]


@dataclass(frozen=True)
class PagletProxyRef:
    """Where a paglet was last known to live.

    Attributes:
        host_url: the address of its host.
        agent_id: its id.
    """

    host_url: str
    agent_id: str

    def resolve(self, context_or_client: Any) -> PagletProxy:
        """A live proxy.

        Args:
            context_or_client: a paglet's context, a mesh, or a client.
        """
        from paglets_nb.core.proxy import PagletProxy

        client = getattr(context_or_client, "client", context_or_client)
        return PagletProxy(self.host_url, self.agent_id, client)


@dataclass(frozen=True)
class HostRef:
    """What the mesh knows of one host.

    Attributes:
        last_seen: POSIX seconds of the last sign of life.
        active_count: paglets that are awake.
        inactive_count: paglets that are deactivated.
        error: why it is offline.
    """

    name: str
    url: str
    code_version: str = ""
    online: bool = True
    last_seen: float = 0.0
    active_count: int = 0
    inactive_count: int = 0
    tags: tuple[str, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict)
    error: str = ""
