"""``%paglet trace [PAGLET ...] [--since CURSOR|SECONDSs] [--until CURSOR] [--limit N]``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, natural, seconds
from paglets_nb.magics.session import Session

if TYPE_CHECKING:
    from paglets_nb.widgets.trace import Trace

__all__ = ["VERB"]


def moment(text: str) -> int | float:
    """An event's number, or seconds as a float where an ``s`` stands behind them."""
    try:
        return seconds(text[:-1]) if text.endswith("s") else natural(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"wants an event's number, or seconds such as 5s, got {text!r}") from None


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglets", metavar="PAGLET", nargs="*", help="only what concerns these; all when there is none")
    parser.add_argument(
        "--since", metavar="CURSOR|SECONDS", type=moment, help="only events numbered above CURSOR, or since e.g. 5s ago"
    )
    parser.add_argument("--until", metavar="CURSOR", type=natural, help="only events up to this number")
    parser.add_argument("--limit", metavar="N", type=natural, default=60, help="at most N steps, the latest (60)")


def run(session: Session, arguments: Arguments) -> Trace:
    """The trace, which shows as a diagram."""
    from paglets_nb.widgets.trace import MAX_LIMIT, trace

    if not 1 <= arguments.limit <= MAX_LIMIT:
        raise UsageError(f"%paglet trace: --limit wants a number from 1 to {MAX_LIMIT}, got {arguments.limit}")
    mesh = session.require_mesh()
    paglets = [session.paglet(word) for word in arguments.paglets]
    timed = isinstance(arguments.since, float)
    found = trace(
        mesh,
        paglets,
        since=None if timed else arguments.since,
        seconds=arguments.since if timed else None,
        until=arguments.until,
        limit=arguments.limit,
    )
    for proxy in () if found else paglets:
        session.require_there(proxy)
    return found


VERB = LineVerb(configure, run)
