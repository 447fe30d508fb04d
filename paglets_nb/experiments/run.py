"""One run of a fan-out: who takes which cell when, until the last has ended or the deadline has come.

The thread that runs it does everything itself: it makes workers, sends cells to those that
are idle, takes replies as they come, and ends the workers. It must not know what is called.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.values import new_agent_id
from paglets_nb.errors import (
    CallTimeoutError,
    ExperimentError,
    HostDiedError,
    InvalidAgentError,
    PagletError,
    UnknownHostError,
)
from paglets_nb.experiments.cells import FAILED, NOT_RUN, RUNNING, UNKNOWN, Cell
from paglets_nb.experiments.targets import Target
from paglets_nb.host.headers import encode_content
from paglets_nb.host.multicall import ANSWERED, LOST_REPLY, Answer, MultiCall
from paglets_nb.host.protocol import Born, Nothing
from paglets_nb.mesh.cancelling import ASKED

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["Place", "Run"]

_TICK = 0.05
"""Seconds between two looks at what no reply tells of: hosts that are back, a cancellation."""
_TEAR_DOWN = 0.5
"""Seconds for which the end of the workers is waited for; those of a stopped host end when it goes on."""
NEW, MAKING, IDLE, BUSY, DOWN, BROKEN = "new", "making", "idle", "busy", "down", "broken"


class Place:
    """Where one cell can run at a time: a paglet, or a worker that is made there.

    Args:
        label: what its cells have as their host.
        host: the host's name.
        proxy: the paglet; None where a worker is made.
    """

    __slots__ = ("agent_id", "cell", "host", "label", "proxy", "state", "url")

    def __init__(self, label: str, host: str, proxy: PagletProxy | None = None) -> None:
        self.label = label
        self.host = host
        self.proxy = proxy
        self.state = NEW if proxy is None else IDLE
        self.cell: Cell | None = None
        self.agent_id = ""
        self.url = ""


class Run:
    """Has cells run at places.

    Args:
        mesh: whose hosts they are.
        target: what is called.
        cells: what is to be done, in order.
        requests: by cell's number, the number of its request and the request.
        places: where it is done.
        concurrency: cells under way at once, in all.
        timeout: seconds until the deadline.
        on_cell: called with each cell as it ends.
    """

    def __init__(
        self,
        mesh: Mesh,
        target: Target,
        cells: Sequence[Cell],
        requests: Mapping[int, tuple[int, Any]],
        places: Sequence[Place],
        *,
        concurrency: int,
        timeout: float,
        on_cell: Callable[[Cell], None],
    ) -> None:
        self._mesh = mesh
        self._target = target
        self._requests = requests
        self._places = places
        self._room = concurrency
        self._timeout = timeout
        self._on_cell = on_cell
        self._options = CallOptions(timeout, target.reply_type)
        self._calls = MultiCall(mesh.client)
        self._contents: dict[int, Any] = {}
        self._making: Counter[str] = Counter()
        self._left = self._unsent = len(cells)
        self._queues: dict[str, deque[Cell]] = {}
        for cell in cells:
            self._queues.setdefault(cell.host, deque()).append(cell)
        self._shared = self._queues.setdefault("", deque())
        self._spread = {cell.number for cell in self._shared}
        self._began = 0.0
        self._looked = 0.0
        self.cancelled = False

    def go(self) -> None:
        """Run until every cell has ended; none has not when this returns, whatever it is ended by."""
        self._began = time.monotonic()
        deadline = self._began + self._timeout
        why: BaseException | None = None
        try:
            self._begin()
            while self._left and not self.cancelled and (now := time.monotonic()) < deadline:
                self._take(min(deadline - now, _TICK))
                self._begin()
            if self._left:
                self._take(0.0)  # what is here by the deadline counts
        except BaseException as error:
            why = error
            raise
        finally:
            self._end(why)

    # ---- work for those that are idle

    def _begin(self) -> None:
        if not self._unsent:
            return
        now = time.monotonic()
        look = now >= self._looked + _TICK
        if look:
            self._looked = now
        for place in self._places:
            if place.state == IDLE:
                self._send_next(place)
            elif place.state == NEW or (look and place.state == DOWN):
                self._open(place)

    def _waiting_for(self, label: str) -> deque[Cell] | None:
        """The cells that a place may take; None where there are none."""
        return self._queues.get(label) or self._shared or None

    def _send_next(self, place: Place) -> None:
        while place.state == IDLE and self._room > 0 and (waiting := self._waiting_for(place.label)):
            cell = waiting.popleft()
            self._unsent -= 1
            try:
                self._send(place, cell)
            except PagletError as error:  # it cannot travel
                self._ended(cell, FAILED, error)

    def _send(self, place: Place, cell: Cell) -> None:
        assert place.proxy is not None
        index, request = self._requests[cell.number]
        message = self._target.message(request)
        content = self._contents.get(index)
        if content is None:
            content = self._contents[index] = encode_content(message)
        cell.state, cell.host = RUNNING, place.label
        cell.sent = time.monotonic() - self._began
        cell.attempts += 1
        place.cell, place.state = cell, BUSY
        self._room -= 1
        self._calls.call(place, place.proxy, message, self._options, content)

    def _open(self, place: Place) -> None:
        """Make a worker, unless those that are being made there are enough, or wait for its host to be back."""
        waiting = self._waiting_for(place.label)
        if waiting is None or len(waiting) <= self._making[place.label]:
            return
        record = self._mesh.supervisor.records.get(place.host)
        if record is None:
            self._break(place, UnknownHostError(place.host, self._mesh.supervisor.records))
        elif record.state in ("dead", "stopped"):
            self._break(place, HostDiedError(place.host, record.reason or record.state, delivered=False))
        elif record.state != "up":
            place.state = DOWN
        elif place.proxy is not None and not place.agent_id:
            place.state = IDLE
            self._send_next(place)
        else:
            self._make(place, record.url)

    def _make(self, place: Place, url: str) -> None:
        left = self._began + self._timeout - time.monotonic()
        try:
            request = dataclasses.replace(self._target.create_request(max(0.0, left)), agent_id=new_agent_id())
        except PagletError as error:
            self._break(place, error)
            return
        place.agent_id = request.agent_id
        place.url, place.proxy, place.state = url, None, MAKING
        self._making[place.label] += 1
        self._calls.ask(place, url, "@create", request, Born)

    def _break(self, place: Place, error: BaseException) -> None:
        """Give a place up; cells that no other place can take fail."""
        place.state = BROKEN
        for label, queue in self._queues.items():
            able = [one for one in self._places if one.state != BROKEN and label in ("", one.label)]
            while queue and not able:
                self._unsent -= 1
                self._ended(queue.popleft(), FAILED, error)

    # ---- answers

    def _take(self, timeout: float) -> None:
        for answer in self._calls.receive(timeout):
            place: Place = answer.key
            if place.state == MAKING:
                self._made(place, answer)
            elif place.cell is not None:
                self._answered(place, place.cell, answer)

    def _made(self, place: Place, answer: Answer) -> None:
        self._making[place.label] -= 1
        if answer.error is None:
            born = answer.value
            place.proxy = PagletProxy(born.host_url, born.agent_id, self._mesh.client, class_name=born.class_name)
            place.state = IDLE
        elif answer.fate == ANSWERED:
            place.agent_id = ""
            self._break(place, answer.error)
        else:
            place.state = DOWN

    def _answered(self, place: Place, cell: Cell, answer: Answer) -> None:
        place.cell, place.state = None, IDLE
        self._room += 1
        error = answer.error
        if answer.fate == LOST_REPLY and error is not None:
            place.state = DOWN
            self._ended(cell, UNKNOWN, error, answer.seconds)
        elif answer.fate != ANSWERED or (place.agent_id and self._has_gone(place, error)):
            place.state = DOWN  # it was not delivered, so it may be sent again
            self._put_back(cell)
        elif error is not None:
            self._ended(cell, FAILED, error, answer.seconds)
        else:
            try:
                value, seconds = self._target.outcome(answer.value)
            except Exception as failure:  # a task that failed, or a reply of another type
                self._ended(cell, FAILED, failure, answer.seconds)
                return
            cell.succeed(value, answer.seconds, seconds)
            self._settled(cell)

    def _put_back(self, cell: Cell) -> None:
        cell.reset()
        cell.attempts -= 1
        if cell.number in self._spread:
            cell.host = ""
        self._queues[cell.host].appendleft(cell)
        self._unsent += 1

    @staticmethod
    def _has_gone(place: Place, error: BaseException | None) -> bool:
        """Whether an error says that the worker went with its host before the cell reached it."""
        return isinstance(error, InvalidAgentError) and error.agent_id == place.agent_id

    def _ended(self, cell: Cell, state: str, error: BaseException, total: float | None = None) -> None:
        cell.fail(state, error, total)
        self._settled(cell)

    def _settled(self, cell: Cell) -> None:
        self._left -= 1
        self._on_cell(cell)

    # ---- the end

    def _end(self, why: BaseException | None) -> None:
        """Have every cell ended, and the workers too as far as that can be had now."""
        if self._left:
            self._give_up(self.cancelled or why is not None)
        with suppress(PagletError):
            self._tear_down()
        self._calls.close()

    def _give_up(self, stopped: bool) -> None:
        hint = "it is under way" if self._target.cancelling() is None else f"it is under way, and is {ASKED}"
        for place in self._places:
            if place.cell is not None:
                with suppress(Exception, KeyboardInterrupt):  # whoever is told must not keep the rest from ending
                    self._ended(place.cell, UNKNOWN, self._why(place.cell, stopped, hint), self._since(place))
        for queue in self._queues.values():
            while queue:
                cell = queue.popleft()
                with suppress(Exception, KeyboardInterrupt):
                    state = NOT_RUN if stopped else FAILED
                    self._ended(cell, state, self._why(cell, stopped, "it was never sent"))

    def _since(self, place: Place) -> float | None:
        sent = None if place.cell is None else place.cell.sent
        return None if sent is None else time.monotonic() - self._began - sent

    def _why(self, cell: Cell, stopped: bool, hint: str) -> PagletError:
        what = f"{self._target.label} on {cell.host or 'any host'}"
        return (
            ExperimentError(f"{what}: cancelled; {hint}")
            if stopped
            else CallTimeoutError(what, self._timeout, hint=hint)
        )

    def _tear_down(self) -> None:
        """End the workers; one that is being made is ended once it is there, for it would be made after its end."""
        made = [place for place in self._places if place.agent_id]
        for place in made:
            if place.state != MAKING:
                self._dispose(place)
        until = time.monotonic() + _TEAR_DOWN
        while made and len(self._calls) and (now := time.monotonic()) < until:
            for answer in self._calls.receive(until - now):
                if answer.key is not None:
                    self._dispose(answer.key)
        for place in made:
            if place.state == MAKING:
                self._dispose(place)

    def _dispose(self, place: Place) -> None:
        self._calls.forget(place)
        url = place.url if place.proxy is None else place.proxy.host_url
        cancelling = self._target.cancelling() if place.cell is not None and place.proxy is not None else None
        if cancelling is not None and place.proxy is not None:
            self._calls.call(None, place.proxy, cancelling, CallOptions())
        self._calls.ask(None, url, "@dispose", Nothing(), Nothing, target=place.agent_id)
        place.state = BROKEN
