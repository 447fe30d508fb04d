"""The patterns: small, additive layers over the raw paglet runtime.

They use only the core and services rooms, which proves that the public API is enough.
Every public name of theirs can be imported from here.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "CURSOR_DRAIN": "cursor_drain",
    "ChildRoleState": "coordination",
    "CursorDrainMixin": "cursor_drain",
    "CursorDrainReply": "cursor_drain",
    "CursorDrainRequest": "cursor_drain",
    "CursorDrainState": "cursor_drain",
    "Drain": "drains",
    "FileMobilityMixin": "file_mobility",
    "FileTransferArrival": "file_transfers",
    "FileTransferEndpoint": "file_transfers",
    "FileTransferMode": "file_transfers",
    "FileTransferPlan": "file_transfers",
    "FileTransferRequest": "file_transfers",
    "FileTransferResult": "file_transfers",
    "FileTransferSource": "file_transfers",
    "FileTransferState": "file_transfers",
    "MeshFanoutMixin": "coordination",
    "MeshFanoutState": "coordination",
    "NotificationMixin": "notifications",
    "NotificationSeverity": "notifications",
    "OperationClient": "operations",
    "OperationPaglet": "operations",
    "SingleFileTransferPaglet": "single_file",
    "TASK_CANCEL": "tasks",
    "TASK_START": "tasks",
    "TASK_STATUS": "tasks",
    "TASK_WAIT": "tasks",
    "TaskClient": "task_client",
    "TaskHandle": "task_client",
    "TaskPaglet": "tasks",
    "TaskSnapshot": "task_client",
    "TaskStartRequest": "tasks",
    "TaskState": "tasks",
    "TaskStatus": "tasks",
    "TaskStatusReply": "tasks",
    "TaskWaitRequest": "tasks",
    "drain": "drains",
    "format_bytes": "file_placement",
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605 - one table for both


def __getattr__(name: str) -> Any:
    """Import a public name's module when the name is first used."""
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
