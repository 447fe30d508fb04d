"""Files between the notebook's machine and hosts: one paglet for each, watched to its end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from paglets_nb.errors import HostDiedError, PagletError
from paglets_nb.magics.parser import Arguments, VerbParser
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session
from paglets_nb.widgets.pictures import headline

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import HostHandle
    from paglets_nb.patterns.file_mobility import FileTransferRequest, FileTransferResult

__all__ = ["configure_transfer", "local_host", "mode_of", "place_of", "transfer"]

_POLL = 0.2
_DISPOSAL = 5.0


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


def transfer(session: Session, source: HostHandle, request: FileTransferRequest) -> FileTransferResult:
    """Carry one file, showing how far it is; a stop cancels it.

    Args:
        session: what the magics share.
        source: where the file is.
        request: what is to be done.

    Raises:
        UsageError: it did not work; the source is as it was.
    """
    from paglets_nb.patterns.file_mobility import SingleFileTransferPaglet
    from paglets_nb.patterns.task_client import TaskClient

    ends = f"{request.source_label} to {request.destination_label}"
    task = source.create(SingleFileTransferPaglet)
    client = TaskClient.for_paglet(task, SingleFileTransferPaglet)
    try:
        with progress(session.shell, f"{request.mode} {ends}") as line:
            handle = client.submit(request)
            try:
                while not (snapshot := handle.wait(_POLL)).done:
                    line.tell(f"{request.mode} {ends}: {headline(snapshot)}")
            except KeyboardInterrupt:
                with suppress(PagletError, OSError):
                    handle.cancel(timeout=_POLL)
                raise
            if snapshot.result is None:
                raise UsageError(f"{request.mode} {ends}: {snapshot.error or snapshot.status.value}")
            done = "would bring" if request.dry_run else "brought"
            line.update(f"{done} {snapshot.result.size} in {snapshot.completed_at - snapshot.started_at:.2f} s")
    finally:
        with suppress(PagletError, OSError):
            client.proxy.dispose(timeout=_DISPOSAL)
    result: FileTransferResult = snapshot.result
    return result


def mode_of(arguments: Arguments) -> dict[str, object]:
    """What the options say, by the names of the request's fields."""
    from paglets_nb.patterns.file_mobility import FileTransferMode

    mode = FileTransferMode.MOVE if arguments.move else FileTransferMode.COPY
    return {"mode": mode, "overwrite": arguments.overwrite, "dry_run": arguments.dry_run}
