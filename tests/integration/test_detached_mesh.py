"""A mesh that outlives its notebook: what the next notebook finds when it attaches."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from paglets_nb import Mesh, OperationClient
from paglets_nb.errors import MeshError
from paglets_nb.mesh.runtime_files import detached_meshes
from paglets_nb.platform import process_alive
from tests.integration.notebook_kernel import NotebookKernel, wait_until
from tests.integration.sample import ADD, Add, Counter

PAGLETS = """
import time
from dataclasses import dataclass
from paglets_nb import OperationPaglet, Paglet, PagletState, ServiceOperation, TaskPaglet, TaskState
from paglets_nb.patterns import CURSOR_DRAIN, CursorDrainMixin, CursorDrainState, NotificationMixin

@dataclass
class Tally(PagletState):
    count: int = 0

@dataclass(frozen=True)
class By:
    by: int = 1

@dataclass(frozen=True)
class Total:
    count: int

ADD = ServiceOperation("add", By, Total)

class Counter(OperationPaglet[Tally]):
    durability = "message"

    def operation_handlers(self):
        return {ADD: self.add}

    def add(self, request):
        self.state.count += request.by
        print("added", request.by)
        return Total(self.state.count)

@dataclass(frozen=True)
class Steps:
    seconds: float = 60.0

@dataclass(frozen=True)
class Done:
    ticks: int

class Ticker(NotificationMixin, CursorDrainMixin, TaskPaglet[Steps, Done, "TickerState"]):
    Request, Result, Drain = Steps, Done, CURSOR_DRAIN

    def run_task(self, request):
        end, ticks = time.monotonic() + request.seconds, 0
        while time.monotonic() < end and not self.state.enough:
            ticks += 1
            self.cursor_append_events([{"n": ticks}])
            print("tick", ticks)
            if ticks % 20 == 0:
                self.notify_user_info("info", "ticks", str(ticks))
            self.report_progress(0.5, f"tick {ticks}")
            self.wait_state(lambda: self.state.cancelling or self.state.enough, 0.02)
            self.check_cancelled()
        return Done(ticks)

    def handle_task_message(self, message):
        if message.kind == "enough":
            self.state.enough = True
            self.notify_all_state_changed()
            return True
        return super().handle_task_message(message)

@dataclass
class TickerState(TaskState, CursorDrainState):
    enough: bool = False

Ticker.State = TickerState
"""


@pytest.fixture(autouse=True)
def folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run-time and data folders of the test's own; whatever mesh it leaves is ended."""
    place = tmp_path_factory.mktemp("d")
    for kind in ("RUNTIME", "DATA"):
        (place / kind).mkdir(mode=0o700)
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(place / kind))
    yield place
    for name in detached_meshes():
        with suppress(MeshError):
            Mesh.attach(name).stop()


def opened(notebook: NotebookKernel) -> NotebookKernel:
    """The notebook with the extension loaded."""
    notebook.run("%load_ext paglets_nb").check()
    return notebook


def refused(notebook: NotebookKernel, code: str) -> str:
    """Run a cell that must end in one line of usage error."""
    cell = notebook.run(code)
    assert cell.status == "error" or "UsageError" in cell.stderr, cell
    assert "Traceback" not in cell.stderr + cell.traceback
    return cell.stderr + cell.evalue


def test_everything_is_there_after_the_notebook_was_killed() -> None:
    """Hosts, paglets, a running task, a drain by cursor, notifications, output, classes of lost cells, events."""
    with NotebookKernel() as lost:
        run = opened(lost).run
        run("mesh = %paglet up 2 --detach --name lab").check()
        run(PAGLETS).check()
        run("c = %paglet create Counter --on alpha --name c").check()
        assert "added 5" in run("%paglet call c add by=5").check().stdout
        run("t = %paglet create Ticker --on beta --name t").check()
        run("task = t.send_future('start', {'request': {}})").check()
        seen = lost.value("[e['n'] for e in __import__('paglets_nb').drain(t, after_cursor=0, limit=5, follow=False)]")
        pids = lost.value("[host.pid for host in mesh.hosts()]")
        lost.kill()
    time.sleep(1.0)  # while nobody is attached: this is what it is about
    with NotebookKernel() as notebook:
        run = opened(notebook).run
        cell = run("mesh = %paglet attach").check()
        assert "mesh lab is attached: 2 hosts, 2 paglets; nobody was attached for" in _shown(cell)
        assert notebook.value("[host.pid for host in mesh.hosts()]") == pids
        assert notebook.value("[host.state for host in mesh.hosts()]") == ["up", "up"]
        assert notebook.value("sorted(p.name for p in mesh.paglets())") == ["c", "t"]
        # code of lost cells, typed replies, output in the new cell
        called = run("reply = %paglet call c add by=2\nprint(type(reply).__name__, reply.count)").check()
        assert "Total 7" in called.stdout
        assert "added 2" in called.stdout
        assert notebook.value("mesh.class_of(mesh.paglet('c')).__name__") == "Counter"
        run("again = mesh.create(mesh.class_of(mesh.paglet('c')), name='again')").check()
        # the task
        run("tasks = %paglet tasks").check()
        assert notebook.value("[(task.label, task.running) for task in tasks]") == [("t", True)]
        run("handle = tasks[0].handle; mesh.paglet('t').send('enough')").check()
        ticks = notebook.value("handle.result(10).ticks")
        # the drain goes on behind the last event read
        rest = notebook.value(
            "[e['n'] for e in __import__('paglets_nb').drain(mesh.paglet('t'), after_cursor=%d, follow=False)]"
            % seen[-1]
        )
        assert seen + rest == list(range(1, ticks + 1))
        # what was told and printed meanwhile
        told = notebook.value("[n.message for n in mesh.notifications.list()]")
        assert told == [str(n) for n in range(20, ticks + 1, 20)]
        log = notebook.value("mesh['beta'].log_path.read_text()")
        assert "nobody attached since" in log
        assert log.count("tick ") >= 20
        kinds = notebook.value("[(e.kind, e.host_name) for e in mesh.events()]")
        assert ("create", "alpha") in kinds and ("notification", "beta") in kinds
        # and the end
        folder = Path(notebook.value("str(mesh._folder.path)"))
        assert "mesh lab is down (2 hosts)" in run("%paglet down").check().stdout
        wait_until(lambda: not any(process_alive(pid) for pid in pids), 5.0, "the hosts end")
        assert not folder.exists()


def _shown(cell: object) -> str:
    """What a cell showed, as text."""
    bundles: list[dict[str, str]] = cell.bundles  # type: ignore[attr-defined]
    return "\n".join(bundle.get("text/plain", "") for bundle in bundles)
