"""A reader of a search in a process of its own: writes down each hit it is given.

Run as ``python -m tests.integration.search_reader HOST_URL AGENT_ID FILE``.
"""

from __future__ import annotations

import sys

from paglets_nb.agents.search_client import resume
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.host.client import HostClient


def read(url: str, agent_id: str, path: str) -> None:
    """Append a line for each hit, each written whole."""
    hits = resume(PagletProxy(url, agent_id, HostClient()))
    with open(path, "ab", buffering=0) as notes:
        notes.writelines(f"{hit.cursor} {hit.host} {hit.where()}\n".encode() for hit in hits)


if __name__ == "__main__":
    read(*sys.argv[1:])
