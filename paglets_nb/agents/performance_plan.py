"""Which measures the performance benchmark takes on a host, in which order, for how long.

Knows the measures and the processes that take them; it knows no paglet.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paglets_nb.agents.performance_measures import MIB, Taken
from paglets_nb.agents.performance_results import Measurement
from paglets_nb.agents.performance_workers import MeasureFailedError, Workers
from paglets_nb.agents.volumes import SkippedVolume, Volume, find_volumes, scratch_folder

__all__ = ["FULL", "QUICK", "Effort", "measure_host"]

_PATIENCE = 20.0
"""Seconds beyond its own that a measure may take: a disk may take its time to sync."""


@dataclass(frozen=True)
class Effort:
    """How much is done for each measure.

    Attributes:
        seconds: for each.
        memory_bytes: of each of the two buffers.
        file_bytes: of the file that is written, at most.
    """

    seconds: float
    memory_bytes: int
    file_bytes: int


FULL = Effort(0.15, 32 * MIB, 64 * MIB)
QUICK = Effort(0.03, 8 * MIB, 8 * MIB)


def measure_host(
    workers: Workers,
    volumes: Sequence[str],
    effort: Effort,
    machine: str,
    on_cleanup_error: Callable[[str], object],
) -> Generator[Measurement | SkippedVolume, None, None]:
    """Take every measure, one after the other.

    Args:
        workers: the processes that measure.
        volumes: folders for the disk measures; those that can be written where there are none.
        effort: how much is done.
        machine: its name.
        on_cleanup_error: told what could not be removed.

    Yields:
        Each measurement as it is taken, and each volume that is left out, with the reason.
    """
    taker = _Taker(workers, effort)
    for name, counted in (("integer", "operations"), ("float", "operations"), ("sha256", "bytes")):
        yield taker.take("cpu", name, counted)
        yield taker.take("cpu", name, counted, all_cores=True)
    for name in ("copy", "scan"):
        yield taker.take("memory", name, "bytes", size_bytes=effort.memory_bytes)
    for volume in find_volumes(volumes, needed_bytes=effort.file_bytes):
        if isinstance(volume, SkippedVolume):
            yield volume
            continue
        try:
            with scratch_folder(volume, machine, on_cleanup_error) as folder:
                yield from taker.take_disk(volume, folder)
        except (MeasureFailedError, OSError) as error:  # e.g. it is full by now, or a quota says no
            yield SkippedVolume(volume.path, str(error))


class _Taker:
    """Takes measures and says what they are."""

    def __init__(self, workers: Workers, effort: Effort) -> None:
        self._workers = workers
        self._effort = effort

    def take(self, area: str, name: str, counted: str, *, all_cores: bool = False, size_bytes: int = 0) -> Measurement:
        """A measure of the processor or the memory."""
        arguments = {"size_bytes": size_bytes} if size_bytes else {}
        workers = len(self._workers) if all_cores else 1
        taken = self._taken(f"{area}_{name}", workers, arguments)
        return _measurement(taken, area, name, counted, all_cores=all_cores, size_bytes=size_bytes)

    def take_disk(self, volume: Volume, folder: Path) -> Iterator[Measurement]:
        """The measures of a volume, in a folder of it."""
        path, small = str(folder / "file"), str(folder / "synced")
        size = self._effort.file_bytes
        for name, counted, arguments in (
            ("write", "bytes", {"path": path, "size_bytes": size}),
            ("fsync", "syncs", {"path": small}),
            ("read", "bytes", {"path": path}),
            ("metadata", "files", {"folder": str(folder)}),
        ):
            taken = self._taken(f"disk_{name}", 1, arguments)
            size_bytes = round(taken[0].count) if counted == "bytes" else 0
            note = "; ".join(part for part in (volume.note, taken[0].note) if part)
            yield _measurement(taken, "disk", name, counted, size_bytes=size_bytes, volume=volume.path, note=note)

    def _taken(self, measure: str, workers: int, arguments: dict[str, Any]) -> list[Taken]:
        seconds = self._effort.seconds
        return self._workers.measure(
            measure, {"seconds": seconds, **arguments}, workers=workers, timeout=seconds + _PATIENCE
        )


def _measurement(taken: list[Taken], area: str, name: str, counted: str, **more: Any) -> Measurement:
    """What one or several processes took; what they did at the same time is added up."""
    return Measurement(
        area,
        name,
        counted,
        rate_per_second=sum(entry.count / entry.elapsed_seconds for entry in taken),
        lowest_per_second=sum(min(entry.rates_per_second) for entry in taken),
        highest_per_second=sum(max(entry.rates_per_second) for entry in taken),
        elapsed_seconds=max(entry.elapsed_seconds for entry in taken),
        workers=len(taken),
        note=more.pop("note", "") or "; ".join(dict.fromkeys(entry.note for entry in taken if entry.note)),
        **more,
    )
