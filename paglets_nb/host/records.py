"""What a host keeps in its store, by name: paglets, forwards, outcomes, messages, code.

Each function here is one step that is committed whole. Knows the tables; must not know
mailboxes, hooks or sockets.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.shipping import Bundle, code_store
from paglets_nb.errors import SerializationError

if TYPE_CHECKING:
    from concurrent.futures import Future

    import apsw

    from paglets_nb.host.store import Store

__all__ = ["ACTIVE", "INACTIVE", "PREPARED", "QUARANTINED", "Records", "StoredMessage", "StoredPaglet"]

ACTIVE, INACTIVE, PREPARED, QUARANTINED = "active", "inactive", "prepared", "quarantined"
KEPT_APPLIED = 20_000
"""Replies kept per paglet for messages that are sent again."""
TRIM_EVERY = 1000
"""Messages of a paglet after which its oldest replies are forgotten."""
_COLUMNS = "agent_id, name, class_name, epoch, status, durability, policy, payload, extra, operation_id"


@dataclass(frozen=True)
class StoredPaglet:
    """A paglet as it is stored.

    Attributes:
        epoch: counts its moves; the higher one is the paglet, the lower one its past.
        status: active, inactive, prepared or quarantined.
        state: the wire form of its state.
        policy: of an inactive one, the wire form of its deactivation policy.
        extra: of a prepared one, the wire form of its arrival without the state.
        operation_id: of a prepared one, the movement that brought it.
    """

    agent_id: str
    name: str
    class_name: str
    epoch: int
    status: str
    durability: str
    state: dict[str, Any]
    policy: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None
    operation_id: str = ""

    @property
    def called(self) -> str:
        """What messages call it: its name, or its id."""
        return self.name or self.agent_id

    def with_status(self, status: str, policy: dict[str, Any] | None = None) -> StoredPaglet:
        """The same in another status, no longer on its way."""
        return replace(self, status=status, policy=policy, extra=None, operation_id="")


@dataclass(frozen=True)
class StoredMessage:
    """A message that waits in the store: the parts of its request's frame."""

    agent_id: str
    message_id: str
    header: bytes
    payload: bytes
    buffers: tuple[bytes, ...] = ()


def _packed(value: Any) -> bytes | None:
    return None if value is None else payloads.encode_whole(value)


def _unpacked(data: bytes | None) -> Any:
    return None if data is None else payloads.decode(data, ())


def _paglet(row: tuple[Any, ...]) -> StoredPaglet:
    agent_id, name, class_name, epoch, status, durability, policy, payload, extra, operation_id = row
    return StoredPaglet(
        agent_id,
        name,
        class_name,
        epoch,
        status,
        durability,
        _unpacked(payload),
        _unpacked(policy),
        _unpacked(extra),
        operation_id,
    )


def _put_paglet(connection: apsw.Connection, paglet: StoredPaglet) -> None:
    digest = paglet.class_name.partition("#")[2]
    bundle = code_store.bundle(digest) if digest else None
    if bundle is not None:
        connection.execute(
            "INSERT OR IGNORE INTO code VALUES (?, ?, ?, ?)",
            (bundle.digest, bundle.name, bundle.pickled, _packed(bundle.sources)),
        )
    connection.execute(
        f"INSERT OR REPLACE INTO paglets ({_COLUMNS}, saved_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            paglet.agent_id,
            paglet.name,
            paglet.class_name,
            paglet.epoch,
            paglet.status,
            paglet.durability,
            _packed(paglet.policy),
            _packed(paglet.state),
            _packed(paglet.extra),
            paglet.operation_id,
            time.time(),
        ),
    )
    connection.execute(
        "DELETE FROM forwards WHERE key = ? OR (? != '' AND key = ?)", (paglet.agent_id, paglet.name, paglet.name)
    )


class Records:
    """The steps that are committed whole.

    Args:
        store: where.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._untrimmed: dict[str, int] = {}

    # ---- paglets

    def save(self, paglet: StoredPaglet, applied: Iterable[tuple[str, bytes, int]] = ()) -> None:
        """Keep a paglet as it is now, with what it has brought of messages that had their effect elsewhere."""

        def work(connection: apsw.Connection) -> None:
            _put_paglet(connection, paglet)
            for message_id, reply, place in applied:
                connection.execute(
                    "INSERT OR REPLACE INTO applied VALUES (?, ?, ?, ?)", (paglet.agent_id, message_id, reply, place)
                )

        self._store.run(work)

    def forget(self, agent_id: str) -> None:
        """Forget a paglet that ended, with all that waited for it."""

        def work(connection: apsw.Connection) -> None:
            for table in ("paglets", "messages", "applied", "crashes"):
                connection.execute(f"DELETE FROM {table} WHERE agent_id = ?", (agent_id,))

        self._store.run(work)

    def wake(self, agent_id: str) -> None:
        """A paglet that is stored only while it sleeps is awake; its messages stay until they are handled."""
        self._store.execute("DELETE FROM paglets WHERE agent_id = ?", (agent_id,))

    def paglets(self) -> list[StoredPaglet]:
        """Every paglet that is stored."""
        return [_paglet(row) for row in self._store.execute(f"SELECT {_COLUMNS} FROM paglets")]

    def paglet(self, agent_id: str) -> StoredPaglet | None:
        """One paglet."""
        rows = self._store.execute(f"SELECT {_COLUMNS} FROM paglets WHERE agent_id = ?", (agent_id,))
        return _paglet(rows[0]) if rows else None

    # ---- movement

    def commit_departure(self, agent_id: str, name: str, epoch: int, url: str, operation_id: str) -> None:
        """The one step by which a paglet stops living here and lives at ``url``."""

        def work(connection: apsw.Connection) -> None:
            for table in ("paglets", "applied", "crashes"):
                connection.execute(f"DELETE FROM {table} WHERE agent_id = ?", (agent_id,))
            for key in filter(None, (agent_id, name)):
                connection.execute("INSERT OR REPLACE INTO forwards VALUES (?, ?, ?)", (key, url, epoch))
            self._put_outcome(connection, operation_id, agent_id, url)

        self._store.run(work)

    def abandon(self, operation_id: str, agent_id: str, name: str, epoch: int, url: str) -> None:
        """A paglet that was prepared does not come: it is still at ``url``, empty for a clone, which is nowhere."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(
                "DELETE FROM paglets WHERE agent_id = ? AND operation_id = ? AND status = ?",
                (agent_id, operation_id, PREPARED),
            )
            connection.execute("DELETE FROM applied WHERE agent_id = ?", (agent_id,))
            for key in filter(None, (agent_id, name) if url else ()):
                connection.execute("INSERT OR REPLACE INTO forwards VALUES (?, ?, ?)", (key, url, epoch))

        self._store.run(work)

    def commit_clone(self, operation_id: str, clone_id: str, url: str) -> None:
        """The one step by which a clone at ``url`` comes to be."""
        self._store.run(lambda connection: self._put_outcome(connection, operation_id, clone_id, url))

    @staticmethod
    def _put_outcome(connection: apsw.Connection, operation_id: str, agent_id: str, url: str) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, 0, ?)", (operation_id, agent_id, url, time.time())
        )

    def outcome(self, operation_id: str) -> bool:
        """Whether this host has committed a movement."""
        return bool(self._store.execute("SELECT 1 FROM outcomes WHERE operation_id = ?", (operation_id,)))

    def settled(self, operation_id: str) -> None:
        """The target has taken over: the outcome need not be told any more."""
        self._store.submit(
            lambda connection: connection.execute("DELETE FROM outcomes WHERE operation_id = ?", (operation_id,))
        )

    def unsettled(self) -> list[tuple[str, str, str]]:
        """Committed movements whose target has not taken over yet: operation, paglet, address."""
        return [
            (operation_id, agent_id, url)
            for operation_id, agent_id, url in self._store.execute("SELECT operation_id, agent_id, url FROM outcomes")
        ]

    def forwards(self) -> dict[str, str]:
        """Where paglets that lived here went, by id and name."""
        return dict(self._store.execute("SELECT key, url FROM forwards"))

    # ---- messages

    def queue(self, message: StoredMessage) -> Future[None]:
        """Keep a message for a paglet; one that is sent again is kept once. The future settles with the commit."""
        values = (
            message.agent_id,
            message.message_id,
            message.header,
            message.payload,
            _packed(list(message.buffers)) if message.buffers else None,
        )

        def work(connection: apsw.Connection) -> None:
            connection.execute(
                "INSERT OR IGNORE INTO messages (agent_id, message_id, header, payload, buffers)"
                " VALUES (?, ?, ?, ?, ?)",
                values,
            )

        return self._store.submit(work)

    def queued(self, agent_id: str) -> list[StoredMessage]:
        """The messages that wait for a paglet, in the order in which they came."""
        rows = self._store.execute(
            "SELECT agent_id, message_id, header, payload, buffers FROM messages WHERE agent_id = ? ORDER BY place",
            (agent_id,),
        )
        return [
            StoredMessage(agent_id, message_id, header, payload, tuple(_unpacked(buffers) or ()))
            for agent_id, message_id, header, payload, buffers in rows
        ]

    def left_behind(self) -> list[tuple[str, str]]:
        """The paglets that left without all of their messages, and where to; forgets those that nobody waits for."""

        def work(connection: apsw.Connection) -> list[tuple[str, str]]:
            connection.execute(
                "DELETE FROM messages WHERE agent_id NOT IN (SELECT agent_id FROM paglets)"
                " AND agent_id NOT IN (SELECT key FROM forwards)"
            )
            rows = connection.execute(
                "SELECT DISTINCT agent_id, url FROM messages JOIN forwards ON key = agent_id"
                " WHERE agent_id NOT IN (SELECT agent_id FROM paglets)"
            )
            return [(agent_id, url) for agent_id, url in rows]

        return self._store.run(work)

    def unqueue(self, agent_id: str, message_id: str) -> None:
        """A message has been handled."""
        self._store.run(lambda connection: self._unqueue(connection, agent_id, message_id))

    @staticmethod
    def _unqueue(connection: apsw.Connection, agent_id: str, message_id: str) -> None:
        connection.execute("DELETE FROM messages WHERE agent_id = ? AND message_id = ?", (agent_id, message_id))

    def apply(self, paglet: StoredPaglet, message_id: str, place: int, reply: bytes) -> Future[None]:
        """A message's effect: the state after it, and its reply for when it is sent again."""

        def work(connection: apsw.Connection) -> None:
            _put_paglet(connection, paglet)
            self._unqueue(connection, paglet.agent_id, message_id)
            connection.execute(
                "INSERT OR REPLACE INTO applied VALUES (?, ?, ?, ?)", (paglet.agent_id, message_id, reply, place)
            )
            self._trim_applied(connection, paglet.agent_id)

        return self._store.submit(work)

    def _trim_applied(self, connection: apsw.Connection, agent_id: str) -> None:
        """Now and then, forget the oldest replies of a paglet; called by the store's writer only."""
        untrimmed = self._untrimmed[agent_id] = self._untrimmed.get(agent_id, 0) + 1
        if untrimmed < TRIM_EVERY:
            return
        del self._untrimmed[agent_id]
        connection.execute(
            "DELETE FROM applied WHERE agent_id = ? AND place <= (SELECT place FROM applied WHERE agent_id = ?"
            " ORDER BY place DESC LIMIT 1 OFFSET ?)",
            (agent_id, agent_id, KEPT_APPLIED),
        )

    def applied(self, agent_id: str) -> list[tuple[str, bytes, int]]:
        """The messages whose effect is in the stored state, oldest first: id, reply, place."""
        return [
            (message_id, reply, place)
            for message_id, reply, place in self._store.execute(
                "SELECT message_id, reply, place FROM applied WHERE agent_id = ? ORDER BY place", (agent_id,)
            )
        ]

    # ---- code and crashes

    def load_code(self) -> list[str]:
        """Have the process know the shipped classes of stored paglets; why some of them were refused."""
        refused: list[str] = []
        for digest, name, pickled, sources in self._store.execute("SELECT digest, name, pickled, sources FROM code"):
            try:
                code_store.add(Bundle(digest, name, pickled, _unpacked(sources)))
            except SerializationError as error:
                refused.append(str(error))
        return refused

    def count_crashes(self, agent_ids: list[str], window: float) -> dict[str, int]:
        """Note that the host died while these paglets ran; how often it did within ``window`` seconds."""
        now = time.time()

        def work(connection: apsw.Connection) -> dict[str, int]:
            connection.execute("DELETE FROM crashes WHERE crashed_at < ?", (now - window,))
            for agent_id in agent_ids:
                connection.execute("INSERT INTO crashes VALUES (?, ?)", (agent_id, now))
            return dict(connection.execute("SELECT agent_id, count(*) FROM crashes GROUP BY agent_id"))

        return self._store.run(work)
