"""What hosts say to each other about files and artifacts."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "ArtifactInfo",
    "ArtifactListing",
    "ArtifactName",
    "ArtifactPart",
    "ArtifactRead",
    "FileChunk",
    "FileEntry",
    "FileProgress",
    "FileRead",
    "FileWanted",
]


@dataclass(frozen=True)
class FileEntry:
    """A file that travels with a paglet, as its source host saw it.

    Attributes:
        name: what the paglet calls it.
        path: where it is on the source's machine.
        mtime_ns: nanoseconds since the epoch.
        inode: with ``device``, which file it is.
        mode: ``move`` when it is gone from the source after the commit, else ``copy``.
        registered: the mode it was registered with.
    """

    name: str
    path: str
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int
    mode: str = "copy"
    registered: str = "copy"


@dataclass(frozen=True)
class FileRead:
    """``@file-read``: the next bytes of a file under way, in order.

    Attributes:
        operation_id: of the movement that offers the file.
        name: of the file in it.
        offset: bytes read before.
        length: bytes wanted at most.
    """

    operation_id: str
    name: str
    offset: int
    length: int


@dataclass(frozen=True)
class FileChunk:
    """The reply to ``@file-read`` and ``@artifact-get``.

    Attributes:
        data: the bytes.
        last: whether the file ends with them.
        sha256: of the whole file, in hex, with the last chunk.
        size_bytes: of the whole file.
    """

    data: bytes = b""
    last: bool = False
    sha256: str = ""
    size_bytes: int = 0


@dataclass(frozen=True)
class FileProgress:
    """``@file-progress``: a target that reads a source's file itself says how far it is.

    Attributes:
        operation_id: of the movement that offers the file.
        name: of the file in it.
        done: bytes in place.
    """

    operation_id: str
    name: str
    done: int


@dataclass(frozen=True)
class FileWanted:
    """The reply to ``@file-progress``: whether to go on."""

    wanted: bool = False


@dataclass(frozen=True)
class ArtifactInfo:
    """What a host keeps under a name.

    Attributes:
        modified_at: POSIX seconds.
    """

    name: str
    size_bytes: int = 0
    modified_at: float = 0.0


@dataclass(frozen=True)
class ArtifactListing:
    """``@artifact-list``: the artifacts of a host, by name."""

    artifacts: list[ArtifactInfo] = field(default_factory=list)


@dataclass(frozen=True)
class ArtifactName:
    """``@artifact-delete``: which one."""

    name: str


@dataclass(frozen=True)
class ArtifactRead:
    """``@artifact-get``: bytes of an artifact.

    Attributes:
        offset: bytes into it.
        length: bytes wanted at most.
    """

    name: str
    offset: int
    length: int


@dataclass(frozen=True)
class ArtifactPart:
    """``@artifact-put``: bytes of an artifact on its way, in order; the last one makes it visible.

    Attributes:
        upload_id: made by the sender.
        offset: bytes sent before.
        last: whether it ends with these.
        sha256: of the whole, in hex, with the last part.
    """

    name: str
    upload_id: str
    offset: int
    data: bytes = b""
    last: bool = False
    sha256: str = ""
