"""A stock IPython kernel driven as a notebook drives it: cells in, outputs out."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

__all__ = ["Cell", "NotebookKernel", "wait_until"]


def wait_until(condition: Any, timeout: float, what: str) -> float:
    """Wait until ``condition()`` holds; seconds it took. AssertionError after ``timeout`` seconds."""
    started = time.monotonic()
    while not condition():
        waited = time.monotonic() - started
        assert waited < timeout, f"{what}: not within {timeout:g} s"
        time.sleep(0.01)
    return time.monotonic() - started


@dataclass
class Cell:
    """An executed cell: its outputs as they came."""

    message_id: str
    status: str = ""
    stdout: str = ""
    stderr: str = ""
    text: str = ""
    bundles: list[dict[str, Any]] = field(default_factory=list)
    ename: str = ""
    evalue: str = ""
    traceback: str = ""

    def check(self) -> Cell:
        """Itself; AssertionError when it raised."""
        assert self.status == "ok", f"{self.ename}: {self.evalue}\n{self.traceback}\n{self.stderr}"
        return self


class _Native(KernelSpecManager):
    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name=kernel_name,
            language="python",
        )


class NotebookKernel:
    """Starts a stock kernel over ipc, executes cells and collects what they put out."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nb-")
        connection = os.path.join(self._folder.name, "kernel.json")
        self.manager = KernelManager(transport="ipc", connection_file=connection, kernel_spec_manager=_Native())
        self.cells: dict[str, Cell] = {}
        self.client: Any = None

    def __enter__(self) -> NotebookKernel:
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels(stdin=False, hb=False)
        self.client.wait_for_ready(timeout=30)
        return self

    def __exit__(self, *_exc: object) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The kernel's process id."""
        pid: int = self.manager.provisioner.pid  # type: ignore[union-attr]
        return pid

    def restart(self) -> None:
        """Restart the kernel, as the notebook's button does."""
        self.manager.restart_kernel()
        self.client.wait_for_ready(timeout=30)

    def send(self, code: str) -> Cell:
        """Start a cell and return at once."""
        cell = Cell(self.client.execute(code, allow_stdin=False))
        self.cells[cell.message_id] = cell
        return cell

    def run(self, code: str, timeout: float = 30.0) -> Cell:
        """Execute a cell to its end."""
        return self.finish(self.send(code), timeout)

    def finish(self, cell: Cell, timeout: float = 30.0) -> Cell:
        """Read outputs until the cell has ended."""
        self.collect(lambda: bool(cell.status), timeout, "the cell's end")
        return cell

    def collect(self, condition: Any, timeout: float, what: str) -> None:
        """Read outputs until ``condition()`` holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {timeout:g} s; {self.cells}"
            if self.client.iopub_channel.msg_ready():
                self._take(self.client.get_iopub_msg(timeout=1))
            else:
                time.sleep(0.005)

    def _take(self, message: dict[str, Any]) -> None:
        cell = self.cells.get(message["parent_header"].get("msg_id", ""))
        if cell is None:
            return
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            setattr(cell, content["name"], getattr(cell, content["name"]) + content["text"])
        elif kind in ("execute_result", "display_data", "update_display_data"):
            cell.bundles.append(content["data"])
            if kind == "execute_result":
                cell.text = content["data"].get("text/plain", "")
        elif kind == "error":
            cell.ename, cell.evalue = content["ename"], content["evalue"]
            cell.traceback = "\n".join(content["traceback"])
        elif kind == "status" and content["execution_state"] == "idle":
            cell.status = "error" if cell.ename else "ok"

    def value(self, expression: str) -> Any:
        """The value of an expression that prints as a Python literal."""
        import ast

        return ast.literal_eval(self.run(f"print(repr({expression}))").check().stdout.strip())

    def complete(self, code: str) -> list[str]:
        """What the kernel would complete at the end of ``code``."""
        reply = self.client.complete(code, len(code), reply=True, timeout=10)
        matches: list[str] = reply["content"]["matches"]
        return matches

    def kill(self) -> None:
        """Kill -9 the kernel, without a word."""
        os.kill(self.pid, signal.SIGKILL)
