"""``%%paglet on HOST[,HOST|all]``: the cell runs in the hosts' kernels."""

from __future__ import annotations

import concurrent.futures
from concurrent.futures import Future
from typing import Any

from IPython.core.error import UsageError

from paglets_nb.errors import PagletError
from paglets_nb.magics.boundary import not_on_hosts
from paglets_nb.magics.parser import Arguments, CellVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.mesh.cancelling import INTERRUPTED
from paglets_nb.mesh.relay import CodeResult
from paglets_nb.mesh.sinks import CellSink, OutputSink, TextSink

__all__ = ["VERB"]

_POLL = 0.2
_AFTER_INTERRUPT = 5.0


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("hosts", nargs="+", metavar="HOST", help="hosts, also comma-separated, or all")
    parser.add_argument("--parallel", action="store_true", help="on all of them at once")


def _sink(session: Session, host: str, several: bool) -> OutputSink:
    if hasattr(session.shell, "set_thread_parent"):
        return CellSink(session.shell, session.parent(), prefix=f"[{host}] " if several else "")
    return TextSink(host)


def _interrupt(running: dict[Future[CodeResult], Any], session: Session) -> None:
    """Interrupt the cell where it runs, and tell what came of it."""
    left = {future: host for future, host in running.items() if not future.done()}
    for host in left.values():
        try:
            host.interrupt()
        except PagletError:
            continue  # it died meanwhile: then nothing runs there
    concurrent.futures.wait(left, _AFTER_INTERRUPT)
    for future, host in left.items():
        end = "it has ended" if future.done() else f"it goes on; %paglet restart {host.name} ends it"
        session.say(f"the cell on {host.name}: {INTERRUPTED}; {end}")


def _run_on(hosts: list[Any], session: Session, cell: str, several: bool) -> list[CodeResult]:
    """Run the cell on hosts at once; a stop here interrupts it there."""
    running: dict[Future[CodeResult], Any] = {}
    try:
        for host in hosts:
            running[host.submit_code(cell, sink=_sink(session, host.name, several))] = host
        while concurrent.futures.wait(running, _POLL).not_done:
            continue
    except KeyboardInterrupt:
        _interrupt(running, session)
        raise
    return [future.result() for future in running]


def run(session: Session, arguments: Arguments, cell: str) -> None:
    """Run the cell on each host, one after the other or all at once."""
    hosts = session.hosts(arguments.hosts)
    if "all" in arguments.hosts:
        hosts = [host for host in hosts if host.state == "up"]
    several = len(hosts) > 1
    results: list[CodeResult] = []
    for batch in [hosts] if arguments.parallel else [[host] for host in hosts]:
        results += _run_on(batch, session, cell, several)
    failed = [result for result in results if result.status != "ok"]
    if failed:
        reasons = (f"{r.host} ({r.evalue if r.status == 'died' else r.ename or r.status})" for r in failed)
        hints = {not_on_hosts(result.evalue, session.namespace) for result in failed} - {""}
        raise UsageError("; ".join((f"the cell failed on {', '.join(reasons)}", *sorted(hints))))


VERB = CellVerb(configure, run, interrupted="the cell was interrupted on the hosts where it ran")
