"""Putting one file where it belongs: whole or not at all.

Owns paths, the atomic copy and the atomic move, and sizes for people. It knows no paglet:
whoever wants to see or stop a long copy is told of each of its steps.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from paglets_nb.platform import copy_range, reflink

__all__ = ["CopyStep", "atomic_copy_file", "atomic_move_file", "format_bytes", "resolve_destination_path"]

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 32 << 20
"""Bytes copied in one step."""
CopyStep = Callable[[int], None]
"""Told, before each step of a copy, how many bytes are there; raises to stop it."""


def format_bytes(size_bytes: float) -> str:
    """A size for people: ``0 B``, ``1.5 KiB``, ``2.0 GiB``."""
    size = float(size_bytes)
    if abs(size) < 1024:
        return f"{int(size)} B"
    for unit in _UNITS:
        size /= 1024
        if abs(size) < 1023.95:
            return f"{size:.1f} {unit}"
    return f"{size:.1f} {_UNITS[-1]}"


def _file_name(source_name: str) -> str:
    name = Path(source_name).name
    if not name or name == "..":
        raise ValueError(f"{source_name!r} is not a file's name")
    return name


def _own_folder() -> Path:
    """The user's home, or the working folder where there is none."""
    try:
        home = Path.home()
    except RuntimeError:
        return Path.cwd()
    return home if home.is_dir() else Path.cwd()


def resolve_destination_path(
    destination: str | os.PathLike[str], source_name: str, *, check_existing_dir: bool = True
) -> Path:
    """Where a file of this name goes, on the machine where this runs.

    Args:
        destination: a path; ``~`` is expanded. Empty stands for the user's home (the working
            folder where there is none), an existing folder or one with a slash behind it for
            the file's name inside it.
        source_name: the file's name; of a path its last part.
        check_existing_dir: look whether the destination is a folder; False where it is on
            another machine.

    Raises:
        ValueError: ``source_name`` is not a file's name.
    """
    name = _file_name(source_name)
    text = os.fspath(destination)
    if not text:
        return _own_folder() / name
    path = Path(os.path.abspath(os.path.expanduser(text)))
    separators = (os.sep, os.altsep) if os.altsep else (os.sep,)
    if text.endswith(separators) or text == "~" or (check_existing_dir and path.is_dir()):
        return path / name
    return path


@contextmanager
def _beside(destination: Path) -> Iterator[Path]:
    """A free name beside the destination; whatever is under it at the end is deleted."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    temporary = destination.parent / f".{destination.name[:100]}.{secrets.token_hex(6)}.part"
    try:
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _refuse_same(source: Path, destination: Path) -> None:
    with suppress(FileNotFoundError):
        if os.path.samefile(source, destination):
            raise shutil.SameFileError(f"source and destination are the same file: {destination}")


def _refuse_existing(destination: Path) -> None:
    if os.path.lexists(destination):
        raise FileExistsError(f"destination already exists: {destination}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(temporary: Path, destination: Path, *, overwrite: bool) -> None:
    """Give the finished file its name, in one step."""
    _sync(temporary)
    if overwrite:
        os.replace(temporary, destination)
    else:
        try:
            os.link(temporary, destination)
        except FileExistsError:
            _refuse_existing(destination)
            raise
        except OSError:  # a file system without hard links
            _refuse_existing(destination)
            os.rename(temporary, destination)
    _sync(destination.parent)


def _any_step(_done: int) -> None:
    return


def _copy(source: Path, temporary: Path, on_step: CopyStep) -> None:
    with open(source, "rb") as reader, open(temporary, "xb") as writer:
        if not reflink(reader.fileno(), writer.fileno()):
            done = 0
            on_step(done)
            while copied := copy_range(reader.fileno(), writer.fileno(), done, _STEP):
                done += copied
                on_step(done)
    shutil.copystat(source, temporary)


def atomic_copy_file(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    on_step: CopyStep = _any_step,
) -> Path:
    """Copy a file so that the destination has all of it, on the disk, or is as it was.

    Mode and times are kept. Missing folders are made. No other file is left behind.

    Args:
        source: an existing file.
        destination: a file's path.
        overwrite: replace what is there.
        on_step: told of each step of a copy; what it raises ends the copy.

    Returns:
        The destination.

    Raises:
        FileExistsError: the destination exists and is not to be replaced.
        OSError: no room, no permission, or both are the same file.
    """
    origin, target = Path(source), Path(destination)
    if not overwrite:
        _refuse_existing(target)
    _refuse_same(origin, target)
    with _beside(target) as temporary:
        _copy(origin, temporary, on_step)
        _publish(temporary, target, overwrite=overwrite)
    return target


def atomic_move_file(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    on_step: CopyStep = _any_step,
) -> Path:
    """``atomic_copy_file``, and the source goes once the destination has it.

    On one file system nothing is copied, however large the file is.
    """
    origin, target = Path(source), Path(destination)
    if not overwrite:
        _refuse_existing(target)
    _refuse_same(origin, target)
    with _beside(target) as temporary:
        try:
            os.link(os.path.realpath(origin), temporary)
        except OSError:
            _copy(origin, temporary, on_step)
        _publish(temporary, target, overwrite=overwrite)
    origin.unlink()
    return target
