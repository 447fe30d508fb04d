"""The whole runtime from a notebook's kernel: modules from cells, upgrades, drains, files, hosts that come and go."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.notebook_kernel import NotebookKernel

MODULE = """%%paglet define stages
from dataclasses import dataclass
from paglets_nb import OperationPaglet, PagletState, ServiceOperation

@dataclass
class StageState(PagletState):
    done: int = 0

@dataclass(frozen=True)
class By:
    by: int = 1

STEP = ServiceOperation("step", By, By)

class Stage(OperationPaglet[StageState]):
    durability = "lifecycle"

    def operation_handlers(self):
        return {STEP: self.step}

    def step(self, request):
        if request.by < 0:
            raise ValueError("only forward")
        self.state.done += request.by
        return By(self.state.done)
"""
FEED = """
from paglets_nb import Paglet
from paglets_nb.patterns import CURSOR_DRAIN, CursorDrainMixin, CursorDrainState

class Feed(CursorDrainMixin, Paglet[CursorDrainState]):
    Drain = CURSOR_DRAIN

    def handle_message(self, message):
        if message.kind == "put":
            return self.cursor_append_events([{"n": message.args["n"]}])
        return super().handle_message(message)
"""
COUNTER = """
from dataclasses import dataclass
from paglets_nb import OperationPaglet, PagletState, ServiceOperation

@dataclass
class Tally(PagletState):
    count: int = 0

@dataclass(frozen=True)
class Add:
    by: int = 1

@dataclass(frozen=True)
class Total:
    count: int

ADD = ServiceOperation("add", Add, Total)

class Counter(OperationPaglet[Tally]):
    def operation_handlers(self):
        return {ADD: self.add}

    def add(self, request):
        self.state.count += request.by
        return Total(self.state.count)
"""


def _html(cell: object) -> str:
    """Everything a cell showed as HTML."""
    return "\n".join(str(bundle.get("text/html", "")) for bundle in cell.bundles)  # type: ignore[attr-defined]


def _refused(notebook: NotebookKernel, code: str) -> str:
    """Run a cell that must end in one line of usage error."""
    cell = notebook.run(code)
    assert cell.status == "error" or "UsageError" in cell.stderr, cell
    assert "Traceback" not in cell.stderr + cell.traceback
    return cell.stderr + cell.evalue


def test_hosts_find_what_the_notebook_finds(notebook: NotebookKernel, tmp_path: Path) -> None:
    """A folder that the notebook put into sys.path before is there on the hosts, as early as it stands here."""
    (tmp_path / "only_here.py").write_text("VALUE = 42\n")
    notebook.run("%load_ext paglets_nb").check()
    notebook.run(f"import sys; sys.path.insert(1, {str(tmp_path)!r})").check()
    notebook.run("%paglet up 1").check()
    cell = notebook.run("%%paglet on alpha\nimport sys, only_here\nprint(only_here.VALUE, sys.path[0] == '')").check()
    assert cell.stdout == "42 True\n"


def test_a_module_from_a_cell_lives_everywhere(shared_notebook: NotebookKernel) -> None:
    """Its paglets are made on any host, also one that starts later or again, and durable ones come back with it."""
    run = shared_notebook.run
    assert "defined here and on alpha, beta" in _text(run(MODULE).check())
    run("st = %paglet create stages.Stage --on alpha --name st").check()
    assert run("%paglet call st step by=3").check().text == "By(by=3)"
    failed = run("%paglet call st step by=-1")
    assert failed.ename == "ValueError"
    assert re.search(r'File ".*<stages>", line \d+.*in step', _plain(failed.traceback))
    assert 'raise ValueError("only forward")' in _plain(failed.traceback)
    run("%paglet deactivate st").check()
    run("%paglet activate st").check()
    run("%paglet restart alpha").check()
    assert run("%paglet call st step by=1").check().text == "By(by=4)"
    run("%paglet add later").check()
    assert run("%paglet dispatch st later").check()
    assert run("%paglet call st step by=1").check().text == "By(by=5)"
    moved = run("%paglet remove later").check()
    assert "st" in moved.text
    assert run("%paglet call st step by=1").check().text == "By(by=6)"
    run("%paglet dispose st").check()


def _text(cell: object) -> str:
    return "\n".join(str(bundle.get("text/plain", "")) for bundle in cell.bundles)  # type: ignore[attr-defined]


def _plain(traceback: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", traceback)


def test_a_class_is_upgraded_where_it_runs(shared_notebook: NotebookKernel) -> None:
    """The class's cell run again and one line: the same paglet, its count, the new code."""
    run = shared_notebook.run
    run(COUNTER).check()
    run("c = %paglet create Counter --on beta --name tally count=40").check()
    run(COUNTER.replace("return Total(self.state.count)", "return Total(-self.state.count)")).check()
    assert run("%paglet call tally add").check().text == "Total(count=41)"
    shown = run("%paglet upgrade Counter").check()
    assert "upgraded" in shown.text
    assert "<table>" in _html(shown)
    assert run("%paglet call tally add").check().text == "Total(count=-42)"
    run("%paglet dispose tally").check()


@pytest.fixture
def feed(shared_notebook: NotebookKernel) -> NotebookKernel:
    """The notebook with a paglet that keeps two events."""
    shared_notebook.run(FEED).check()
    shared_notebook.run("f = %paglet create Feed --on beta").check()
    shared_notebook.run("for n in (1, 2): f.send('put', {'n': n})").check()
    return shared_notebook


def test_a_drain_cell_runs_until_the_stop_button(feed: NotebookKernel) -> None:
    """It shows each event as it comes, ends quietly when interrupted, and goes on behind the last one."""
    cell = feed.send("%%paglet drain f\nprint('event', event['n'])")
    feed.collect(lambda: "event 2" in cell.stdout, 20, "the second event")
    assert not cell.status
    feed.manager.interrupt_kernel()
    feed.finish(cell).check()
    assert cell.stdout.endswith("stopped\n")
    assert "2 events, up to cursor 2" in _text(cell)
    feed.run("f.send('put', {'n': 3})").check()
    again = feed.run("%%paglet drain f --no-follow\nprint('event', event['n'])").check()
    assert again.stdout == "event 3\n"


@pytest.mark.parametrize(
    ("line", "shown"),
    [("drain f --follow", "<table>"), ("events --follow", "<table>"), ("log alpha --follow", "a line")],
)
def test_what_follows_ends_with_the_stop_button(feed: NotebookKernel, line: str, shown: str) -> None:
    """The cell ends quietly, with what has come so far."""
    feed.run("with mesh['alpha'].log_path.open('a') as log: print('a line', file=log)").check()
    cell = feed.send(f"%paglet {line}")
    feed.collect(lambda: shown in _html(cell) + cell.stdout, 20, "what has come so far")
    feed.manager.interrupt_kernel()
    feed.finish(cell).check()
    assert cell.stdout.endswith("stopped\n")
    assert shown in _html(cell) + cell.stdout


def test_replies_show_as_they_come(feed: NotebookKernel) -> None:
    """The table of a multicast is there before the last reply, and stays in the notebook."""
    feed.run(
        COUNTER + "\nimport time\nclass Slow(Paglet[PagletState]):\n"
        "    def handle_message(self, message):\n        time.sleep(0.5)\n        return 'late'"
    ).check()
    feed.run("q = %paglet create Counter --name quick").check()
    feed.run("s = %paglet create Slow --name slow").check()
    cell = feed.run("%paglet multicast add quick slow by=2").check()
    shown = [bundle.get("text/html", "") for bundle in cell.bundles]
    assert any("quick" in html and "slow" not in html for html in shown)
    assert "slow" in shown[-1]
    assert "late" in cell.text
    feed.run("%paglet dispose quick slow").check()


def test_files_go_and_come(shared_notebook: NotebookKernel, tmp_path: Path) -> None:
    """A file is pushed, and pulled again; both are shown as cards, and nothing stays on the hosts."""
    source = tmp_path / "data.bin"
    source.write_bytes(bytes(range(256)) * 4096)
    pushed = shared_notebook.run(f"%paglet push {source} beta:{tmp_path}/there/").check()
    assert (tmp_path / "there" / "data.bin").read_bytes() == source.read_bytes()
    assert pushed.text.startswith("copied     data.bin (1.0 MiB)")
    assert "<table>" in _html(pushed)
    shared_notebook.run(f"%paglet pull beta:{tmp_path}/there/data.bin {tmp_path}/back.bin --move").check()
    assert (tmp_path / "back.bin").read_bytes() == source.read_bytes()
    assert not (tmp_path / "there" / "data.bin").exists()
    assert "FileExistsError" in _refused(shared_notebook, f"%paglet push {source} beta:{tmp_path}/back.bin")
    listed = shared_notebook.run("%paglet ls").check()
    assert "FileGrabber" not in listed.text
    assert "FileCarrier" not in listed.text


SLOW_DISK = """%%paglet on beta
import time
from paglets_nb.host import file_transfer

fast = file_transfer.copy_range, file_transfer.reflink, file_transfer._STEP

def slowly(source, target, offset, count):
    time.sleep(0.05)
    return fast[0](source, target, offset, count)

file_transfer.copy_range, file_transfer.reflink, file_transfer._STEP = slowly, lambda *_ends: False, 4096
"""
FAST_DISK = "%%paglet on beta\nfile_transfer.copy_range, file_transfer.reflink, file_transfer._STEP = fast"


def test_the_stop_button_turns_a_file_back(shared_notebook: NotebookKernel, tmp_path: Path) -> None:
    """A push to a slow disk shows its bytes while they go; stopped, it leaves nothing there, and the source whole."""
    run = shared_notebook.run
    source = tmp_path / "data.bin"
    source.write_bytes(bytes(range(256)) * 4096)
    run(SLOW_DISK).check()
    try:
        cell = shared_notebook.send(f"%paglet push {source} beta:{tmp_path}/there/")
        shared_notebook.collect(lambda: "of 1.0 MiB carried" in _html(cell), 20, "bytes on their way")
        shared_notebook.manager.interrupt_kernel()
        shared_notebook.finish(cell)
        assert "interrupted" in cell.stderr
        assert "was not brought: cancelled" in cell.stdout
        assert not (tmp_path / "there").exists()
        assert source.stat().st_size == 1 << 20
        assert "File" not in run("%paglet ls").check().text
    finally:
        run(FAST_DISK).check()


def test_a_grabber_brings_one_file_after_the_other(shared_notebook: NotebookKernel, tmp_path: Path) -> None:
    """A grabber of one's own takes its requests as any task does, tells of each file in its cell, and shows it."""
    run = shared_notebook.run
    source = tmp_path / "data.bin"
    source.write_bytes(bytes(range(256)) * 4096)
    run("files = %paglet create paglets_nb.agents.file_grabber:FileGrabber --on alpha --name files").check()
    pushed = run(f"%paglet start files file={source} host=beta destination={tmp_path}/there/ --wait").check()
    assert "<td style='text-align:left;vertical-align:top'>data.bin (1.0 MiB)</td>" in _html(pushed)
    assert f"[alpha] File Grabber: copy alpha:{source} to beta:{tmp_path}/there/\n" in pushed.stdout
    assert f"File Grabber: data.bin (1.0 MiB) is in place: beta:{tmp_path}/there/data.bin\n" in pushed.stdout
    back = f"file={tmp_path}/there/data.bin host=beta direction=pull mode=move destination={tmp_path}/back.bin"
    assert "moved" in _html(run(f"%paglet start files {back} --wait").check())
    assert (tmp_path / "back.bin").read_bytes() == source.read_bytes()
    assert not (tmp_path / "there" / "data.bin").exists()
    assert "ValueError: source is not a file" in _html(run(f"%paglet start files {back} --wait").check())
    assert "grabbed = 2" in run("%paglet info files").check().text
    run("%paglet dispose files").check()


def test_a_grab_from_python(shared_notebook: NotebookKernel, tmp_path: Path) -> None:
    """The same without a magic: a call that answers with what was done."""
    source = tmp_path / "data.bin"
    source.write_bytes(b"12345")
    cell = shared_notebook.run(
        "from paglets_nb.agents.file_grabber import GrabDirection, GrabRequest, grab\n"
        f"done = grab(mesh['alpha'], GrabRequest('{source}', 'beta', '{tmp_path}/new.bin', GrabDirection.PULL))\n"
        "done.source.host_name, done.destination.host_name, done.size_bytes"
    ).check()
    assert cell.text == "('beta', 'alpha', 5)"
    assert (tmp_path / "new.bin").read_bytes() == b"12345"


def test_what_a_retracted_paglet_prints_is_in_the_cell(shared_notebook: NotebookKernel) -> None:
    """Also a verb whose work hosts do among themselves ends when what they print for it has come."""
    shared_notebook.run(
        COUNTER + "\nclass Loud(Counter):\n    def on_arrival(self, event):\n        print('here I am')"
    ).check()
    shared_notebook.run("loud = %paglet create Loud --on beta --name loud").check()
    assert shared_notebook.run("%paglet retract loud").check().stdout == "here I am\n"
    shared_notebook.run("%paglet dispose loud").check()


def test_a_crashs_last_words_are_in_the_log(shared_notebook: NotebookKernel) -> None:
    """A host that dies of a fault is started again, and its log still says what it was."""
    run = shared_notebook.run
    run("import time\nbefore = mesh['beta'].restarts").check()
    died = run("%%paglet on beta\nimport os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert "killed by SIGSEGV" in died.stderr + died.evalue
    run(
        "deadline = time.monotonic() + 20\n"
        "while not (mesh['beta'].restarts > before and mesh['beta'].state == 'up'):\n"
        "    assert time.monotonic() < deadline\n    time.sleep(0.02)"
    ).check()
    assert "Segmentation fault" in run("%paglet log beta --lines 400").check().text
    assert "SIGSEGV" in run("%paglet hosts").check().text


def test_completion_knows_the_new_verbs(shared_notebook: NotebookKernel) -> None:
    """Verbs, hosts and options are offered by the kernel's completer."""
    shared_notebook.run(MODULE).check()
    assert {"drain", "deactivate"} <= set(shared_notebook.complete("%paglet d"))
    assert set(shared_notebook.complete("%paglet restart ")) >= {"alpha", "beta"}
    assert "stages.Stage" in shared_notebook.complete("%paglet create st")
    assert "define" in shared_notebook.complete("%%paglet de")
