"""``%paglet retract PAGLET [--to HOST]``."""

from __future__ import annotations

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.host.protocol import Born, RetractRequest
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.session import Session

__all__ = ["VERB"]

_MARGIN = 2.0


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")
    parser.add_argument("--to", metavar="HOST", help="which host calls it back (default: the mesh's first)")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, default=10.0, help="for the transfer (10)")


def run(session: Session, arguments: Arguments) -> PagletProxy:
    """Have a host call the paglet back; its proxy follows it."""
    proxy = session.paglet(arguments.paglet)
    mesh = session.require_mesh()
    name = session.host(arguments.to).name if arguments.to else mesh.hosts()[0].name
    request = RetractRequest(proxy.agent_id, proxy.host_url, arguments.timeout)
    url = mesh.client.host_url(name)
    born = mesh.client.ask(url, "@retract", request, Born, timeout=arguments.timeout + _MARGIN)
    proxy.host_url = born.host_url
    return proxy


VERB = LineVerb(configure, run)
