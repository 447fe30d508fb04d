"""Storage that the paglets of one class share on one host and that outlives them.

Owns ``data_dir/storage/<class>``: names that cannot leave it, a quota, writes that
happen whole or not at all. Every folder on the way to a file is opened by itself and
without following links, so that no link can lead out, whenever it was made.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote

from paglets_nb.errors import StorageQuotaError
from paglets_nb.host.folders import file_name, private_folder

__all__ = ["DEFAULT_QUOTA", "ClassStorage", "HostStorage", "StorageView"]

DEFAULT_QUOTA = 10 << 20
"""Bytes the paglets of a class may keep on a host unless more is asked for."""
MAX_PATH = 1024
"""Bytes of a name, folders included."""
_MAX_FOLDER = 200
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PART = ".part-"


def components(name: str) -> list[str]:
    """The parts of a storage name.

    Raises:
        ValueError: absolute, empty, with ``.``, ``..``, NUL or a link's escape, or too long.
    """
    if not isinstance(name, str) or not name or name.startswith("/"):
        raise ValueError(f"{name!r} is not a name in a storage (a relative path)")
    if len(name) > MAX_PATH:
        raise ValueError(f"{name[:40]!r}... is not a name in a storage ({len(name)} characters, at most {MAX_PATH})")
    parts = [file_name(part, f"part of a name in a storage ({name!r})") for part in name.split("/")]
    if parts[-1].startswith(_PART):
        raise ValueError(f"{name!r} is not a name in a storage ({_PART} begins the unfinished ones)")
    return parts


def folder_name(class_name: str) -> str:
    """The folder of a class, whatever version of its code the wire name speaks of."""
    plain = quote(class_name.partition("#")[0], safe=":<>")
    if len(plain) <= _MAX_FOLDER and plain.strip("."):
        return plain
    return f"{plain[:_MAX_FOLDER]}-{hashlib.sha256(class_name.encode()).hexdigest()[:16]}"


class ClassStorage:
    """The files of one class, and how many bytes they are.

    Args:
        folder: where they are; made when the first is written.
        label: the class, for errors.
    """

    def __init__(self, folder: Path, label: str) -> None:
        self.folder = folder
        self.label = label
        self.lock = threading.RLock()
        self._used: int | None = None

    @contextmanager
    def opened(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The descriptor of a file's folder, and the file's name in it."""
        parts = components(name)
        if make:
            private_folder(self.folder)
        with ExitStack() as stack:
            try:
                here = os.open(self.folder, _FOLDER)
                stack.callback(os.close, here)
                for part in parts[:-1]:
                    if make:
                        with suppress(FileExistsError):
                            os.mkdir(part, 0o700, dir_fd=here)
                    here = os.open(part, _FOLDER, dir_fd=here)
                    stack.callback(os.close, here)
            except NotADirectoryError:
                raise ValueError(f"{name!r} leads through a link or a file in the storage of {self.label}") from None
            except FileNotFoundError:
                raise self.missing(name) from None
            yield here, parts[-1]

    def missing(self, name: str) -> FileNotFoundError:
        """The error for a name that is not there."""
        return FileNotFoundError(f"no {name!r} in the storage of {self.label}")

    def found(self, folder: int, last: str, name: str) -> os.stat_result:
        """What is at a name; FileNotFoundError, or ValueError for what is no file."""
        try:
            status = os.stat(last, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            raise self.missing(name) from None
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{name!r} is no file in the storage of {self.label}")
        return status

    def files(self) -> Iterator[tuple[str, int]]:
        """Every file's name and size."""
        if not os.path.isdir(self.folder):  # nothing was ever kept; fwalk would raise
            return
        for folder, _folders, names, descriptor in os.fwalk(self.folder):
            for name in names:
                with suppress(FileNotFoundError):
                    status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode):
                        yield os.path.relpath(os.path.join(folder, name), self.folder), status.st_size

    def used(self) -> int:
        """Bytes kept; counted once, then followed."""
        with self.lock:
            if self._used is None:
                self._clear_parts()
                self._used = sum(size for _name, size in self.files())
            return self._used

    def _clear_parts(self) -> None:
        for folder, _folders, names in os.walk(self.folder):
            for name in names:
                if name.startswith(_PART):
                    os.unlink(os.path.join(folder, name))

    def changed(self, difference: int) -> None:
        """Follow a write or a deletion."""
        self._used = self.used() + difference


class StorageView:
    """A class's storage under one quota; implements ``core.paglet_files.PersistentStorage``.

    Args:
        shared: the class's files.
        quota_bytes: how much they may be.
    """

    def __init__(self, shared: ClassStorage, quota_bytes: int) -> None:
        self._shared = shared
        self._quota = quota_bytes

    @property
    def quota_bytes(self) -> int:
        """Bytes that may be kept."""
        return self._quota

    @property
    def used_bytes(self) -> int:
        """Bytes that are kept."""
        return self._shared.used()

    def _make_room(self, name: str, more: int) -> None:
        used = self._shared.used()
        if more > 0 and used + more > self._quota:
            raise StorageQuotaError(
                f"{name!r} does not fit into the storage of {self._shared.label}: {used} bytes and {more} more "
                f"are past its quota of {self._quota}"
            )

    def read_bytes(self, name: str) -> bytes:
        """The content of a file."""
        with self._shared.opened(name) as (folder, last):
            self._shared.found(folder, last, name)
            with open(os.open(last, _READ, dir_fd=folder), "rb") as source:
                return source.read()

    def read_text(self, name: str) -> str:
        """The same, as UTF-8."""
        return self.read_bytes(name).decode()

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file whole, or not at all."""
        shared = self._shared
        components(name)
        with shared.lock:
            before = self._size_or_zero(name)
            self._make_room(name, len(content) - before)
            with shared.opened(name, make=True) as (folder, last):
                part = f"{_PART}{token_hex(6)}"
                try:
                    with open(os.open(part, _WRITE, 0o600, dir_fd=folder), "wb") as target:
                        target.write(content)
                        target.flush()
                        os.fsync(target.fileno())
                    os.rename(part, last, src_dir_fd=folder, dst_dir_fd=folder)
                except BaseException:
                    with suppress(OSError):
                        os.unlink(part, dir_fd=folder)
                    raise
                os.fsync(folder)
            shared.changed(len(content) - before)

    def write_text(self, name: str, content: str) -> None:
        """The same, as UTF-8."""
        self.write_bytes(name, content.encode())

    def append_bytes(self, name: str, content: bytes) -> None:
        """Add to the end of a file, which is made where it is missing; undone when it fails half-way."""
        shared = self._shared
        with shared.lock, ExitStack() as stack:
            if not self.exists(name):
                self.write_bytes(name, content)
                return
            folder, last = stack.enter_context(shared.opened(name))
            size = shared.found(folder, last, name).st_size
            self._make_room(name, len(content))
            with open(os.open(last, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder), "wb") as target:
                try:
                    target.seek(size)
                    target.write(content)
                    target.flush()
                    os.fsync(target.fileno())
                except BaseException:
                    os.ftruncate(target.fileno(), size)
                    raise
            shared.changed(len(content))

    def _size_or_zero(self, name: str) -> int:
        try:
            return self.size_bytes(name)
        except FileNotFoundError:
            return 0

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        try:
            self.size_bytes(name)
        except FileNotFoundError:
            return False
        return True

    def size_bytes(self, name: str) -> int:
        """The size of a file."""
        with self._shared.opened(name) as (folder, last):
            return self._shared.found(folder, last, name).st_size

    def delete(self, name: str) -> None:
        """Delete a file."""
        shared = self._shared
        with shared.lock, shared.opened(name) as (folder, last):
            size = shared.found(folder, last, name).st_size
            shared.used()
            os.unlink(last, dir_fd=folder)
            shared.changed(-size)

    def names(self) -> list[str]:
        """The files, sorted."""
        with self._shared.lock:
            return sorted(name for name, _size in self._shared.files())

    def clear(self) -> None:
        """Delete every file."""
        with self._shared.lock:
            for name in self.names():
                self.delete(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __repr__(self) -> str:
        return f"<storage of {self._shared.label}, {self.used_bytes} of {self._quota} bytes>"


class HostStorage:
    """The storages of one host.

    Args:
        data_dir: the host's folder.
        quota_bytes: what a class may keep unless it asks otherwise.
    """

    def __init__(self, data_dir: Path, *, quota_bytes: int = DEFAULT_QUOTA) -> None:
        self._root = Path(os.path.realpath(data_dir)) / "storage"
        self._quota = quota_bytes
        self._lock = threading.Lock()
        self._storages: dict[str, ClassStorage] = {}

    def of(self, class_name: str, quota_bytes: int | None = None) -> StorageView:
        """The storage of a class, by its wire name; ValueError for a quota below 0."""
        if quota_bytes is not None and quota_bytes < 0:
            raise ValueError(f"a quota of {quota_bytes} bytes is below 0")
        folder = folder_name(class_name)
        with self._lock:
            shared = self._storages.get(folder)
            if shared is None:
                label = class_name.partition("#")[0].rpartition(":")[2]
                shared = self._storages[folder] = ClassStorage(self._root / folder, label)
        return StorageView(shared, self._quota if quota_bytes is None else quota_bytes)
