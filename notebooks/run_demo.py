"""Run the quickstart without a browser, telling of each cell as it runs: what ``make demo`` does."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

HERE = Path(__file__).resolve().parent
CELL_TIMEOUT = 60
MAX_LINES = 20
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_REWRITTEN = re.compile(r"[^\n]*\r(?!\n)")


def shown(output: Any) -> str:
    """One output of a cell as text."""
    if output.output_type == "stream":
        text = _REWRITTEN.sub("", output.text)
    elif output.output_type == "error":
        text = "\n".join(output.traceback)
    else:
        text = output.data.get("text/plain", "")
    return text if sys.stdout.isatty() else _ANSI.sub("", text)


def indented(text: str) -> Iterator[str]:
    """The lines of a text, indented; the middle of a long one is left out."""
    lines = text.rstrip("\n").splitlines()
    if len(lines) > MAX_LINES:
        half = MAX_LINES // 2
        lines = [*lines[:half], f"... {len(lines) - 2 * half} more lines ...", *lines[-half:]]
    for line in lines:
        yield f"    | {line}"


class Demo:
    """Tells what a notebook's cells do while they run.

    Args:
        path: the notebook.
        folder: a private folder for the kernel's sockets.
    """

    def __init__(self, path: Path, folder: str) -> None:
        self.path = path
        self.notebook = nbformat.read(path, as_version=4)
        self.total = sum(cell.cell_type == "code" for cell in self.notebook.cells)
        self.done = 0
        self._started = 0.0
        self._client = NotebookClient(
            self.notebook,
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            config=Config(KernelManager={"transport": "ipc", "ip": str(Path(folder, "kernel"))}),
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_start=self._tell_heading,
            on_cell_execute=self._tell_source,
            on_cell_executed=self._tell_outputs,
        )

    def run(self) -> None:
        """Run every cell; CellExecutionError at the first that fails and should not."""
        self._client.execute()

    def _tell_heading(self, cell: Any, **_about: Any) -> None:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("#"):
                    print(f"\n{line.lstrip('# ')}\n{'-' * len(line.lstrip('# '))}", flush=True)

    def _tell_source(self, cell: Any, **_about: Any) -> None:
        self.done += 1
        lines = cell.source.splitlines()
        rest = f"  (and {len(lines) - 3} more lines)" if len(lines) > 4 else ""
        print(f"\n[{self.done}/{self.total}] {lines[0]}")
        for line in lines[1 : 3 if rest else 4]:
            print(f"      {line}")
        if rest:
            print(f"    {rest}")
        sys.stdout.flush()
        self._started = time.monotonic()

    def _tell_outputs(self, cell: Any, **_about: Any) -> None:
        for output in cell.outputs:
            for line in indented(shown(output)):
                print(line)
        print(f"    ({time.monotonic() - self._started:.1f} s)", flush=True)


def main() -> int:
    """Run the notebook; 1 when a cell failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", nargs="?", type=Path, default=HERE / "01-quickstart.ipynb")
    path: Path = parser.parse_args().notebook
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        demo = Demo(path, folder)
        print(f"Running {path.name}: {demo.total} cells", flush=True)
        try:
            demo.run()
        except CellExecutionError:
            print(f"\nCell {demo.done} of {demo.total} failed; its error is above.", file=sys.stderr)
            return 1
    print(f"\nAll {demo.total} cells ran in {time.monotonic() - began:.1f} s.")
    print(f"To run them yourself in JupyterLab:  make lab   and open {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
