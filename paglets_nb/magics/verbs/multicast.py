"""``%paglet multicast KIND [PAGLET ...] [key=value ...]``."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from paglets_nb.core.messages import ReplySet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import MAY_BE_DONE, CallTimeoutError
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session
from paglets_nb.magics.verbs.send import content_of
from paglets_nb.widgets.records import Reply, ReplyTable
from paglets_nb.widgets.tables import PagletTable

__all__ = ["VERB"]

_POLL = 0.1


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("kind", metavar="KIND", help="the message's kind")
    parser.add_argument("paglets", nargs="*", metavar="PAGLET", help="to whom (default: every paglet that is awake)")
    parser.add_argument("--on", metavar="HOST", help="only to the paglets of this host")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="how long to wait for the replies")
    parser.add_argument("--json", metavar="JSON", help="the content, or a part of it, as a JSON object")


def _receivers(session: Session, arguments: Arguments) -> list[PagletProxy]:
    mesh = session.require_mesh()
    on = session.host(arguments.on).name if arguments.on else ""
    if arguments.paglets:
        proxies = session.paglets(arguments.paglets)
        return [proxy for proxy in proxies if on in ("", mesh.host_name(proxy.host_url))]
    return list(PagletTable([info for info in session.listing(on) if info.active], mesh.client))


def _summary(replies: ReplyTable, count: int, began: float) -> str:
    failed = len(replies.failed)
    bad = f", {failed} of them failed" if failed else ""
    return f"{len(replies)} of {count} answered in {time.monotonic() - began:.1f} s{bad}"


def run(session: Session, arguments: Arguments) -> ReplyTable:
    """Send it to all at once; the replies in the order in which they come."""
    proxies = _receivers(session, arguments)
    content, kind = content_of(arguments), str(arguments.kind)
    limit = session.deadline.left() or session.require_mesh().client.timeout
    began = time.monotonic()
    pending = ReplySet()
    left = dict(enumerate(proxies))
    for number, proxy in left.items():
        pending.add(proxy.send_future(kind, dict(content), timeout=limit), key=number)
    replies, line = ReplyTable(), ProgressLine(session.shell)

    def add(proxy: PagletProxy, value: Any, error: BaseException | None) -> None:
        replies.append(Reply(proxy, session.label(proxy), value, error, time.monotonic() - began))

    shown = 0
    while left and time.monotonic() < began + limit:
        with suppress(CallTimeoutError):
            number, reply = pending.next_item(_POLL)
            proxy = left.pop(number)
            try:
                value, failure = reply.get_reply(0), None
            except Exception as error:  # one that fails is a row like any other
                value, failure = None, error
            add(proxy, value, failure)
        if len(replies) > shown and line.tell(_summary(replies, len(proxies), began), replies._repr_html_()):
            shown = len(replies)
    for proxy in left.values():
        add(proxy, None, CallTimeoutError(kind, limit, hint=MAY_BE_DONE))
    line.update(_summary(replies, len(proxies), began))
    return replies


VERB = LineVerb(configure, run, fields="key")
