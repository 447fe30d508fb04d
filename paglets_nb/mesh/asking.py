"""One question to several hosts, side by side: what they answer, and which of them do not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from paglets_nb.core.messages import FutureReply, Message, ReplySet
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError
from paglets_nb.host.client import HostClient
from paglets_nb.host.protocol import HostInfo, Listing, Nothing, PagletInfo

__all__ = ["ANSWER", "LISTED", "Listed", "ask_hosts", "healths", "list_paglets"]

T = TypeVar("T")
ANSWER = 2.0
"""Seconds in which a host that is not held up answers."""
LISTED = 5.0
"""Seconds in which the paglets are listed also of one that is, for a while."""


class _Addressed(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str: ...


class _Host(_Addressed, Protocol):
    @property
    def state(self) -> str: ...


def ask_hosts(
    client: HostClient, hosts: Iterable[_Addressed], verb: str, reply_type: type[T], timeout: float
) -> Iterator[tuple[str, T | None]]:
    """What hosts answer, by their names, as it comes.

    Args:
        client: carries it.
        hosts: those that are up.
        verb: what they are asked.
        reply_type: of an answer.
        timeout: seconds for all of them together.

    Yields:
        A name and the answer; None of one that did not answer, and nothing of one that is gone.
    """
    deadline = time.monotonic() + timeout
    asked, silent = ReplySet(), dict[str, FutureReply]()
    for host in hosts:
        with suppress(PagletError, OSError):  # it is going down, as its state will say
            message = Message(verb, Nothing(), priority=0)
            reply = client.submit(PagletProxy(host.url, "", client), message, CallOptions(timeout, reply_type))
            silent[host.name] = reply
            asked.add(reply, key=host.name)
    while silent:
        try:
            name, reply = asked.next_item(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            break
        del silent[name]
        try:
            answer: T = reply.get_reply(0.0)
        except (PagletError, OSError):
            continue
        yield name, answer
    for name in silent:
        yield name, None


def healths(client: HostClient, hosts: Sequence[_Host], timeout: float = ANSWER) -> dict[str, HostInfo | None]:
    """What hosts tell about themselves, by their names; None of one that does not answer."""
    told: dict[str, HostInfo | None] = {host.name: None for host in hosts if host.state == "silent"}
    told.update(ask_hosts(client, [host for host in hosts if host.state == "up"], "@health", HostInfo, timeout))
    return told


@dataclass
class Listed:
    """Paglets of a mesh.

    Attributes:
        paglets: host by host.
        silent: the hosts that did not answer, by name: theirs are not known.
    """

    paglets: list[PagletInfo] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    def find(self, key: str) -> PagletInfo | None:
        """A paglet by name, id or the unique beginning of an id."""
        exact = [info for info in self.paglets if key in (info.name, info.agent_id)]
        begins = exact or [info for info in self.paglets if len(key) >= 3 and info.agent_id.startswith(key)]
        return begins[0] if len(begins) == 1 else None

    def unknown(self) -> str:
        """Which hosts did not answer and what to do about it, in words; empty where all did."""
        names = ", ".join(self.silent)
        verb = "do" if len(self.silent) > 1 else "does"
        return f"{names} {verb} not answer; wait, or %paglet restart {' '.join(self.silent)}" if names else ""


def list_paglets(client: HostClient, hosts: Sequence[_Host], timeout: float, key: str = "") -> Listed:
    """Ask hosts for their paglets.

    Args:
        client: carries the question.
        hosts: all of them; those that are down have none.
        timeout: seconds for all of them together.
        key: a name or an id; nobody is waited for any more once its paglet is found.
    """
    told: dict[str, list[PagletInfo]] = {}
    silent = {host.name for host in hosts if host.state == "silent"}
    for name, listing in ask_hosts(client, [host for host in hosts if host.state == "up"], "@list", Listing, timeout):
        if listing is None:
            silent.add(name)
            continue
        told[name] = listing.paglets
        if key and any(key in (info.name, info.agent_id) for info in listing.paglets):
            break
    order = [host.name for host in hosts]
    found = [info for name in order for info in told.get(name, ())]
    return Listed(found, [name for name in order if name in silent])
