"""A benchmark in a cell: started on a host, watched to its end, ended with the stop button."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from paglets_nb.errors import HostDiedError
from paglets_nb.magics.parser import VerbParser, seconds
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session

if TYPE_CHECKING:
    from paglets_nb.core.paglet import Paglet
    from paglets_nb.mesh.mesh import HostHandle
    from paglets_nb.services.contracts import ServiceOperation

__all__ = ["chosen_hosts", "configure_benchmark", "run_benchmark", "size_in_bytes"]

_SIZE = re.compile(r"(\d+)\s*([kmg]?)(?:i?b)?", re.IGNORECASE)
_SHORTEST = 0.2
"""Seconds between two pictures."""
_SHARE = 10
"""How much longer a picture stays than it takes to draw."""
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30}


def configure_benchmark(parser: VerbParser) -> None:
    """Add the arguments that the benchmarks share."""
    parser.add_argument("hosts", nargs="*", metavar="HOST", help="only these (default: every host that is up)")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, default=60.0, help="for all of it (60); what has come is kept"
    )


def size_in_bytes(text: str) -> int:
    """A number of bytes: ``4096``, ``64k``, ``1MiB``."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"wants a number of bytes, e.g. 4096, 64k or 1M, got {text!r}")
    return int(found[1]) << _UNITS[found[2].lower()]


def chosen_hosts(session: Session, words: list[str]) -> list[HostHandle]:
    """The hosts that are named, or every one that is up.

    Raises:
        UsageError: a name is no host's.
        HostDiedError: one that is named is not up, or none is.
        CallTimeoutError: one of them does not answer.
    """
    chosen = session.hosts(words)
    for handle in chosen:
        if handle.state != "up":
            raise HostDiedError(handle.name, handle.reason or handle.state)
    up = chosen or [handle for handle in session.require_mesh().hosts() if handle.state == "up"]
    if not up:
        raise HostDiedError("every host", "none is up")
    session.await_answer(*(handle.url for handle in up))
    return up


def run_benchmark(
    session: Session,
    on: HostHandle,
    cls: type[Paglet[Any]],
    collect: ServiceOperation,
    request: Any,
    picture: Callable[[Any], str],
) -> Any:
    """Run a benchmark to its end, showing what has come; nothing of it is left on any host.

    Args:
        session: what the magics share.
        on: the host of its parent.
        cls: the benchmark.
        collect: its operation.
        request: what to measure.
        picture: of a result, as HTML.

    Returns:
        Its result; what had come until then where it was stopped, or its parent's host died.
    """
    from paglets_nb.agents.runs import PARENT_LOST, BenchmarkRun

    with progress(session.shell, "measuring") as line, BenchmarkRun[Any](on.create(cls), collect, request) as run:
        due = 0.0
        try:
            for _events in run.follow():
                if (began := time.monotonic()) >= due:
                    so_far = run.so_far()
                    line.update(so_far.headline(), picture(so_far))
                    due = time.monotonic() + max(_SHORTEST, _SHARE * (time.monotonic() - began))
            result = run.result()
        except KeyboardInterrupt:
            line.update("stopping ...")
            result = run.cancel()
            session.say("stopped")
        except PARENT_LOST as error:
            result = run.lost(error)
        line.update(result.headline())
    return result
