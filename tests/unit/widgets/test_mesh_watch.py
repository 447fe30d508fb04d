from __future__ import annotations

from collections.abc import Iterator

import pytest

from paglets_nb.host.host import Host
from paglets_nb.host.user_info import SHOWN_BY_MESH
from paglets_nb.services.user_info import NOTIFY_USER, USER_INFO, UserInfoRequest
from paglets_nb.testing import Counter, in_process_mesh, wait_until
from paglets_nb.widgets.mesh_watch import DOWN, MeshWatch
from tests.unit.mesh.made import PlainMesh


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts whose notifications are shown by the mesh."""
    with in_process_mesh(properties={SHOWN_BY_MESH: True}) as hosts:
        yield hosts


@pytest.fixture
def mesh(hosts: list[Host]) -> Iterator[PlainMesh]:
    """A mesh of them."""
    mesh = PlainMesh(hosts)
    yield mesh
    mesh.close()


def tell(host: Host, title: str, severity: str = "info", message: str = "m") -> None:
    """Tell the person something."""
    request = UserInfoRequest(severity, title, message, "a1", "j", 5.0)
    host.services.require_contract(USER_INFO).call(NOTIFY_USER, request)


def test_one_round_for_all_who_look(hosts: list[Host], mesh: PlainMesh) -> None:
    """Views of a mesh share its watch, which asks while somebody looks and hears of changes at once."""
    watch = MeshWatch.of(mesh)
    assert MeshWatch.of(mesh) is watch
    told: list[str] = []

    def one() -> None:
        told.append("one")

    def other() -> None:
        told.append("other")

    leave_one, leave_other = watch.join(one, lambda: ["beta"]), watch.join(other)
    sampler = watch._sampler
    hosts[1].create(Counter, name="counter")
    wait_until(lambda: watch.figures[1].paglets)
    assert watch.figures[0].paglets is None
    wait_until(lambda: {"one", "other"} <= set(told))
    mesh.handles[0].state = "restarting"
    told.clear()
    mesh.change()
    assert watch.figures[0].state == "restarting"
    assert {"one", "other"} <= set(told)
    leave_one()
    assert watch._sampler is sampler
    leave_other()
    leave_other()
    assert watch._sampler is None
    told.clear()
    mesh.change()
    assert told == []


def test_who_comes_again_looks_again(mesh: PlainMesh) -> None:
    """After the last one left, the next to join has the hosts asked anew."""
    watch = MeshWatch(mesh, interval=0.01)
    watch.join(lambda: None)()
    leave = watch.join(lambda: None)
    wait_until(lambda: watch.figures[0].info)
    leave()


def test_the_last_figures_stay(mesh: PlainMesh) -> None:
    """Of a mesh that is down its hosts are still known, as being down."""
    watch = MeshWatch.of(mesh)
    leave = watch.join(lambda: None)
    watch.look()
    mesh.running, mesh.handles = False, []
    mesh.change()
    assert [(host.name, host.state) for host in watch.figures] == [("alpha", DOWN), ("beta", DOWN)]
    leave()


def test_what_is_unread(hosts: list[Host], mesh: PlainMesh) -> None:
    """Notifications count as unread until the user has looked."""
    watch = MeshWatch.of(mesh)
    tell(hosts[0], "one")
    tell(hosts[1], "two")
    wait_until(lambda: watch.unread() == 2)
    watch.mark_read()
    assert watch.unread() == 0
    tell(hosts[0], "three")
    wait_until(lambda: watch.unread() == 1)
