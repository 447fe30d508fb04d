"""File Grabber: one file to another host, or from there to here.

Owns the job as a whole. The grabber stays where it was made and answers for the job; the
file is taken by a carrier, which goes the file's way:

1. ``plan``         says which host has the file, and what its carrier is asked for
2. ``send_carrier`` makes a carrier there, which looks at the file and leaves with it
3. ``watch``        has the carrier's bytes for the grabber's progress, and passes a cancel on
4. ``call_off``     ends the carrier, whatever happened

The user is told at the start and at the end, always from here: who heard it from the two
hosts in turn would hear the end first now and then.

Between hosts of one machine a file is linked (a move) or shared (where the file system
can), and is there at once; else it is copied, or streamed over the socket. What the
progress tells are bytes that are at the target. How a carrier works is in
``patterns.single_file``.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from paglets_nb.errors import CallTimeoutError, PagletError, TaskCancelledError, UnknownHostError
from paglets_nb.patterns.file_transfers import FileTransferMode, FileTransferRequest, FileTransferResult
from paglets_nb.patterns.notifications import NotificationMixin, NotificationSeverity
from paglets_nb.patterns.single_file import SingleFileTransferPaglet
from paglets_nb.patterns.task_client import TaskClient, TaskHandle, TaskSnapshot
from paglets_nb.patterns.tasks import TaskPaglet, TaskState, TaskStatus

if TYPE_CHECKING:
    from paglets_nb.core.proxy import PagletProxy

__all__ = ["FileCarrier", "FileGrabber", "GrabDirection", "GrabRequest", "GrabState", "Home", "grab"]

_TITLE = "File Grabber"
_LOOK = 0.1
_CONTROL = 5.0
_END = 10.0


class GrabDirection(StrEnum):
    """Which way the file goes, as the grabber sees it."""

    PUSH = "push"
    PULL = "pull"


@dataclass(frozen=True)
class GrabRequest:
    """Bring one file to another host, or from there to here.

    Attributes:
        file: its path on the host that has it; ``~`` is that host's home folder.
        host: the other host's name or address.
        destination: where to; empty stands for the home folder over there, an existing
            folder, or one with a slash behind it, for the file's own name inside it.
        direction: ``push`` to the other host, ``pull`` from it.
        mode: ``copy``, or ``move`` to have the source deleted once the file is in place.
        overwrite: replace what is at the destination.
        dry_run: only look at the file and say what would be done.
    """

    file: str
    host: str
    destination: str = ""
    direction: GrabDirection = GrabDirection.PUSH
    mode: FileTransferMode = FileTransferMode.COPY
    overwrite: bool = False
    dry_run: bool = False


@dataclass
class GrabState(TaskState):
    """The state of a grabber.

    Attributes:
        transfer_id: names the current transfer, or the last one, in notifications.
        grabbed: files brought so far; dry runs are not counted.
        grabbed_bytes: their bytes.
    """

    transfer_id: str = ""
    grabbed: int = 0
    grabbed_bytes: int = 0


class FileCarrier(SingleFileTransferPaglet):
    """Takes the file along, and leaves it to the grabber to tell of it."""

    def notify_transfer_info(self, message: str) -> bool:
        """Nothing: the grabber does."""
        return False

    def notify_transfer_error(self, error: BaseException | str) -> bool:
        """Nothing: the grabber does."""
        return False


class FileGrabber(NotificationMixin, TaskPaglet[GrabRequest, FileTransferResult, GrabState]):
    """Brings files, one at a time, and can be asked how far it is; see the module."""

    State = GrabState
    Request = GrabRequest
    Result = FileTransferResult

    def run_task(self, request: GrabRequest) -> FileTransferResult | None:
        """Plan, send a carrier, watch it, and call it off."""
        self.state.transfer_id = f"file-transfer-{secrets.token_hex(8)}"
        try:
            source, job = self.plan(request)
            if not request.dry_run:
                self.tell(f"{request.mode} {job.source_label} to {job.destination_label}")
            handle = self.send_carrier(source, job)
            try:
                snapshot = self.watch(handle)
            finally:
                self.call_off(handle.proxy)
            return self.outcome(snapshot, job)
        except TaskCancelledError:
            self.tell(f"{request.file} was not brought: cancelled", NotificationSeverity.WARNING)
            raise
        except Exception as error:
            self.tell(f"{request.file}: {error}", NotificationSeverity.ERROR)
            raise

    def tell(self, message: str, severity: NotificationSeverity = NotificationSeverity.INFO) -> None:
        """Tell the user."""
        self.notify_user_info(severity, _TITLE, message, job_id=self.state.transfer_id)

    def plan(self, request: GrabRequest) -> tuple[str, FileTransferRequest]:
        """The address of the host that has the file, and what its carrier is to do.

        Raises:
            UnknownHostError: the other host is not online, or no host of the mesh.
        """
        here, there = self.context.address, self.context.host_status(request.host)
        if there is None or not there.online:
            raise UnknownHostError(request.host, [host.name for host in self.context.available_hosts()])
        pushed = request.direction is GrabDirection.PUSH
        source, target = (here, there.name) if pushed else (there.url, self.context.name)
        job = FileTransferRequest(
            request.file,
            request.destination,
            target,
            request.mode,
            request.dry_run,
            request.overwrite,
            self.state.transfer_id,
            f"{self.context.name if pushed else there.name}:{request.file}",
            f"{target}:{request.destination or '~'}",
        )
        return source, job

    def send_carrier(self, source: str, job: FileTransferRequest) -> TaskHandle[FileTransferResult]:
        """Make a carrier at the file's host and start it on its way."""
        self.check_cancelled()
        carrier = self.context.create_paglet(FileCarrier, host_url=source)
        return TaskClient.for_paglet(carrier, FileCarrier).submit(job)

    def watch(self, handle: TaskHandle[FileTransferResult]) -> TaskSnapshot[FileTransferResult]:
        """Say how far the carrier is until it is done; pass a cancel on, once."""
        asked = False
        while not (snapshot := handle.wait(_LOOK)).done:
            self.report_progress(snapshot.progress, snapshot.note)
            if self.state.cancelling and not asked:
                handle.cancel(timeout=_CONTROL)
                asked = True
        self.report_progress(snapshot.progress, snapshot.note)
        return snapshot

    def call_off(self, carrier: PagletProxy) -> None:
        """End the carrier, wherever it is; one that is out of reach ends with its host."""
        with suppress(PagletError, OSError):
            carrier.dispose(timeout=_CONTROL)

    def outcome(
        self, snapshot: TaskSnapshot[FileTransferResult], job: FileTransferRequest
    ) -> FileTransferResult | None:
        """The carrier's result, or its failure as the grabber's own."""
        result = snapshot.result
        if snapshot.status is TaskStatus.CANCELLED:
            raise TaskCancelledError(f"{job.source_label} was not brought: cancelled")
        if result is None:
            self.tell(f"{job.source_label}: {snapshot.error}", NotificationSeverity.ERROR)
            with self.locked():
                self.fail_task(snapshot.error)
                self.state.traceback = snapshot.traceback
            return None
        file = f"{result.file_name} ({result.size})"
        where = f"{result.destination.host_name}:{result.destination.path}"
        if result.dry_run:
            self.tell(f"would {result.mode} {file} to {where}")
            return result
        with self.locked():
            self.state.grabbed += 1
            self.state.grabbed_bytes += result.size_bytes
        self.tell(f"{file} is in place: {where}")
        return result


class Home(Protocol):
    """Where a grabber can be made: a ``HostHandle``, a ``Host`` or a ``Mesh``."""

    def create(self, cls: Any, /) -> PagletProxy:
        """Make a paglet."""
        ...


def grab(
    home: Home,
    request: GrabRequest,
    *,
    on_progress: Callable[[TaskSnapshot[FileTransferResult]], object] | None = None,
    timeout: float | None = None,
) -> FileTransferResult:
    """Have a grabber of its own do one request, and wait for it; a KeyboardInterrupt cancels it.

    Args:
        home: where the grabber is made: what ``push`` and ``pull`` are seen from.
        request: what to bring.
        on_progress: called with the task's snapshot some times a second.
        timeout: seconds; None waits as long as it takes.

    Returns:
        What was done, or in a dry run what would be.

    Raises:
        RemoteHostError: it failed; the source is as it was. The message begins with the error's type.
        TaskCancelledError: it was cancelled, by somebody else.
        CallTimeoutError: it was not done in time, and was cancelled.
    """
    proxy = home.create(FileGrabber)
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        handle = TaskClient.for_paglet(proxy, FileGrabber).submit(request)
        try:
            while not (snapshot := handle.wait(_LOOK)).done:
                if on_progress is not None:
                    on_progress(snapshot)
                if deadline is not None and time.monotonic() > deadline:
                    raise CallTimeoutError(f"{request.direction} {request.file}", timeout or 0.0)
        except (KeyboardInterrupt, CallTimeoutError):
            with suppress(PagletError, OSError):
                handle.cancel(timeout=_CONTROL)
                handle.wait(_END)
            raise
        result: FileTransferResult = handle.result(0.0)
        return result
    finally:
        with suppress(PagletError, OSError):
            proxy.dispose(timeout=_CONTROL)
