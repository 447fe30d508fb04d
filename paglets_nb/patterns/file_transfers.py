"""What is said of one file on its way: request, plan, arrival, result and the task's state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from paglets_nb.patterns.tasks import TaskState

__all__ = [
    "FileTransferArrival",
    "FileTransferEndpoint",
    "FileTransferMode",
    "FileTransferPlan",
    "FileTransferRequest",
    "FileTransferResult",
    "FileTransferSource",
    "FileTransferState",
]


class FileTransferMode(StrEnum):
    """What becomes of the source."""

    COPY = "copy"
    MOVE = "move"


@dataclass(frozen=True)
class FileTransferRequest:
    """Bring a file of the host where the task is started to another host.

    Attributes:
        source_path: the file.
        destination_path: where to; see ``resolve_destination_path``.
        target_host: the other host's name or address.
        mode: whether the source stays.
        dry_run: only say what would be done.
        overwrite: replace what is at the destination.
        transfer_id: names the transfer in notifications; made where empty.
        source_label: what to call the source to people; its host and path where empty.
        destination_label: the same of the destination.
    """

    source_path: str
    destination_path: str = ""
    target_host: str = ""
    mode: FileTransferMode = FileTransferMode.COPY
    dry_run: bool = False
    overwrite: bool = False
    transfer_id: str = ""
    source_label: str = ""
    destination_label: str = ""


@dataclass(frozen=True)
class FileTransferEndpoint:
    """One end of a transfer.

    Attributes:
        created_at: POSIX seconds, 0 where unknown.
        modified_at: POSIX seconds, 0 where unknown.
    """

    host_name: str = ""
    host_url: str = ""
    path: str = ""
    created_at: float = 0.0
    modified_at: float = 0.0


@dataclass(frozen=True)
class FileTransferResult:
    """What was done, or in a dry run what would be.

    Attributes:
        size_bytes: the file's size.
        size: the same for people.
    """

    transfer_id: str
    mode: FileTransferMode
    dry_run: bool
    source: FileTransferEndpoint
    destination: FileTransferEndpoint
    file_name: str
    size_bytes: int
    size: str


@dataclass(frozen=True)
class FileTransferSource:
    """A file as it was found.

    Attributes:
        path: absolute.
        created_at: POSIX seconds.
        modified_at: POSIX seconds.
    """

    path: str
    file_name: str
    size_bytes: int
    created_at: float
    modified_at: float


@dataclass(frozen=True)
class FileTransferPlan:
    """What is about to be done.

    Attributes:
        destination_path: where the file goes as far as the source's host can tell.
        target_host: the other host's name.
    """

    request: FileTransferRequest
    source: FileTransferSource
    destination_path: str
    target_host: str


@dataclass(frozen=True)
class FileTransferArrival:
    """A file that has come with its paglet and is to be placed.

    Attributes:
        scratch_path: where it is now.
        destination_path: where it was asked to go; may be empty or a folder.
        source_name: the name it had.
    """

    scratch_path: str
    destination_path: str
    source_name: str
    overwrite: bool = False
    mode: FileTransferMode = FileTransferMode.COPY


@dataclass
class FileTransferState(TaskState):
    """The state of a transfer.

    Attributes:
        destination_path: as it was asked for.
        final_path: where the file is, before its arrival where it is planned to go.
        source_created_at: POSIX seconds.
        source_modified_at: POSIX seconds.
    """

    transfer_id: str = ""
    mode: FileTransferMode = FileTransferMode.COPY
    dry_run: bool = False
    overwrite: bool = False
    source_host_name: str = ""
    source_host_url: str = ""
    destination_host_name: str = ""
    destination_host_url: str = ""
    source_path: str = ""
    destination_path: str = ""
    final_path: str = ""
    file_name: str = ""
    size_bytes: int = 0
    source_created_at: float = 0.0
    source_modified_at: float = 0.0
