"""One line of text in a cell that changes while something long goes on."""

from __future__ import annotations

import html
import secrets
import threading
from typing import Any

__all__ = ["ProgressLine"]


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

    def update(self, text: str) -> None:
        """Show a text in place of the last one."""
        if not self._live:
            return
        data = {"text/plain": text, "text/html": f"<pre style='margin:0'>{html.escape(text)}</pre>"}
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
