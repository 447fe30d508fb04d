"""The store: what is committed stays, what fails is alone, what is damaged is moved aside."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import apsw
import pytest

from paglets_nb.errors import StoreError
from paglets_nb.host import store as module
from paglets_nb.host.store import MIGRATIONS, Store

TABLES = ["applied", "code", "crashes", "forwards", "messages", "outcomes", "paglets"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An open store."""
    store = Store(path)
    yield store
    store.close()


def put(key: str) -> Any:
    """A request that stores one row."""
    return lambda connection: connection.execute("INSERT INTO forwards VALUES (?, 'url', 1)", (key,))


def keys(store: Store) -> list[str]:
    """The rows that ``put`` stored."""
    return [key for (key,) in store.execute("SELECT key FROM forwards ORDER BY key")]


def hold_up(store: Store) -> tuple[threading.Event, Future[Any]]:
    """Keep the writer busy until the event is set, so that what follows shares the next commit."""
    begun, free = threading.Event(), threading.Event()

    def work(_connection: apsw.Connection) -> None:
        begun.set()
        assert free.wait(10)

    held = store.submit(work)
    assert begun.wait(5)
    return free, held


def test_requests_that_wait_share_a_commit(store: Store) -> None:
    """A hundred requests that come while the writer is busy are committed at once, and each has its result."""
    free, held = hold_up(store)
    futures = [store.submit(put(f"{number:03}")) for number in range(100)]
    before = store.commits
    free.set()
    for future in (held, *futures):
        future.result(5)
    assert store.commits == before + 2
    assert keys(store) == [f"{number:03}" for number in range(100)]


def test_a_request_that_fails_fails_alone(store: Store) -> None:
    """One request's error undoes all of that request and nothing of those it shares a commit with."""

    def half(connection: apsw.Connection) -> None:
        put("half")(connection)
        raise KeyError("mine")

    def wrong(connection: apsw.Connection) -> None:
        put("wrong")(connection)
        connection.execute("SELECT * FROM nowhere")

    free, _held = hold_up(store)
    before, failing, broken, after = (store.submit(work) for work in (put("a"), half, wrong, put("b")))
    free.set()
    before.result(5)
    after.result(5)
    with pytest.raises(KeyError, match="mine"):
        failing.result(5)
    with pytest.raises(StoreError, match=r"store\.db failed: .*no such table: nowhere"):
        broken.result(5)
    assert keys(store) == ["a", "b"]


def test_a_batch_that_sqlite_gives_up_fails_whole(store: Store) -> None:
    """Where SQLite rolls back all of a commit every request of it is told so, and none of them is stored."""
    free, _held = hold_up(store)
    futures = [store.submit(work) for work in (put("a"), lambda connection: connection.execute("ROLLBACK"), put("b"))]
    free.set()
    for future in futures:
        with pytest.raises(StoreError):
            future.result(5)
    assert keys(store) == []
    store.run(put("c"))
    assert keys(store) == ["c"]


def test_what_was_committed_is_there_again(path: Path) -> None:
    """A second process, or the same after a close, finds what was committed; without a close too."""
    first = Store(path)
    first.run(put("a"))
    with sqlite3.connect(path) as reader:
        assert reader.execute("SELECT key FROM forwards").fetchall() == [("a",)]
    reader.close()
    first.submit(put("b"))
    first.close()
    second = Store(path)
    assert keys(second) == ["a", "b"]
    second.close()


def test_a_closed_store(store: Store) -> None:
    """Closing commits what waits; afterwards every request is refused, and closing again is harmless."""
    free, _held = hold_up(store)
    last = store.submit(put("a"))
    free.set()
    store.close()
    assert last.done()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.run(put("b"))


def test_a_commit_that_takes_too_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller waits for its commit with a limit, and is told which store did not keep it."""
    monkeypatch.setattr(module, "_COMMIT_TIMEOUT", 0.02)
    free, _held = hold_up(store)
    with pytest.raises(StoreError, match=r"store\.db did not commit within 0\.02 s"):
        store.run(put("a"))
    free.set()
    monkeypatch.undo()


class TestVersions:
    def test_a_new_store_is_migrated_from_nothing(self, store: Store) -> None:
        """A new file gets every table and the latest version, and survives a power loss by its settings."""
        rows = store.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        assert sorted(name for (name,) in rows) == TABLES
        assert store.execute("PRAGMA user_version") == [(len(MIGRATIONS),)]
        assert store.execute("PRAGMA journal_mode") == [("wal",)]
        assert store.execute("PRAGMA synchronous") == [(2,)]

    def test_later_migrations_run_once_each_in_order(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A store of an older version gets the scripts it lacks, in order, and keeps its rows."""
        first = Store(path)
        first.run(put("a"))
        first.close()
        later = (
            "ALTER TABLE forwards ADD COLUMN note TEXT NOT NULL DEFAULT 'old'",
            "UPDATE forwards SET note = note || 'er'",
        )
        monkeypatch.setattr(module, "MIGRATIONS", MIGRATIONS + later)
        for _ in range(2):
            store = Store(path)
            assert store.execute("SELECT key, note FROM forwards") == [("a", "older")]
            assert store.execute("PRAGMA user_version") == [(len(MIGRATIONS) + 2,)]
            store.close()

    def test_a_migration_that_fails_changes_nothing(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A script that fails leaves the version and the tables as they were, and the error says which store."""
        Store(path).close()
        broken = ("CREATE TABLE half (a); SELECT * FROM nowhere",)
        with monkeypatch.context() as patch:
            patch.setattr(module, "MIGRATIONS", MIGRATIONS + broken)
            with pytest.raises(StoreError, match=r"store\.db cannot be opened: .*nowhere"):
                Store(path)
        store = Store(path)
        assert store.execute("PRAGMA user_version") == [(len(MIGRATIONS),)]
        assert store.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'") == [(0,)]
        store.close()

    def test_a_newer_store_is_left_alone(self, path: Path, store: Store) -> None:
        """A store of a later version is refused, and its file is not touched."""
        store.execute("PRAGMA user_version = 99")
        store.close()
        before = path.read_bytes()
        with pytest.raises(StoreError, match=r"is of version 99; this program knows versions up to 1"):
            Store(path)
        assert path.read_bytes() == before
        assert not list(path.parent.glob("*damaged*"))

    def test_an_sqlite_that_loses_commits(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A library with a known loss is refused before the file is made."""
        monkeypatch.setattr(module.apsw, "sqlite_lib_version", lambda: "3.40.1")
        with pytest.raises(StoreError, match=r"SQLite 3\.40\.1 can lose commits; 3\.51\.3 or later"):
            Store(path)
        assert not path.exists()


class TestDamage:
    @pytest.mark.parametrize("place", ["header", "inside"])
    def test_a_damaged_store_is_moved_aside(self, path: Path, place: str) -> None:
        """A damaged file is moved aside whole with a note of why, the error says so, and the next start begins anew."""
        store = Store(path)
        for number in range(200):
            store.submit(put(f"{number:0500}"))
        store.close()
        data = bytearray(path.read_bytes())
        start = 0 if place == "header" else 8192
        data[start : start + 4096] = b"\xff" * 4096
        path.write_bytes(data)
        with pytest.raises(StoreError, match=r"is damaged .*it was moved to store\.db\.damaged-\d{8}-\d{6}") as caught:
            Store(path)
        assert "start again to begin without it" in str(caught.value)
        assert not path.exists()
        aside = {found.suffix == ".txt": found for found in path.parent.iterdir()}
        assert aside[False].read_bytes() == bytes(data)
        assert "was moved here because" in aside[True].read_text()
        second = Store(path)
        assert keys(second) == []
        second.close()

    def test_a_file_that_is_no_store(self, path: Path) -> None:
        """A file of something else is moved aside too."""
        path.write_text("not a database, but long enough to be looked at " * 100)
        with pytest.raises(StoreError, match="is damaged"):
            Store(path)
        assert not path.exists()

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        """Where no file can be opened the error names it, and nothing is moved."""
        with pytest.raises(StoreError, match=r"missing/store\.db cannot be opened"):
            Store(tmp_path / "missing" / "store.db")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB, where one can be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", os.fspath(folder)]
    try:
        mounted = subprocess.run(mounting, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", os.fspath(folder)], capture_output=True, check=True)


def test_a_full_disk(small_disk: Path) -> None:
    """What does not fit is refused with an error that says why; what was committed stays, and there is room again."""
    store = Store(small_disk / "store.db")
    store.run(put("kept"))
    filler = small_disk / "filler"
    free = os.statvfs(small_disk)
    filler.write_bytes(b"x" * (free.f_bavail * free.f_frsize))
    with pytest.raises(StoreError, match=r"the disk of .* is full; nothing of this step was stored"):
        store.run(put("lost" * 100_000))
    filler.unlink()
    store.run(put("later"))
    found = keys(store)
    assert found == ["kept", "later"]
    store.close()
    again = Store(small_disk / "store.db")
    assert keys(again) == found
    again.close()


@pytest.mark.parametrize("lost", ["emptied", "gone"])
def test_a_store_that_lost_all_it_held_is_not_begun_anew_in_silence(path: Path, lost: str) -> None:
    """A store that is cut to nothing, or gone, is an error once; started again it begins without it."""
    store = Store(path)
    store.run(put("kept"))
    store.close()
    if lost == "emptied":
        path.write_bytes(b"")
    else:
        path.unlink()
    assert Store.was_made(path)
    with pytest.raises(StoreError, match="damaged .the file is empty or gone."):
        Store(path)
    again = Store(path)
    assert keys(again) == []
    again.close()
