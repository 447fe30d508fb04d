"""Tasks and their client."""

from __future__ import annotations

from paglets_nb.patterns.task_client import TaskClient, TaskHandle, TaskSnapshot
from paglets_nb.patterns.tasks import (
    TASK_CANCEL,
    TASK_START,
    TASK_STATUS,
    TASK_WAIT,
    TaskPaglet,
    TaskStartRequest,
    TaskState,
    TaskStatus,
    TaskStatusReply,
    TaskWaitRequest,
)

__all__ = [
    "TASK_CANCEL",
    "TASK_START",
    "TASK_STATUS",
    "TASK_WAIT",
    "TaskClient",
    "TaskHandle",
    "TaskPaglet",
    "TaskSnapshot",
    "TaskStartRequest",
    "TaskState",
    "TaskStatus",
    "TaskStatusReply",
    "TaskWaitRequest",
]
