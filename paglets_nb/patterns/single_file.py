"""A task that carries one file to another host, made of the steps of ``patterns.file_mobility``."""

from __future__ import annotations

from typing import Any

from paglets_nb.core.events import MobilityEvent
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.patterns.file_mobility import FileMobilityMixin
from paglets_nb.patterns.file_placement import (
    atomic_copy_file,
    atomic_move_file,
    format_bytes,
    resolve_destination_path,
)
from paglets_nb.patterns.file_transfers import (
    FileTransferMode,
    FileTransferPlan,
    FileTransferRequest,
    FileTransferResult,
    FileTransferState,
)
from paglets_nb.patterns.tasks import TaskPaglet, TaskStatus, TaskStatusReply

__all__ = ["SingleFileTransferPaglet"]

_LEAST_TIMEOUT = 30.0
_SLOWEST_BYTES_PER_SECOND = 8 << 20


class SingleFileTransferPaglet(FileMobilityMixin, TaskPaglet[FileTransferRequest, FileTransferResult, Any]):
    """Carries one file: created where the file is, it ends where the file was to go.

    The task completes at the target once the file is in place. In move mode the source is
    deleted after that and not before; whatever fails, it stays.
    """

    State = FileTransferState
    Request = FileTransferRequest
    Result = FileTransferResult

    def run_task(self, request: FileTransferRequest) -> FileTransferResult | PagletProxy:
        """Plan, and unless it is a dry run take the file along or, for this very host, place it."""
        try:
            plan = self.prepare_file_transfer(request)
            ends = self._described(plan)
            if plan.request.dry_run:
                self.notify_transfer_info(f"would {plan.request.mode} {ends}")
                return self.build_transfer_result(dry_run=True)
            self.notify_transfer_info(f"{plan.request.mode} {ends}")
            self.check_cancelled()
            if self.state.destination_host_url == self.context.address:
                return self._place_here(plan)
            return self._take_along(plan)
        except Exception as error:
            self.notify_transfer_error(error)
            raise

    def _described(self, plan: FileTransferPlan) -> str:
        request, size = plan.request, format_bytes(plan.source.size_bytes)
        source = request.source_label or f"{self.state.source_host_name}:{plan.source.path}"
        destination = request.destination_label or f"{plan.target_host}:{plan.destination_path}"
        return f"{source} ({size}) to {destination}"

    def _place_here(self, plan: FileTransferPlan) -> FileTransferResult:
        request, source = plan.request, plan.source
        place = atomic_move_file if request.mode is FileTransferMode.MOVE else atomic_copy_file
        destination = resolve_destination_path(request.destination_path, source.file_name)
        placed = place(source.path, destination, overwrite=request.overwrite, on_step=self.on_placing)
        self.remember_transfer_arrival(placed)
        return self.build_transfer_result()

    def _take_along(self, plan: FileTransferPlan) -> PagletProxy:
        self.register_planned_file(plan)
        self.mark_waiting_for_arrival()
        timeout = _LEAST_TIMEOUT + plan.source.size_bytes / _SLOWEST_BYTES_PER_SECOND
        try:
            return self.dispatch(TransferTicket(self.state.destination_host_url, timeout=timeout))
        except BaseException:
            if self._context is not None:  # it never left
                self.unregister_transfer_file()
                self.check_cancelled()
            raise

    def task_status_reply(self) -> TaskStatusReply:
        """Where the task stands, with the bytes that are at the target by now."""
        context = self._context
        if context is not None and (carried := context.carried_bytes()):
            self.report_bytes(carried, "carried")
        return super().task_status_reply()

    def on_cancelling(self) -> None:
        """Have the file turn back while it is on its way; once it is there it is placed."""
        if self.state.status is TaskStatus.WAITING_FOR_ARRIVAL:
            self.stop_carrying()

    def on_arrival(self, event: MobilityEvent) -> None:
        """Place the file and complete the task, or fail it and raise."""
        if self.state.status is not TaskStatus.WAITING_FOR_ARRIVAL:
            return
        try:
            final = self.save_arrived_file()
            self.complete_task(self.build_transfer_result())
        except BaseException as error:
            self.fail_task(error)
            self.notify_transfer_error(error)
            raise
        self.notify_transfer_info(
            f"{self.state.file_name} ({format_bytes(self.state.size_bytes)}) is in place: {final}"
        )
