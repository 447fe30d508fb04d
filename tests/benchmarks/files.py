"""What files cost: a clone that copies 1 GiB against ``cp``, a dispatch that moves files of any size.

Run as ``python -m tests.benchmarks.files``; ends with status 1 when a promise is broken.
Two kernel hosts keep their folders on one real disk. The copies are interleaved with
``cp`` of the same file on that disk, each begun with nothing left to be written.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paglets_nb import (
    EmptyPayload,
    HostHandle,
    Mesh,
    OperationClient,
    OperationPaglet,
    PagletProxy,
    PagletState,
    ServiceOperation,
)
from tests.benchmarks.command import Say, command
from tests.benchmarks.measure import ratio
from tests.benchmarks.placement import CORES
from tests.benchmarks.report import Promise, Report, Row

MIB = 1 << 20
SIZE = 1 << 30
NEEDED = 4
"""Times the file's size that must be free: the file, its copies, and what the disk keeps for itself."""
MOVE_SLACK = 0.05
"""Seconds by which the move of a large file may be slower; to copy 1 GiB takes several times that."""
CP, CLONE, SOCKET = "cp", "clone to the other host", "clone, bytes over the socket"
IN_MEMORY = frozenset(("tmpfs", "ramfs"))


@dataclass(frozen=True)
class Carry:
    """A file to take along, as ``register_file`` takes it."""

    path: str
    mode: str


CARRY = ServiceOperation("carry", Carry, EmptyPayload)


class Carrier(OperationPaglet[PagletState]):
    """Takes files along."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """Its one operation."""
        return {CARRY: self.carry}

    def carry(self, request: Carry) -> None:
        """Register a file."""
        self.register_file(request.path, name="file", mode=request.mode)


def seconds(function: Callable[[], object]) -> float:
    """How long a call takes, begun with nothing left to be written."""
    os.sync()
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def carrier(mesh: Mesh, path: Path, mode: str) -> PagletProxy:
    """A paglet on the first host, with one file."""
    proxy = mesh.create(Carrier, on="alpha")
    OperationClient(proxy).call(CARRY, Carry(str(path), mode))
    return proxy


def fill(path: Path, size: int) -> None:
    """Write bytes that no file system can make less of."""
    with open(path, "wb") as file:
        file.writelines(os.urandom(min(16 * MIB, size - offset)) for offset in range(0, size, 16 * MIB))


def copies(mesh: Mesh, source: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of ``cp`` and of clones with the file, read where it is, taken in turn; then of clones by the socket.

    Those take so long that the disk is still at work with what they wrote while the next copy runs.
    """
    proxy = carrier(mesh, source, "copy")
    target = source.with_name("copied-by-cp")
    times: dict[str, list[float]] = {CP: [], CLONE: [], SOCKET: []}

    def by_cp() -> None:
        times[CP].append(seconds(lambda: subprocess.run(["cp", str(source), str(target)], check=True)))
        target.unlink()

    def by_clone(name: str) -> None:
        clones: list[PagletProxy] = []
        times[name].append(seconds(lambda: clones.append(proxy.clone("beta"))))
        clones[0].dispose()

    for number in range(rounds):  # each of them as often after the other as after itself
        for copied_by_cp in (number % 2 == 0, number % 2 == 1):
            if copied_by_cp:
                by_cp()
            else:
                by_clone(CLONE)
    with bytes_over_the_socket(mesh["beta"]):
        for _ in range(rounds):
            by_clone(SOCKET)
    return times


@contextmanager
def bytes_over_the_socket(host: HostHandle) -> Iterator[None]:
    """Have every byte of others' files cross the socket for a while, where the host would read them where they are."""

    def read_directly(same_machine: bool) -> None:
        result = host.run_code(f"paglet_host.file_source.same_machine = {same_machine}", timeout=10.0)
        if result.status != "ok":
            raise RuntimeError(f"{host.name}: {result.ename}: {result.evalue}")

    read_directly(False)
    try:
        yield
    finally:
        read_directly(True)


def moves(mesh: Mesh, folder: Path, sizes: tuple[int, int], rounds: int) -> dict[int, list[float]]:
    """Seconds of a dispatch with a file of each size that moves along, taken in turn."""
    times: dict[int, list[float]] = {size: [] for size in sizes}
    path = folder / "moved"
    for _ in range(rounds):
        for size, taken in times.items():
            fill(path, size)
            number = path.stat().st_ino
            proxy = carrier(mesh, path, "move")
            taken.append(seconds(lambda proxy=proxy: proxy.dispatch("beta")))  # type: ignore[misc]
            if path.exists():
                raise RuntimeError("the file stayed behind")
            if all(found.stat().st_ino != number for found in folder.glob("mesh/**/file")):
                raise RuntimeError("the file was copied, not moved")
            proxy.dispose()
    return times


def file_system(folder: Path) -> str:
    """The type of the file system a folder is on; empty where the system does not say."""
    device = os.stat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.partition(" - ")[2].split()[0] for line in mounts if line.split()[2] == wanted), "")


@contextmanager
def folder_on_disk() -> Iterator[Path]:
    """A folder for the time of the benchmark, on a disk where the place for temporary files is one or here is."""
    places = [Path(tempfile.gettempdir()), Path.cwd()]
    place = next((place for place in places if file_system(place) not in IN_MEMORY), places[0])
    folder = Path(tempfile.mkdtemp(prefix="bench-files-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def run(rounds: int, *, say: Say, size: int = SIZE) -> Report:
    """Measure, where there is room.

    Args:
        rounds: of each.
        say: told what is being measured.
        size: of the large file, in bytes.
    """
    mib = size // MIB
    report = Report(
        f"Files, median of {rounds} interleaved rounds; {len(CORES)} cores, Python {sys.version.split()[0]}"
    )
    copied = f"{mib:,} MiB between two hosts at most 1.1x cp"
    moved = f"a move in constant time (1 MiB and {mib:,} MiB at most {MOVE_SLACK * 1e3:.0f} ms apart)"
    with folder_on_disk() as folder:
        free = shutil.disk_usage(folder).free
        if free < NEEDED * size:
            why = f"{free / SIZE:.1f} GiB are free in {folder.parent}, {NEEDED * size / SIZE:.1f} GiB are needed"
            report.promises += [Promise(name, why, None) for name in (copied, moved)]
            return report
        say(f"writing {mib:,} MiB to {file_system(folder) or 'disk'}")
        source = folder / "source"
        fill(source, size)
        with Mesh(["alpha", "beta"], data_dir=folder / "mesh") as mesh:
            say("copies")
            copying = copies(mesh, source, rounds)
            say("moves")
            moving = moves(mesh, folder, (MIB, size), rounds)
    report.facts.update({"copies": copying, "moves": moving, "size_bytes": size})
    for name, times in copying.items():
        taken = statistics.median(times)
        note = f"{mib / taken:,.0f} MiB/s, {ratio(copying, name, CP):.2f}x cp"
        report.rows.append(Row(f"{name}, {mib:,} MiB", "", f"{taken * 1e3:,.0f} ms", note))
    small, large = (statistics.median(times) for times in moving.values())
    for name, taken in (("1 MiB", small), (f"{mib:,} MiB", large)):
        report.rows.append(Row(f"move to the other host, {name}", "", f"{taken * 1e3:,.1f} ms"))
    over_cp = ratio(copying, CLONE, CP)
    report.promises += [
        Promise(copied, f"{over_cp:.2f}x", over_cp <= 1.1),
        Promise(moved, f"{small * 1e3:.1f} ms and {large * 1e3:.1f} ms", abs(large - small) <= MOVE_SLACK),
    ]
    return report


def benchmark(quick: bool, say: Say) -> Report:
    """Everything, or fewer rounds of it; 1 GiB either way."""
    return run(3 if quick else 5, say=say)


if __name__ == "__main__":
    sys.exit(command("files", __doc__, benchmark))
