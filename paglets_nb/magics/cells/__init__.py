"""The verbs of ``%%paglet``: one module each, imported when first used."""

from __future__ import annotations

import importlib
from typing import cast

from paglets_nb.magics.parser import CellVerb

__all__ = ["CELL_VERBS", "load_cell_verb"]

CELL_VERBS = {
    "on": "run the cell on hosts; its output comes here",
    "call": "call a typed operation with the cell as its request",
    "start": "start a task with the cell as its request, and watch it",
    "define": "make a module of the cell, here and on every host",
    "drain": "run the cell for each event of a paglet",
    "fanout": "run the cell as a function, or an operation, over a grid of requests and hosts",
    "time": "time the cell on hosts, as timeit does",
}
"""What each verb does, in the order in which help lists them."""


def load_cell_verb(name: str) -> CellVerb:
    """A verb by its name, which must be one of ``CELL_VERBS``."""
    return cast("CellVerb", importlib.import_module(f"paglets_nb.magics.cells.{name}").VERB)
