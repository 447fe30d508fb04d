"""The command line that all benchmarks share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from tests.benchmarks.processes import ROOT
from tests.benchmarks.report import Report

Say = Callable[[str], None]
"""Told what is being measured."""
Benchmark = Callable[[bool, Say], Report]
"""Measures; its first argument has it measure less."""


def command(name: str, description: str | None, benchmark: Benchmark, argv: Sequence[str] | None = None) -> int:
    """Run a benchmark from the command line.

    Args:
        name: of its module.
        description: what it measures.
        benchmark: measures.
        argv: instead of the process's own.

    Returns:
        The status to exit with: 1 when a promise is broken.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.benchmarks.{name}", description=description)
    parser.add_argument("--quick", action="store_true", help="measure less")
    parser.add_argument("--json", metavar="FILE", help="write every figure there too")
    options = parser.parse_args(argv)
    let_processes_import()
    report = benchmark(options.quick, lambda what: print(f"... {what}", file=sys.stderr, flush=True))
    print(report.text(), flush=True)
    if options.json:
        report.save(options.json)
    return 0 if report.kept else 1


def let_processes_import() -> None:
    """Let the processes that are started from here import these modules."""
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([inherited] if inherited else [])])
