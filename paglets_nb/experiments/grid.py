"""The grid: which requests there are, how often, and which host each goes to."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.cells import Cell

__all__ = ["EVERY", "MAX_CELLS", "PINNED", "PLACEMENTS", "SPREAD", "Placement", "axes_of", "cells_of", "combinations"]

EVERY, SPREAD, PINNED = "every", "spread", "pinned"
PLACEMENTS = (EVERY, SPREAD, PINNED)
"""Each request to every host; to whichever host is free; dealt out to the hosts in turn, the same way each time."""
Placement = str | Callable[[Mapping[str, Any]], str]
"""One of ``PLACEMENTS``, or what gives the host of a request from its fields."""
MAX_CELLS = 100_000


def _is_axis(value: Any) -> bool:
    return isinstance(value, list | tuple | range) or getattr(value, "ndim", 0) == 1


def combinations(grid: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the values of a grid's axes, the last axis fastest.

    Args:
        grid: by field name either an axis (a list, tuple, range or array of one dimension) or one value.

    Raises:
        ExperimentError: an axis is empty, or there are more than ``MAX_CELLS``.
    """
    axes: list[list[Any]] = []
    count = 1
    for name, value in grid.items():
        values = list(value.tolist() if hasattr(value, "tolist") else value) if _is_axis(value) else [value]
        if not values:
            raise ExperimentError(f"the axis {name!r} has no values")
        count *= len(values)
        axes.append(values)
    if count > MAX_CELLS:
        raise ExperimentError(f"the grid has {count:,} requests; at most {MAX_CELLS:,} are run at once")
    return [dict(zip(grid, chosen, strict=True)) for chosen in itertools.product(*axes)]


def fields_of(request: Any) -> dict[str, Any]:
    """The fields of a request that was given whole: a dataclass or a mapping.

    Raises:
        ExperimentError: it is neither.
    """
    if isinstance(request, Mapping):
        return dict(request)
    if dataclasses.is_dataclass(request) and not isinstance(request, type):
        return {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    raise ExperimentError(
        f"a grid is a mapping of fields, or a list of requests (dataclasses or mappings), not of {request!r}"
    )


def requests_of(grid: Any) -> list[tuple[dict[str, Any], Any]]:
    """The grid's requests: the fields of each, and the request itself where it was given whole."""
    if grid is None:
        return [({}, None)]
    if isinstance(grid, Mapping):
        return [(fields, None) for fields in combinations(grid)]
    if isinstance(grid, str | bytes) or not isinstance(grid, Iterable):
        raise ExperimentError(f"a grid is a mapping of fields, or a list of requests, not {grid!r}")
    requests = [(fields_of(request), request) for request in itertools.islice(grid, MAX_CELLS + 1)]
    if not requests:
        raise ExperimentError("the grid has no requests")
    return [(fields, None if isinstance(request, Mapping) else request) for fields, request in requests]


def _hosts_of(fields: dict[str, Any], index: int, hosts: Sequence[str], placement: Placement) -> Sequence[str]:
    if placement == EVERY:
        return hosts
    if placement == SPREAD:
        return ("",)
    if placement == PINNED:
        return (hosts[index % len(hosts)],)
    if not callable(placement):
        raise ExperimentError(f"placement is one of {', '.join(PLACEMENTS)} or a function, not {placement!r}")
    host = placement(fields)
    if host not in hosts:
        raise ExperimentError(f"the placement gave {host!r} for {fields}; the hosts are {', '.join(hosts)}")
    return (host,)


def cells_of(
    grid: Any, hosts: Sequence[str], repeat: int, placement: Placement
) -> tuple[list[Cell], dict[int, tuple[int, Any]]]:
    """The cells of a grid; repetitions are outermost, so that a noisy moment hits every request alike.

    Returns:
        The cells, and by cell's number the number of its request and the request where it was given whole.

    Raises:
        ExperimentError: the grid, the placement or the number of cells cannot be.
    """
    requests = requests_of(grid)
    placed = [
        (index, host)
        for index, (fields, _) in enumerate(requests)
        for host in _hosts_of(fields, index, hosts, placement)
    ]
    if len(placed) * repeat > MAX_CELLS:
        raise ExperimentError(f"the grid has {len(placed) * repeat:,} cells; at most {MAX_CELLS:,} are run at once")
    cells: list[Cell] = []
    given: dict[int, tuple[int, Any]] = {}
    for number in range(repeat):
        for index, host in placed:
            fields, request = requests[index]
            given[len(cells)] = (index, request)
            cells.append(Cell(len(cells), fields, number, host))
    return cells, given


def axes_of(cells: Iterable[Cell]) -> list[str]:
    """The fields that have more than one value over the cells, in their order."""
    seen: dict[str, Any] = {}
    axes: dict[str, None] = {}
    for cell in cells:
        for name, value in cell.fields.items():
            if name not in seen:
                seen[name] = value
            elif name not in axes and not _same(seen[name], value):
                axes[name] = None
    return [name for name in seen if name in axes]


def _same(first: Any, second: Any) -> bool:
    if first is second:
        return True
    try:
        return bool(first == second)
    except (TypeError, ValueError):  # arrays: their truth is not one value
        return False
