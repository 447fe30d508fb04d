"""The relay: what hosts print and display, brought to the notebook cell it belongs to.

Per host one pump reads the kernel's iopub channel and one task its shell replies. Output
goes to the sink of the execution it belongs to, or to the cell whose id it carries.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio

from paglets_nb.errors import HostDiedError, RemoteHostError
from paglets_nb.mesh.host_output import PAGLET_KEY, QUIET_KEY
from paglets_nb.mesh.kernel_host import OUTPUT_MARK
from paglets_nb.mesh.outputs import paglet_logs

__all__ = [
    "CellSink",
    "CodeResult",
    "KernelRelay",
    "OutputSink",
    "TextSink",
    "cell_sink",
    "inherit_cells",
    "remember_cell",
    "set_shell",
]

MAX_CELLS = 1000


@dataclass(frozen=True)
class CodeResult:
    """How code executed on a host ended.

    Attributes:
        status: ``ok``, ``error``, ``aborted`` or ``died``.
        ename: the exception's type, of an error.
        evalue: its message.
        traceback: its lines, coloured for a terminal.
        elapsed: seconds.
    """

    host: str
    status: str
    ename: str = ""
    evalue: str = ""
    traceback: list[str] = field(default_factory=list)
    elapsed: float = 0.0

    def raise_error(self) -> CodeResult:
        """Itself where the code ended well.

        Raises:
            HostDiedError: its host died.
            RemoteHostError: it raised, or did not run; carries the remote traceback.
        """
        if self.status == "ok":
            return self
        if self.status == "died":
            raise HostDiedError(self.host, self.evalue)
        failed: Any = RemoteHostError(self.evalue or self.status, type_name=self.ename)
        failed.remote_traceback, failed.remote_host = "\n".join(self.traceback), self.host
        raise failed

    def __repr__(self) -> str:
        why = f", {self.ename}: {self.evalue}" if self.ename else ""
        return f"<CodeResult {self.host}: {self.status}{why} in {self.elapsed:.2f} s>"


class OutputSink(Protocol):
    """Takes what code on a host puts out; called from the loop's thread."""

    def stream(self, name: str, text: str) -> None:
        """Text on ``stdout`` or ``stderr``."""
        ...

    def display(self, data: dict[str, Any], metadata: dict[str, Any], transient: dict[str, Any], update: bool) -> None:
        """A mime bundle, new or updating a shown one."""
        ...

    def error(self, ename: str, evalue: str, traceback: list[str]) -> None:
        """An exception's traceback."""
        ...

    def clear(self, wait: bool) -> None:
        """Clear what was shown, at once or with the next output."""
        ...


class CellSink:
    """Writes into one notebook cell, from any thread, also after the cell has ended.

    Args:
        shell: the notebook kernel's shell.
        parent: the cell's parent header, from ``shell.get_parent()``.
        prefix: put before each line of text.
        source: whose output it is, where several write into the cell.
        opened: who has left a line of the cell unfinished, by stream; shared by its sinks.
    """

    def __init__(
        self, shell: Any, parent: Any, prefix: str = "", source: str = "", opened: dict[str, str] | None = None
    ) -> None:
        self._shell = shell
        self._parent = parent
        self._prefix = prefix
        self._source = source
        self._opened = {} if opened is None else opened
        self._line_open = {"stdout": False, "stderr": False}

    def _apart(self, name: str, text: str) -> str:
        """The text, on a line of its own where another source has left one unfinished."""
        other = self._opened.get(name, self._source)
        self._opened[name] = "" if text.endswith("\n") else self._source
        return f"\n{text}" if other and other != self._source and text[:1] != "\n" else text

    def _prefixed(self, name: str, text: str) -> str:
        if not text:
            return text
        if not self._prefix:
            return self._apart(name, text)
        lines = text.splitlines(keepends=True)
        first = "" if self._line_open[name] else self._prefix
        self._line_open[name] = not text.endswith("\n")
        return first + self._prefix.join(lines)

    def stream(self, name: str, text: str) -> None:
        """Text on ``stdout`` or ``stderr``."""
        tokens = self._shell.set_thread_parent(self._parent)
        try:
            out = sys.stderr if name == "stderr" else sys.stdout
            out.write(self._prefixed(name, text))
            out.flush()
        finally:
            self._shell.reset_thread_parent(tokens)

    def display(self, data: dict[str, Any], metadata: dict[str, Any], transient: dict[str, Any], update: bool) -> None:
        """A mime bundle, new or updating a shown one."""
        tokens = self._shell.set_thread_parent(self._parent)
        try:
            self._shell.display_pub.publish(data=data, metadata=metadata, transient=transient, update=update)
        finally:
            self._shell.reset_thread_parent(tokens)

    def error(self, ename: str, evalue: str, traceback: list[str]) -> None:
        """An exception's traceback, as text."""
        self.stream("stderr", "\n".join(traceback or [f"{ename}: {evalue}"]) + "\n")

    def clear(self, wait: bool) -> None:
        """Clear the cell's output."""
        tokens = self._shell.set_thread_parent(self._parent)
        try:
            self._shell.display_pub.clear_output(wait)
        finally:
            self._shell.reset_thread_parent(tokens)


class TextSink:
    """Writes text to this process's own stdout and stderr, one prefix per host."""

    def __init__(self, host: str) -> None:
        self._prefix = f"[{host}] "

    def stream(self, name: str, text: str) -> None:
        """Text on ``stdout`` or ``stderr``."""
        out = sys.stderr if name == "stderr" else sys.stdout
        out.write("".join(self._prefix + line for line in text.splitlines(keepends=True)))
        out.flush()

    def display(self, data: dict[str, Any], metadata: dict[str, Any], transient: dict[str, Any], update: bool) -> None:
        """The text of a mime bundle."""
        if "text/plain" in data:
            self.stream("stdout", f"{data['text/plain']}\n")

    def error(self, ename: str, evalue: str, traceback: list[str]) -> None:
        """An exception's traceback."""
        self.stream("stderr", "\n".join(traceback or [f"{ename}: {evalue}"]) + "\n")

    def clear(self, wait: bool) -> None:
        """Text that was written stays."""


class _Cells:
    """The notebook's cells by id, so that late output finds them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parents: OrderedDict[str, Any] = OrderedDict()
        self._opened: dict[str, dict[str, str]] = {}
        self._heir: Any = None
        self._heir_sinks: dict[str, CellSink] = {}
        self.shell: Any = None

    def remember(self, parent: Any) -> None:
        with self._lock:
            self._parents[parent["header"]["msg_id"]] = parent
            while len(self._parents) > MAX_CELLS:
                self._opened.pop(self._parents.popitem(last=False)[0], None)

    def sink(self, cell: str, host: str, source: str = "") -> OutputSink | None:
        with self._lock:
            parent = self._parents.get(cell)
            opened = self._opened.setdefault(cell, {}) if parent is not None else None
        if parent is not None and self.shell is not None:
            return CellSink(self.shell, parent, source=source, opened=opened)
        return TextSink(host) if self.shell is None else None

    def inherit(self, parent: Any) -> None:
        with self._lock:
            self._heir, self._heir_sinks = parent, {}

    def sink_or_heir(self, cell: str, host: str, source: str = "") -> OutputSink | None:
        found = self.sink(cell, host, source)
        with self._lock:
            if found is None and self._heir is not None:
                found = self._heir_sinks.setdefault(host, CellSink(self.shell, self._heir, f"[{host}] "))
        return found


_cells = _Cells()


def remember_cell(parent: Any) -> None:
    """Know a cell by its parent header, from ``shell.get_parent()``; called before each cell."""
    _cells.remember(parent)


def inherit_cells(parent: Any) -> None:
    """Have a cell show what hosts put out for cells that are not known, as of a notebook that was lost.

    Args:
        parent: its parent header, from ``shell.get_parent()``; None for no cell.
    """
    _cells.inherit(parent)


def set_shell(shell: Any) -> None:
    """The notebook's shell, into whose cells output goes; None for plain stdout."""
    _cells.shell = shell
    if shell is None:
        _cells.inherit(None)


def cell_sink(cell: str, host: str) -> OutputSink | None:
    """Where a host's output for a cell goes; None for a cell that is not known."""
    return _cells.sink(cell, host)


class _Execution:
    """Code that runs on a host for somebody here."""

    def __init__(self, sink: OutputSink | None) -> None:
        self.sink = sink
        self.future: Future[CodeResult] = Future()
        self.started = time.monotonic()
        self.reply: dict[str, Any] | None = None
        self.idle = False


class KernelRelay:
    """Reads one kernel's channels and hands on what they bring.

    Args:
        host: the host's name.
        client: an ``AsyncKernelClient`` with running channels; this object reads all of them.
    """

    def __init__(self, host: str, client: Any) -> None:
        self._host = host
        self._client = client
        self._executions: dict[str, _Execution] = {}
        self._welcome = anyio.Event()
        self._marks: dict[str, anyio.Event] = {}

    async def run(self) -> None:
        """Read until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._pump_iopub)
            group.start_soon(self._pump_shell)

    @property
    def executing(self) -> int:
        """How many pieces of code the kernel has been given and has not finished."""
        return len(self._executions)

    async def wait_connected(self, timeout: float) -> None:
        """Wait until what the kernel puts out comes here, at most ``timeout`` seconds."""
        with anyio.move_on_after(timeout):
            await self._welcome.wait()

    async def execute(self, code: str, sink: OutputSink | None, store_history: bool) -> Future[CodeResult]:
        """Have the kernel execute ``code``; the future settles when its output has come too."""
        await self.wait_connected(5.0)
        execution = _Execution(sink)
        message_id = self._client.execute(code, store_history=store_history, allow_stdin=False, stop_on_error=False)
        self._executions[message_id] = execution
        return execution.future

    async def sync(self, timeout: float) -> bool:
        """Wait until what the host has printed so far has come; False when it did not in ``timeout`` seconds.

        The host answers with a mark on iopub, behind its output, also while it executes code.
        """
        session = self._client.session
        request = session.msg(OUTPUT_MARK, {})
        mark = self._marks[request["header"]["msg_id"]] = anyio.Event()
        try:
            with anyio.move_on_after(timeout):
                self._client.control_channel.send(request)
                await mark.wait()
        finally:
            self._marks.pop(request["header"]["msg_id"], None)
        return mark.is_set()

    def fail(self, reason: str) -> None:
        """The kernel has died: settle what was executing."""
        executions, self._executions = self._executions, {}
        for execution in executions.values():
            elapsed = time.monotonic() - execution.started
            evalue = str(HostDiedError(self._host, reason))
            execution.future.set_result(CodeResult(self._host, "died", "HostDiedError", evalue, [], elapsed))

    async def _pump_shell(self) -> None:
        while True:
            message = await self._client.shell_channel.get_msg(timeout=None)
            message_id = message["parent_header"].get("msg_id", "")
            execution = self._executions.get(message_id)
            if execution is not None:
                execution.reply = message["content"]
                self._settle(message_id, execution)

    async def _pump_iopub(self) -> None:
        while True:
            message = await self._client.iopub_channel.get_msg(timeout=None)
            kind, content = message["msg_type"], message["content"]
            if kind == "iopub_welcome":
                self._welcome.set()
                continue
            self._welcome.set()
            message_id = message["parent_header"].get("msg_id", "")
            if kind == OUTPUT_MARK:
                if message_id in self._marks:
                    self._marks[message_id].set()
                continue
            execution = self._executions.get(message_id)
            if kind == "status":
                if execution is not None and content["execution_state"] == "idle":
                    execution.idle = True
                    self._settle(message_id, execution)
                continue
            paglet = message["parent_header"].get(PAGLET_KEY, "")
            if paglet:
                paglet_logs.take(paglet, self._host, kind, content)
            if message["parent_header"].get(QUIET_KEY):
                continue
            sink = execution.sink if execution is not None else _cells.sink_or_heir(message_id, self._host, paglet)
            if sink is not None:
                self._hand_on(sink, kind, content)

    def _hand_on(self, sink: OutputSink, kind: str, content: dict[str, Any]) -> None:
        if kind == "stream":
            sink.stream(content["name"], content["text"])
        elif kind in ("display_data", "update_display_data", "execute_result"):
            update = kind == "update_display_data"
            sink.display(content["data"], content["metadata"], content.get("transient", {}), update)
        elif kind == "error":
            sink.error(content["ename"], content["evalue"], content["traceback"])
        elif kind == "clear_output":
            sink.clear(content["wait"])

    def _settle(self, message_id: str, execution: _Execution) -> None:
        if execution.reply is None or not execution.idle:
            return
        self._executions.pop(message_id, None)
        reply = execution.reply
        execution.future.set_result(
            CodeResult(
                self._host,
                reply["status"],
                reply.get("ename", ""),
                reply.get("evalue", ""),
                reply.get("traceback", []),
                time.monotonic() - execution.started,
            )
        )
