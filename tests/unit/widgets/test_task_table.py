"""Many tasks as one table: what is sent to the page, and what its buttons do."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ipywidgets.widgets import widget

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.patterns.task_client import TaskClient, TaskSnapshot
from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.widgets import task_table
from paglets_nb.widgets.records import TaskEntry
from paglets_nb.widgets.task_list import sorted_tasks
from paglets_nb.widgets.task_table import TaskTableView
from tests.unit.widgets.conftest import Steps, wait_until


class Tasks:
    """A list of tasks that a test changes."""

    def __init__(self, entries: list[TaskEntry]) -> None:
        self.now = entries
        self.listeners: list[Any] = []

    def entries(self) -> list[TaskEntry]:
        """The tasks."""
        return sorted_tasks(self.now)

    def settle(self) -> None:
        """The mesh goes on."""

    def add_listener(self, listener: Any) -> Any:
        """Tell of changes."""
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def change(self, number: int, **fields: Any) -> None:
        """Another snapshot of one task."""
        entry = self.now[number]
        assert entry.snapshot is not None
        self.now[number] = dataclasses.replace(entry, snapshot=dataclasses.replace(entry.snapshot, **fields))
        for listener in self.listeners:
            listener()


def entry(number: int, status: TaskStatus = TaskStatus.RUNNING, client: Any = None) -> TaskEntry:
    """A task by number."""
    done, started = status is TaskStatus.COMPLETED, 1000.0 + number
    snapshot: TaskSnapshot[Any] = TaskSnapshot(
        status, done, None, "", started, started + 5 if done else 0.0, f"p{number}", "alpha", "unix:///a.sock"
    )
    return TaskEntry(PagletProxy("unix:///a.sock", f"p{number}", client), f"task {number}", snapshot)


class Page:
    """A view and what it has sent."""

    def __init__(self, entries: list[TaskEntry], on: str = "") -> None:
        self.tasks = Tasks(entries)
        given: Any = self.tasks
        self.view = TaskTableView(given, on)
        self.sent: list[dict[str, Any]] = []
        self.view.widget.send = self.sent.append

    def tell(self, **content: Any) -> None:
        """The page says something."""
        self.view._on_message(None, content, [])

    def ready(self) -> dict[str, Any]:
        """The page is there; what it is told."""
        before = len(self.sent)
        self.tell(kind="ready")
        wait_until(lambda: len(self.sent) > before)
        return self.sent[-1]


@pytest.fixture
def pages() -> Iterator[list[Page]]:
    """Pages that are closed after the test."""
    made: list[Page] = []
    yield made
    for page in made:
        page.view.close()


def test_only_what_changed_is_sent(pages: list[Page]) -> None:
    """A page that comes is told everything; then the rows that are different, and the order when it is."""
    pages.append(page := Page([entry(0), entry(1), entry(2, TaskStatus.COMPLETED)]))
    first = page.ready()
    assert (list(first["rows"]), first["order"]) == (["p0", "p1", "p2"], ["p0", "p1", "p2"])
    assert (first["total"], first["running"], first["more"]) == (3, 2, 0)
    assert first["rows"]["p0"]["cancel"] == "Cancel"
    assert first["rows"]["p2"]["cancel"] == ""
    before = len(page.sent)
    page.tasks.change(1, progress=0.5, note="half <b>")
    wait_until(lambda: len(page.sent) > before)
    assert list(page.sent[-1]["rows"]) == ["p1"]
    assert page.sent[-1]["rows"]["p1"]["progress"] == 0.5
    assert "order" not in page.sent[-1]
    page.tasks.change(0, status=TaskStatus.COMPLETED, done=True)
    wait_until(lambda: page.sent[-1].get("order", [""])[0] == "p1")
    assert list(page.ready()["rows"]) == page.sent[-1]["order"]


def test_two_hundred_tasks_that_change_all_the_time(pages: list[Page], monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is told a few times a second, of a bounded number of rows, and who tells of changes waits for nobody."""
    pages.append(page := Page([entry(number) for number in range(200)]))
    page.ready()
    began, before, rounds = time.monotonic(), len(page.sent), 0
    while time.monotonic() < began + 1.0:
        page.tasks.change(rounds % 200, progress=rounds % 100 / 100)
        rounds += 1
    seconds = time.monotonic() - began
    assert rounds > 50
    assert len(page.sent) - before <= seconds * task_table._PER_SECOND + 2
    assert all(len(message["rows"]) <= task_table.SHOWN for message in page.sent)
    assert page.sent[0]["more"] == 200 - task_table.SHOWN
    assert page.view.html().count("<tr>") <= task_table.SHOWN + 1


def test_only_one_host(pages: list[Page]) -> None:
    """As the verb is asked for it."""
    pages.append(page := Page([entry(0), entry(1)], on="beta"))
    assert page.ready()["total"] == 0
    assert page.view.text() == "no tasks"


def test_a_button_cancels_its_task(client: TaskClient[Any], pages: list[Page]) -> None:
    """And the row says what is tried, and what came of it; a press for a task that is gone does nothing."""
    client.submit(Steps(1000))
    wait_until(lambda: client.status().status is TaskStatus.RUNNING)
    listed = TaskEntry(client.proxy, "worker", client.status())
    pages.append(page := Page([listed]))
    page.ready()
    page.tell(kind="cancel", key="nobody")
    page.tell(kind="cancel", key=client.proxy.agent_id)
    wait_until(lambda: client.status().status is TaskStatus.CANCELLED)
    wait_until(lambda: any("asked to stop" in str(message["rows"]) for message in page.sent))


def test_a_closed_view_leaves_nothing() -> None:
    """Neither widgets nor a listener."""
    before = set(widget._instances)
    page = Page([entry(0)])
    page.view.close()
    page.view.close()
    assert set(widget._instances) == before
    assert page.tasks.listeners == []
