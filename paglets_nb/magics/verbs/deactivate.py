"""``%paglet deactivate PAGLET ... [--for SECONDS] [--on-start] [--stay] [--refuse]``."""

from __future__ import annotations

from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.session import Session

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglets", nargs="+", metavar="PAGLET", help="names, ids or their starts, or variables")
    parser.add_argument("--for", dest="duration", metavar="SECONDS", type=seconds, help="wake after so long")
    parser.add_argument("--on-start", action="store_true", help="wake when the host starts")
    parser.add_argument("--stay", action="store_true", help="messages do not wake it: they wait until it wakes")
    parser.add_argument("--refuse", action="store_true", help="messages neither wake it nor wait: they are refused")
    parser.add_argument("--reason", metavar="TEXT", default="", help="told to its on_deactivating, and in the events")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="for each of them, until it is idle (60)")


def policy_of(arguments: Arguments) -> DeactivationPolicy:
    """The terms that the options stand for."""
    policy = DeactivationPolicy(
        activate_on_message=not (arguments.stay or arguments.refuse),
        queue_messages_when_inactive=not arguments.refuse,
        activate_on_startup=arguments.on_start,
    )
    return policy if arguments.duration is None else policy.after(arguments.duration)


def run(session: Session, arguments: Arguments) -> PagletProxy | list[PagletProxy]:
    """Put the paglets to sleep, all of them found before the first one sleeps."""
    proxies = session.paglets(arguments.paglets)
    for proxy in proxies:
        proxy.deactivate(policy_of(arguments), reason=str(arguments.reason), timeout=arguments.timeout)
    return proxies[0] if len(proxies) == 1 else proxies


VERB = LineVerb(configure, run)
