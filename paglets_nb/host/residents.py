"""The paglets that live on a host, those that left, and the turns of their handlers."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.records import Record
from paglets_nb.errors import InvalidAgentError, LifecycleError, NameTakenError
from paglets_nb.host.mailbox import Mailbox

__all__ = ["HandlerTurn", "Resident", "Residents"]

MAX_FORWARDS = 10_000


class Resident:
    """One paglet on this host.

    Attributes:
        paglet: the object.
        agent_id: its id.
        name: its name in the mesh, empty when it has none.
        class_name: the wire name of its class.
        mailbox: its turn and its queue.
        interleaved: kinds of message that need no turn.
        created_at: POSIX seconds since which it lives here.
        epoch: how often it has moved.
        durability: of its class.
        arriving: it is on its way here, and not active yet.
        direct: by operation, the shortest way to it; None where there is none.
        applied: of a message-durable one, replies by message id, oldest first.
    """

    __slots__ = (
        "agent_id",
        "applied",
        "arriving",
        "class_name",
        "created_at",
        "direct",
        "durability",
        "epoch",
        "interleaved",
        "mailbox",
        "name",
        "paglet",
    )

    def __init__(self, paglet: Paglet[Any], mailbox: Mailbox, *, class_name: str, name: str = "") -> None:
        self.paglet = paglet
        self.agent_id = paglet.agent_id
        self.mailbox = mailbox
        self.class_name = class_name
        self.name = name
        self.interleaved = type(paglet).interleaved_kinds
        self.created_at = time.time()
        self.epoch = 1
        self.arriving = False
        self.direct: dict[str, Any] = {}
        self.durability = type(paglet).durability
        self.applied: OrderedDict[str, bytes] = OrderedDict()

    def turn(self, origin: str, place: int, priority: int = 5) -> HandlerTurn:
        """The turn of a handler; ``place`` 0 is one that does not need it."""
        return HandlerTurn(self.paglet, self.mailbox, origin, place, priority, place > 0)


class HandlerTurn(Record, eq=False):
    """The turn of one handler.

    Attributes:
        paglet: whose turn.
        mailbox: the paglet's.
        origin: the notebook cell on whose behalf it runs.
        place: in the queue for the turn; 0 for a handler that never needed it.
        priority: of its message.
        held: whether it has the turn now.
    """

    paglet: Paglet[Any]
    mailbox: Mailbox
    origin: str
    place: int
    priority: int = 5
    held: bool = True

    def give_up(self) -> bool:
        """Let the next message in; False when there is no turn to give up."""
        if not self.held:
            return False
        self.held = False
        self.mailbox.release()
        return True

    def take_back(self, timeout: float | None = None) -> None:
        """Queue in the old place until the turn is ours; at once, without it, when the paglet has gone."""
        try:
            self.mailbox.acquire(priority=self.priority, place=self.place, timeout=timeout)
        except LifecycleError:
            return
        self.held = True

    def finish(self) -> None:
        """Release what is held."""
        if self.held:
            self.held = False
            self.mailbox.release()


class Residents:
    """The table of paglets by id and by name, and where those that left went.

    Args:
        host_name: for errors.
    """

    def __init__(self, host_name: str) -> None:
        self._host_name = host_name
        self._lock = threading.Lock()
        self._by_id: dict[str, Resident] = {}
        self._names: dict[str, str] = {}
        self._forwards: OrderedDict[str, str] = OrderedDict()
        self.find = self._by_id.get

    def add(self, resident: Resident) -> None:
        """Take a paglet in; NameTakenError when its id or name is in use here."""
        with self._lock:
            for key in (resident.agent_id, resident.name) if resident.name else (resident.agent_id,):
                if key in self._by_id or key in self._names:
                    raise NameTakenError(key, self._host_name)
            self._by_id[resident.agent_id] = resident
            if resident.name:
                self._names[resident.name] = resident.agent_id
            self._forwards.pop(resident.agent_id, None)

    def remove(self, resident: Resident, forward_to: str = "") -> None:
        """Forget a paglet, or remember where it went."""
        with self._lock:
            if self._by_id.get(resident.agent_id) is resident:
                del self._by_id[resident.agent_id]
            self._names.pop(resident.name, None)
            if forward_to:
                self._forwards[resident.agent_id] = forward_to
                if resident.name:
                    self._forwards[resident.name] = forward_to
                while len(self._forwards) > MAX_FORWARDS:
                    self._forwards.popitem(last=False)

    def lookup(self, key: str) -> Resident | None:
        """A paglet by id or by name."""
        resident = self._by_id.get(key)
        if resident is None and (agent_id := self._names.get(key)) is not None:
            resident = self._by_id.get(agent_id)
        return resident

    def require(self, key: str) -> Resident:
        """A paglet by id or name; InvalidAgentError when it is not here."""
        resident = self._by_id.get(key) or self.lookup(key)
        if resident is None:
            raise InvalidAgentError(key, self._host_name)
        return resident

    def add_forward(self, key: str, url: str) -> None:
        """Remember where a paglet went, as the store tells it."""
        with self._lock:
            self._forwards[key] = url

    def forward_of(self, key: str) -> str:
        """The address of the host a paglet left for; empty when unknown."""
        return self._forwards.get(key, "")

    def all(self) -> list[Resident]:
        """Every paglet here, oldest first."""
        with self._lock:
            return list(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)
