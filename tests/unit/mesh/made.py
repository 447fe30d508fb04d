"""What mesh tests make by hand."""

from __future__ import annotations

import anyio

from paglets_nb.mesh.records import HostRecord


def new_record(name: str, restarts: int = 3) -> HostRecord:
    """A host's record, made on a loop as the supervisor does."""

    async def make() -> HostRecord:
        return HostRecord(name, restarts)

    return anyio.run(make)
