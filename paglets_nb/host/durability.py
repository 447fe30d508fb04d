"""When and what of a paglet is stored.

``memory`` paglets are stored only while they sleep. ``lifecycle`` ones at each lifecycle
step, ``message`` ones also before each reply, together with the reply, so that a message
that is sent again after a crash has its effect once. Owns the host's store, opened when
first needed.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paglets_nb.codec import wire
from paglets_nb.errors import LifecycleError
from paglets_nb.host.records import ACTIVE, KEPT_APPLIED, Records, StoredMessage, StoredPaglet
from paglets_nb.host.residents import Resident
from paglets_nb.host.store import Store

__all__ = ["LEVELS", "Durability"]

LEVELS = ("memory", "lifecycle", "message")
_COMMIT_TIMEOUT = 30.0
_LENGTHS = struct.Struct("<BIH")

Reply = tuple[int, bytes, Sequence[Any]]


def pack_reply(reply: Reply) -> bytes:
    """A reply's frame type, payload and buffers as one text of bytes."""
    kind, payload, buffers = reply
    parts = [_LENGTHS.pack(kind, len(payload), len(buffers)), payload]
    for buffer in buffers:
        view = memoryview(buffer).cast("B")
        parts += [struct.pack("<Q", view.nbytes), bytes(view)]
    return b"".join(parts)


def unpack_reply(data: bytes) -> Reply:
    """The reply that was packed."""
    kind, length, count = _LENGTHS.unpack_from(data)
    at = _LENGTHS.size
    payload = data[at : at + length]
    at += length
    buffers = []
    for _ in range(count):
        (size,) = struct.unpack_from("<Q", data, at)
        buffers.append(data[at + 8 : at + 8 + size])
        at += 8 + size
    return kind, payload, buffers


class Durability:
    """Keeps the durable paglets of one host.

    Args:
        folder: where the store is, or will be once something is stored.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "store.db"
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._records: Records | None = None
        self._exists = self._looked = False
        self._places = 0

    @property
    def exists(self) -> bool:
        """Whether anything was ever stored; nobody but this host stores anything here."""
        if not self._exists:
            self._exists = self._records is not None or (not self._looked and Store.was_made(self._path))
            self._looked = True
        return self._exists

    @property
    def records(self) -> Records:
        """The store's records; opens it, and raises StoreError where it is damaged."""
        with self._lock:
            if self._records is None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._store = Store(self._path)
                self._records = Records(self._store)
            return self._records

    @staticmethod
    def check(paglet_class: type) -> None:
        """Refuse a class whose durability is none of the levels."""
        level = getattr(paglet_class, "durability", "")
        if level not in LEVELS:
            raise LifecycleError(f"{paglet_class.__name__}.durability is {level!r} (wanted one of {', '.join(LEVELS)})")

    def stored(self, resident: Resident, status: str = ACTIVE, *, patience: float = -1.0, **more: Any) -> StoredPaglet:
        """The paglet as it would be stored now.

        Raises:
            LifecycleError: its state lock was held for all of ``patience`` seconds (-1: wait as long as it takes).
        """
        lock = resident.paglet.locked()
        if not lock.acquire(timeout=patience):
            raise LifecycleError(f"the state of {resident.agent_id} was locked for more than {patience:g} s")
        try:
            state = wire.dataclass_to_wire(resident.paglet.state)
        finally:
            lock.release()
        return StoredPaglet(
            resident.agent_id,
            resident.name,
            resident.class_name,
            resident.epoch,
            status,
            resident.durability,
            state,
            **more,
        )

    def keep(self, resident: Resident, *, patience: float = -1.0) -> None:
        """A lifecycle step is done: store a durable paglet; see ``stored``."""
        if resident.durability != "memory":
            self.records.save(self.stored(resident, patience=patience))

    def keep_prepared(self, resident: Resident, stored: StoredPaglet) -> None:
        """Store a paglet that is on its way here, with the messages that have had their effect elsewhere."""
        with self._lock:
            first = self._places + 1
            self._places += len(resident.applied)
        applied = [(message_id, reply, first + at) for at, (message_id, reply) in enumerate(resident.applied.items())]
        self.records.save(stored, applied)

    def restore_applied(self, resident: Resident) -> None:
        """Know again which messages have had their effect."""
        if resident.durability == "message":
            for message_id, reply, place in self.records.applied(resident.agent_id):
                resident.applied[message_id] = reply
                with self._lock:
                    self._places = max(self._places, place)

    def queue(self, message: StoredMessage) -> None:
        """Keep a message; returns once that is committed."""
        self.records.queue(message).result(_COMMIT_TIMEOUT)

    def earlier_reply(self, resident: Resident, message_id: str) -> Reply | None:
        """The reply of a message that was handled before; None for a new one."""
        found = resident.applied.get(message_id)
        return None if found is None else unpack_reply(found)

    def apply(self, resident: Resident, message_id: str, reply: Reply) -> None:
        """Store a message's effect and its reply; returns once that is committed."""
        packed = pack_reply(reply)
        with self._lock:
            self._places += 1
            place = self._places
        self.records.apply(self.stored(resident), message_id, place, packed).result(_COMMIT_TIMEOUT)
        resident.applied[message_id] = packed
        while len(resident.applied) > KEPT_APPLIED:
            resident.applied.popitem(last=False)

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            if self._store is not None:
                self._store.close()
