"""The host as one of its paglets sees it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paglets_nb.core.messages import FutureReply, Message, ReplySet
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.paglet_files import COPY, RegisteredFile
from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.proxy import PagletProxy, as_message
from paglets_nb.core.references import HostRef, PagletProxyRef
from paglets_nb.core.state import PagletState
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.core.values import ACTIVE, INACTIVE
from paglets_nb.errors import LifecycleError
from paglets_nb.host.client import HostClient
from paglets_nb.host.storage import StorageView

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["ResidentContext"]


class ResidentContext:
    """Serves the context port of the core room for one paglet.

    Args:
        host: the host.
        agent_id: the paglet's id.
    """

    def __init__(self, host: Host, agent_id: str) -> None:
        self._host = host
        self.agent_id = agent_id
        self.address = host.address

    @property
    def name(self) -> str:
        """The host's name."""
        return self._host.name

    @property
    def host(self) -> Host:
        """The host itself."""
        return self._host

    @property
    def client(self) -> HostClient:
        """What carries its messages."""
        return self._host.client

    def get_proxy(self, agent_id: str, host_url: str | None = None) -> PagletProxy:
        """A proxy of a paglet on this host, or on the one at ``host_url``."""
        return PagletProxy(self.client.host_url(host_url) if host_url else self.address, agent_id, self.client)

    def get_proxies(self, state: int = 3) -> list[PagletProxy]:
        """The paglets of this host in one of the given states."""
        awake = self._host.get_proxies() if state & ACTIVE else []
        asleep = self._host.sleep.all() if state & INACTIVE else []
        return [*awake, *(self.get_proxy(stored.agent_id) for stored in asleep)]

    def create_paglet(
        self, cls: type[Paglet[Any]], state: PagletState | None = None, *, init: Any = None, host_url: str | None = None
    ) -> PagletProxy:
        """Create a paglet here, or on the host with this address or name."""
        if host_url is None:
            return self._host.create(cls, state, init=init)
        return self._host.create_remote(host_url, cls, state, init=init)

    def available_hosts(self, online_only: bool = True, include_self: bool = True) -> list[HostRef]:
        """The hosts of the mesh as last heard."""
        hosts = self._host.members.hosts(online_only=online_only)
        return [host for host in hosts if include_self or host.name != self.name]

    def host_status(self, name_or_url: str) -> HostRef | None:
        """What is known of one host."""
        return self._host.members.find(name_or_url)

    def is_host_online(self, name_or_url: str) -> bool:
        """Whether the host is known and online."""
        found = self.host_status(name_or_url)
        return found is not None and found.online

    def wait_for_host(self, name: str, timeout: float = 10.0) -> HostRef:
        """Wait until the host is online."""
        return self._host.members.wait_for(name, timeout)

    def get_property(self, key: str, default: Any = None) -> Any:
        """A property of the host."""
        return self._host.properties.get(key, default)

    def set_property(self, key: str, value: Any) -> None:
        """Set a property of the host."""
        self._host.properties[key] = value

    def dispatch(self, target: str | TransferTicket) -> PagletProxy:
        """Move this paglet to another host."""
        return self._host.dispatch(self.agent_id, target)

    def dispatch_to(self, name: str) -> PagletProxy:
        """Move this paglet to the host with this name."""
        return self.dispatch(name)

    def clone(self, target: str | TransferTicket | None = None) -> PagletProxy:
        """Clone this paglet, here or on another host."""
        return self._host.clone(self.agent_id, target)

    def clone_to(self, name: str) -> PagletProxy:
        """Clone this paglet to the host with this name."""
        return self.clone(name)

    def deactivate(self, policy: DeactivationPolicy | None = None) -> None:
        """Put this paglet to sleep."""
        self._host.deactivate(self.agent_id, policy)

    def dispose(self) -> None:
        """End this paglet."""
        self._host.dispose(self.agent_id)

    def _proxy_of(self, target: Any) -> PagletProxy:
        if isinstance(target, PagletProxy):
            return target
        if isinstance(target, PagletProxyRef):
            return target.resolve(self.client)
        if isinstance(target, str):
            return self._host.find(target)
        raise LifecycleError(f"cannot send to {target!r} (wanted a proxy, a reference, an id or a name)")

    def _signed(self, message: Message | str) -> Message:
        message = as_message(message, None)
        if message.sender is None:
            message.sender = PagletProxyRef(self.address, self.agent_id)
        return message

    def send(self, target: Any, message: Message | str, **options: Any) -> Any:
        """Send and block for the reply."""
        return self._proxy_of(target).send(self._signed(message), **options)

    def send_future(self, target: Any, message: Message | str, **options: Any) -> FutureReply:
        """Send; the reply comes to the future."""
        return self._proxy_of(target).send_future(self._signed(message), **options)

    def multicast(self, message: Message, targets: Sequence[Any] | None = None) -> ReplySet:
        """Send to many at once; to every other paglet of this host where no targets are given."""
        chosen = [p for p in self.get_proxies() if p.agent_id != self.agent_id] if targets is None else targets
        return ReplySet({target: self.send_future(target, message) for target in chosen})

    # ---- files

    def _is_durable(self) -> bool:
        return self._host.residents.require(self.agent_id).durability != "memory"

    def work_dir(self) -> Path:
        """The paglet's scratch folder."""
        return self._host.files.work_dir(self.agent_id)

    def persistent_storage(self, quota_bytes: int | None = None) -> StorageView:
        """The storage of the paglet's class on this host."""
        return self._host.storage.of(self._host.residents.require(self.agent_id).class_name, quota_bytes)

    def register_file(
        self, path: str | os.PathLike[str], *, name: str | None = None, mode: str = COPY
    ) -> RegisteredFile:
        """Have a file travel with the paglet."""
        return self._host.files.register(self.agent_id, path, name, mode, durable=self._is_durable())

    def registered_files(self) -> list[RegisteredFile]:
        """The files that travel with the paglet."""
        return self._host.files.registered(self.agent_id)

    def unregister_file(self, name: str) -> None:
        """Have a file travel no longer."""
        self._host.files.unregister(self.agent_id, name, durable=self._is_durable())

    def file_path(self, name: str) -> Path:
        """Where a registered file is."""
        return self._host.files.path(self.agent_id, name)

    def carried_bytes(self) -> int:
        """Bytes of its files that are over there already, of the movement under way."""
        return self._host.file_source.carried(self.agent_id)

    def stop_carrying(self) -> bool:
        """Have the movement under way fail whose files are not all over there yet."""
        return self._host.file_source.give_up(self.agent_id)

    def send_artifact(self, source: str | os.PathLike[str] | bytes, name: str | None = None) -> str:
        """Keep a file or bytes at the host under a name."""
        return self._host.artifacts.put(source, name).name
