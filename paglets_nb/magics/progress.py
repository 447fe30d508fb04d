"""A line, or a picture, in a cell that changes while something long goes on."""

from __future__ import annotations

import html
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["ProgressLine", "progress", "waiting"]

_LONG = 1.0
"""Seconds after which it is said what is waited for."""
_SHORTEST = 0.1
"""Seconds between two updates of a line that need not show each of them."""


class ProgressLine:
    """A line that is shown once and updated in place; from any thread.

    Only a kernel's front end can update: elsewhere just the last text is written.

    Args:
        shell: the IPython shell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._display_id = f"paglets-{secrets.token_hex(8)}"
        self._shown = False
        self._lock = threading.Lock()
        self._live = hasattr(shell, "set_thread_parent")
        self._parent = shell.get_parent() if self._live else None
        self._next = 0.0

    @property
    def shown(self) -> bool:
        """Whether anything was."""
        return self._shown

    def tell(self, text: str, picture: str = "") -> bool:
        """``update``, unless the last one was less than a tenth of a second ago; whether it was shown."""
        if time.monotonic() < self._next:
            return False
        self.update(text, picture)
        return True

    def update(self, text: str, picture: str = "") -> None:
        """Show something in place of the last thing.

        Args:
            text: what to show.
            picture: the same as HTML; made of the text when empty.
        """
        if not self._live:
            return
        self._next = time.monotonic() + _SHORTEST
        data = {"text/plain": text, "text/html": picture or f"<pre style='margin:0'>{html.escape(text)}</pre>"}
        with self._lock:
            tokens = self._shell.set_thread_parent(self._parent)
            try:
                transient = {"display_id": self._display_id}
                self._shell.display_pub.publish(data=data, metadata={}, transient=transient, update=self._shown)
            finally:
                self._shell.reset_thread_parent(tokens)
            self._shown = True

    def finish(self, text: str) -> None:
        """Show the last text."""
        if self._live:
            self.update(text)
        else:
            import sys

            sys.stdout.write(f"{text}\n")


@contextmanager
def waiting(shell: Any, doing: str) -> Iterator[None]:
    """Say what goes on within this where it takes over a second, and how long it took.

    Args:
        shell: the IPython shell.
        doing: what is done, e.g. ``drawing the chart``.
    """
    line, began, over = ProgressLine(shell), time.monotonic(), threading.Lock()

    def tell() -> None:
        with over:
            if not timer.finished.is_set():
                line.update(f"{doing} ...")

    timer = threading.Timer(_LONG, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with over:
            if line.shown:
                line.update(f"{doing}: {time.monotonic() - began:.1f} s")


@contextmanager
def progress(shell: Any, doing: str) -> Iterator[ProgressLine]:
    """A line that says what goes on within this, and how it ended where it did not succeed.

    Args:
        shell: the IPython shell.
        doing: what is done, e.g. ``restarting alpha``.
    """
    line = ProgressLine(shell)
    line.update(f"{doing} ...")
    try:
        yield line
    except KeyboardInterrupt:
        line.update(f"{doing}: stopped")
        raise
    except BaseException:
        line.update(f"{doing}: it failed")
        raise
