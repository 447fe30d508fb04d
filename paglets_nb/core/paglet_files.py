"""The files of a paglet: those that travel with it, its scratch folder, its class's storage.

Owns the paglet's face of them; where they lie and how they travel is the host's part.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from paglets_nb.core.context import PagletContext

__all__ = ["COPY", "MOVE", "FilesContext", "PagletFiles", "PersistentStorage", "RegisteredFile"]

COPY = "copy"
"""The paglet takes a copy along; the registered file stays."""
MOVE = "move"
"""The file goes with the paglet, and from here once the paglet has arrived; clones get copies."""


@dataclass(frozen=True)
class RegisteredFile:
    """A file that travels with its paglet.

    Attributes:
        name: what it is called wherever the paglet lives.
        path: where it is now; in the paglet's work folder after a hop.
        mode: ``copy`` or ``move``.
    """

    name: str
    path: Path
    mode: str = COPY


class PersistentStorage(Protocol):
    """What the paglets of one class keep on one host; outlives each of them.

    Names are relative paths with ``/``. A name that is absolute, holds ``..`` or NUL, is
    too long or leads through a symbolic link is a ValueError.
    """

    @property
    def quota_bytes(self) -> int:
        """Bytes that may be kept."""
        ...

    @property
    def used_bytes(self) -> int:
        """Bytes that are kept."""
        ...

    def read_bytes(self, name: str) -> bytes:
        """The content of a file; FileNotFoundError when there is none."""
        ...

    def read_text(self, name: str) -> str:
        """The same, as UTF-8."""
        ...

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file whole, or not at all; StorageQuotaError when it does not fit."""
        ...

    def write_text(self, name: str, content: str) -> None:
        """The same, as UTF-8."""
        ...

    def append_bytes(self, name: str, content: bytes) -> None:
        """Add to the end of a file; StorageQuotaError when it does not fit."""
        ...

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...

    def size_bytes(self, name: str) -> int:
        """The size of a file."""
        ...

    def delete(self, name: str) -> None:
        """Delete a file; FileNotFoundError when there is none."""
        ...

    def names(self) -> list[str]:
        """The files, sorted."""
        ...

    def clear(self) -> None:
        """Delete every file."""
        ...

    def __iter__(self) -> Iterator[str]: ...


class FilesContext(Protocol):
    """What a paglet may ask its host about files."""

    def work_dir(self) -> Path:
        """The paglet's scratch folder."""
        ...

    def persistent_storage(self, quota_bytes: int | None = None) -> PersistentStorage:
        """The storage of the paglet's class on this host."""
        ...

    def register_file(
        self, path: str | os.PathLike[str], *, name: str | None = None, mode: str = COPY
    ) -> RegisteredFile:
        """Have a file travel with the paglet."""
        ...

    def registered_files(self) -> list[RegisteredFile]:
        """The files that travel with the paglet."""
        ...

    def unregister_file(self, name: str) -> None:
        """Have a file travel no longer."""
        ...

    def file_path(self, name: str) -> Path:
        """Where a registered file is."""
        ...

    def carried_bytes(self) -> int:
        """Bytes of its files that are over there already, of the movement under way."""
        ...

    def stop_carrying(self) -> bool:
        """Have the movement under way fail whose files are not all over there yet."""
        ...

    def send_artifact(self, source: str | os.PathLike[str] | bytes, name: str | None = None) -> str:
        """Keep a file or bytes at the host under a name."""
        ...


class PagletFiles:
    """Base of ``Paglet``: its files."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def context(self) -> PagletContext:
            """The host as this paglet sees it."""
            ...

    def work_dir(self) -> Path:
        """The paglet's scratch folder on this host.

        Cleared when the paglet leaves or is disposed of and, but for registered files,
        when the host starts again.
        """
        return self.context.work_dir()

    def persistent_storage(self, quota_bytes: int | None = None) -> PersistentStorage:
        """What the paglets of this class keep on this host.

        Args:
            quota_bytes: how much they may keep; the host's default (10 MiB) when None.
        """
        return self.context.persistent_storage(quota_bytes)

    def register_file(self, path: str | os.PathLike[str], *, name: str | None = None, mode: Any = COPY) -> Path:
        """Have a file travel with this paglet.

        It is in the work folder of the next host before ``on_arrival`` or ``on_clone``.

        Args:
            path: an existing file; symbolic links are followed now.
            name: what ``file_path`` calls it there; the file's own name when None. Replaces
                what was registered under it.
            mode: ``copy``, or ``move`` to have the file gone from here after the paglet
                has arrived; clones get copies in either mode.

        Returns:
            The file's resolved path.

        Raises:
            ValueError: not a regular file, not such a mode, or a name that is no file name.
            FileNotFoundError: there is no such file.
        """
        return self.context.register_file(path, name=name, mode=getattr(mode, "value", mode)).path

    def registered_files(self) -> list[RegisteredFile]:
        """The files that travel with this paglet, by name."""
        return self.context.registered_files()

    def unregister_file(self, name: str) -> None:
        """Have a file travel no longer; it stays where it is. FileNotFoundError for an unknown name."""
        self.context.unregister_file(name)

    def file_path(self, name: str) -> Path:
        """Where a registered file is on this host; FileNotFoundError for an unknown name."""
        return self.context.file_path(name)

    def carried_bytes(self) -> int:
        """How many bytes of this paglet's files are at the target of the movement under way.

        To be asked beside that movement, from a handler of ``interleaved_kinds`` or another
        thread. A file that is linked or shared counts when it is there; one that is copied
        or streamed counts step by step.

        Returns:
            Bytes; 0 while no files are under way.
        """
        return self.context.carried_bytes()

    def stop_carrying(self) -> bool:
        """Have the movement under way fail, while its files are still on their way.

        The paglet and its files stay as they were; ``dispatch`` or ``clone`` raises TransferError.

        Returns:
            Whether it will fail; False where no files are under way, or all are there.
        """
        return self.context.stop_carrying()

    def send_artifact(self, source: str | os.PathLike[str] | bytes, name: str | None = None) -> str:
        """Keep a file or bytes at the host, for whoever asks the host for it.

        Args:
            source: a file, or the content itself.
            name: what it is called; the file's own name when None. Replaces an earlier one.

        Returns:
            The name.
        """
        return self.context.send_artifact(source, name)
