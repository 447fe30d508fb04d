"""Every benchmark in turn, each in a process of its own: ``python -m tests.benchmarks [--quick]``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.processes import ROOT
from tests.benchmarks.report import Report

BENCHMARKS = ("calls", "futures", "fanout", "movement", "bulk", "drains", "files", "search")


def main(argv: list[str] | None = None) -> int:
    """Run them, then say of every promise whether it was kept; 1 when one was not or a benchmark failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure less")
    options = parser.parse_args(argv)
    verdicts: list[str] = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name in BENCHMARKS:
            figures = Path(folder) / f"{name}.json"
            command = [sys.executable, "-m", f"tests.benchmarks.{name}", "--json", str(figures)]
            done = subprocess.run([*command, *(["--quick"] if options.quick else [])], cwd=ROOT, check=False)
            failed = failed or done.returncode != 0
            if figures.exists():
                verdicts += [promise.line() for promise in Report.load(str(figures)).promises]
            else:
                verdicts.append(f"FAIL  {name}: ended with status {done.returncode}")
            print(flush=True)
    print("\n".join(verdicts))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
