"""The store: one SQLite file per host, one writer, group commit.

Opened by apsw in WAL mode with ``synchronous=FULL``: what was committed survives power
loss. All access is by the writer's thread; requests that wait while it commits share
the next commit. Owns the file, the schema's versions and the quarantine of a damaged
file; it knows rows, not paglets.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import apsw

from paglets_nb.errors import StoreError

__all__ = ["MIGRATIONS", "Store"]

T = TypeVar("T")
_LOWEST_SQLITE = (3, 51, 3)  # below, a WAL reset can lose commits
_GROUP = 256
_COMMIT_TIMEOUT = 30.0

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE paglets (
        agent_id TEXT PRIMARY KEY, name TEXT NOT NULL, class_name TEXT NOT NULL, epoch INTEGER NOT NULL,
        status TEXT NOT NULL, durability TEXT NOT NULL, policy BLOB, payload BLOB NOT NULL, extra BLOB,
        operation_id TEXT NOT NULL DEFAULT '', saved_at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE forwards (key TEXT PRIMARY KEY, url TEXT NOT NULL, epoch INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE outcomes (
        operation_id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, url TEXT NOT NULL, settled INTEGER NOT NULL,
        decided_at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE messages (
        place INTEGER PRIMARY KEY AUTOINCREMENT, agent_id TEXT NOT NULL, message_id TEXT NOT NULL,
        header BLOB NOT NULL, payload BLOB NOT NULL, buffers BLOB, UNIQUE (agent_id, message_id)
    );
    CREATE TABLE applied (
        agent_id TEXT NOT NULL, message_id TEXT NOT NULL, reply BLOB NOT NULL, place INTEGER NOT NULL,
        PRIMARY KEY (agent_id, message_id)
    ) WITHOUT ROWID;
    CREATE INDEX applied_order ON applied (agent_id, place);
    CREATE TABLE code (
        digest TEXT PRIMARY KEY, name TEXT NOT NULL, pickled BLOB NOT NULL, sources BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE crashes (agent_id TEXT NOT NULL, crashed_at REAL NOT NULL);
    """,
)
"""The schema, one script per version, in order; a script that was released is never changed."""

_Request = tuple[Callable[[apsw.Connection], Any], "Future[Any]"]


class Store:
    """One SQLite file.

    Args:
        path: the file; its folder exists.

    Raises:
        StoreError: the file is damaged (it was moved aside), too new, or SQLite is too old.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._check_version()
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self.commits = 0
        self._connection = self._open()
        self._writer = threading.Thread(target=self._write, name=f"{path.parent.name}-store", daemon=True)
        self._writer.start()

    @staticmethod
    def _check_version() -> None:
        version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
        if version < _LOWEST_SQLITE:
            wanted = ".".join(map(str, _LOWEST_SQLITE))
            raise StoreError(f"SQLite {apsw.sqlite_lib_version()} can lose commits; {wanted} or later is needed")

    def _open(self) -> apsw.Connection:
        try:
            self._check_not_emptied()
            connection = apsw.Connection(os.fspath(self.path))
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()  # now: a later close could take the log of a store that is there by then
                raise
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise self._quarantine(error) from error
        except apsw.Error as error:
            raise StoreError(f"the store {self.path} cannot be opened: {error}") from error
        return connection

    def _prepare(self, connection: apsw.Connection) -> None:
        connection.set_busy_timeout(5000)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        found = connection.pragma("quick_check")
        if found != "ok":
            raise apsw.CorruptError(str(found))
        self._migrate(connection)
        self._mark.touch()

    @property
    def _mark(self) -> Path:
        """A file beside the store that says that there is one."""
        return self.path.with_name(f"{self.path.name}.made")

    @classmethod
    def was_made(cls, path: Path) -> bool:
        """Whether there is a store at ``path``, or was one that is gone by now."""
        return path.exists() or path.with_name(f"{path.name}.made").exists()

    def _check_not_emptied(self) -> None:
        """A store that was made and is empty or gone has lost what it held; SQLite would begin a new one."""
        log = self.path.with_name(f"{self.path.name}-wal")
        left = [path for path in (self.path, log) if path.exists() and path.stat().st_size]
        if self._mark.exists() and not left:
            raise apsw.CorruptError("the file is empty or gone")

    def _quarantine(self, error: Exception) -> StoreError:
        """Move a damaged file aside; the error that says so."""
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        self._mark.unlink(missing_ok=True)
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")
        aside.with_name(f"{aside.name}.txt").write_text(f"{self.path.name} was moved here because: {error}\n")
        return StoreError(
            f"the store {self.path} is damaged ({error}); it was moved to {aside.name}; start again to begin without it"
        )

    def _migrate(self, connection: apsw.Connection) -> None:
        version = int(connection.pragma("user_version"))
        if version > len(MIGRATIONS):
            raise StoreError(
                f"the store {self.path} is of version {version}; this program knows versions up to {len(MIGRATIONS)}"
            )
        for number in range(version, len(MIGRATIONS)):
            with connection:
                connection.execute(MIGRATIONS[number])
                connection.pragma("user_version", number + 1)

    # ---- requests

    def submit(self, work: Callable[[apsw.Connection], T]) -> Future[T]:
        """Have ``work`` run in the next transaction; the future settles once that is committed."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StoreError(f"the store {self.path} is closed")
            self._queue.put((work, future))
        return future

    def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """``submit``, and block until it is committed.

        Raises:
            StoreError: it could not be committed, e.g. the disk is full; nothing of it was.
        """
        future = self.submit(work)
        try:
            return future.result(_COMMIT_TIMEOUT)
        except TimeoutError as error:
            if future.done():
                raise
            raise StoreError(f"the store {self.path} did not commit within {_COMMIT_TIMEOUT:g} s") from error

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows, once committed."""
        return self.run(lambda connection: list(connection.execute(statement, values)))

    # ---- the writer

    def _write(self) -> None:
        while True:
            request = self._queue.get()
            batch: list[_Request] = []
            while request is not None:
                batch.append(request)
                if len(batch) >= _GROUP:
                    break
                try:
                    request = self._queue.get_nowait()
                except queue.Empty:
                    break
            if batch:
                self._commit(batch)
            if request is None:
                self._connection.close()
                return

    def _commit(self, batch: list[_Request]) -> None:
        """Run a batch in one transaction, each request in a savepoint of its own."""
        connection = self._connection
        results: list[tuple[Future[Any], Any]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for work, future in batch:
                try:
                    with connection:
                        results.append((future, work(connection)))
                except Exception as error:  # one request's failure is its own
                    if not connection.in_transaction:  # but SQLite gave up all of it, e.g. on a full disk
                        raise
                    future.set_exception(self._translated(error))
            connection.execute("COMMIT")
            self.commits += 1
        except Exception as error:
            with suppress(apsw.Error):
                connection.execute("ROLLBACK")
            for _work, future in batch:
                if not future.done():
                    future.set_exception(self._translated(error))
            return
        for future, result in results:
            future.set_result(result)

    def _translated(self, error: Exception) -> Exception:
        if isinstance(error, apsw.FullError):
            return StoreError(f"the disk of {self.path} is full; nothing of this step was stored")
        if isinstance(error, apsw.Error):
            return StoreError(f"the store {self.path} failed: {error}")
        return error

    def close(self) -> None:
        """Commit what waits and close the file."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join(_COMMIT_TIMEOUT)
