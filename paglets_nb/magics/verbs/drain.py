"""``%paglet drain PAGLET [OPERATION] [--after N] [--limit N] [--follow]``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from paglets_nb.magics.draining import batches_of, configure_drain, drain_of, follow_live
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session
from paglets_nb.widgets.records import DrainedEvents

if TYPE_CHECKING:
    from paglets_nb.patterns.drains import Drain
    from paglets_nb.widgets.drain_buffer import Row

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    configure_drain(parser, "0: all that is held")
    parser.add_argument("--follow", action="store_true", help="wait for further events, until it is interrupted")


def run(session: Session, arguments: Arguments) -> DrainedEvents:
    """The events, as a list that shows as a table; its ``cursor`` is where to go on."""
    drain = drain_of(session, arguments, arguments.after or 0, follow=arguments.follow)
    if arguments.follow and session.live:
        return _followed_live(session, arguments, drain)
    found, line = DrainedEvents(cursor=drain.cursor), ProgressLine(session.shell)
    began = time.monotonic()
    if arguments.follow:
        line.update("waiting for events")
    try:
        for events in batches_of(drain, arguments.limit):
            found.extend(islice(events, None if arguments.limit is None else arguments.limit - len(found)))
            if arguments.follow:
                line.update(f"{len(found)} events", found._repr_html_())
            if arguments.limit is not None and len(found) >= arguments.limit:
                break
    except KeyboardInterrupt:
        if not arguments.follow:
            raise
        session.say("stopped")  # which is how it is meant to end
    found.cursor = found[-1]["cursor"] if found else found.cursor
    if arguments.follow:
        line.update(f"{len(found)} events in {time.monotonic() - began:.1f} s, up to cursor {found.cursor}")
    return found


def _followed_live(session: Session, arguments: Arguments, drain: Drain) -> DrainedEvents:
    """The events, in a live list; gaps are rows of it."""
    from paglets_nb.widgets.drain_follower import PagletSource

    source = PagletSource(drain.proxy, drain.operation, drain.cursor, session.label(drain.proxy))
    found = DrainedEvents()

    def take(rows: Sequence[Row]) -> int:
        events = [row for row in rows if isinstance(row, dict)]
        found.extend(events)
        return len(events)

    follow_live(session, source, arguments, take)
    session.seen(found)
    found.cursor = source.cursor
    return found


VERB = LineVerb(configure, run)
