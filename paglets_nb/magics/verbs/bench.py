"""``%paglet bench [HOST ...] [--quick] [--volumes PATH ...]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paglets_nb.magics.benchmarking import chosen_hosts, configure_benchmark, run_benchmark
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.widgets.benchmarks import performance_html

if TYPE_CHECKING:
    from paglets_nb.agents.performance import PerformanceResult

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    configure_benchmark(parser)
    parser.add_argument("--quick", action="store_true", help="shorter and smaller measures, less exact")
    parser.add_argument(
        "--volumes", nargs="+", metavar="PATH", default=[], help="folders to write in (default: one of each volume)"
    )


def run(session: Session, arguments: Arguments) -> PerformanceResult:
    """Measure the hosts; what was found, as an object that shows as a table."""
    from paglets_nb.agents.performance import COLLECT, PerformanceBenchmark, PerformanceRequest

    hosts = chosen_hosts(session, arguments.hosts)
    request = PerformanceRequest(
        [host.name for host in hosts],
        [str(path) for path in arguments.volumes],
        arguments.quick,
        arguments.timeout,
    )
    result: PerformanceResult = run_benchmark(
        session, hosts[0], PerformanceBenchmark, COLLECT, request, performance_html
    )
    return result


VERB = LineVerb(configure, run)
