"""How fast large bytes reach a paglet, beside a raw copy over a Unix socket in the same run.

Run as ``python -m tests.benchmarks.bulk``; ends with status 1 when a promise is broken.
Every copy ends in memory of the other process and is acknowledged. The promise is against
a raw receiver that takes in every copy over the last one, and holds on one core, where
the two ends take turns, and on all cores, where they work side by side.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from paglets_nb import Mesh, OperationClient, OperationPaglet, PagletState, ServiceOperation
from tests.benchmarks.command import Say, command
from tests.benchmarks.floors import RawCopy
from tests.benchmarks.measure import Batch, Effort, interleave, ratio
from tests.benchmarks.placement import CORES, pinned
from tests.benchmarks.report import Promise, Report, Row

MIB = 1 << 20
SIZE = 64 * MIB
ARGUMENT, WRITABLE, REPLY = "bytes as argument", "bytearray as argument", "bytes as reply"


@dataclass(frozen=True)
class Blob:
    """Bytes."""

    content: bytes = b""


@dataclass(frozen=True)
class WritableBlob:
    """Bytes that may be changed."""

    content: bytearray


@dataclass(frozen=True)
class Size:
    """How many bytes."""

    size_bytes: int = 0


PUT = ServiceOperation("put", Blob, Size)
PUT_WRITABLE = ServiceOperation("put-writable", WritableBlob, Size)
GET = ServiceOperation("get", Size, Blob)


class Keeper(OperationPaglet[PagletState]):
    """Keeps the bytes and the bytearray it was given last, and has other bytes to give."""

    given = b""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """To put and to get."""
        return {PUT: self.put, PUT_WRITABLE: self.put_writable, GET: self.get}

    def put(self, request: Blob) -> Size:
        """Keep the bytes."""
        self.kept = request.content
        return Size(len(self.kept))

    def put_writable(self, request: WritableBlob) -> Size:
        """Keep the bytearray."""
        self.kept_writable = request.content
        return Size(len(self.kept_writable))

    def get(self, request: Size) -> Blob:
        """As many bytes as are asked for, the same ones each time."""
        if len(self.given) != request.size_bytes:
            self.given = os.urandom(request.size_bytes)
        return Blob(self.given)


class Bulk:
    """Our side: a paglet that keeps bytes."""

    def __init__(self, client: OperationClient, size: int) -> None:
        self._client = client
        self._size = size
        self._blob = Blob(os.urandom(size))
        self._writable = WritableBlob(bytearray(self._blob.content))

    def put(self, copies: int) -> None:
        """Send bytes."""
        for _ in range(copies):
            self._check(self._client.call(PUT, self._blob).size_bytes)

    def put_writable(self, copies: int) -> None:
        """Send a bytearray, which arrives as one."""
        for _ in range(copies):
            self._check(self._client.call(PUT_WRITABLE, self._writable).size_bytes)

    def get(self, copies: int) -> None:
        """Get bytes back."""
        for _ in range(copies):
            self._check(len(self._client.call(GET, Size(self._size)).content))

    def _check(self, size: int) -> None:
        if size != self._size:
            raise RuntimeError(f"{size} bytes arrived, not {self._size}")


def run(effort: Effort, *, say: Say, size: int = SIZE) -> Report:
    """Measure; ``effort.calls`` copies of ``size`` bytes are a batch."""
    mib = size // MIB
    report = Report(
        f"{mib} MiB at once, median of {effort.rounds} interleaved rounds; "
        f"{len(CORES)} cores, Python {sys.version.split()[0]}"
    )
    with ExitStack() as stack:
        say("starting a mesh")
        mesh = stack.enter_context(Mesh(["alpha"]))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        ours = Bulk(OperationClient(mesh.create(Keeper, on="alpha")), size)
        floor, new = (RawCopy(folder, size, kept=kept) for kept in (True, False))
        contenders: dict[str, Batch] = {
            floor.name: floor.batch,
            new.name: new.batch,
            ARGUMENT: ours.put,
            WRITABLE: ours.put_writable,
            REPLY: ours.get,
        }
        for raw in (floor, new):
            stack.callback(raw.close)
        say(f"copies of {mib} MiB")
        spread = interleave(contenders, effort)
        with pinned([mesh["alpha"].pid, floor.server.pid, new.server.pid]):
            alone = interleave(contenders, effort)
    report.facts.update({"one_core": alone, "all_cores": spread, "size_bytes": size})
    for name in contenders:
        rates = (f"{size / MIB / statistics.median(times[name]):,.0f} MiB/s" for times in (alone, spread))
        of_floor = (1 / ratio(times, name, floor.name) for times in (alone, spread))
        note = "{:.2f} of the first, {:.2f} on all cores".format(*of_floor)
        report.rows.append(Row(name, *rates, "" if name == floor.name else note))
    for where, times in (("one core", alone), ("all cores", spread)):
        reached = 1 / ratio(times, ARGUMENT, floor.name)
        report.promises.append(
            Promise(
                f"{mib} MiB of bytes at least half as fast as a raw copy, {where}", f"{reached:.2f}", reached >= 0.5
            )
        )
    return report


def benchmark(quick: bool, say: Say) -> Report:
    """Everything, or less of it."""
    return run(Effort(rounds=5, batches=1 if quick else 3, calls=2 if quick else 4), say=say)


if __name__ == "__main__":
    sys.exit(command("bulk", __doc__, benchmark))
