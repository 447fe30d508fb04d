"""Folders of a host: names that stay inside them, files written whole, durable or not.

Owns what the rooms for files, storage and artifacts share; knows none of them.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

__all__ = [
    "discard",
    "file_name",
    "folders_in",
    "holds",
    "is_file",
    "is_text",
    "keep_only",
    "private_folder",
    "remove",
    "sync_folder",
    "sync_tree",
    "write_file",
]

MAX_NAME = 255
"""Bytes of a file's name. Source: limits.h, NAME_MAX."""


def file_name(name: str, what: str = "a file's name") -> str:
    """The name itself, once it is known to stay in the folder it is put in.

    Raises:
        ValueError: empty, ``.`` or ``..``, with ``/`` or NUL, too long, or not Unicode text.
    """
    if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is not {what} (one component of a path)")
    if not is_text(name):
        raise ValueError(f"{name!r} is not {what} (it is not Unicode text)")
    length = len(name.encode())
    if length > MAX_NAME:
        raise ValueError(f"{name[:40]!r}... is not {what} ({length} bytes, at most {MAX_NAME})")
    return name


def holds(folder: Path, name: str) -> bool:
    """Whether something of this name is in a folder; most paglets have nothing, and are not to pay for it."""
    return os.path.lexists(f"{folder}/{name}")


def is_text(name: str) -> bool:
    """Whether a name can be sent to another host."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_file(path: Path) -> bool:
    """Whether a regular file is at the path itself, not behind a link."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def private_folder(path: Path) -> Path:
    """The folder, made with mode 0700 where it is missing."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def sync_folder(path: Path) -> None:
    """Have the names in a folder survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(path: Path) -> None:
    """Have everything in a folder, files first, survive a loss of power."""
    for folder, _folders, files in os.walk(path, topdown=False):
        for name in files:
            descriptor = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(Path(folder))


def write_file(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{token_hex(6)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as target:
            target.write(content)
            if durable:
                target.flush()
                os.fsync(descriptor)
        os.replace(part, path)
    except BaseException:
        remove(part)
        raise
    if durable:
        sync_folder(path.parent)


def folders_in(parent: Path) -> list[Path]:
    """The folders in a folder, links not followed; none where it is missing."""
    try:
        return [path for path in parent.iterdir() if path.is_dir() and not path.is_symlink()]
    except FileNotFoundError:
        return []


def keep_only(top: Path, keep: set[Path]) -> None:
    """Delete what is in a folder and below, but for some files."""
    for folder, folders, files in os.walk(top, topdown=False):
        for name in files:
            if Path(folder, name) not in keep:
                remove(Path(folder, name))
        for name in folders:
            with suppress(OSError):
                Path(folder, name).rmdir()


def remove(path: Path) -> None:
    """Delete a file or link where it is there and can be."""
    with suppress(OSError):
        path.unlink()


def discard(path: Path, trash: Path) -> None:
    """Have a folder gone at once, in one step, and then delete what was in it."""
    aside = trash / token_hex(8)
    while True:
        try:
            path.rename(aside)
        except FileNotFoundError:
            if path.exists():
                private_folder(trash)
                continue
            return
        except NotADirectoryError:  # no folder above it, so none of these
            return
        break
    shutil.rmtree(aside, ignore_errors=True)
