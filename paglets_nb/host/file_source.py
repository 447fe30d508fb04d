"""The bytes of travelling files over the hosts' sockets, for a target on another machine.

Owns what a source offers while a movement is under way, the verb that reads from it and
the target's side of that verb. Only offered files can be read.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from paglets_nb.errors import TransferError
from paglets_nb.host.file_protocol import FileChunk, FileEntry, FileRead
from paglets_nb.host.file_transfer import Fetch, open_source, still_there

if TYPE_CHECKING:
    from paglets_nb.host.client import HostClient

__all__ = ["CHUNK", "FileSource"]

CHUNK = 8 << 20
"""Bytes of a file in one frame."""
_TIMEOUT = 30.0
_NOTHING = nullcontext()


class _OpenFile:
    """A file that is being read by its target, in order."""

    def __init__(self, entry: FileEntry) -> None:
        self.entry = entry
        self.lock = threading.Lock()
        self._descriptor = -1
        self._closed = False
        self._offset = 0
        self._digest = hashlib.sha256()

    def read(self, offset: int, length: int) -> FileChunk:
        """The next bytes; offset 0 begins again."""
        with self.lock:
            if offset == 0 and not self._closed:
                self._close()
                self._descriptor, self._offset, self._digest = open_source(self.entry), 0, hashlib.sha256()
            if offset != self._offset or self._descriptor < 0:
                raise TransferError(f"the file {self.entry.name!r} was read at {offset}, not at {self._offset}")
            data = os.pread(self._descriptor, min(length, CHUNK, self.entry.size_bytes - offset), offset)
            self._offset += len(data)
            self._digest.update(data)
            last = self._offset >= self.entry.size_bytes
            if last or not data:
                still_there(self.entry, self._descriptor)
            digest = self._digest.hexdigest() if last else ""
            return FileChunk(data, last, digest, self.entry.size_bytes)

    def close(self) -> None:
        """Close the descriptor; reads fail from here on."""
        with self.lock:
            self._closed = True
            self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


class FileSource:
    """Offers files at their source and fetches them at their target.

    Args:
        client: carries the target's requests.
        same_machine: has a target read the files of a source with a Unix socket's address
            directly; False has every byte cross the socket.
    """

    def __init__(self, client: HostClient, *, same_machine: bool = True) -> None:
        self._client = client
        self.same_machine = same_machine
        self._lock = threading.Lock()
        self._offers: dict[str, dict[str, _OpenFile]] = {}

    def offered(self, operation_id: str, entries: Sequence[FileEntry]) -> AbstractContextManager[None]:
        """Within this the target of a movement may read the files of its manifest."""
        return self._offered(operation_id, entries) if entries else _NOTHING

    @contextmanager
    def _offered(self, operation_id: str, entries: Sequence[FileEntry]) -> Iterator[None]:
        files = {entry.name: _OpenFile(entry) for entry in entries}
        with self._lock:
            self._offers[operation_id] = files
        try:
            yield
        finally:
            with self._lock:
                self._offers.pop(operation_id, None)
            for file in files.values():
                file.close()

    def read(self, _target: str, request: FileRead) -> FileChunk:
        """``@file-read``."""
        with self._lock:
            file = self._offers.get(request.operation_id, {}).get(request.name)
        if file is None:
            raise TransferError(f"no file {request.name!r} is on its way under {request.operation_id}")
        if request.offset < 0 or request.length <= 0:
            raise TransferError(f"cannot read {request.length} bytes at {request.offset}")
        return file.read(request.offset, request.length)

    def fetcher(self, source_url: str, operation_id: str) -> Fetch | None:
        """What brings the bytes of a movement's files here; None where their paths can be read."""
        if self.same_machine and source_url.startswith("unix:"):
            return None

        def fetch(entry: FileEntry) -> Iterator[FileChunk]:
            offset = 0
            while True:
                request = FileRead(operation_id, entry.name, offset, CHUNK)
                chunk = self._client.ask(source_url, "@file-read", request, FileChunk, timeout=_TIMEOUT)
                yield chunk
                offset += len(chunk.data)
                if chunk.last or not chunk.data:
                    return

        return fetch

    def verbs(self) -> dict[str, tuple[type, Callable[[str, Any], Any]]]:
        """The host's verbs for files."""
        return {"@file-read": (FileRead, self.read)}
