"""Artifacts: files a host keeps under flat names for whoever asks for them.

Owns ``data_dir/artifacts``, the verbs that reach it from other processes and both sides
of an upload and a download. What crosses a socket is compared by SHA-256; a name shows
an artifact whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, BinaryIO

from paglets_nb.errors import HostError, TransferError
from paglets_nb.host.file_protocol import (
    ArtifactInfo,
    ArtifactListing,
    ArtifactName,
    ArtifactPart,
    ArtifactRead,
    FileChunk,
)
from paglets_nb.host.file_transfer import copy_open_file
from paglets_nb.host.folders import file_name, is_file, private_folder, remove
from paglets_nb.host.protocol import Nothing

if TYPE_CHECKING:
    from paglets_nb.host.client import HostClient

__all__ = ["Artifacts", "download", "upload"]

CHUNK = 8 << 20
_TIMEOUT = 30.0
_MAX_UPLOADS = 64
_PART = ".part-"


def _artifact_name(name: str) -> str:
    file_name(name, "an artifact's name")
    if name.startswith(_PART):
        raise ValueError(f"{name!r} is not an artifact's name ({_PART} begins the unfinished ones)")
    return name


@dataclass
class _Upload:
    """An artifact on its way here."""

    path: Path
    length: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class Artifacts:
    """What one host keeps for others.

    Args:
        data_dir: the host's folder.
        host_name: for errors.
    """

    def __init__(self, data_dir: Path, host_name: str) -> None:
        self._folder = Path(os.path.realpath(data_dir)) / "artifacts"
        self._host_name = host_name
        self._lock = threading.Lock()
        self._uploads: dict[str, _Upload] = {}

    # ---- in the process of the host

    def put(self, source: str | os.PathLike[str] | bytes, name: str | None = None) -> ArtifactInfo:
        """Keep a file or bytes; an earlier artifact of the name is replaced.

        Raises:
            ValueError: no name, or not one, or not a regular file.
            FileNotFoundError: there is no such file.
            TransferError: no room.
        """
        name = _named(source, name)
        with ExitStack() as stack:
            opened = None if isinstance(source, bytes) else stack.enter_context(_opened(source))
            part, out = stack.enter_context(self._writing(name))
            if isinstance(source, bytes):
                _write(out, source)
            elif opened is not None:
                copy_open_file(opened.fileno(), out, os.fstat(opened.fileno()).st_size)
        part.replace(self._folder / name)
        return self._info(name)

    def path(self, name: str) -> Path:
        """Where an artifact is; FileNotFoundError when there is none."""
        path = self._folder / _artifact_name(name)
        if not is_file(path):
            raise FileNotFoundError(f"no artifact {name!r} on {self._host_name} (artifacts: {self._known()})")
        return path

    def listing(self) -> ArtifactListing:
        """Every artifact, by name."""
        return ArtifactListing([self._info(name) for name in self._names()])

    def delete(self, name: str) -> None:
        """Forget an artifact; FileNotFoundError when there is none."""
        self.path(name).unlink()

    def _names(self) -> list[str]:
        try:
            entries = sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return []
        return [name for name in entries if not name.startswith(_PART) and is_file(self._folder / name)]

    def _known(self) -> str:
        return ", ".join(self._names()) or "none"

    def _info(self, name: str) -> ArtifactInfo:
        found = os.lstat(self._folder / name)
        return ArtifactInfo(name, found.st_size, found.st_mtime)

    @contextmanager
    def _writing(self, name: str) -> Iterator[tuple[Path, int]]:
        """A new file in the folder, open for writing; durable at the end, gone after an error."""
        part = private_folder(self._folder) / f"{_PART}{token_hex(8)}"
        try:
            out = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                yield part, out
                os.fsync(out)
            finally:
                os.close(out)
        except OSError as error:
            remove(part)
            raise TransferError(f"the artifact {name!r} did not come to {self._host_name}: {error.strerror}") from error
        except BaseException:
            remove(part)
            raise

    def clear_start(self) -> None:
        """Delete unfinished uploads of an earlier run of the host."""
        for path in self._folder.glob(f"{_PART}*"):
            remove(path)

    # ---- for other processes

    def take(self, _target: str, part: ArtifactPart) -> ArtifactInfo:
        """``@artifact-put``: the next bytes of an upload."""
        name = _artifact_name(part.name)
        with self._lock:
            try:
                upload = self._upload(part)
                _append(upload, part.data)
                if not part.last:
                    return ArtifactInfo(name, upload.length)
                if part.sha256 != upload.digest.hexdigest():
                    raise TransferError(f"the artifact {name!r} arrived damaged: SHA-256 not as sent")
                _sync(upload.path)
                upload.path.replace(self._folder / name)
                del self._uploads[part.upload_id]
                return self._info(name)
            except BaseException as error:
                self._forget(part.upload_id)
                if isinstance(error, OSError):
                    raise TransferError(
                        f"the artifact {name!r} did not come to {self._host_name}: {error.strerror}"
                    ) from error
                raise

    def _upload(self, part: ArtifactPart) -> _Upload:
        if part.offset == 0 and part.upload_id not in self._uploads:
            while len(self._uploads) >= _MAX_UPLOADS:
                self._forget(next(iter(self._uploads)))
            path = private_folder(self._folder) / f"{_PART}{token_hex(8)}"
            self._uploads[part.upload_id] = _Upload(path)
        upload = self._uploads.get(part.upload_id)
        if upload is None or upload.length != part.offset:
            raise TransferError(f"the upload of {part.name!r} does not go on at {part.offset}")
        return upload

    def _forget(self, upload_id: str) -> None:
        upload = self._uploads.pop(upload_id, None)
        if upload is not None:
            remove(upload.path)

    def read(self, _target: str, request: ArtifactRead) -> FileChunk:
        """``@artifact-get``: bytes of an artifact; the first chunk has the SHA-256 of the whole."""
        if request.offset < 0 or request.length <= 0:
            raise HostError(f"cannot read {request.length} bytes at {request.offset}")
        with open(self.path(request.name), "rb") as source:
            size = os.fstat(source.fileno()).st_size
            digest = hashlib.file_digest(source, "sha256").hexdigest() if request.offset == 0 else ""
            data = os.pread(source.fileno(), min(request.length, CHUNK), request.offset)
        return FileChunk(data, request.offset + len(data) >= size, digest, size)

    def _delete(self, _target: str, request: ArtifactName) -> Nothing:
        self.delete(request.name)
        return Nothing()

    def verbs(self) -> dict[str, tuple[type, Callable[[str, Any], Any]]]:
        """The host's verbs for artifacts."""
        return {
            "@artifact-put": (ArtifactPart, self.take),
            "@artifact-get": (ArtifactRead, self.read),
            "@artifact-list": (Nothing, lambda _target, _request: self.listing()),
            "@artifact-delete": (ArtifactName, self._delete),
        }


def _named(source: str | os.PathLike[str] | bytes, name: str | None) -> str:
    if name is not None:
        return _artifact_name(name)
    if isinstance(source, bytes):
        raise ValueError("bytes need a name to be kept under")
    return _artifact_name(os.path.basename(os.fspath(source)))


def _write(out: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(out, view) :]


def _opened(source: str | os.PathLike[str]) -> BinaryIO:
    if not stat.S_ISREG(os.stat(source).st_mode):
        raise ValueError(f"{os.fspath(source)} is not a regular file")
    return open(source, "rb")


def _sync(path: Path) -> None:
    with open(path, "rb") as opened:
        os.fsync(opened.fileno())


def _append(upload: _Upload, data: bytes) -> None:
    out = os.open(upload.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _write(out, data)
    finally:
        os.close(out)
    upload.digest.update(data)
    upload.length += len(data)


# ---- from anywhere


def upload(
    client: HostClient, url: str, source: str | os.PathLike[str] | bytes, name: str | None = None
) -> ArtifactInfo:
    """Have the host at ``url`` keep a file or bytes; an earlier artifact of the name is replaced."""
    name = _named(source, name)
    upload_id, digest, offset = token_hex(8), hashlib.sha256(), 0
    pieces = _pieces(source)
    data = next(pieces, b"")
    while True:
        following = next(pieces, b"")
        digest.update(data)
        part = ArtifactPart(name, upload_id, offset, data, not following, "" if following else digest.hexdigest())
        info = client.ask(url, "@artifact-put", part, ArtifactInfo, timeout=_TIMEOUT)
        if part.last:
            return info
        offset += len(data)
        data = following


def _pieces(source: str | os.PathLike[str] | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), CHUNK):
            yield source[start : start + CHUNK]
        return
    with _opened(source) as opened:
        while piece := opened.read(CHUNK):
            yield piece


def download(client: HostClient, url: str, name: str) -> Iterator[bytes]:
    """The content of an artifact of the host at ``url``, in pieces.

    Raises:
        FileNotFoundError: there is none.
        TransferError: it changed on the way or arrived damaged, found after the last piece.
    """
    digest, offset, wanted = hashlib.sha256(), 0, ""
    while True:
        chunk = client.ask(url, "@artifact-get", ArtifactRead(name, offset, CHUNK), FileChunk, timeout=_TIMEOUT)
        wanted = wanted or chunk.sha256
        digest.update(chunk.data)
        offset += len(chunk.data)
        yield chunk.data
        if chunk.last or not chunk.data:
            break
    if digest.hexdigest() != wanted:
        raise TransferError(f"the artifact {name!r} arrived damaged or was replaced on the way: SHA-256 not as sent")
