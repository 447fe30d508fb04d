"""Names that stay in their folder, files that are written whole."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from paglets_nb.host.folders import (
    discard,
    file_name,
    folders_in,
    holds,
    keep_only,
    private_folder,
    remove,
    sync_tree,
    write_file,
)

ESCAPES = ["", ".", "..", "a/b", "/etc/passwd", "../x", "a\0b", "x" * 256, "é" * 128, "\udcff"]


@pytest.mark.parametrize("name", ESCAPES)
def test_what_is_no_file_name_is_refused(name: str) -> None:
    """A name that could leave its folder, or that no host could be told, is a ValueError."""
    with pytest.raises(ValueError, match="is not a file's name"):
        file_name(name)


@pytest.mark.parametrize("name", ["a", "..a", "a b", ".hidden", "x" * 255, "naïve.txt", "-rf"])
def test_odd_but_harmless_names_pass(name: str) -> None:
    """A single component of a path is itself."""
    assert file_name(name) == name


def test_a_folder_holds_what_is_in_it(tmp_path: Path) -> None:
    """Whatever has the name counts, links that lead nowhere included."""
    (tmp_path / "link").symlink_to("nowhere")
    assert holds(tmp_path, "link")
    assert not holds(tmp_path, "other")
    assert not holds(tmp_path / "missing", "link")


def test_folders_are_listed_without_links(tmp_path: Path) -> None:
    """Neither files nor links to folders are folders; a folder that is missing has none."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("folder")
    assert folders_in(tmp_path) == [tmp_path / "folder"]
    assert folders_in(tmp_path / "missing") == []


def test_only_what_is_to_be_kept_stays(tmp_path: Path) -> None:
    """Everything else goes, with the folders that are empty then."""
    for name in ("a/b/kept", "a/b/gone", "a/c/gone", "gone"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    keep_only(tmp_path, {tmp_path / "a/b/kept"})
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["a", "a/b", "a/b/kept"]


def test_private_folders_all_the_way(tmp_path: Path) -> None:
    """Folders made on the way are as private as the last one."""
    private_folder(tmp_path / "a" / "b")
    assert [stat.S_IMODE((tmp_path / way).stat().st_mode) for way in ("a", "a/b")] == [0o700, 0o700]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A write that fails leaves the earlier content and nothing beside it."""
    path = tmp_path / "list"
    write_file(path, b"first", durable=True)
    with pytest.raises(TypeError):
        write_file(path, None)  # type: ignore[arg-type]
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_discarding_takes_a_folder_away_in_one_step(tmp_path: Path) -> None:
    """A folder and all in it is gone; one that is not there is no error."""
    home = private_folder(tmp_path / "home")
    write_file(home / "x", b"1")
    sync_tree(tmp_path)
    discard(home, tmp_path / "trash")
    discard(home, tmp_path / "trash")
    remove(home)
    assert not home.exists()
    assert list((tmp_path / "trash").iterdir()) == []
