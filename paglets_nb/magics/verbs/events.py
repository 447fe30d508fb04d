"""``%paglet events [--since N] [--limit N] [--kind KIND] [--on HOST] [--paglet PAGLET] [--follow]``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from paglets_nb.magics.boundary import did_you_mean
from paglets_nb.magics.parser import NOTHING_LOST, Arguments, LineVerb, VerbParser, natural, seconds
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session
from paglets_nb.widgets.records import EventTable

if TYPE_CHECKING:
    from paglets_nb.mesh.events import MeshEvent
    from paglets_nb.widgets.drain_buffer import Row

__all__ = ["VERB", "event_kinds"]

_POLL = 0.5


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("--since", metavar="N", type=natural, default=0, help="only those numbered above N")
    parser.add_argument("--limit", metavar="N", type=natural, help="at most N, the latest; with --follow the first")
    parser.add_argument("--kind", metavar="KIND", help="only events of this kind, e.g. create, dispatch, failure")
    parser.add_argument("--on", metavar="HOST", help="only those of this host")
    parser.add_argument("--paglet", metavar="PAGLET", help="only those of this paglet")
    parser.add_argument("--follow", action="store_true", help="show new ones as they come, until it is interrupted")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="with --follow: for how long")


def event_kinds() -> tuple[str, ...]:
    """The kinds of event there are."""
    from paglets_nb.host.event_pages import EVENT_KINDS
    from paglets_nb.mesh.events import GAP

    return (*EVENT_KINDS, GAP)


def _wanted(session: Session, arguments: Arguments) -> Callable[[MeshEvent], bool]:
    host = session.host(arguments.on).name if arguments.on else ""
    paglet = session.paglet(arguments.paglet).agent_id if arguments.paglet else ""
    kind = str(arguments.kind or "")
    if kind and kind not in (known := event_kinds()):
        raise UsageError(f"there is no kind of event {kind!r} (kinds: {', '.join(known)}){did_you_mean(kind, known)}")
    return lambda event: host in ("", event.host_name) and paglet in ("", event.agent_id) and kind in ("", event.kind)


def run(session: Session, arguments: Arguments) -> EventTable:
    """The events, as a list that shows as a table."""
    mesh = session.require_mesh()
    wanted = _wanted(session, arguments)
    if arguments.follow and session.live:
        return _followed_live(session, arguments, wanted)
    found = EventTable(event for event in mesh.events(arguments.since) if wanted(event))
    if not arguments.follow:
        return EventTable(found if arguments.limit is None else found[max(0, len(found) - arguments.limit) :])
    line = ProgressLine(session.shell)
    deadline = None if arguments.timeout is None else time.monotonic() + arguments.timeout
    cursor = max(arguments.since, mesh.event_log.cursor)
    try:
        while (deadline is None or time.monotonic() < deadline) and not _full(found, arguments.limit):
            line.update(f"{len(found)} events, waiting for more", found._repr_html_())
            left = _POLL if deadline is None else max(0.0, min(_POLL, deadline - time.monotonic()))
            fresh = mesh.events(cursor, wait_timeout=left)
            cursor = fresh[-1].number if fresh else cursor
            found.extend(event for event in fresh if wanted(event))
    except KeyboardInterrupt:
        session.say("stopped")  # which is how it is meant to end
    found = EventTable(found[: arguments.limit])
    line.update(f"{len(found)} events")
    return found


def _followed_live(session: Session, arguments: Arguments, wanted: Callable[[MeshEvent], bool]) -> EventTable:
    """The events, in a live list."""
    from paglets_nb.magics.draining import follow_live
    from paglets_nb.widgets.drain_follower import MeshSource

    source, found = MeshSource(session.require_mesh(), arguments.since, wanted), EventTable()

    def take(_rows: Sequence[Row]) -> int:
        found.extend(source.latest)
        return len(source.latest)

    follow_live(session, source, arguments, take)
    session.seen(found)
    return found


def _full(found: EventTable, limit: int | None) -> bool:
    return limit is not None and len(found) >= limit


VERB = LineVerb(configure, run, interrupted=NOTHING_LOST)
