"""``%paglet pull HOST:FILE [PATH]``."""

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
    parser.add_argument("file", metavar="HOST:FILE", help="a file as the host sees it")
    parser.add_argument(
        "path", nargs="?", default="", metavar="PATH", help="where to here (default: the working folder)"
    )
    configure_transfer(parser)


def _here(path: str) -> str:
    """A path of the notebook, absolute; a folder's keeps the slash that says so."""
    whole = os.path.abspath(os.path.expanduser(path or os.curdir))
    return os.path.join(whole, "") if path.endswith(os.sep) or os.path.isdir(whole) else whole


def run(session: Session, arguments: Arguments) -> FileTransferResult:
    """Fetch the file; what was done, with its size and both ends."""
    from paglets_nb.agents.file_grabber import GrabDirection, GrabRequest

    source, file = place_of(session, arguments.file)
    if not file:
        raise UsageError(f"which file of {source.name}? Write HOST:FILE, e.g. {source.name}:data.csv")
    options: dict[str, Any] = mode_of(arguments)
    destination = _here(str(arguments.path))
    return transfer(session, GrabRequest(file, source.name, destination, GrabDirection.PULL, **options))


VERB = LineVerb(configure, run, interrupted="the file was not fetched")
