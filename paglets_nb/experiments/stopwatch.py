"""Times code in the process where it runs, as ``timeit`` does. What a host's kernel executes."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from typing import Any

__all__ = ["MIME", "measure", "tell"]

MIME = "application/vnd.paglets.times+json"
"""How the times come back: as an output of the code that asked for them."""
LEAST = 0.2
"""Seconds that the loops of one repetition take at least, unless their number was given."""


def measure(statement: str, namespace: dict[str, Any], *, loops: int = 0, repeat: int = 7) -> dict[str, Any]:
    """Time a statement.

    Args:
        statement: the code.
        namespace: where its names are looked up.
        loops: in each repetition; 0 has them chosen as ``timeit`` chooses them: 1, 2, 5, 10,
            20, ... until they take 0.2 s.
        repeat: how many repetitions.

    Returns:
        ``loops``, ``times`` (seconds per loop of each repetition) and ``first`` (seconds of the
        run that warmed up, which is not among them).
    """
    timer = timeit.Timer(statement, globals=namespace)
    first = timer.timeit(1)
    if not loops:
        loops, _seconds = (1, first) if first >= LEAST else timer.autorange()
    return {"loops": loops, "times": [timer.timeit(loops) / loops for _ in range(repeat)], "first": first}


def tell(statement: str, namespace: dict[str, Any], display: Callable[..., Any], loops: int, repeat: int) -> None:
    """Time a statement, and display the times for whoever asked."""
    display({MIME: measure(statement, namespace, loops=loops, repeat=repeat)}, raw=True)
