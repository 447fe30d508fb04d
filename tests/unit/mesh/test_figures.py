"""Samples of what hosts do, over real hosts of one process and one that never answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from paglets_nb import OperationClient
from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.host.host import Host
from paglets_nb.mesh.figures import HostFigures, MeshFigures
from paglets_nb.testing import ADD, AddRequest, Counter, wait_until
from paglets_nb.transport.addresses import unix_url
from tests.unit.mesh.made import PlainHandle, PlainMesh


@pytest.fixture
def mesh(hosts: list[Host]) -> Iterator[PlainMesh]:
    """A mesh of them."""
    mesh = PlainMesh(hosts)
    yield mesh
    mesh.close()


@pytest.fixture
def figures(mesh: PlainMesh) -> Iterator[MeshFigures]:
    """Its figures."""
    with MeshFigures(mesh) as figures:
        yield figures


def test_what_a_host_tells(hosts: list[Host], figures: MeshFigures) -> None:
    """Counts, processor time and memory come from the host; paglets only where they are wanted."""
    awake, asleep = hosts[0].create(Counter, name="awake"), hosts[0].create(Counter, name="asleep")
    asleep.deactivate(DeactivationPolicy())
    alpha, beta = figures.sample(paglets=["alpha"])
    assert (alpha.name, alpha.state, beta.name) == ("alpha", "up", "beta")
    assert alpha.info is not None
    assert (alpha.info.paglets, alpha.info.asleep) == (1, 1)
    assert alpha.info.cpu_seconds > 0
    assert alpha.info.rss_bytes > 1_000_000
    assert alpha.info.rss_bytes >= alpha.info.pss_bytes
    assert alpha.paglets is not None
    assert {(info.name, info.active) for info in alpha.paglets} == {("awake", True), ("asleep", False)}
    assert beta.paglets is None
    assert figures.latest() == [alpha, beta]
    assert figures.sample()[0].paglets is None
    assert awake.is_valid()


def test_rates_are_made_of_two_samples(hosts: list[Host], figures: MeshFigures) -> None:
    """Messages a second, and the share of a processor, of what lies between; the first sample has none."""
    counter = OperationClient(hosts[0].create(Counter))
    (alpha, _beta) = figures.sample()
    assert (alpha.cpu, alpha.messages_per_second) == (None, None)

    def rated() -> HostFigures | None:
        counter.call(ADD, AddRequest(1))
        found = figures.sample()[0]
        return found if found.messages_per_second else None

    alpha = wait_until(rated)
    assert alpha.cpu is not None
    assert alpha.cpu > 0
    wait_until(lambda: figures.sample()[0].messages_per_second == 0.0)


def test_a_silent_host_holds_nobody_up(
    hosts: list[Host], mesh: PlainMesh, figures: MeshFigures, tmp_path: Path
) -> None:
    """It is asked once and waited for once; the others are answered for, and so is it when it is back."""
    path = tmp_path / "mute.sock"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()
        mesh.handles.insert(0, PlainHandle("mute", unix_url(str(path))))
        wait_until(lambda: figures.sample(0.05)[1].info, timeout=20)
        wait_until(lambda: figures.latest()[0].silent > 0)
        for _round in range(3):
            silent, alpha, _beta = figures.sample(60.0)  # would take a minute if it waited again
            assert silent.silent > 0
            assert alpha.silent == 0
            assert silent.info is None
        accepted, _address = mute.accept()
        accepted.settimeout(5.0)
        asked = accepted.recv(65536)
        accepted.setblocking(False)
        with pytest.raises(BlockingIOError):
            accepted.recv(65536)
        assert asked.count(b"@health") == 1
        accepted.close()
    mesh.handles[0].state, mesh.handles[0].reason = "dead", "killed by SIGKILL"
    dead = figures.sample()[0]
    assert (dead.state, dead.reason, dead.silent, dead.info) == ("dead", "killed by SIGKILL", 0.0, None)


def test_another_run_begins_anew(hosts: list[Host], mesh: PlainMesh, figures: MeshFigures) -> None:
    """A host that was started again has no rates from before."""
    figures.sample()
    wait_until(lambda: figures.sample()[0].cpu is not None)
    mesh.handles[0].pid = 2
    assert figures.latest()[0].info is None
    assert figures.sample()[0].cpu is None


def test_a_mesh_that_is_down(mesh: PlainMesh, figures: MeshFigures) -> None:
    """It has no figures; nothing is raised, nor after the sockets are closed."""
    figures.close()
    assert [host.info for host in figures.sample(0.05)] == [None, None]
    mesh.handles = []
    assert figures.sample() == []
