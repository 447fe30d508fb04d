"""``%paglet push FILE HOST:PATH``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.magics.transfers import configure_transfer, mode_of, place_of, transfer

if TYPE_CHECKING:
    from paglets_nb.patterns.file_transfers import FileTransferResult

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("file", metavar="FILE", help="a file of the notebook's machine")
    parser.add_argument(
        "destination",
        metavar="HOST:PATH",
        help="where to; an existing folder keeps the name, HOST: is its working folder",
    )
    configure_transfer(parser)


def run(session: Session, arguments: Arguments) -> FileTransferResult:
    """Bring the file; what was done, with its size and both ends."""
    from paglets_nb.agents.file_grabber import GrabDirection, GrabRequest

    session.require_mesh()
    path = os.path.abspath(os.path.expanduser(arguments.file))
    if ":" not in arguments.destination:
        raise UsageError(f"where to? Write HOST:PATH; {arguments.destination}: alone is the host's working folder")
    target, destination = place_of(session, arguments.destination)
    if os.path.isdir(path):
        raise UsageError(f"{arguments.file} is a folder; push brings one file: pack the folder first")
    if not os.path.isfile(path):
        raise UsageError(f"no file {str(arguments.file)!r} here")
    options: dict[str, Any] = mode_of(arguments)
    return transfer(session, GrabRequest(path, target.name, destination or "./", GrabDirection.PUSH, **options))


VERB = LineVerb(configure, run, interrupted="the file was not brought")
