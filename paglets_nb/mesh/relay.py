"""The relay: what hosts print and display, read from their kernels' channels and handed on.

Per host one pump reads the kernel's iopub channel and one task its shell replies. Output
goes to the sink of the execution it belongs to, or to the cell whose id it carries; what
a cell is, the sinks know.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup

from paglets_nb.errors import HostDiedError, RemoteHostError
from paglets_nb.mesh.host_output import PAGLET_KEY, QUIET_KEY
from paglets_nb.mesh.kernel_host import OUTPUT_MARK
from paglets_nb.mesh.outputs import paglet_logs
from paglets_nb.mesh.sinks import OutputSink, heir_sink

__all__ = ["CodeResult", "KernelRelay"]

_REPLY = 2.0
"""Seconds that a reply may come after the kernel is idle again; it was sent before."""


@dataclass(frozen=True)
class CodeResult:
    """How code executed on a host ended.

    Attributes:
        status: ``ok``, ``error``, ``aborted`` (an interrupt came before its reply did) or ``died``.
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


class _Execution:
    """Code that runs on a host for somebody here."""

    def __init__(self, sink: OutputSink | None) -> None:
        self.sink = sink
        self.future: Future[CodeResult] = Future()
        self.started = time.monotonic()
        self.reply: dict[str, Any] | None = None
        self.idle = False

    def end(self, result: CodeResult) -> None:
        """Tell whoever waits, unless they have cancelled it."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(result)


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
        self._failed = ""
        self._complained = False
        self._group: TaskGroup | None = None

    async def run(self) -> None:
        """Read until cancelled."""
        async with anyio.create_task_group() as group:
            self._group = group
            group.start_soon(self._read, self._client.iopub_channel, self._take_output)
            group.start_soon(self._read, self._client.shell_channel, self._take_reply)

    @property
    def executing(self) -> int:
        """How many pieces of code the kernel has been given and has not finished."""
        return len(self._executions)

    async def wait_connected(self, timeout: float) -> None:
        """Wait until what the kernel puts out comes here, at most ``timeout`` seconds."""
        with anyio.move_on_after(timeout):
            await self._welcome.wait()

    async def execute(self, code: str, sink: OutputSink | None, store_history: bool) -> Future[CodeResult]:
        """Have the kernel execute ``code``; the future settles when its output has come too.

        Raises:
            HostDiedError: it has not been asked, for the host died meanwhile.
        """
        await self.wait_connected(5.0)
        if self._failed:
            raise HostDiedError(self._host, self._failed, delivered=False)
        execution = _Execution(sink)
        message_id = self._client.execute(code, store_history=store_history, allow_stdin=False, stop_on_error=False)
        self._executions[message_id] = execution
        return execution.future

    async def sync(self, timeout: float) -> bool:
        """Wait until what the host has printed so far has come; False when it did not in ``timeout`` seconds.

        The host answers with a mark on iopub, behind its output, also while it executes code.
        """
        if self._failed:
            return False
        session = self._client.session
        request = session.msg(OUTPUT_MARK, {})
        mark = self._marks[request["header"]["msg_id"]] = anyio.Event()
        try:
            with anyio.move_on_after(timeout):
                self._client.control_channel.send(request)
                await mark.wait()
        finally:
            self._marks.pop(request["header"]["msg_id"], None)
        return mark.is_set() and not self._failed

    def fail(self, reason: str) -> None:
        """The kernel has died, or is spoken to no more: settle what was executing, and ask it nothing further."""
        self._failed = reason
        for waiting in (self._welcome, *self._marks.values()):
            waiting.set()
        executions, self._executions = self._executions, {}
        for execution in executions.values():
            elapsed = time.monotonic() - execution.started
            evalue = str(HostDiedError(self._host, reason))
            execution.end(CodeResult(self._host, "died", "HostDiedError", evalue, [], elapsed))

    async def _read(self, channel: Any, take: Callable[[dict[str, Any]], None]) -> None:
        """Hand on what comes on a channel; one message that fails does not end it, nor the mesh with it."""
        while True:
            try:
                take(await channel.get_msg(timeout=None))
            except Exception:
                if not channel.is_alive():
                    raise
                if not self._complained:
                    logging.getLogger(__name__).exception("what host %r put out could not be shown", self._host)
                self._complained = True

    def _take_reply(self, message: dict[str, Any]) -> None:
        message_id = message["parent_header"].get("msg_id", "")
        execution = self._executions.get(message_id)
        if execution is not None:
            execution.reply = message["content"]
            self._settle(message_id, execution)

    def _take_output(self, message: dict[str, Any]) -> None:
        self._welcome.set()
        kind, content = message["msg_type"], message["content"]
        message_id = message["parent_header"].get("msg_id", "")
        if kind == "iopub_welcome":
            return
        if kind == OUTPUT_MARK:
            if message_id in self._marks:
                self._marks[message_id].set()
            return
        execution = self._executions.get(message_id)
        if kind == "status":
            if execution is not None and content["execution_state"] == "idle":
                execution.idle = True
                self._settle(message_id, execution)
                if execution.reply is None and self._group is not None:
                    self._group.start_soon(self._settle_without_reply, message_id)
            return
        paglet = message["parent_header"].get(PAGLET_KEY, "")
        if paglet:
            paglet_logs.take(paglet, self._host, kind, content)
        if message["parent_header"].get(QUIET_KEY):
            return
        sink = execution.sink if execution is not None else heir_sink(message_id, self._host, paglet)
        if sink is not None:
            self._hand_on(sink, kind, content)

    async def _settle_without_reply(self, message_id: str) -> None:
        """Settle what ended without a reply: an interrupt that hits the kernel just then takes it along."""
        await anyio.sleep(_REPLY)
        execution = self._executions.pop(message_id, None)
        if execution is not None:
            elapsed = time.monotonic() - execution.started
            execution.end(CodeResult(self._host, "aborted", "KeyboardInterrupt", "interrupted", [], elapsed))

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
        execution.end(
            CodeResult(
                self._host,
                reply["status"],
                reply.get("ename", ""),
                reply.get("evalue", ""),
                reply.get("traceback", []),
                time.monotonic() - execution.started,
            )
        )
