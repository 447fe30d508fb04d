"""What is said of a request that its host did not answer in time."""

from __future__ import annotations

from paglets_nb.errors import MAY_BE_DONE, MAY_COME, CallTimeoutError

__all__ = ["explained", "unanswered"]

_STOPPED = "it is stopped, or busy in one long step: wait, or %paglet restart {host}"
_MOVES = (
    "the movement goes on (large files take their time) and the paglet's proxy finds it when it is over, "
    "unless the host is stopped: %paglet restart {host}"
)
_CLONES = (
    "the clone is made all the same (large files take their time) and %paglet ls shows it, "
    "unless the host is stopped: %paglet restart {host}"
)
_HINTS = {"@dispatch": _MOVES, "@retract": _MOVES, "@clone": _CLONES}


def unanswered(kind: str, host: str, timeout: float) -> CallTimeoutError:
    """The time-out of a request: of a message by its kind, of what only the host can do by the host.

    Args:
        kind: of the request; one with ``@`` in front is the host's own.
        host: its name.
        timeout: seconds waited.
    """
    if not kind.startswith("@"):
        return CallTimeoutError(f"{kind!r} on {host}", timeout, hint=MAY_BE_DONE)
    return CallTimeoutError(f"host {host}", timeout, hint=_HINTS.get(kind, _STOPPED).format(host=host))


def explained(error: CallTimeoutError, kind: str, host: str) -> CallTimeoutError:
    """A time-out that says what it means; one that does already, such as that of a busy paglet, as it is."""
    return error if error.hint not in ("", MAY_BE_DONE, MAY_COME) else unanswered(kind, host, error.timeout)
