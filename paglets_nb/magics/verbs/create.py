"""``%paglet create CLASS [--on HOST] [--name NAME] [field=value ...]``."""

from __future__ import annotations

from IPython.core.error import UsageError

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import NameTakenError
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.magics.values import build

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet_class", metavar="CLASS", help="a class of the notebook, or module:Class")
    parser.add_argument("--on", metavar="HOST", help="where (default: the host with the fewest paglets)")
    parser.add_argument("--name", metavar="NAME", default="", help="a name, unique in the mesh")


def run(session: Session, arguments: Arguments) -> PagletProxy:
    """Create the paglet; the fields are those of its state."""
    mesh = session.require_mesh()
    cls = session.paglet_class(arguments.paglet_class)
    on = None
    if arguments.on:
        host = session.host(arguments.on)
        session.await_host(host.url)
        session.await_answer(host.url)
        on = host.name
    state = build(cls.State, arguments.fields) if arguments.fields else None
    try:
        return mesh.create(cls, state, on=on, name=str(arguments.name))
    except NameTakenError as error:
        name = error.name
        raise UsageError(
            f"{error}: `%paglet dispose {name}` ends that one, `%paglet upgrade {name}` gives it its class as it is "
            "now, another --name lets it live"
        ) from None


def state_of(session: Session, arguments: Arguments) -> type:
    """The dataclass of the state."""
    return session.paglet_class(arguments.paglet_class).State


VERB = LineVerb(configure, run, fields="field", fields_of=state_of)
