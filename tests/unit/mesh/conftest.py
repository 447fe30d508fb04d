"""Where the hosts of this process are, for all that reads a mesh."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.mesh.followers import HostAddress


@pytest.fixture
def up(hosts: list[Host]) -> list[HostAddress]:
    """The hosts that are up, as the mesh's owner sees it."""
    return [HostAddress(host.name, host.address) for host in hosts]


@pytest.fixture
def client() -> Iterator[HostClient]:
    """A client of its own."""
    client = HostClient()
    yield client
    client.close()
