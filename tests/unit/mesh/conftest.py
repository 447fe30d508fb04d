"""Hosts of this process, for all that reads a mesh."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paglets_nb.host.host import Host
from paglets_nb.mesh.followers import HostAddress
from paglets_nb.testing import in_process_mesh


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Alpha and beta."""
    with in_process_mesh() as hosts:
        yield hosts


@pytest.fixture
def up(hosts: list[Host]) -> list[HostAddress]:
    """The hosts that are up, as the mesh's owner sees it."""
    return [HostAddress(host.name, host.address) for host in hosts]
