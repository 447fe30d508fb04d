"""The bytes of travelling files over the hosts' sockets, for a target on another machine.

Owns what a source offers while a movement is under way and how much of it has gone over,
the verbs by which a target reads and says how far it is, and the target's side of them.
Only offered files can be read.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from paglets_nb.errors import PagletError, TransferError
from paglets_nb.host.file_protocol import FileChunk, FileEntry, FileProgress, FileRead, FileWanted
from paglets_nb.host.file_transfer import Fetch, Tell, open_source, still_there

if TYPE_CHECKING:
    from paglets_nb.host.client import HostClient

__all__ = ["CHUNK", "FileSource"]

CHUNK = 8 << 20
"""Bytes of a file in one frame."""
_TIMEOUT = 30.0
_TELL = 2.0


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


class _Offer:
    """The files of one movement.

    Attributes:
        owner: the paglet that leaves, or is cloned.
        carried: bytes that are in place at the target.
        given_up: the owner does not want it any more.
    """

    def __init__(self, owner: str, entries: Sequence[FileEntry]) -> None:
        self.owner = owner
        self.files = {entry.name: _OpenFile(entry) for entry in entries}
        self.carried = 0
        self.given_up = False
        self._before: dict[str, int] = {}
        total = 0
        for entry in entries:
            self._before[entry.name] = total
            total += entry.size_bytes

    def told(self, name: str, done: int) -> None:
        """So many bytes of one file are in place, and all of those before it."""
        if name in self._before and 0 <= done <= self.files[name].entry.size_bytes:
            self.carried = self._before[name] + done


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
        self._offers: dict[str, _Offer] = {}

    @contextmanager
    def offered(self, operation_id: str, entries: Sequence[FileEntry], owner: str = "") -> Iterator[None]:
        """Within this the target of a movement may read the files of its manifest.

        Args:
            operation_id: of the movement.
            entries: the manifest.
            owner: the paglet whose files they are.

        Raises:
            TransferError: the owner gave the movement up meanwhile.
        """
        offer = _Offer(owner, entries)
        with self._lock:
            self._offers[operation_id] = offer
        try:
            yield
        finally:
            with self._lock:
                self._offers.pop(operation_id, None)
            for file in offer.files.values():
                file.close()
        if offer.given_up:
            raise TransferError("the transfer was given up")

    def _offers_of(self, owner: str) -> list[_Offer]:
        return [offer for offer in self._offers.values() if offer.owner == owner]

    def carried(self, owner: str) -> int:
        """Bytes of a paglet's files that are in place at the target of its movement; 0 without one."""
        with self._lock:
            return sum(offer.carried for offer in self._offers_of(owner))

    def give_up(self, owner: str) -> bool:
        """Have a paglet's movement fail whose files are under way; whether there was one."""
        with self._lock:
            found = self._offers_of(owner)
            for offer in found:
                offer.given_up = True
            return bool(found)

    def read(self, _target: str, request: FileRead) -> FileChunk:
        """``@file-read``."""
        with self._lock:
            offer = self._offers.get(request.operation_id)
            file = None if offer is None else offer.files.get(request.name)
        if offer is None or file is None:
            raise TransferError(f"no file {request.name!r} is on its way under {request.operation_id}")
        if offer.given_up:
            raise TransferError("the transfer was given up")
        if request.offset < 0 or request.length <= 0:
            raise TransferError(f"cannot read {request.length} bytes at {request.offset}")
        offer.told(request.name, request.offset)
        return file.read(request.offset, request.length)

    def progress(self, _target: str, request: FileProgress) -> FileWanted:
        """``@file-progress``."""
        with self._lock:
            offer = self._offers.get(request.operation_id)
            if offer is None or offer.given_up:
                return FileWanted(False)
            offer.told(request.name, request.done)
        return FileWanted(True)

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

    def teller(self, source_url: str, operation_id: str) -> Tell:
        """What tells a source how far its files are; one that does not answer is not asked again."""
        silent = False

        def tell(name: str, done: int) -> bool:
            nonlocal silent
            if silent:
                return True
            request = FileProgress(operation_id, name, done)
            try:
                return self._client.ask(source_url, "@file-progress", request, FileWanted, timeout=_TELL).wanted
            except (PagletError, OSError):  # what becomes of the movement is settled elsewhere
                silent = True
                return True

        return tell

    def verbs(self) -> dict[str, tuple[type, Callable[[str, Any], Any]]]:
        """The host's verbs for files."""
        return {"@file-read": (FileRead, self.read), "@file-progress": (FileProgress, self.progress)}
