"""Copying and moving one file, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paglets_nb.patterns import file_placement
from paglets_nb.patterns.file_placement import (
    atomic_copy_file,
    atomic_move_file,
    format_bytes,
    resolve_destination_path,
)

PLACING: list[Callable[..., Path]] = [atomic_copy_file, atomic_move_file]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of odd length with a mode and a time of its own."""
    path = tmp_path / "from" / "data.bin"
    path.parent.mkdir()
    path.write_bytes(os.urandom(100_001))
    path.chmod(0o640)
    os.utime(path, (1_000_000, 1_234_567))
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A folder to place files in."""
    folder = tmp_path / "to"
    folder.mkdir()
    return folder


def names(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (1024**6, "1024.0 PiB"),
    ],
)
def test_sizes_for_people(size: int, text: str) -> None:
    """Binary units, one digit after the point."""
    assert format_bytes(size) == text


def test_destinations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty is the home, a folder or a slash takes the name inside, anything else is the file itself."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    assert resolve_destination_path("", "a.txt") == home / "a.txt"
    assert resolve_destination_path(str(folder), "a.txt") == folder / "a.txt"
    assert resolve_destination_path(folder, "dir/a.txt") == folder / "a.txt"
    assert resolve_destination_path(str(folder), "a.txt", check_existing_dir=False) == folder
    assert resolve_destination_path(f"{tmp_path}/new/", "a.txt") == tmp_path / "new" / "a.txt"
    assert resolve_destination_path(f"{tmp_path}/new/", "a.txt", check_existing_dir=False) == tmp_path / "new" / "a.txt"
    assert resolve_destination_path(str(tmp_path / "b.txt"), "a.txt") == tmp_path / "b.txt"
    assert resolve_destination_path("~/b.txt", "a.txt") == home / "b.txt"
    assert resolve_destination_path("~", "a.txt", check_existing_dir=False) == home / "a.txt"
    assert resolve_destination_path("b.txt", "a.txt") == tmp_path / "b.txt"
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    assert resolve_destination_path("", "a.txt") == tmp_path / "a.txt"
    for name in ("", "..", "/", "."):
        with pytest.raises(ValueError, match="is not a file's name"):
            resolve_destination_path("", name)


@pytest.mark.parametrize("place", PLACING)
def test_the_whole_file_with_mode_and_time(place: Callable[..., Path], source: Path, target: Path) -> None:
    """The destination has the content, mode and time; nothing else is left; folders are made."""
    content, before = source.read_bytes(), source.stat()
    final = place(source, target / "deep" / "er" / "data.bin")
    assert final == target / "deep" / "er" / "data.bin"
    assert final.read_bytes() == content
    assert (final.stat().st_mode, final.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert names(final.parent) == ["data.bin"]
    assert source.exists() == (place is atomic_copy_file)
    assert final.stat().st_nlink == 1


@pytest.mark.parametrize("place", PLACING)
def test_an_existing_destination(place: Callable[..., Path], source: Path, target: Path) -> None:
    """It is refused and untouched, or replaced where that was asked for; a dangling link exists, too."""
    final = target / "data.bin"
    final.write_text("old")
    with pytest.raises(FileExistsError, match=f"destination already exists: {final}"):
        place(source, final)
    assert (final.read_text(), names(target), source.exists()) == ("old", ["data.bin"], True)
    (target / "link").symlink_to(target / "nowhere")
    with pytest.raises(FileExistsError):
        place(source, target / "link")
    content = source.read_bytes()
    place(source, final, overwrite=True)
    assert final.read_bytes() == content


@pytest.mark.parametrize("place", PLACING)
def test_one_that_appears_meanwhile_is_not_overwritten(
    place: Callable[..., Path], source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A destination made by somebody else while the file is copied is refused, with nothing left behind."""
    final = target / "data.bin"

    def sync(_descriptor: int) -> None:
        if not final.exists():
            final.write_text("theirs")

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(FileExistsError, match="destination already exists"):
        place(source, final)
    assert (final.read_text(), names(target), source.exists()) == ("theirs", ["data.bin"], True)


@pytest.mark.parametrize("place", PLACING)
@pytest.mark.parametrize("overwrite", [False, True])
def test_file_systems_without_links(
    place: Callable[..., Path], overwrite: bool, source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no hard link can be made the file is copied and renamed."""

    def link(*_args: Any, **_options: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    content = source.read_bytes()
    final = place(source, target / "data.bin", overwrite=overwrite)
    assert final.read_bytes() == content
    assert names(target) == ["data.bin"]
    assert source.exists() == (place is atomic_copy_file)
    source.write_text("again")
    with pytest.raises(FileExistsError):
        place(source, final)
    assert names(target) == ["data.bin"]


@pytest.mark.parametrize("place", PLACING)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_nothing_behind(
    place: Callable[..., Path], step: str, source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or a failing rename leaves source and destination as they were, and no other file."""
    final = target / "data.bin"
    final.write_text("old")

    def fail(*_args: Any, **_options: Any) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="no room"):
        place(source, final, overwrite=True)
    assert (final.read_text(), names(target)) == ("old", ["data.bin"])
    assert source.stat().st_size == 100_001


def test_a_copy_that_breaks_off(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who watches a copy sees each step, and can end it: half a copy has no name, and none is left behind."""
    monkeypatch.setattr(file_placement, "_STEP", 40_000)
    monkeypatch.setattr(file_placement, "reflink", lambda _source, _target: False)
    steps: list[int] = []

    def half(done: int) -> None:
        steps.append(done)
        assert not (target / "data.bin").exists()
        if done >= 80_000:
            raise OSError(errno.EIO, "broken off")

    with pytest.raises(OSError, match="broken off"):
        atomic_copy_file(source, target / "data.bin", on_step=half)
    assert steps == [0, 40_000, 80_000]
    assert names(target) == []


@pytest.mark.parametrize("place", PLACING)
@pytest.mark.parametrize("same", ["path", "link"])
def test_a_file_onto_itself_is_refused(place: Callable[..., Path], same: str, source: Path) -> None:
    """Neither a file's own path nor another name of it is a destination: the file would be lost."""
    other = source
    if same == "link":
        other = source.parent / "other.bin"
        os.link(source, other)
    with pytest.raises(shutil.SameFileError, match="same file"):
        place(source, other, overwrite=True)
    assert source.stat().st_size == 100_001
    assert not [name for name in names(source.parent) if name.endswith(".part")]


def test_a_move_on_one_file_system_copies_nothing(source: Path, target: Path) -> None:
    """A move keeps the very file, whatever its size."""
    inode = source.stat().st_ino
    assert atomic_move_file(source, target / "data.bin").stat().st_ino == inode


def test_a_missing_source(tmp_path: Path) -> None:
    """FileNotFoundError, and no file left behind."""
    for place in PLACING:
        with pytest.raises(FileNotFoundError):
            place(tmp_path / "none", tmp_path / "new")
    assert names(tmp_path) == []
