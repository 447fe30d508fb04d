"""``%paglet clone PAGLET [HOST ...] [--all]``."""

from __future__ import annotations

from IPython.core.error import UsageError

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import HostDiedError
from paglets_nb.magics.boundary import one_line
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.session import Session

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")
    parser.add_argument("hosts", nargs="*", metavar="HOST", help="where the clones go (default: its own host)")
    parser.add_argument("--all", action="store_true", help="a clone to every host that is up")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="for each: its turn, and the transfer (60)")


def run(session: Session, arguments: Arguments) -> PagletProxy | list[PagletProxy]:
    """Clone the paglet; one proxy, or a list for several hosts, and a line for each that has none."""
    proxy = session.paglet(arguments.paglet)
    if arguments.all and arguments.hosts:
        raise UsageError("%paglet clone takes hosts or --all, not both")
    targets = [session.host(name).name for name in arguments.hosts]
    if arguments.all:
        targets = [handle.name for handle in session.require_mesh().hosts() if handle.state == "up"]
        if not targets:
            raise HostDiedError("every host", "none is up")
    elif len(targets) <= 1:
        return proxy.clone(targets[0] if targets else None, timeout=arguments.timeout)
    made: list[PagletProxy] = []
    failed: dict[str, Exception] = {}
    for target in targets:
        try:
            made.append(proxy.clone(target, timeout=arguments.timeout))
        except Exception as error:  # of several, the others are made all the same
            failed[target] = error
    for target, failure in failed.items():
        if not made:
            raise failure
        session.say(f"no clone on {target}: {one_line(failure)}")
    return made


VERB = LineVerb(configure, run)
