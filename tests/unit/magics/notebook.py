"""A real IPython shell, driven cell by cell, and the paglets its tests use."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.error import UsageError

from paglets_nb.core.tracebacks import is_ours
from paglets_nb.magics import extension
from paglets_nb.magics.session import Session

__all__ = ["PAGLETS", "Notebook", "meshed_notebook"]

PAGLETS = """
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from paglets_nb import (
    OperationPaglet, Paglet, PagletState, ServiceOperation, TaskPaglet, TaskState,
)
from paglets_nb.patterns import CURSOR_DRAIN, CursorDrainMixin, CursorDrainState, NotificationMixin

class Colour(Enum):
    RED = "red"
    BLUE = "blue"

@dataclass
class CounterState(PagletState):
    count: int = 0
    anything: Any = None

@dataclass(frozen=True)
class Add:
    by: int = 1
    colour: Colour = Colour.RED
    note: str | None = None
    loud: bool = False

@dataclass(frozen=True)
class Total:
    count: int
    note: str = ""

ADD = ServiceOperation("add", Add, Total)
FAIL = ServiceOperation("fail")
SLEEP = ServiceOperation("sleep", Add, Total)

class Counter(OperationPaglet[CounterState]):
    def operation_handlers(self):
        return {ADD: self.add, FAIL: self.fail, SLEEP: self.sleep}

    def add(self, request):
        self.state.count += request.by
        return Total(self.state.count, f"{request.colour.value} {request.note}")

    def fail(self, request):
        raise KeyError("broken on purpose")

    def sleep(self, request):
        time.sleep(request.by)
        return Total(0)

class Echo(Paglet[PagletState]):
    def handle_message(self, message):
        return {"kind": message.kind, **message.args}

class Feed(CursorDrainMixin, Paglet[CursorDrainState]):
    Drain = CURSOR_DRAIN

    def handle_message(self, message):
        if message.kind == "put":
            return self.cursor_append_events([{"n": n} for n in message.args["numbers"]])
        if message.kind == "trim":
            return self.cursor_trim(message.args["to"])
        if message.kind == "close":
            return self.cursor_close()
        return super().handle_message(message)

class Herald(NotificationMixin, Paglet[PagletState]):
    def handle_message(self, message):
        return self.notify_user_info(message.args["severity"], "news", message.args["text"])

@dataclass(frozen=True)
class Steps:
    steps: int = 1
    fail: bool = False

@dataclass(frozen=True)
class Done:
    steps: int

class Worker(TaskPaglet[Steps, Done, TaskState]):
    Request, Result = Steps, Done

    def run_task(self, request):
        for step in range(request.steps):
            self.report_progress(step / request.steps, f"step {step}")
            self.wait_state(lambda: self.state.cancelling, 0.02)
            self.check_cancelled()
        if request.fail:
            raise ValueError("no luck")
        return Done(request.steps)
"""


class Notebook:
    """A shell with the extension loaded.

    Args:
        shell: the shell.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell

    @property
    def session(self) -> Session:
        """What its magics share."""
        return extension._loaded[self.shell].session

    def run(self, cell: str) -> Any:
        """Execute a cell; its value, or what it raised."""
        result = self.shell.run_cell(cell)
        result.raise_error()
        return result.result

    def refused(self, cell: str) -> str:
        """Execute a cell that must end in exactly a UsageError of one line; its message."""
        result = self.shell.run_cell(cell)
        error = result.error_in_exec
        assert type(error) is UsageError, f"{cell!r} ended with {error!r}"
        assert "\n" not in str(error)
        return str(error)

    def failed(self, cell: str) -> tuple[BaseException, list[str]]:
        """Execute a cell that must raise; the error, and the functions of this package that its traceback shows."""
        error = self.shell.run_cell(cell).error_in_exec
        assert error is not None, f"{cell!r} raised nothing"
        frames = traceback.extract_tb(error.__traceback__)
        return error, [frame.name for frame in frames if is_ours(frame.filename)]

    def variable(self, name: str) -> Any:
        """A variable of the notebook."""
        return self.shell.user_ns[name]


@contextmanager
def meshed_notebook(shell: Any) -> Iterator[Notebook]:
    """Load the extension, start two hosts and define the sample paglets; unload at the end."""
    shell.run_cell("%load_ext paglets_nb").raise_error()
    made = Notebook(shell)
    try:
        made.run("%paglet up 2")
        made.run(PAGLETS)
        yield made
    finally:
        shell.run_cell("%unload_ext paglets_nb").raise_error()
