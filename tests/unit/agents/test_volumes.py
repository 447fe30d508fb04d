from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from paglets_nb.agents import volumes
from paglets_nb.agents.volumes import SkippedVolume, Volume, find_volumes, scratch_folder

MIB = 1 << 20


def test_chosen_folders_are_volumes(tmp_path: Path) -> None:
    """Each once, in its order, with what is free."""
    found = find_volumes([str(tmp_path), "/", str(tmp_path)], needed_bytes=MIB)
    assert [entry.path for entry in found] == [str(tmp_path), "/"]
    assert isinstance(found[0], Volume)
    assert found[0].free_bytes > MIB


def test_what_cannot_be_written_is_skipped_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not there, what is no folder, what may not be written, and what is full."""
    file = tmp_path / "file"
    file.write_text("x")
    closed = tmp_path / "closed"
    closed.mkdir()
    access = os.access
    monkeypatch.setattr(volumes.os, "access", lambda path, mode: path != str(closed) and access(path, mode))
    found = find_volumes([str(tmp_path / "none"), str(file), str(closed)], needed_bytes=MIB)
    assert [entry.reason for entry in found if isinstance(entry, SkippedVolume)] == [
        "there is no such folder",
        "it is not a folder",
        "it cannot be written",
    ]
    monkeypatch.setattr(volumes.shutil, "disk_usage", lambda _path: SimpleNamespace(free=10 * MIB))
    (full,) = find_volumes([str(tmp_path)], needed_bytes=MIB)
    assert full == SkippedVolume(str(tmp_path), "only 10.0 MiB are free, 65.0 MiB are wanted")


def test_without_a_choice_there_is_one_folder_of_each_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder stands for its volume; file systems that store nothing are not looked at."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(volumes, "_MOUNTS", tmp_path / "mounts")
    (tmp_path / "mounts").write_text("none /proc proc rw 0 0\n/dev/x / ext4 rw 0 0\n/dev/x /odd\\040name ext4 rw 0 0\n")
    found = find_volumes(needed_bytes=MIB)
    devices = [os.stat(entry.path).st_dev for entry in found]
    assert found[0].path == str(tmp_path)
    assert len(devices) == len(set(devices))
    assert "/proc" not in [entry.path for entry in found]
    assert isinstance(found[0], Volume)
    assert found[0].kind == "ext4"


def test_memory_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume in memory says so; of two mounts above a folder the nearer one counts."""
    monkeypatch.setattr(volumes, "_MOUNTS", tmp_path / "mounts")
    (tmp_path / "mounts").write_text(f"none {tmp_path} tmpfs rw 0 0\n/dev/x / ext4 rw 0 0\n")
    (volume,) = find_volumes([str(tmp_path)], needed_bytes=MIB)
    assert isinstance(volume, Volume)
    assert volume.note == "in memory (tmpfs)"


def test_no_more_than_a_few_are_measured(tmp_path: Path) -> None:
    """The rest is skipped, and says why."""
    folders = [tmp_path / str(number) for number in range(volumes.MOST_VOLUMES + 2)]
    for folder in folders:
        folder.mkdir()
    found = find_volumes([str(folder) for folder in folders], needed_bytes=MIB)
    skipped = [entry for entry in found if isinstance(entry, SkippedVolume)]
    assert [entry.path for entry in skipped] == [str(folder) for folder in folders[-2:]]
    assert "measured already" in skipped[0].reason


def test_a_scratch_folder_leaves_nothing(tmp_path: Path) -> None:
    """It is private, and gone at the end, however the block ends; so are those that a killed one left."""
    errors: list[str] = []
    left = tmp_path / f"{volumes.PREFIX}m-{os.getuid()}-old"
    other = tmp_path / f"{volumes.PREFIX}n-{os.getuid()}-old"
    for folder in (left, other):
        folder.mkdir()
        (folder / "file").write_text("x")

    def use_and_fail() -> None:
        with scratch_folder(Volume(str(tmp_path)), "m", errors.append) as scratch:
            assert not left.exists()
            assert scratch.parent == tmp_path
            assert scratch.stat().st_mode & 0o777 == 0o700
            (scratch / "deep").mkdir()
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        use_and_fail()
    assert list(tmp_path.iterdir()) == [other]
    assert errors == []


def test_what_cannot_be_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the block is no error."""
    errors: list[str] = []

    def refuse(path: Any, **_options: Any) -> None:
        raise PermissionError(1, "not this one", str(path))

    with scratch_folder(Volume(str(tmp_path)), "m", errors.append) as scratch:
        monkeypatch.setattr(volumes.shutil, "rmtree", refuse)
    assert errors == [f"{scratch} could not be removed: not this one"]
    monkeypatch.undo()
    shutil.rmtree(scratch)
