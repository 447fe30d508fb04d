"""Storage that outlives paglets: names, quota, whole writes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from paglets_nb.errors import StorageQuotaError
from paglets_nb.host.storage import HostStorage, StorageView, folder_name

LONG = "x" * 256


@pytest.fixture
def storage(tmp_path: Path) -> StorageView:
    """A class's storage of 100 bytes."""
    return HostStorage(tmp_path).of("cells:Thing#0123456789abcdef", 100)


def test_files_are_written_read_listed_and_deleted(storage: StorageView) -> None:
    """The plain life of files, with folders."""
    storage.write_text("a", "one")
    storage.write_bytes("sub/dir/b", b"\0two")
    storage.append_bytes("a", b" more")
    storage.append_bytes("c", b"new")
    assert (storage.read_text("a"), storage.read_bytes("sub/dir/b")) == ("one more", b"\0two")
    assert list(storage) == ["a", "c", "sub/dir/b"]
    assert storage.used_bytes == 8 + 4 + 3
    assert storage.size_bytes("a") == 8
    storage.delete("a")
    assert (storage.exists("a"), storage.exists("c"), storage.used_bytes) == (False, True, 7)
    storage.clear()
    assert (storage.names(), storage.used_bytes) == ([], 0)


def test_what_is_not_there(storage: StorageView) -> None:
    """Reading or deleting what is not there says so."""
    for call in (storage.read_bytes, storage.delete, storage.size_bytes):
        with pytest.raises(FileNotFoundError, match="no 'a/b' in the storage of Thing"):
            call("a/b")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/abs",
        "..",
        "../x",
        "a/../b",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "nul\0",
        LONG,
        f"a/{LONG}",
        "a/" * 600,
        "\udcff",
    ],
)
def test_names_cannot_escape(tmp_path: Path, storage: StorageView, name: str) -> None:
    """Every way of writing a name that is not plainly inside is a ValueError, for each operation."""
    for call in (
        lambda: storage.write_bytes(name, b"x"),
        lambda: storage.append_bytes(name, b"x"),
        lambda: storage.read_bytes(name),
        lambda: storage.exists(name),
        lambda: storage.delete(name),
    ):
        with pytest.raises(ValueError, match="storage"):
            call()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_links_do_not_lead_out(tmp_path: Path, storage: StorageView) -> None:
    """A link in the storage, to a file or a folder, is followed by nothing."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    storage.write_text("a", "x")
    home = tmp_path / "storage" / "cells:Thing"
    (home / "folder").symlink_to(outside)
    (home / "file").symlink_to(outside / "secret")
    for name in ("folder/secret", "file"):
        for call in (storage.read_bytes, storage.delete, storage.size_bytes):
            with pytest.raises(ValueError, match=r"leads through a link|is no file"):
                call(name)
        with pytest.raises(ValueError, match=r"leads through a link|is no file"):
            storage.write_bytes(name, b"evil")
    assert (outside / "secret").read_text() == "secret"
    assert storage.names() == ["a"]


def test_the_quota_holds_for_all_writers(storage: StorageView) -> None:
    """No mixture of writes passes the quota, overwriting counts the difference, a refusal changes nothing."""
    storage.write_bytes("a", b"x" * 90)
    with pytest.raises(StorageQuotaError, match="90 bytes and 11 more are past its quota of 100"):
        storage.write_bytes("b", b"y" * 11)
    with pytest.raises(StorageQuotaError):
        storage.append_bytes("a", b"y" * 11)
    storage.write_bytes("a", b"z" * 100)
    storage.write_bytes("a", b"z" * 20)
    refused: list[str] = []

    def write(number: int) -> None:
        try:
            storage.write_bytes(f"n{number}", b"x" * 10)
        except StorageQuotaError:
            refused.append(str(number))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (len(refused), storage.used_bytes) == (4, 100)


def test_what_is_kept_is_counted_again_by_a_later_run(tmp_path: Path) -> None:
    """Another run of the host counts what is there and clears what was half written."""
    HostStorage(tmp_path).of("m:A").write_bytes("d/a", b"12345")
    half = tmp_path / "storage/m:A/d/.part-0123"
    half.write_bytes(b"half")
    again = HostStorage(tmp_path, quota_bytes=6).of("m:A")
    assert (again.used_bytes, again.names(), again.quota_bytes) == (5, ["d/a"], 6)
    assert not half.exists()


def test_a_failed_write_leaves_the_earlier_content(tmp_path: Path, storage: StorageView) -> None:
    """A write that breaks off keeps file, count and folder as they were."""
    storage.write_bytes("a", b"before")
    with pytest.raises(TypeError):
        storage.write_bytes("a", ["not", "bytes"])  # type: ignore[arg-type]
    assert (storage.read_bytes("a"), storage.used_bytes) == (b"before", 6)
    assert os.listdir(tmp_path / "storage/cells:Thing") == ["a"]


def test_each_class_has_one_folder(tmp_path: Path) -> None:
    """Versions of a class share it, other classes do not, and no class name leads out."""
    host = HostStorage(tmp_path)
    host.of("cells:Thing#1").write_text("a", "x")
    assert host.of("cells:Thing#2").names() == ["a"]
    assert host.of("cells:Other").names() == []
    for name in ("../../x:Y", "..", "", "a/b:C", "x" * 500, "\0:A"):
        folder = folder_name(name)
        assert "/" not in folder
        assert folder.strip(".")
        assert len(folder) < 256
    with pytest.raises(ValueError, match="below 0"):
        host.of("m:A", -1)
