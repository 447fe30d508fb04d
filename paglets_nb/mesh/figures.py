"""What the hosts of a mesh do: processor, memory, messages a second, and which do not answer.

Figures come from the hosts themselves; rates are made here of two samples. It must not know
who looks at them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from paglets_nb.core.messages import FutureReply, Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError
from paglets_nb.host.client import HostClient
from paglets_nb.host.protocol import HostInfo, Listing, Nothing, PagletInfo

if TYPE_CHECKING:
    from paglets_nb.mesh.handles import HostHandle
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["HostFigures", "MeshFigures"]

_TIMEOUT = 0.5
_LONGEST = 3600.0
"""Seconds after which a host that never answered is asked anew."""
_SHORTEST = 0.2
"""Seconds between the two samples that a rate is made of, at least."""
_SHARE = 10.0
"""Lists that take long are asked for so many times more seldom than they take."""


@dataclass(frozen=True)
class HostFigures:
    """One host, as it was when it answered last.

    Attributes:
        name: its name.
        state: as of ``HostHandle``.
        reason: why it is down, or why it was restarted last.
        restarts: how often it was started again.
        lost: the paglets that its process took along when it ended last, by name.
        pid: its process; 0 while it has none.
        silent: seconds for which it has not answered; 0 while it does, or is not up.
        info: what it told last; None where it has told nothing yet.
        cpu: share of one processor that its process used between the last two samples; above 1 with
            several threads, None with less than two samples.
        messages_per_second: handled between the last two samples; None with less than two.
        paglets: its paglets, asleep ones included, where they were asked for.
    """

    name: str
    state: str
    reason: str = ""
    restarts: int = 0
    pid: int = 0
    silent: float = 0.0
    info: HostInfo | None = None
    cpu: float | None = None
    messages_per_second: float | None = None
    paglets: tuple[PagletInfo, ...] | None = None
    lost: tuple[str, ...] = ()


@dataclass
class _Asked:
    """One question that a host is asked again and again, never twice at once."""

    verb: str
    reply_type: type
    future: FutureReply | None = None
    since: float = 0.0
    took: float = 0.0
    next: float = 0.0

    def ask(self, client: HostClient, url: str) -> None:
        now = time.monotonic()
        if self.future is None and now >= self.next:
            self.since = now
            options = CallOptions(_LONGEST, self.reply_type)
            self.future = client.submit(
                PagletProxy(url, "", client), Message(self.verb, Nothing(), priority=0), options
            )

    def answer(self, began: float, deadline: float) -> object:
        """What the host answered by ``deadline``, or the error; None while it has not.

        One that was asked before this round ``began`` is not waited for any more.
        """
        patience = max(0.0, deadline - time.monotonic()) if self.since >= began else 0.0
        future = self.future
        if future is None or not future.wait_for_reply(patience):
            return None
        self.future = None
        now = time.monotonic()
        self.took = now - self.since
        self.next = now + _SHARE * self.took
        try:
            return future.get_reply(0.0)
        except Exception as error:  # it is down or going down, as its state will say
            return error

    def silent(self) -> float:
        return 0.0 if self.future is None else time.monotonic() - self.since


@dataclass
class _Host:
    """What has been asked of one run of a host."""

    url: str
    health: _Asked = field(default_factory=lambda: _Asked("@health", HostInfo))
    list: _Asked = field(default_factory=lambda: _Asked("@list", Listing))
    base: HostInfo | None = None
    info: HostInfo | None = None
    cpu: float | None = None
    rate: float | None = None
    paglets: tuple[PagletInfo, ...] | None = None

    def take(self, info: HostInfo) -> None:
        """One more sample."""
        if self.base is not None and info.uptime - self.base.uptime >= _SHORTEST:
            seconds = info.uptime - self.base.uptime
            self.cpu = max(0.0, (info.cpu_seconds - self.base.cpu_seconds) / seconds)
            self.rate = max(0.0, (info.messages - self.base.messages) / seconds)
            self.base = info
        elif self.base is None or info.uptime < self.base.uptime:
            self.base = info
        self.info = info


def _run(handle: HostHandle) -> tuple[str, int]:
    """One run of a host: started again it is another process."""
    return handle.name, handle.pid


class MeshFigures:
    """Samples the hosts of a mesh, over sockets of its own; safe to use from any thread.

    Nothing happens between two calls of ``sample``. A host that does not answer is asked once and
    no more until it does, and holds nobody up for longer than the time-out.

    Args:
        mesh: the mesh.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._client = HostClient(explain=mesh._explain)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], _Host] = {}

    def sample(self, timeout: float = _TIMEOUT, *, paglets: Collection[str] = ()) -> list[HostFigures]:
        """Ask every host that is up.

        Args:
            timeout: seconds for all of them together.
            paglets: names of hosts whose paglets are wanted, too.

        Returns:
            Every host's figures, in the order in which they joined; none when the mesh is down.
        """
        with self._lock:
            began = time.monotonic()
            handles = [handle for handle in self._hosts() if handle.state == "up"]
            former = self._known
            self._known = {_run(handle): former.get(_run(handle)) or _Host(handle.url) for handle in handles}
            asked = [(self._known[_run(handle)], handle.name in paglets) for handle in handles]
            for host, listed in asked:
                self._ask(host, listed)
            for host, listed in asked:
                self._receive(host, listed, began, began + timeout)
        return self.latest()

    def latest(self) -> list[HostFigures]:
        """The same without asking: states as they are, figures as they were told last."""
        return [self._figures(handle) for handle in self._hosts()]

    def _hosts(self) -> list[HostHandle]:
        try:
            return self._mesh.hosts()
        except PagletError:  # it is down
            return []

    def _ask(self, host: _Host, listed: bool) -> None:
        try:
            host.health.ask(self._client, host.url)
            if listed:
                host.list.ask(self._client, host.url)
            else:
                host.paglets = None
        except (PagletError, OSError):  # it is going down, as its state will say
            return

    @staticmethod
    def _receive(host: _Host, listed: bool, began: float, deadline: float) -> None:
        info = host.health.answer(began, deadline)
        host.health.next = 0.0
        if isinstance(info, HostInfo):
            host.take(info)
        if listed:
            listing = host.list.answer(began, deadline)
            if isinstance(listing, Listing):
                host.paglets = tuple(listing.paglets)

    def _figures(self, handle: HostHandle) -> HostFigures:
        host = self._known.get(_run(handle)) if handle.state == "up" else None
        fixed = handle.name, handle.state, handle.reason, handle.restarts, handle.pid
        if host is None:
            return HostFigures(*fixed, lost=handle.lost)
        silent = host.health.silent()
        return HostFigures(
            *fixed,
            silent if silent >= _TIMEOUT else 0.0,
            host.info,
            None if silent >= _TIMEOUT else host.cpu,
            None if silent >= _TIMEOUT else host.rate,
            host.paglets,
            handle.lost,
        )

    def close(self) -> None:
        """Close its sockets."""
        self._client.close()

    def __enter__(self) -> MeshFigures:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
