"""Lifecycle requests about one paglet, as its proxy makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paglets_nb.codec import wire
from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.host.protocol import (
    Born,
    CloneRequest,
    DeactivateRequest,
    DispatchRequest,
    DisposeRequest,
    Nothing,
    PagletInfo,
)

if TYPE_CHECKING:
    from paglets_nb.core.proxy import PagletProxy
    from paglets_nb.host.client import HostClient

__all__ = ["control_answer", "control_request"]

_REPLIES: dict[str, type] = {
    "info": PagletInfo,
    "dispatch": Born,
    "clone": Born,
    "deactivate": Nothing,
    "wake": Born,
    "dispose": Nothing,
}
_MARGIN = 1.0
_NOTHING = Nothing()


def control_request(
    client: HostClient, verb: str, arguments: dict[str, Any], timeout: float | None
) -> tuple[Any, type, float]:
    """A control request, the type of its reply, and the seconds it may take."""
    limit = client.timeout if timeout is None else timeout
    request: Any = _NOTHING
    if "target" in arguments:
        target: Any = arguments["target"]
        if isinstance(target, TransferTicket):
            limit = timeout or target.timeout * (target.retries + 1) + target.retry_interval * target.retries
            url = client.host_url(target.destination) if target.destination else ""
            request = CloneRequest(url, target.timeout) if verb == "clone" else DispatchRequest.of(target, url)
        else:
            url = client.host_url(target) if target else ""
            request = CloneRequest(url, limit) if verb == "clone" else DispatchRequest(url, limit)
        limit += _MARGIN
    elif verb == "deactivate":
        request = DeactivateRequest(arguments["policy"] or DeactivationPolicy(), arguments["reason"], limit)
        limit += _MARGIN
    elif verb == "dispose":
        request = DisposeRequest(limit)
        limit += _MARGIN
    return request, _REPLIES[verb], limit


def control_answer(proxy: PagletProxy, verb: str, reply: Any) -> Any:
    """What the proxy is given of the reply; a moved paglet's proxy is brought up to date."""
    if verb == "dispatch":
        proxy.host_url = reply.host_url
    if verb in ("dispatch", "clone"):
        return {"host_url": reply.host_url, "agent_id": reply.agent_id}
    return wire.dataclass_to_wire(reply) if verb == "info" else None
