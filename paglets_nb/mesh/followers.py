"""Following the event logs of a mesh's hosts, as hosts come and go.

One task per host on the process's loop keeps a request at the host that is answered when
something happens. It knows the numbers of each host's log, and nothing of what is done
with the events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TypeAlias

import anyio

from paglets_nb.core.messages import FutureReply, Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError
from paglets_nb.host.client import HostClient
from paglets_nb.host.event_pages import EVENT_VERB, EventPage, EventsRequest
from paglets_nb.host.loop import loop_thread

__all__ = ["Follower", "HostAddress", "Hosts", "ask_events"]

_LOOK = 0.25
"""Seconds between looks at which hosts there are, and before a host that failed is asked again."""
_POLL = 20.0
_GRACE = 5.0


@dataclass(frozen=True)
class HostAddress:
    """A host that is up."""

    name: str
    url: str


Hosts: TypeAlias = Callable[[], list[HostAddress]]
"""Lists the hosts that are up now."""


def ask_events(client: HostClient, url: str, request: EventsRequest) -> FutureReply:
    """Ask a host for events; an ``EventPage`` comes to the future."""
    options = CallOptions(request.wait_timeout + _GRACE, EventPage)
    return client.submit(PagletProxy(url, "", client), Message(EVENT_VERB, request, priority=0), options)


class Follower:
    """Hands on the events of every host as they happen, until it is stopped.

    Args:
        client: speaks to the hosts.
        hosts: lists those that are up.
        take: called on the loop with a host's name and each page of it; must not block.
        request: which events are wanted.
        pause: seconds from what a host told to the next time it is asked.
        limit: how many events of a host are read at most, given its name; as in ``request`` when None.
    """

    def __init__(
        self,
        client: HostClient,
        hosts: Hosts,
        take: Callable[[str, EventPage], None],
        request: EventsRequest | None = None,
        *,
        pause: float = 0.0,
        limit: Callable[[str], int] | None = None,
    ) -> None:
        self._client = client
        self._hosts = hosts
        self._take = take
        self._request = request or EventsRequest()
        self._pause = pause
        self._limit = limit
        self._read: dict[str, tuple[int, str]] = {}
        self._running: Future[None] | None = None

    def resume(self, read: Mapping[str, tuple[int, str]]) -> None:
        """Begin each host after the number given for it, in the log given with it."""
        self._read.update(read)

    def start(self) -> None:
        """Begin; harmless when it has begun."""
        if self._running is None:
            self._running = loop_thread.submit(self._run)

    def stop(self) -> None:
        """End; a later ``start`` goes on where this ended."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()

    async def _run(self) -> None:
        followed: set[HostAddress] = set()

        async def follow(host: HostAddress) -> None:
            try:
                while host in self._hosts():
                    await self._poll(host)
            finally:
                followed.discard(host)

        async with anyio.create_task_group() as group:
            while True:
                for host in self._hosts():
                    if host not in followed:
                        followed.add(host)
                        group.start_soon(follow, host)
                await anyio.sleep(_LOOK)

    async def _poll(self, host: HostAddress) -> None:
        since, log_id = self._read.get(host.name, (0, ""))
        limit = self._request.limit if self._limit is None else self._limit(host.name)
        request = replace(self._request, since=since, log_id=log_id, wait_timeout=_POLL, limit=limit)
        try:
            # connecting may block for a moment
            future = await anyio.to_thread.run_sync(ask_events, self._client, host.url, request)
            page: EventPage = await future
        except (PagletError, OSError):
            await anyio.sleep(_LOOK)
            return
        self._read[host.name] = page.next_since, page.log_id
        self._take(host.name, page)
        if self._pause and (page.events or page.gap):
            await anyio.sleep(self._pause)
