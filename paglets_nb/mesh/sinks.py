"""Where the output of hosts goes: the notebook cell it belongs to, or plain stdout.

What brings it, and how code is executed, is the relay's.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from typing import Any, Protocol

__all__ = [
    "CellSink",
    "OutputSink",
    "TextSink",
    "cell_sink",
    "heir_sink",
    "inherit_cells",
    "remember_cell",
    "set_shell",
]

MAX_CELLS = 1000


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


def heir_sink(cell: str, host: str, paglet: str) -> OutputSink | None:
    """Where a host's output for a cell goes; the cell that inherits, see ``inherit_cells``, where it is not known.

    Args:
        cell: its id.
        host: the host's name.
        paglet: whose output it is; empty for nobody's.
    """
    return _cells.sink_or_heir(cell, host, paglet)
