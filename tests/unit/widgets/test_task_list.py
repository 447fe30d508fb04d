"""The tasks of a mesh, kept up to date."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from paglets_nb import Host
from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.errors import MeshError
from paglets_nb.mesh.detaching import DETACHED
from paglets_nb.patterns.task_client import TaskClient
from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.testing import Counter, in_process_mesh
from paglets_nb.widgets.task_list import TaskList, task_list
from paglets_nb.widgets.task_table import TaskTableView
from tests.unit.widgets.conftest import Steps, Worker, wait_until


class HostsMesh:
    """As much of a mesh as a list of tasks wants: real hosts, without kernels."""

    def __init__(self, hosts: list[Host]) -> None:
        self._hosts = hosts
        self.client = hosts[0].client
        self.running = True
        self.gone = ""
        self.asked_classes = 0

    def hosts(self) -> list[Any]:
        """The hosts that were not stopped."""
        if not self.running:
            raise MeshError("it is down")
        return [SimpleNamespace(url=host.address, state="up", name=host.name, pid=1) for host in self._hosts]

    def class_of(self, proxy: Any) -> Any:
        """The class of a paglet."""
        self.asked_classes += 1
        return self._hosts[0].lifecycle.load(proxy.class_name)


@pytest.fixture
def mesh() -> Iterator[Any]:
    """Two hosts."""
    with in_process_mesh() as hosts:
        made: Any = HostsMesh(hosts)
        made.alpha, made.beta = hosts
        yield made


def started(host: Host, name: str, steps: int) -> TaskClient[Any]:
    """A task that has begun, or is done where it has no more than one step."""
    client = TaskClient.for_paglet(host.create(Worker, name=name), Worker)
    handle = client.submit(Steps(steps))
    if steps == 1:
        handle.wait(5)
    else:
        wait_until(lambda: client.status().status is TaskStatus.RUNNING)
    return client


def test_the_tasks_of_every_host(mesh: Any) -> None:
    """Those that run come first, then new ones, then those that are done; each class is looked at once."""
    mesh.alpha.create(Counter)
    started(mesh.alpha, "done", 1)
    mesh.alpha.create(Worker, name="new")
    running = [started(mesh.beta, "first", 1000), started(mesh.alpha, "second", 1000)]
    sleeper = mesh.beta.create(Worker, name="sleeper")
    sleeper.deactivate(DeactivationPolicy())
    tasks = TaskList(mesh)
    assert tasks.entries() == []
    tasks.refresh()
    entries = tasks.entries()
    assert [entry.label for entry in entries] == ["first", "second", "new", "done", "sleeper"]
    assert [entry.snapshot.host_name for entry in entries[:2]] == ["beta", "alpha"]  # type: ignore[union-attr]
    assert (entries[-1].snapshot, entries[-1].reason) == (None, "asleep")
    assert not sleeper.is_active()
    tasks.refresh()
    assert mesh.asked_classes == 2
    for client in running:
        client.cancel()


def test_listeners_keep_it_up_to_date(mesh: Any) -> None:
    """They are told of changes, also of tasks that come and go; without listeners nobody is asked."""
    tasks = task_list(mesh)
    assert task_list(mesh) is tasks
    told: list[list[str]] = []
    remove = tasks.add_listener(lambda: told.append([entry.label for entry in tasks.entries()]))
    client = started(mesh.alpha, "one", 1000)
    wait_until(lambda: told and told[-1] == ["one"])
    wait_until(lambda: tasks.entries()[0].running)
    client.cancel()
    wait_until(lambda: not tasks.entries()[0].running)
    client.proxy.dispose()
    wait_until(lambda: told[-1] == [])
    remove()
    assert tasks._poller is None


def test_a_host_that_is_gone(mesh: Any) -> None:
    """Its tasks stay while it is thought to be up, and say why nothing is known of them."""
    started(mesh.beta, "there", 1000)
    tasks = TaskList(mesh)
    tasks.refresh()
    mesh.beta.stop()
    tasks.refresh()
    wait_until(lambda: tasks.refresh() or tasks.entries()[0].snapshot is None)
    assert tasks.entries()[0].reason
    mesh._hosts.pop()
    tasks.refresh()
    (entry,) = tasks.entries()
    assert (entry.label, entry.lost, entry.reason) == ("there", True, "its host beta was removed")
    assert entry.snapshot is not None
    assert not entry.running


def test_a_mesh_that_is_down(mesh: Any) -> None:
    """What is known of its tasks stays as it was last where it was detached, and is lost where it was stopped."""
    client = started(mesh.alpha, "there", 1000)
    tasks = TaskList(mesh)
    tasks.refresh()
    before = tasks.entries()
    mesh.running, mesh.gone = False, DETACHED
    tasks.refresh()
    assert tasks.entries() == before
    assert before[0].running
    mesh.gone = "the mesh was stopped"
    tasks.refresh()
    (entry,) = tasks.entries()
    assert (entry.lost, entry.running) == (True, False)
    assert entry.reason == "its host alpha is gone: the mesh was stopped"
    view = TaskTableView(tasks)
    view.leave()
    assert "LOST" in view.text()
    client.cancel()


def test_the_last_picture_of_a_mesh_that_was_stopped(mesh: Any) -> None:
    """A view that is left at once has its tasks as lost, whether somebody has looked since or not."""
    client = started(mesh.alpha, "there", 1000)
    tasks = TaskList(mesh)
    tasks.refresh()
    view = TaskTableView(tasks)
    assert "RUNNING" in view.text()
    mesh.running, mesh.gone = False, "the mesh was stopped"
    view.leave()
    assert "LOST" in view.text()
    assert "RUNNING" not in view.html()
    client.cancel()
