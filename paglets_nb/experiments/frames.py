"""Results as a CSV file, written whole or not at all."""

from __future__ import annotations

import csv
import secrets
from os import PathLike
from pathlib import Path
from typing import Any

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.results import Results

__all__ = ["write_csv"]


def write_csv(results: Results, path: str | PathLike[str], *, replace: bool = False) -> Path:
    """Write a row for each cell, with a header.

    Args:
        results: the results.
        path: of the file.
        replace: whether a file that is there already is replaced.

    Returns:
        The path.

    Raises:
        ExperimentError: there is something at the path already.
        OSError: it cannot be written.
    """
    target = Path(path).expanduser()
    if target.exists() and not replace:
        raise ExperimentError(f"{target} exists already; choose another name")
    table = results.to_table()
    staged = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with staged.open("x", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows([_plain(row.get(name)) for name in table.columns] for row in table)
        staged.replace(target)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return target


def _plain(value: Any) -> Any:
    """What stands in the file: nothing for None, the shortest exact text of a number."""
    return "" if value is None else repr(value) if isinstance(value, float) else value
