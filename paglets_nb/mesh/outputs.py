"""What paglets have printed and displayed, each in a log of its own.

A paglet keeps its log when it moves. The logs are bounded, and filled by the relays from the
hosts; they know neither cells nor widgets.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from paglets_nb.core.proxy import PagletProxy

__all__ = ["OutputPiece", "PagletLog", "PagletLogs", "paglet_log", "paglet_logs"]

MAX_LOGS = 1000
MAX_LINES = 1000
"""Lines and displays kept of one paglet."""
MAX_SIZE = 8 << 20
"""Bytes kept of one paglet, about."""
_LONGEST = 16 * 1024
"""Characters kept of one line: its end."""


@dataclass(frozen=True)
class OutputPiece:
    """A line, or something displayed.

    Attributes:
        kind: ``stdout``, ``stderr`` or ``display``.
        text: the line; of something displayed its text.
        host: where the paglet was.
        timestamp: POSIX seconds when it came.
        data: the mime bundle of something displayed.
        display_id: by which it may be replaced; empty for none.
    """

    kind: str
    text: str
    host: str
    timestamp: float
    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    display_id: str = ""

    def size(self) -> int:
        """Bytes it takes, about."""
        return len(self.text) + sum(len(value) for value in self.data.values() if isinstance(value, str | bytes))


def _lines(text: str) -> list[str]:
    """The lines of a text with their ends; a carriage return ends none."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _rewritten(line: str) -> str:
    """A line as a terminal shows it: what stands behind its last carriage return."""
    body = line.rstrip("\r\n")
    return body.rpartition("\r")[2][-_LONGEST:] + ("\n" if line.endswith("\n") else "\r" if line.endswith("\r") else "")


class PagletLog:
    """The output of one paglet: its last lines and displays.

    Args:
        agent_id: the paglet's.
    """

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self._changed = threading.Condition(threading.Lock())
        self._pieces: deque[OutputPiece] = deque()
        self._size = 0
        self._clear_next = False
        self._listeners: list[Callable[[], None]] = []
        self.version = 0
        """How often it has changed."""

    def pieces(self) -> list[OutputPiece]:
        """What is kept, oldest first."""
        with self._changed:
            return list(self._pieces)

    def text(self, lines: int | None = None) -> str:
        """The last lines as text, all that are kept for None."""
        pieces = self.pieces()
        return "".join(piece.text for piece in pieces[max(0, len(pieces) - lines) if lines is not None else 0 :])

    def wait(self, version: int = 0, timeout: float = 10.0) -> bool:
        """Wait until it has changed oftener than ``version`` times; False when it did not in ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.version > version, timeout)

    def add_listener(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each change, on the loop's thread; it must not block.

        Returns:
            Takes it off again.
        """
        with self._changed:
            self._listeners.append(listener)

        def remove() -> None:
            with self._changed:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return remove

    def take(self, host: str, kind: str, content: dict[str, Any]) -> None:
        """Take output as a host's kernel publishes it."""
        with self._changed:
            if kind == "stream":
                self._write(content["name"], content["text"], host)
            elif kind in ("display_data", "update_display_data"):
                self._display(content, host, kind == "update_display_data")
            elif kind == "clear_output":
                self._clear(bool(content["wait"]))
            else:
                return
            while self._pieces and (len(self._pieces) > MAX_LINES or self._size > MAX_SIZE):
                self._size -= self._pieces.popleft().size()
            self.version += 1
            listeners = list(self._listeners)
            self._changed.notify_all()
        for listener in listeners:
            listener()

    def _add(self, piece: OutputPiece) -> None:
        if self._clear_next:
            self._clear(False)
        self._pieces.append(piece)
        self._size += piece.size()

    def _write(self, name: str, text: str, host: str) -> None:
        for part in _lines(text):
            last = self._pieces[-1] if self._pieces and not self._clear_next else None
            begun = ""
            if last is not None and last.kind == name and not last.text.endswith("\n"):
                self._size -= self._pieces.pop().size()
                begun = last.text
            self._add(OutputPiece(name, _rewritten(begun + part), host, time.time()))

    def _display(self, content: dict[str, Any], host: str, update: bool) -> None:
        display_id = str(content.get("transient", {}).get("display_id", ""))
        data = dict(content["data"])
        text = str(data.get("text/plain", ""))
        piece = OutputPiece("display", f"{text}\n", host, time.time(), data, dict(content["metadata"]), display_id)
        if not update:
            self._add(piece)
            return
        for number, old in enumerate(self._pieces):
            if old.display_id and old.display_id == display_id:
                self._size += piece.size() - old.size()
                self._pieces[number] = replace(piece, timestamp=old.timestamp)

    def _clear(self, wait: bool) -> None:
        self._clear_next = wait
        if not wait:
            self._pieces.clear()
            self._size = 0

    def __len__(self) -> int:
        return len(self._pieces)

    def __repr__(self) -> str:
        return self.text().rstrip("\n") or "nothing was printed"


class PagletLogs:
    """The logs by the paglets' ids; those longest without output are forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logs: OrderedDict[str, PagletLog] = OrderedDict()

    def log(self, agent_id: str) -> PagletLog:
        """The log of a paglet, empty where it has printed nothing."""
        with self._lock:
            log = self._logs.get(agent_id)
            if log is None:
                log = self._logs[agent_id] = PagletLog(agent_id)
            self._logs.move_to_end(agent_id)
            while len(self._logs) > MAX_LOGS:
                self._logs.popitem(last=False)
            return log

    def take(self, agent_id: str, host: str, kind: str, content: dict[str, Any]) -> None:
        """Take output of a paglet."""
        self.log(agent_id).take(host, kind, content)


paglet_logs = PagletLogs()
"""What the paglets of this process's meshes have printed."""


def paglet_log(paglet: PagletProxy | str) -> PagletLog:
    """What a paglet has printed and displayed, by its proxy or id; it is kept up to date."""
    return paglet_logs.log(paglet if isinstance(paglet, str) else paglet.agent_id)
