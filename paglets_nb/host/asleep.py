"""What is stored for hosts that are not up, read without waking anything."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path

import apsw

from paglets_nb.host.records import ACTIVE, INACTIVE

__all__ = ["asleep_in", "stored_ids"]


def asleep_in(data_dir: Path, hosts: Collection[str]) -> dict[str, int]:
    """How many paglets are stored for other hosts, by host.

    Args:
        data_dir: the mesh's folder, with one of each host.
        hosts: those that are there, and are not looked at.
    """
    found: dict[str, int] = {}
    for store in sorted(data_dir.glob("*/store.db")):
        name = store.parent.name
        if name not in hosts and (count := _count(store)):
            found[name] = count
    return found


def stored_ids(data_dir: Path) -> set[str]:
    """The ids of all paglets that the hosts of a mesh have stored, whatever for.

    Args:
        data_dir: the mesh's folder, with one of each host.
    """
    found: set[str] = set()
    for store in data_dir.glob("*/store.db"):
        with suppress(apsw.Error), closing(apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            found.update(str(row[0]) for row in connection.execute("SELECT agent_id FROM paglets"))
    return found


def _count(store: Path) -> int:
    """The paglets of a store; 0 for one that cannot be read, which says so when its host starts."""
    try:
        with closing(apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            query = "SELECT count(*) FROM paglets WHERE status IN (?, ?)"
            return int(next(connection.execute(query, (ACTIVE, INACTIVE)))[0])
    except apsw.Error:
        return 0
