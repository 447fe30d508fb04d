"""Copies made by the system: what it does, and what happens where it does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paglets_nb import platform


@contextmanager
def opened(tmp_path: Path, content: bytes) -> Iterator[tuple[int, int]]:
    """Descriptors of a source with this content and an empty target."""
    (tmp_path / "source").write_bytes(content)
    with open(tmp_path / "source", "rb") as source, open(tmp_path / "target", "wb") as target:
        yield source.fileno(), target.fileno()


@pytest.mark.parametrize("without", [[], ["copy_file_range"], ["copy_file_range", "sendfile"]])
def test_ranges_are_copied_by_every_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: list[str]) -> None:
    """The same bytes arrive at the same offsets with each of the system's means, and the end is 0."""
    for name in without:
        monkeypatch.delattr(os, name, raising=False)
    if "sendfile" in without:
        monkeypatch.setattr(platform, "LINUX", False)
    content = os.urandom(3_000_000)
    with opened(tmp_path, content) as (source, target):
        done = 1_000
        while copied := platform.copy_range(source, target, done, len(content)):
            done += copied
    assert (tmp_path / "target").read_bytes() == bytes(1_000) + content[1_000:]


def test_a_shared_copy_is_whole_or_untouched(tmp_path: Path) -> None:
    """Where extents can be shared the target is the source; where not it is still empty."""
    with opened(tmp_path, b"x" * 100_000) as (source, target):
        shared = platform.reflink(source, target)
    assert (tmp_path / "target").stat().st_size == (100_000 if shared else 0)


def test_no_extents_are_shared_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another system says no and goes on."""
    monkeypatch.setattr(platform, "LINUX", False)
    with opened(tmp_path, b"x") as (source, target):
        assert platform.reflink(source, target) is False
        platform.preallocate(target, 10)
    assert (tmp_path / "target").stat().st_size == 0


def test_room_is_reserved_or_refused(tmp_path: Path) -> None:
    """Reserving more than any disk has is an OSError before a byte is written."""
    with opened(tmp_path, b"") as (_source, target):
        platform.preallocate(target, 0)
        platform.preallocate(target, 65_536)
        with pytest.raises(OSError, match=r"No space|too large"):
            platform.preallocate(target, 1 << 62)


@pytest.mark.parametrize("size", [1, 4096, (2 << 20) + 1])
def test_memory_in_large_pages_is_memory(size: int) -> None:
    """Asking for large pages changes nothing of what is in the memory, whatever its size."""
    memory = bytearray(os.urandom(size))
    before = bytes(memory)
    with memoryview(memory) as view:
        platform.use_huge_pages(view)
    memory += b"free to grow again"
    assert memory.startswith(before)
