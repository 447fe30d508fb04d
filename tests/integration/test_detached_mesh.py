"""A mesh that outlives its notebook: what the next notebook finds when it attaches."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from jupyter_core.paths import jupyter_runtime_dir

from paglets_nb import Mesh, OperationClient
from paglets_nb.errors import MeshError
from paglets_nb.mesh.mesh import running_meshes
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
def folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run-time and data folders of the test's own, short enough for sockets; whatever mesh it leaves is ended."""
    with tempfile.TemporaryDirectory(prefix="d") as folder:
        place = Path(folder)
        for kind in ("RUNTIME", "DATA"):
            (place / kind).mkdir(mode=0o700)
            monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(place / kind))
        yield place
        for mesh in running_meshes():
            mesh.stop()
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
    """Hosts, paglets, a running task, drains by cursor, notifications, output, classes of lost cells, events."""
    with NotebookKernel() as lost:
        run = opened(lost).run
        run("mesh = %paglet up 2 --detach --name lab").check()
        run(PAGLETS).check()
        run("%paglet create Counter --on alpha --name c").check()
        assert "added 5" in run("%paglet call c add by=5").check().stdout
        run("t = %paglet create Ticker --on beta --name t").check()
        run("task = t.send_future('start', {'request': {}})").check()
        run("read = []").check()
        run("%%paglet drain t --limit 7\nread.append(event['n'])").check()
        assert lost.value("read") == [1, 2, 3, 4, 5, 6, 7]
        pids = lost.value("[host.pid for host in mesh.hosts()]")
        lost.kill()
    time.sleep(1.0)  # while nobody is attached: this is what it is about
    with NotebookKernel() as notebook:
        cell = opened(notebook).run("mesh = %paglet attach").check()
        assert "mesh lab is attached: 2 hosts, 2 paglets; nobody was attached for" in _shown(cell)
        assert "[beta] ticks: " in cell.stdout  # told meanwhile
        assert notebook.value("[host.pid for host in mesh.hosts()]") == pids
        assert notebook.value("[host.state for host in mesh.hosts()]") == ["up", "up"]
        _check_code(notebook)
        ticks = _check_task_and_drain(notebook)
        _check_what_happened(notebook, ticks)
        folder = Path(notebook.value("str(mesh._folder.path)"))
        assert "mesh lab is down (2 hosts)" in notebook.run("%paglet down").check().stdout
        wait_until(lambda: not any(process_alive(pid) for pid in pids), 5.0, "the hosts end")
        assert not folder.exists()


def _check_code(notebook: NotebookKernel) -> None:
    """Paglets of lost cells' classes are called with typed replies, print into the calling cell, and are made anew."""
    assert notebook.value("sorted(p.name for p in mesh.paglets())") == ["c", "t"]
    called = notebook.run("reply = %paglet call c add by=2\nprint(type(reply).__name__, reply.count)").check()
    assert "Total 7" in called.stdout
    assert "added 2" in called.stdout
    assert notebook.value("mesh.class_of(mesh.paglet('c')).__name__") == "Counter"
    notebook.run("again = mesh.create(mesh.class_of(mesh.paglet('c')), on='beta', name='again')").check()
    assert notebook.run("%paglet call again add by=1").check().text == "Total(count=1)"


def _check_task_and_drain(notebook: NotebookKernel) -> int:
    """The task runs and is waited for, and the drain goes on behind the last event; how many there were."""
    run = notebook.run
    run("tasks = %paglet tasks").check()
    assert notebook.value("[(task.label, task.running) for task in tasks]") == [("t", True)]
    assert "RUNNING" in run("%paglet status t").check().text
    run("handle = tasks[0].handle; mesh.paglet('t').send('enough')").check()
    ticks: int = notebook.value("handle.result(10).ticks")
    run("read = []").check()
    run("%%paglet drain t --no-follow\nread.append(event['n'])").check()
    assert notebook.value("read") == list(range(8, ticks + 1))
    return ticks


def _check_what_happened(notebook: NotebookKernel, ticks: int) -> None:
    """Notifications, output and events of the time in which nobody was attached are there."""
    told = notebook.value("[n.message for n in mesh.notifications.list()]")
    assert told == [str(number) for number in range(20, ticks + 1, 20)]
    log = notebook.run("%paglet log beta --lines 100000").check().text
    assert "nobody attached since" in log
    assert log.count("tick ") >= 20
    kinds = notebook.value("[(e.kind, e.host_name) for e in mesh.events()]")
    assert ("create", "alpha") in kinds
    assert ("notification", "beta") in kinds


def _shown(cell: object) -> str:
    """What a cell showed, as text."""
    bundles: list[dict[str, str]] = cell.bundles  # type: ignore[attr-defined]
    return "\n".join(bundle.get("text/plain", "") for bundle in bundles)


@pytest.fixture
def left(folders: Path) -> Iterator[list[int]]:
    """The process ids of alpha and beta of the mesh "lab", whose owner was killed; each has a Counter."""
    with NotebookKernel() as owner:
        owner.run("import paglets_nb; mesh = paglets_nb.Mesh(2, name='lab', detach=True).start()").check()
        owner.run("from tests.integration.sample import Counter").check()
        owner.run("from tests.integration.test_durable_mesh import Exact").check()
        owner.run("mesh.create(Exact, on='beta', name='exact').send('add', {'amount': 3})").check()
        owner.run("for name in ('alpha', 'beta'): mesh.create(Counter, on=name, name=f'on_{name}')").check()
        pids: list[int] = owner.value("[host.pid for host in mesh]")
        owner.kill()
    yield pids
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def count(mesh: Mesh, name: str, amount: int = 1) -> int:
    """What a counter has after it was added to."""
    total: int = OperationClient(mesh.paglet(name)).call(ADD, Add(amount), timeout=5.0).count
    return total


def test_a_host_that_hangs_is_silent_and_the_others_serve(left: list[int]) -> None:
    """Attach comes back all the same; the host is ``up`` once it goes on, its paglets as they were."""
    os.kill(left[1], signal.SIGSTOP)
    with Mesh.attach("lab") as mesh:
        assert (mesh["alpha"].state, mesh["beta"].state) == ("up", "silent")
        assert mesh["beta"].reason == "does not answer"
        assert count(mesh, "on_alpha") == 1
        assert [ref.name for ref in mesh.hosts() if ref.state == "up"] == ["alpha"]
        with pytest.raises(MeshError, match="host 'beta' does not answer"):
            mesh.create(Counter, on="beta")
        os.kill(left[1], signal.SIGCONT)
        wait_until(lambda: mesh["beta"].state == "up", 10.0, "beta answers")
        assert count(mesh, "on_beta") == 1
        mesh.stop()


def test_a_silent_host_can_be_ended(left: list[int]) -> None:
    """``stop`` ends a host that does not answer, too."""
    os.kill(left[1], signal.SIGSTOP)
    mesh = Mesh.attach("lab")
    mesh.stop()
    assert not any(process_alive(pid) for pid in left)
    assert "lab" not in Mesh.list()


def test_a_host_that_ended_meanwhile_is_started_again(left: list[int]) -> None:
    """It says so, its events are a gap, and the other host's paglets are as they were."""
    os.kill(left[1], signal.SIGKILL)
    wait_until(lambda: not process_alive(left[1]), 5.0, "beta ends")
    with Mesh.attach("lab") as mesh:
        assert mesh["beta"].state == "up"
        assert (mesh["beta"].reason, mesh["beta"].restarts) == ("ended while nobody was attached", 1)
        assert mesh["alpha"].pid == left[0]
        assert count(mesh, "on_alpha") == 1
        assert count(mesh, "exact") == 4  # a durable one came back
        gaps = [event for event in mesh.events() if event.kind == "gap"]
        assert [(gap.host_name, gap.details["reason"]) for gap in gaps] == [("beta", "ended while nobody was attached")]
        mesh.stop()


def test_a_host_that_nobody_can_reach_is_replaced(left: list[int]) -> None:
    """One with a spoiled connection file is ended and started again; a spoiled registry is an error that says so."""
    folder = Path(jupyter_runtime_dir()) / "paglets" / "lab"
    (folder / "beta.json").write_text("nothing")
    registry = (folder / "mesh.json").read_text()
    (folder / "mesh.json").write_text("nothing")
    with pytest.raises(MeshError, match="the registry of the mesh in .* cannot be read"):
        Mesh.attach("lab")
    (folder / "mesh.json").write_text(registry)
    with Mesh.attach("lab") as mesh:
        assert (mesh["alpha"].pid, mesh["alpha"].state) == (left[0], "up")
        assert (mesh["beta"].restarts, mesh["beta"].state) == (1, "up")
        assert not process_alive(left[1])
        assert count(mesh, "exact") == 4
        mesh.stop()


def test_supervision_goes_on_after_attach(left: list[int], folders: Path) -> None:
    """Hosts that are no children are restarted when they die, interrupted, restarted, removed; others are added."""
    mesh = Mesh.attach("lab")
    os.kill(left[1], signal.SIGKILL)
    wait_until(lambda: mesh["beta"].state == "up" and mesh["beta"].restarts == 1, 20.0, "beta is restarted")
    assert mesh["beta"].reason.startswith("ended")
    begun = folders / "begun"
    code = f"import time\nopen({str(begun)!r}, 'w').close()\nwhile True: time.sleep(0.01)"
    running = mesh["alpha"].submit_code(code)
    wait_until(begun.exists, 10.0, "the code runs")
    mesh["alpha"].interrupt()
    assert running.result(5.0).ename == "KeyboardInterrupt"
    assert count(mesh, "on_alpha") == 1
    mesh["alpha"].restart()
    assert mesh["alpha"].pid != left[0]
    mesh.add_host()
    assert [proxy.name for proxy in mesh.remove_host("beta")] == ["exact"]
    pids = {host.name: host.pid for host in mesh}
    mesh.detach()
    assert all(process_alive(pid) for pid in pids.values())
    again = Mesh.attach("lab")
    assert {host.name: host.pid for host in again} == pids
    again.stop()
    assert not any(process_alive(pid) for pid in pids.values())


def test_a_mesh_has_one_owner(folders: Path) -> None:
    """Attach is refused while the owner lives, by its pid; the mesh's name is taken; both end with the owner."""
    with NotebookKernel() as owner:
        run = opened(owner).run
        run("%paglet up 1 --detach --name lab").check()
        with pytest.raises(MeshError, match=rf"mesh 'lab' belongs to process {owner.pid}; detach it there first"):
            Mesh.attach("lab")
        assert "lab" not in Mesh.list()
        with pytest.raises(MeshError, match="a mesh named 'lab' is running"):
            Mesh(1, name="lab").start()
        owner.kill()
    wait_until(lambda: "lab" in Mesh.list(), 5.0, "the lock is free")
    with pytest.raises(MeshError, match=r"a detached mesh named 'lab' is there; attach it \(%paglet attach lab"):
        Mesh(1, name="lab").start()
    with Mesh.attach("lab") as mesh:
        with pytest.raises(MeshError, match="mesh 'lab' belongs to this process"):
            Mesh.attach("lab")
        mesh.stop()
    with pytest.raises(MeshError, match=r"there is no detached mesh 'lab' \(detached: none\)"):
        Mesh.attach("lab")


def test_detached_later_and_handed_over(folders: Path) -> None:
    """``%paglet detach`` lets go of a mesh that was not to outlive the notebook; the next one may do so again."""
    with NotebookKernel() as first, NotebookKernel() as second:
        opened(first).run("mesh = %paglet up 2").check()
        first.run(PAGLETS).check()
        first.run("%%paglet define handed\nVALUE = 42").check()
        first.run("c = %paglet create Counter --name c").check()
        pids = first.value("[host.pid for host in mesh]")
        name = first.run("%paglet detach").check().text.strip("'")
        assert "no mesh is up" in refused(first, "%paglet ls")
        opened(second).run(f"mesh = %paglet attach {name}").check()
        assert second.run("%paglet call c add by=4").check().text == "Total(count=4)"
        assert second.run("import handed; print(handed.VALUE)").check().stdout == "42\n"
        second.manager.shutdown_kernel(now=False)  # as a notebook's kernel is restarted
        wait_until(lambda: not process_alive(second.pid) if second.manager.has_kernel else True, 5.0, "it ends")
        assert all(process_alive(pid) for pid in pids)
        first.run("%paglet attach").check()
        assert first.run("%paglet call c add by=1").check().text == "Total(count=5)"
        first.run("%unload_ext paglets_nb").check()
        assert detached_meshes() == [name]
        with Mesh.attach(name) as mesh:
            mesh.stop()
        assert not any(process_alive(pid) for pid in pids)


def test_a_mesh_that_cannot_be_detached_stays_as_it_was(folders: Path) -> None:
    """A host that does not answer refuses it, and all hosts still end with their owner."""
    with NotebookKernel() as owner:
        owner.run("import os, paglets_nb; mesh = paglets_nb.Mesh(2, name='lab').start()").check()
        pids = owner.value("[host.pid for host in mesh]")
        os.kill(pids[1], signal.SIGSTOP)
        owner.run("""
try:
    mesh.detach()
except paglets_nb.PagletError as error:
    print(error)
print(mesh.running, mesh.outlives, os.path.exists(mesh.supervisor.directory / "mesh.json"))
""").check()
        shown = list(owner.cells.values())[-1].stdout
        assert "host 'beta' does not answer, so it would end with this process" in shown
        assert "True False False" in shown
        owner.kill()
        wait_until(lambda: not any(process_alive(pid) for pid in pids), 5.0, "the hosts end")


def test_a_mesh_whose_hosts_are_gone_is_swept(left: list[int]) -> None:
    """Its folder stays while a host lives and goes with the last; a new mesh may have the name then."""
    os.kill(left[0], signal.SIGKILL)
    os.kill(left[1], signal.SIGSTOP)
    with Mesh(1) as other:
        folder = other.supervisor.directory.parent / "lab"
        assert folder.is_dir()
        assert "lab" in Mesh.list()
    os.kill(left[1], signal.SIGKILL)
    wait_until(lambda: "lab" not in Mesh.list(), 5.0, "the hosts end")
    with Mesh(1, name="lab") as mesh:
        assert len(mesh) == 1


def test_hosts_that_nobody_can_find_any_more_end(left: list[int]) -> None:
    """Where the files of a detached mesh are removed its hosts do not stay for ever."""
    shutil.rmtree(Path(jupyter_runtime_dir()) / "paglets" / "lab")
    wait_until(lambda: not any(process_alive(pid) for pid in left), 15.0, "the hosts end")


def test_output_of_lost_cells_lands_where_the_mesh_was_attached(folders: Path) -> None:
    """What a task prints that a lost cell started is shown by the cell that attached, with its host's name."""
    with NotebookKernel() as lost:
        run = opened(lost).run
        run("mesh = %paglet up 1 --detach --name lab").check()
        run(PAGLETS).check()
        run("t = %paglet create Ticker --name t").check()
        run("task = t.send_future('start', {'request': {}})").check()
        lost.kill()
    with NotebookKernel() as notebook:
        cell = opened(notebook).run("%paglet attach lab").check()
        notebook.collect(lambda: "[alpha] tick " in cell.stdout, 10.0, "output")
        assert "tick" not in notebook.run("x = 1").check().stdout
        notebook.run("%paglet cancel t").check()
        assert "CANCELLED" in notebook.run("%paglet wait t").check().text
        notebook.run("%paglet down").check()


async def _async_story() -> None:
    from paglets_nb import AsyncMesh

    async with AsyncMesh(1, name="lab") as mesh:
        await mesh.create(Counter, name="c")
        await mesh.detach()
    assert AsyncMesh.list() == ["lab"]
    mesh = await AsyncMesh.attach("lab")
    async with mesh:
        assert (await mesh.paglet("c")).name == "c"
    assert AsyncMesh.list() == ["lab"]
    mesh = await AsyncMesh.attach("lab")
    await mesh.stop()


def test_the_awaited_twins(folders: Path) -> None:
    """AsyncMesh detaches and attaches in the same way."""
    import anyio

    anyio.run(_async_story)
