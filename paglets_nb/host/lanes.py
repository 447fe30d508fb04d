"""Lanes: one client's futures to one paglet, handled in the order in which they were sent.

A request whose paglet has moved is sent again to where it went. From the first of them
on, the lane holds back what is sent later; once everything that was under way has been
answered it sends all of it again, in its order. The first request after such a pause
says so, and until then the host that answered it turns away what was sent behind it.
Knows numbers and addresses; must not know sockets.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from paglets_nb.errors import PagletError

if TYPE_CHECKING:
    from paglets_nb.host.channel import Pending

__all__ = ["Lane", "Lanes"]

MAX_HELD = 10_000
"""Requests held back per paglet before their senders wait."""
KEPT = 1024
"""Lanes kept while nothing is under way on them."""

Send = Callable[["Pending", str, bool], None]
"""Sends a request to an address; the flag says that nothing sent earlier is under way. Settles what fails."""


class Lane:
    """The requests of one client to one paglet that are under way.

    Args:
        send: see ``Send``.

    Attributes:
        busy: whether any request is under way or held back.
        dropped: the lane is no longer to be used.
    """

    __slots__ = (
        "_changed",
        "_held",
        "_in_flight",
        "_moved",
        "_numbers",
        "_send",
        "_sending",
        "_url",
        "_waiting",
        "dropped",
    )

    def __init__(self, send: Send) -> None:
        self._send = send
        self._changed = threading.Condition(threading.Lock())
        self._numbers = itertools.count(1)
        self._in_flight = 0
        self._url = ""
        self._held = False
        self._moved = False
        self._sending = False
        self._waiting: list[Pending] = []
        self.dropped = False

    @property
    def busy(self) -> bool:
        """Whether any request is under way or held back."""
        return self._in_flight > 0 or self._held

    def submit(self, pending: Pending, *, may_wait: bool) -> bool:
        """Send a request, or hold it back while earlier ones follow the paglet; False for a dropped lane."""
        with self._changed:
            if may_wait and len(self._waiting) >= MAX_HELD:
                self._changed.wait_for(lambda: len(self._waiting) < MAX_HELD, pending.future.timeout)
            if self.dropped:
                return False
            pending.lane, pending.number = self, next(self._numbers)
            if self._held:
                self._waiting.append(pending)
                return True
            first = not self._in_flight
            if first:
                self._url = pending.proxy.host_url
            self._in_flight += 1
            url = self._url
        self._send(pending, url, first)
        return True

    def answered(self) -> None:
        """One request has its reply, or has failed."""
        with self._changed:
            self._in_flight -= 1
            resume = self._resumes()
        if resume:
            self._start()

    def moved(self, pending: Pending, url: str) -> None:
        """One request found its paglet gone to ``url``."""
        with self._changed:
            self._in_flight -= 1
            self._held = self._moved = True
            self._url = url
            self._waiting.append(pending)
            resume = self._resumes()
        if resume:
            self._start()

    def _resumes(self) -> bool:
        """Whether the caller is the one to send again what was held back."""
        if not self._held or self._sending or self._in_flight:
            return False
        self._sending = True
        return True

    def _start(self) -> None:
        # a thread of its own: the one that reads replies must go on reading while requests are sent
        try:
            threading.Thread(target=self._send_again, name="paglets-follow", daemon=True).start()
        except RuntimeError:
            self._send_again()

    def _send_again(self) -> None:
        while (batch := self._next_batch()) is not None:
            pendings, url, first = batch
            for pending in pendings:
                pending.proxy.host_url = url
                with suppress(PagletError):  # the request's future tells of it
                    self._send(pending, url, first)
                first = False

    def _next_batch(self) -> tuple[list[Pending], str, bool] | None:
        with self._changed:
            if self._moved and self._in_flight:  # it moved on: whoever brings the last answer goes on
                self._sending = False
                return None
            if not self._waiting:
                self._held = self._sending = False
                return None
            first = not self._in_flight
            self._moved = False
            pendings, self._waiting = sorted(self._waiting, key=lambda pending: pending.number), []
            self._in_flight += len(pendings)
            self._changed.notify_all()
            return pendings, self._url, first

    def drop(self) -> bool:
        """Give the lane up if nothing is under way on it."""
        with self._changed:
            self.dropped = not self.busy
            return self.dropped


class Lanes:
    """The lanes of one client, by pair of sender and paglet.

    Args:
        send: see ``Send``.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._lanes: dict[str, Lane] = {}

    def busy(self, pair: str) -> bool:
        """Whether a request of this sender to this paglet is under way."""
        lane = self._lanes.get(pair)
        return lane is not None and lane.busy

    def submit(self, pending: Pending, *, may_wait: bool) -> None:
        """Send a request behind those of the same sender to the same paglet."""
        while True:
            lane = self._lanes.get(pending.pair) or self._lane(pending.pair)
            if lane.submit(pending, may_wait=may_wait):
                return

    def _lane(self, pair: str) -> Lane:
        with self._lock:
            lane = self._lanes.get(pair)
            if lane is None or lane.dropped:
                if len(self._lanes) >= KEPT:
                    self._lanes = {key: kept for key, kept in self._lanes.items() if not kept.drop()}
                lane = self._lanes[pair] = Lane(self._send)
            return lane
