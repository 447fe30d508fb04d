"""What is known of the paglets that go with a host, over real hosts of one process and a real mesh."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState
from paglets_nb.errors import InvalidAgentError
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.mesh.followers import HostAddress
from paglets_nb.mesh.losses import Losses, listed_names
from paglets_nb.mesh.mesh import Mesh
from paglets_nb.mesh.whereabouts import PagletSpot
from paglets_nb.testing import Counter, wait_until


class Lasting(Paglet[PagletState]):
    """Comes back with its host."""

    durability = "lifecycle"


@pytest.fixture
def losses(up: list[HostAddress]) -> Iterator[Losses]:
    """What knows their paglets."""
    client = HostClient()
    losses = Losses(lambda: client, lambda: up)
    losses.start()
    yield losses
    losses.close()
    client.close()


def names_on(losses: Losses, host: str) -> list[str]:
    """What is known to live on a host."""
    with losses._lock:
        return [spot.name for spot in losses._where.on_host(host)]


def test_what_lives_where_is_followed(losses: Losses, hosts: list[Host]) -> None:
    """Paglets that hosts create, move and end by themselves are known, the services of the hosts are not."""
    moved, _stays, ended = (hosts[0].create(Counter, name=name) for name in ("moved", "stays", "ended"))
    wait_until(lambda: names_on(losses, "alpha") == ["moved", "stays", "ended"])
    moved.dispatch(hosts[1].address)
    ended.dispose()
    wait_until(lambda: names_on(losses, "alpha") == ["stays"])
    wait_until(lambda: names_on(losses, "beta") == ["moved"])


def test_lost_is_what_no_host_has(losses: Losses, hosts: list[Host], up: list[HostAddress]) -> None:
    """Neither what is stored nor what another host lists; what had no name goes by its class and id."""
    gone, stored = hosts[0].create(Counter), hosts[0].create(Counter, name="stored")
    hosts[1].create(Counter, name="elsewhere")
    wait_until(lambda: len(names_on(losses, "alpha")) == 2 and names_on(losses, "beta"))
    spots = losses.ended("alpha") + losses.ended("beta")
    assert names_on(losses, "alpha") == []
    del up[0]
    assert losses.lost(spots, {stored.agent_id}) == [f"Counter {gone.agent_id}"]
    assert losses.fate(gone.agent_id) == "it was lost when the process of alpha ended"
    assert losses.fate(stored.agent_id) == ""


def test_what_became_of_a_paglet(losses: Losses, hosts: list[Host]) -> None:
    """One that was disposed is known by its id, one that was lost also by its name; of a stranger nothing is."""
    ended = hosts[0].create(Counter, name="ended")
    wait_until(lambda: names_on(losses, "alpha") == ["ended"])
    ended.dispose()
    wait_until(lambda: losses.fate(ended.agent_id) == "it was disposed")
    losses.lost([PagletSpot("p1", "alpha", name="gone")], ())
    assert losses.fate("gone") == losses.fate("p1") == "it was lost when the process of alpha ended"
    assert losses.fate("nobody") == ""


@pytest.mark.parametrize("steps", [300, 1500], ids=["more than it has paglets", "more than are held"])
def test_of_a_busy_host_its_list_is_read(hosts: list[Host], up: list[HostAddress], steps: int) -> None:
    """Where much has happened, or steps are no longer held, what the host lists counts."""
    hosts[0].create(Counter, name="early")
    for number in range(steps):
        hosts[0].events.record("deactivate", f"nobody {number}")
    client = HostClient()
    losses = Losses(lambda: client, lambda: up)
    losses.start()
    try:
        wait_until(lambda: names_on(losses, "alpha") == ["early"])
    finally:
        losses.close()
        client.close()


def test_many_names_are_cut() -> None:
    """A line stays one."""
    assert listed_names(["a", "b"]) == "a, b"
    assert listed_names([str(n) for n in range(17)]) == "0, 1, 2, 3, 4 and 12 more"


def test_what_a_host_takes_along_is_told() -> None:
    """A killed host names what was lost, in its log and a notification; a restart names it, too; what lasts is not."""
    with Mesh(["alpha", "beta"]) as mesh:
        mesh.notifications.show = None
        drawer = mesh.create(Counter, on="alpha", name="drawer")
        mesh.create(Lasting, on="alpha", name="lasting")
        mesh.create(Counter, on="beta", name="safe")
        os.kill(mesh["alpha"].pid, signal.SIGKILL)
        assert mesh.notifications.wait(0, 30.0)
        told = mesh.notifications.list()[0]
        assert str(told) == "[alpha] WARNING killed by SIGKILL: lost: drawer"
        assert mesh["alpha"].lost == ("drawer",)
        assert "alpha: killed by SIGKILL; lost: drawer\n" in mesh["alpha"].log_path.read_text()
        assert mesh.paglet("lasting").host_url == mesh["alpha"].url
        fate = r"\(it was lost when the process of alpha ended\)"
        with pytest.raises(InvalidAgentError, match=f"no paglet 'drawer' on alpha {fate}"):
            drawer.send("total")
        with pytest.raises(InvalidAgentError, match=f"no paglet 'drawer' on any host of the mesh {fate}"):
            mesh.paglet("drawer")

        mesh["alpha"].restart()
        assert mesh["alpha"].lost == ()
        mesh["beta"].restart()
        assert mesh["beta"].lost == ("safe",)
        assert len(mesh.notifications.list()) == 1
