"""``%paglet hops [HOST ...] [--repeat N] [--payload BYTES] [--self]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paglets_nb.magics.benchmarking import chosen_hosts, configure_benchmark, run_benchmark, size_in_bytes
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, natural
from paglets_nb.magics.session import Session
from paglets_nb.widgets.benchmarks import movement_html

if TYPE_CHECKING:
    from paglets_nb.agents.movement import MovementResult

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    configure_benchmark(parser)
    parser.add_argument("--repeat", metavar="N", type=natural, default=5, help="hops of each pair (5)")
    parser.add_argument(
        "--payload", metavar="BYTES", type=size_in_bytes, default=0, help="carried in the state: 4096, 64k, 1M (0)"
    )
    parser.add_argument("--self", dest="self_pairs", action="store_true", help="each host to itself too, by a clone")


def run(session: Session, arguments: Arguments) -> MovementResult:
    """Travel between the hosts; what was found, as an object that shows as a heat-map."""
    from paglets_nb.agents.movement import COLLECT, MovementBenchmark, MovementRequest

    hosts = chosen_hosts(session, arguments.hosts)
    request = MovementRequest(
        [host.name for host in hosts],
        arguments.repeat,
        arguments.payload,
        arguments.self_pairs,
        arguments.timeout,
    )
    result: MovementResult = run_benchmark(session, hosts[0], MovementBenchmark, COLLECT, request, movement_html)
    return result


VERB = LineVerb(configure, run)
