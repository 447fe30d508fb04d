"""Hosts of one process for the host room's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.host.host import Host
from paglets_nb.testing import in_process_mesh
from tests.unit.host.crashes import Hosts, crashing_hosts
from tests.unit.host.scripted import Script, Scripted, new_script


@pytest.fixture
def script() -> Script:
    """What scripted paglets do in this test."""
    return new_script()


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Three hosts of one mesh."""
    with in_process_mesh(["alpha", "beta", "gamma"]) as hosts:
        yield hosts


@pytest.fixture
def alpha(hosts: list[Host]) -> Host:
    """The first host."""
    return hosts[0]


@pytest.fixture
def beta(hosts: list[Host]) -> Host:
    """The second host."""
    return hosts[1]


@pytest.fixture
def gamma(hosts: list[Host]) -> Host:
    """The third host."""
    return hosts[2]


@pytest.fixture
def paglet(script: Script, alpha: Host) -> PagletProxy:
    """A scripted paglet on alpha."""
    return alpha.create(Scripted)


@pytest.fixture
def mesh(script: Script, tmp_path: Path) -> Iterator[Hosts]:
    """Two hosts, alpha and beta, that can die and start again."""
    with crashing_hosts(tmp_path, "alpha", "beta") as hosts:
        yield hosts
