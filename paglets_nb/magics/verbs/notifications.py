"""``%paglet notifications [--since N] [--limit N]``."""

from __future__ import annotations

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, natural, seconds
from paglets_nb.magics.session import Session
from paglets_nb.widgets.notification_list import LiveNotifications, NotificationList
from paglets_nb.widgets.records import NotificationTable

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("--since", metavar="N", type=natural, default=0, help="only those numbered above N")
    parser.add_argument("--limit", metavar="N", type=natural, help="at most N, the latest")
    parser.add_argument("--severity", choices=["info", "warning", "error"], help="only those as grave as this")
    parser.add_argument("--wait", metavar="SECONDS", type=seconds, help="wait for a first one where there is none")


def run(session: Session, arguments: Arguments) -> NotificationTable:
    """The notifications, as a list that shows as a table, and live where all the latest are wanted."""
    mesh = session.require_mesh()
    if arguments.wait is not None:
        mesh.notifications.wait(arguments.since, arguments.wait)
    severity = arguments.severity or ""
    found = [entry for entry in mesh.notifications.list(arguments.since) if severity in ("", entry.severity.lower())]
    if arguments.limit is not None:
        return NotificationTable(found[max(0, len(found) - arguments.limit) :])
    return LiveNotifications(found, lambda: session.show_view(NotificationList(mesh, severity, arguments.since)))


VERB = LineVerb(configure, run)
