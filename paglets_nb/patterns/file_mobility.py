"""The steps of a paglet that carries one file to another host.

The task made of them is in ``patterns.single_file``. The file travels as a registered
file of the runtime; a file that is to be moved stays under its own name until it has
been placed.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.errors import TaskCancelledError, TransferError, UnknownHostError
from paglets_nb.patterns.file_placement import (
    atomic_copy_file,
    atomic_move_file,
    format_bytes,
    resolve_destination_path,
)
from paglets_nb.patterns.file_transfers import (
    FileTransferArrival,
    FileTransferEndpoint,
    FileTransferMode,
    FileTransferPlan,
    FileTransferRequest,
    FileTransferResult,
    FileTransferSource,
    FileTransferState,
)
from paglets_nb.patterns.notifications import NotificationMixin, NotificationSeverity
from paglets_nb.patterns.tasks import TASK_WAIT, TaskStatus, TaskStatusReply, TaskWaitRequest

if TYPE_CHECKING:
    from paglets_nb.core.references import HostRef

__all__ = [
    "FileMobilityMixin",
    "FileTransferArrival",
    "FileTransferEndpoint",
    "FileTransferMode",
    "FileTransferPlan",
    "FileTransferRequest",
    "FileTransferResult",
    "FileTransferSource",
    "FileTransferState",
    "atomic_copy_file",
    "atomic_move_file",
    "format_bytes",
    "resolve_destination_path",
]

_POLL = 5.0
_GRACE = 30.0


class FileMobilityMixin(NotificationMixin):
    """The steps of carrying one file; the state is a ``FileTransferState``. Put it before ``TaskPaglet``.

    Class attributes:
        registered_file_name: what the file is called while it travels.
        notification_title: of what the user is told.
        arrival_timeout: seconds for which the source's host waits to hear that a file that is
            to be moved is in place; not hearing it, it keeps the source.
    """

    registered_file_name: ClassVar[str] = "file"
    notification_title: ClassVar[str] = "File transfer"
    arrival_timeout: ClassVar[float] = 3600.0
    _moving: tuple[str, os.stat_result] | None = None

    resolve_destination_path = staticmethod(resolve_destination_path)
    atomic_copy_file = staticmethod(atomic_copy_file)

    # ---- at the source

    def require_transfer_target(self, request: FileTransferRequest) -> HostRef:
        """The host that the file goes to.

        Raises:
            ValueError: the request names none.
            UnknownHostError: it is not online, or no host of the mesh.
        """
        if not request.target_host:
            raise ValueError("target_host is missing: which host is the file to go to?")
        context = self.context
        found = context.host_status(request.target_host)
        if found is None or not found.online:
            raise UnknownHostError(request.target_host, [host.name for host in context.available_hosts()])
        return found

    def stat_transfer_source(self, source_path: str | os.PathLike[str]) -> FileTransferSource:
        """Look at the file; ValueError where it is none."""
        path = Path(os.path.realpath(os.path.expanduser(source_path)))
        if not path.is_file():
            raise ValueError(f"source is not a file: {os.fspath(source_path)}")
        found = path.stat()
        created = getattr(found, "st_birthtime", found.st_ctime)
        return FileTransferSource(str(path), path.name, found.st_size, created, found.st_mtime)

    def plan_destination_path(self, request: FileTransferRequest, source: FileTransferSource) -> str:
        """Where the file will be, as far as can be told from here."""
        return str(resolve_destination_path(request.destination_path, source.file_name, check_existing_dir=False))

    def remember_transfer_request(self, request: FileTransferRequest) -> FileTransferRequest:
        """Note the request in the state; the request, with an id where it had none."""
        if not request.transfer_id:
            request = replace(request, transfer_id=f"file-transfer-{secrets.token_hex(8)}")
        with self.locked():
            state, context = self.state, self._context
            state.transfer_id = request.transfer_id
            state.mode, state.dry_run, state.overwrite = request.mode, request.dry_run, request.overwrite
            state.source_path, state.destination_path = request.source_path, request.destination_path
            state.final_path = ""
            if context is not None:
                state.source_host_name, state.source_host_url = context.name, context.address
            self.notify_all_state_changed()
        return request

    def prepare_file_transfer(self, request: FileTransferRequest) -> FileTransferPlan:
        """Check the request, look at the source and note both in the state.

        Raises:
            ValueError: no target, or the source is not a file.
            UnknownHostError: the target is not online.
        """
        target = self.require_transfer_target(request)
        source = self.stat_transfer_source(request.source_path)
        request = self.remember_transfer_request(request)
        plan = FileTransferPlan(request, source, self.plan_destination_path(request, source), target.name)
        with self.locked():
            state = self.state
            state.source_path, state.file_name, state.size_bytes = source.path, source.file_name, source.size_bytes
            state.source_created_at, state.source_modified_at = source.created_at, source.modified_at
            state.destination_host_name, state.destination_host_url = target.name, target.url
            state.final_path = plan.destination_path
            self.notify_all_state_changed()
        return plan

    def register_transfer_file(
        self, path: str | os.PathLike[str], mode: FileTransferMode = FileTransferMode.COPY
    ) -> Path:
        """Have the file travel with the paglet.

        One that is to be moved travels as a second name of the same file where the file
        system allows that, so that its size does not matter; ``dispatch`` deletes the
        first name when the file is in place.
        """
        name = self.registered_file_name
        self._moving = None
        if mode is FileTransferMode.MOVE:
            self._moving = (os.path.realpath(path), os.stat(path))
            link = self.work_dir() / name
            link.unlink(missing_ok=True)
            try:
                os.link(path, link)
            except OSError:  # another file system, or not our file
                return self.register_file(path, name=name)
            return self.register_file(link, name=name, mode=mode.value)
        return self.register_file(path, name=name)

    def register_planned_file(self, plan: FileTransferPlan) -> Path:
        """``register_transfer_file`` of a plan; TransferError where the source changed since."""
        now = self.stat_transfer_source(plan.source.path)
        if (now.size_bytes, now.modified_at) != (plan.source.size_bytes, plan.source.modified_at):
            raise TransferError(f"the source changed while its transfer was prepared: {plan.source.path}")
        return self.register_transfer_file(plan.source.path, plan.request.mode)

    def unregister_transfer_file(self) -> None:
        """The file stays; what was made for the journey goes."""
        self._moving = None
        self.unregister_file(self.registered_file_name)
        (self.work_dir() / self.registered_file_name).unlink(missing_ok=True)

    def mark_waiting_for_arrival(self) -> None:
        """The task goes on at the target."""
        task: Any = self
        task.set_task_status(TaskStatus.WAITING_FOR_ARRIVAL, done=False)

    def dispatch(self, target: str | TransferTicket) -> PagletProxy:
        """Move to another host; a source that is to be moved goes once the task is completed over there.

        Raises:
            TransferError: the file is not in place, or the source changed meanwhile; it was kept.
        """
        proxy = super().dispatch(target)
        if self._moving is not None and self._context is None:  # what runs here now has been left behind
            self._await_arrival(proxy)
            self._delete_source(*self._moving)
        return proxy

    def dispatch_to(self, name: str) -> PagletProxy:
        """``dispatch`` to the host with this name."""
        return self.dispatch(name)

    def _await_arrival(self, proxy: PagletProxy) -> None:
        deadline = time.monotonic() + self.arrival_timeout
        while True:
            left = max(0.0, min(_POLL, deadline - time.monotonic()))
            message = TASK_WAIT.to_message(TaskWaitRequest(left))
            reply = proxy.send(message, timeout=left + _GRACE, reply_type=TaskStatusReply)
            if reply.status is TaskStatus.COMPLETED:
                return
            if reply.done or left <= 0:
                raise TransferError(f"the source was kept: {reply.error or 'the file is not in place yet'}")

    @staticmethod
    def _delete_source(source: str, before: os.stat_result) -> None:
        try:
            now = os.stat(source)
        except FileNotFoundError:
            return
        if any(getattr(now, name) != getattr(before, name) for name in ("st_ino", "st_dev", "st_size", "st_mtime_ns")):
            raise TransferError(f"the file is in place, but the source changed meanwhile and was kept: {source}")
        os.unlink(source)

    # ---- at the target

    def current_transfer_arrival(self) -> FileTransferArrival:
        """The file that came with the paglet, and where it is to go."""
        state = self.state
        scratch = self.file_path(self.registered_file_name)
        return FileTransferArrival(str(scratch), state.destination_path, state.file_name, state.overwrite, state.mode)

    def save_registered_file_to_destination(self, arrival: FileTransferArrival) -> Path:
        """Place a file that came with the paglet, whole, and have it travel no further.

        Raises:
            FileExistsError: there is one already, and it is not to be replaced.
            TransferError: what came is not of the size that left.
        """
        scratch = Path(arrival.scratch_path)
        came, left = scratch.stat().st_size, self.state.size_bytes
        if came != left:
            raise TransferError(f"{arrival.source_name} changed on its way: {left} bytes left, {came} came")
        destination = resolve_destination_path(arrival.destination_path, arrival.source_name)
        final = atomic_move_file(scratch, destination, overwrite=arrival.overwrite, on_step=self.on_placing)
        self.unregister_file(self.registered_file_name)
        return final

    def on_placing(self, done_bytes: int) -> None:
        """A step of the copy to the destination, where one is made; ends it once cancel was asked for."""
        task: Any = self
        task.check_cancelled()
        self.report_bytes(done_bytes, "placed")

    def remember_transfer_arrival(self, final_path: str | os.PathLike[str]) -> None:
        """Note in the state where the file is now."""
        with self.locked():
            state, context = self.state, self._context
            state.final_path = os.fspath(final_path)
            if context is not None:
                state.destination_host_name, state.destination_host_url = context.name, context.address
            self.notify_all_state_changed()

    def save_arrived_file(self) -> Path:
        """Place the file that came with the paglet and note where."""
        final = self.save_registered_file_to_destination(self.current_transfer_arrival())
        self.remember_transfer_arrival(final)
        return final

    # ---- at both

    def report_bytes(self, done_bytes: int, what: str) -> None:
        """Have the task's progress say how many bytes of the file are ``what``: ``carried`` or ``placed``."""
        task: Any = self
        total = self.state.size_bytes
        note = f"{format_bytes(done_bytes)} of {format_bytes(total)} {what}"
        task.report_progress(done_bytes / total if total else 0.0, note)

    def build_transfer_result(self, *, dry_run: bool | None = None) -> FileTransferResult:
        """The result, from the state and from the file where it has been placed here."""
        with self.locked():
            state = self.state
            created = modified = 0.0
            if state.destination_host_url == ("" if self._context is None else self._context.address):
                try:
                    placed = self.stat_transfer_source(state.final_path)
                    created, modified = placed.created_at, placed.modified_at
                except ValueError:  # a dry run: nothing is there
                    pass
            return FileTransferResult(
                state.transfer_id,
                state.mode,
                state.dry_run if dry_run is None else dry_run,
                FileTransferEndpoint(
                    state.source_host_name,
                    state.source_host_url,
                    state.source_path,
                    state.source_created_at,
                    state.source_modified_at,
                ),
                FileTransferEndpoint(
                    state.destination_host_name, state.destination_host_url, state.final_path, created, modified
                ),
                state.file_name,
                state.size_bytes,
                format_bytes(state.size_bytes),
            )

    def notify_transfer_info(self, message: str) -> bool:
        """Tell the user; whether it was delivered."""
        return self._notify_transfer(NotificationSeverity.INFO, message)

    def notify_transfer_error(self, error: BaseException | str) -> bool:
        """Tell the user what went wrong, or that it was cancelled; whether it was delivered."""
        cancelled = isinstance(error, TaskCancelledError)
        return self._notify_transfer(
            NotificationSeverity.WARNING if cancelled else NotificationSeverity.ERROR, str(error)
        )

    def _notify_transfer(self, severity: NotificationSeverity, message: str) -> bool:
        return self.notify_user_info(severity, self.notification_title, message, job_id=self.state.transfer_id)


def __getattr__(name: str) -> Any:
    """The task made of the steps, importable from here too."""
    if name == "SingleFileTransferPaglet":
        from paglets_nb.patterns.single_file import SingleFileTransferPaglet

        return SingleFileTransferPaglet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
