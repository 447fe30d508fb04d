"""Whose output it is: what a paglet's code prints and displays carries the paglet and the cell.

That is found out when something is printed, from the turn of the code that prints it; code
that prints nothing pays nothing. Lines are put together here, so that two handlers that print
at once do not share one. What other code of the process prints is left alone.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from paglets_nb.core.tracebacks import format_user_traceback
from paglets_nb.core.turns import current_turn

__all__ = ["PAGLET_KEY", "QUIET_KEY", "HostOutput", "LineWriter"]

PAGLET_KEY = "paglet"
"""In the parent header of output: the id of the paglet whose it is."""
QUIET_KEY = "quiet"
"""In the parent header of output that is for the paglet's own place only."""
LONGEST = 8192
"""Characters after which a line is sent on unfinished."""
_UNFINISHED = 0.2
"""Seconds after which an unfinished line is sent on."""


def _parent(agent_id: str, cell: str, *, quiet: bool = False) -> dict[str, Any]:
    header = {"msg_id": cell, "msg_type": "execute_request", PAGLET_KEY: agent_id}
    return {"header": {**header, QUIET_KEY: True} if quiet else header}


class LineWriter:
    """Writes what paglets print to a stream of the kernel, line by line.

    Args:
        stream: the kernel's ``sys.stdout`` or ``sys.stderr``, whose ``write`` and ``flush`` it takes over.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._write: Callable[[str], Any] = stream.write
        self._flush: Callable[[], Any] = stream.flush
        self._lock = threading.Lock()
        self._open: dict[tuple[int, str, str], tuple[str, float]] = {}
        self._watched = False
        stream.write, stream.flush = self.write, self.flush

    def write(self, text: str) -> int:
        """Write; an unfinished line waits for its end, but not for long."""
        turn = current_turn.get()
        if turn is None:
            self._write(text)
            return len(text)
        key = (threading.get_ident(), turn.paglet.agent_id, turn.origin)
        with self._lock:
            whole = self._open.pop(key, ("", 0.0))[0] + text
            cut = len(whole) if len(whole) > LONGEST else whole.rfind("\n") + 1
            if cut < len(whole):
                self._open[key] = whole[cut:], time.monotonic()
                self._watch()
        if cut:
            self.send(_parent(*key[1:]), whole[:cut])
        return len(text)

    def send(self, parent: dict[str, Any], text: str) -> None:
        """Write as it is, as output for this parent."""
        token = self._stream.set_thread_parent(parent)
        try:
            self._write(text)
        finally:
            self._stream.reset_thread_parent(token)

    def flush(self) -> None:
        """Send on what the calling thread has written."""
        ident = threading.get_ident()
        self._release(lambda key, _since: key[0] == ident)
        self._flush()

    def settle(self) -> None:
        """Send on what every thread has written."""
        self._release(lambda _key, _since: True)
        self._flush()

    def _release(self, wanted: Callable[[tuple[int, str, str], float], bool]) -> None:
        if not self._open:
            return
        with self._lock:
            found = [(key, text) for key, (text, since) in self._open.items() if wanted(key, since)]
            for key, _text in found:
                del self._open[key]
        for key, text in found:
            self.send(_parent(*key[1:]), text)

    def _watch(self) -> None:
        """Have a thread send on what stays unfinished; with the lock held."""
        if not self._watched:
            self._watched = True
            threading.Thread(target=self._watch_open, name="paglets-lines", daemon=True).start()

    def _watch_open(self) -> None:
        while True:
            time.sleep(_UNFINISHED)
            old = time.monotonic() - _UNFINISHED
            self._release(lambda _key, since, old=old: since <= old)  # type: ignore[misc]
            with self._lock:
                if not self._open:
                    self._watched = False
                    return


class HostOutput:
    """Gives the output of a host's paglets to whom it belongs.

    Args:
        shell: the kernel's.
    """

    def __init__(self, shell: Any) -> None:
        self._publisher = shell.display_pub
        self._out, self._err = LineWriter(sys.stdout), LineWriter(sys.stderr)
        for name in ("publish", "clear_output"):
            setattr(self._publisher, name, self._owned(getattr(self._publisher, name)))

    def _owned(self, publish: Callable[..., Any]) -> Callable[..., Any]:
        def owned(*args: Any, **kwargs: Any) -> Any:
            turn = current_turn.get()
            if turn is None:
                return publish(*args, **kwargs)
            token = self._publisher.set_thread_parent(_parent(turn.paglet.agent_id, turn.origin))
            try:
                return publish(*args, **kwargs)
            finally:
                self._publisher.reset_thread_parent(token)

        return owned

    def tell_failure(self, agent_id: str, cell: str | None, error: BaseException) -> None:
        """Write an error's traceback where the paglet's output goes; only to its own place where ``cell`` is None."""
        parent = _parent(agent_id, cell or "", quiet=cell is None)
        self._err.send(parent, format_user_traceback(error))

    def settle(self) -> None:
        """Send on all that has been written."""
        self._out.settle()
        self._err.settle()
