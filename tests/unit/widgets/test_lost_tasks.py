"""Tasks that ended with their host, told from those that are gone for another reason."""

from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import HostDiedError, InvalidAgentError, MeshError
from paglets_nb.mesh.detaching import DETACHED
from paglets_nb.patterns.task_client import TaskSnapshot
from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.widgets.lost_tasks import LostTasks, loss_of
from paglets_nb.widgets.records import TaskEntry, TaskTable
from tests.unit.mesh.made import PlainHandle

URL = "unix:///x/beta.sock"
BEFORE, AFTER = (URL, 1), (URL, 2)


def entry(number: int, status: TaskStatus = TaskStatus.RUNNING) -> TaskEntry:
    """A task by number."""
    done = status is TaskStatus.COMPLETED
    snapshot: TaskSnapshot[Any] = TaskSnapshot(status, done, None, "", 1000.0, 0.0, f"p{number}", "beta", URL)
    client: Any = None
    return TaskEntry(PagletProxy(URL, f"p{number}", client), f"task {number}", snapshot)


@pytest.fixture
def hosts() -> list[PlainHandle]:
    """One host, which a test changes."""
    return [PlainHandle("beta", URL)]


@pytest.fixture
def lost(hosts: list[PlainHandle]) -> LostTasks:
    """One task that ran there."""
    given: Any = lambda: hosts  # noqa: E731
    made = LostTasks(given)
    made.saw(entry(1), BEFORE)
    return made


def test_its_host_was_restarted(hosts: list[PlainHandle], lost: LostTasks) -> None:
    """Not known before the host says who is there again; then it is lost for good, and says why."""
    hosts[0].state, hosts[0].reason = "restarting", "killed by SIGKILL"
    assert lost.unlisted([], []) == {"p1": entry(1)}
    hosts[0].state, hosts[0].pid = "up", 2
    assert lost.unlisted([], []) == {"p1": entry(1)}
    for _round in range(2):
        found = lost.unlisted([], [AFTER])["p1"]
        assert (found.lost, found.reason) == (True, "its host beta was restarted (killed by SIGKILL)")
    shown = repr(TaskTable([found]))
    assert "LOST" in shown
    assert "was restarted (killed by SIGKILL)" in shown
    assert shown == repr(TaskTable([found]))


@pytest.mark.parametrize("state", ["dead", "removed"])
def test_its_host_is_gone(hosts: list[PlainHandle], lost: LostTasks, state: str) -> None:
    """For good."""
    hosts[0].state, hosts[0].reason = state, "killed by SIGKILL"
    if state == "removed":
        hosts.clear()
    found = lost.unlisted([], [])["p1"]
    assert found.reason == (
        "its host beta was removed" if state == "removed" else "its host beta is dead: killed by SIGKILL"
    )


def test_a_task_that_is_not_lost(hosts: list[PlainHandle], lost: LostTasks) -> None:
    """One that is back, was disposed of, or was done before."""
    lost.saw(entry(2, TaskStatus.COMPLETED), BEFORE)
    hosts[0].pid = 2
    assert set(lost.unlisted([], [AFTER])) == {"p1"}
    lost.saw(entry(1), AFTER)
    assert lost.unlisted(["p1"], [AFTER]) == {}
    assert lost.unlisted([], [AFTER]) == {}


def test_only_the_last_are_remembered(hosts: list[PlainHandle], lost: LostTasks) -> None:
    """However many are lost."""
    hosts.clear()
    for number in range(200):
        lost.saw(entry(number), BEFORE)
        lost.unlisted([], [])
    assert len(lost.unlisted([], [])) == 50


def test_what_an_error_says_of_it() -> None:
    """In plain words; nothing where the task may go on."""
    assert loss_of(HostDiedError(URL, "killed by SIGKILL")) == "its host beta is gone: killed by SIGKILL"
    assert "lost with its host" in loss_of(InvalidAgentError("p1"))
    for error in (None, MeshError("x"), HostDiedError(URL, DETACHED)):
        assert loss_of(error) == ""
