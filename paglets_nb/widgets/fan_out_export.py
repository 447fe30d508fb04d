"""The cells of a fan-out, put into variables and files.

Owns what it has put where: that may be replaced, and nothing else of the user's is.
"""

from __future__ import annotations

import keyword
from collections.abc import MutableMapping
from pathlib import Path
from threading import Lock
from typing import Any

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.frames import write_csv
from paglets_nb.experiments.results import Results

__all__ = ["FanOutExport", "shell_namespace"]


def shell_namespace() -> MutableMapping[str, Any]:
    """The variables of the notebook; empty ones outside IPython."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    namespace: MutableMapping[str, Any] = shell.user_ns if shell is not None else {}
    return namespace


class FanOutExport:
    """Puts cells into the notebook's variables, and into files; one at a time, from any thread.

    Args:
        namespace: the variables.
    """

    def __init__(self, namespace: MutableMapping[str, Any]) -> None:
        self._namespace = namespace
        self._lock = Lock()
        self._names: set[str] = set()
        self._files: set[Path] = set()

    def frame(self, results: Results, name: str) -> Any:
        """Put a frame of the cells into a variable.

        Returns:
            The frame.

        Raises:
            ExperimentError: it is no name, or is taken by something that was not put there from here.
        """
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ExperimentError(f"{name!r} is no name of a variable")
        with self._lock:
            if name in self._namespace and name not in self._names:
                kind = type(self._namespace[name]).__name__
                raise ExperimentError(f"{name} is taken: it holds a {kind}; choose another name")
            frame = self._namespace[name] = results.to_frame()
            self._names.add(name)
        return frame

    def csv(self, results: Results, path: str) -> None:
        """Write the cells to a file; one that was written from here is replaced.

        Raises:
            ExperimentError: there is another file already.
            OSError: it cannot be written.
        """
        wanted = path.strip()
        if not wanted:
            raise ExperimentError("the file wants a name")
        target = Path(wanted).expanduser().absolute()
        with self._lock:
            write_csv(results, target, replace=target in self._files)
            self._files.add(target)
