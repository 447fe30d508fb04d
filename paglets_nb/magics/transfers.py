"""Files between the notebook's machine and hosts: one grabber for each, watched to its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from paglets_nb.errors import HostDiedError, RemoteHostError, TaskCancelledError
from paglets_nb.magics.parser import Arguments, VerbParser
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session
from paglets_nb.widgets.pictures import headline

if TYPE_CHECKING:
    from paglets_nb.agents.file_grabber import GrabRequest
    from paglets_nb.mesh.mesh import HostHandle
    from paglets_nb.patterns.file_transfers import FileTransferResult

__all__ = ["configure_transfer", "local_host", "mode_of", "place_of", "transfer"]


_HINTS = {
    "destination already exists": "--overwrite replaces it",
    "source is not a file": "there is none of that name there, or it is a folder",
}
"""What to do about errors, by words of theirs."""


def configure_transfer(parser: VerbParser) -> None:
    """Add the options of both directions."""
    parser.add_argument("--move", action="store_true", help="delete the source once the file is in place")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there under that name")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


def place_of(session: Session, word: str) -> tuple[HostHandle, str]:
    """The host and the path of a ``HOST:PATH`` word; the path is empty where there is none."""
    name, _colon, path = str(word).partition(":")
    host = session.host(name)
    if host.state != "up":
        raise HostDiedError(host.name, host.reason or host.state)
    return host, path


def local_host(session: Session) -> HostHandle:
    """A host that sees the files of the notebook's machine."""
    for handle in session.require_mesh().hosts():
        if handle.state == "up":
            return handle
    raise HostDiedError("every host", "none is up")


def transfer(session: Session, request: GrabRequest) -> FileTransferResult:
    """Have a grabber bring one file, showing how far it is; a stop cancels it.

    Raises:
        UsageError: it did not work; the source is as it was.
    """
    from paglets_nb.agents.file_grabber import GrabDirection, grab

    here, there = request.file, f"{request.host}:{request.destination or '~'}"
    if request.direction is GrabDirection.PULL:
        here, there = f"{request.host}:{request.file}", request.destination
    doing = f"{request.mode} {here} to {there}"
    with progress(session.shell, doing) as line:
        began = time.monotonic()
        try:
            result = grab(local_host(session), request, on_progress=lambda at: line.tell(f"{doing}: {headline(at)}"))
        except (RemoteHostError, TaskCancelledError) as error:
            hints = [hint for words, hint in _HINTS.items() if words in str(error)]
            raise UsageError("; ".join((f"{doing}: {error}", *hints))) from None
        done = "would bring" if request.dry_run else "brought"
        line.update(f"{done} {result.size} in {time.monotonic() - began:.2f} s")
    return result


def mode_of(arguments: Arguments) -> dict[str, object]:
    """What the options say, by the names of the request's fields."""
    from paglets_nb.patterns.file_transfers import FileTransferMode

    mode = FileTransferMode.MOVE if arguments.move else FileTransferMode.COPY
    return {"mode": mode, "overwrite": arguments.overwrite, "dry_run": arguments.dry_run}
