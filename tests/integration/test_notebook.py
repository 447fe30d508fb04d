"""The main job from a notebook's kernel: magics, classes from cells, output in its cell."""

from __future__ import annotations

import re

import pytest

from paglets_nb.platform import process_alive
from tests.integration.notebook_kernel import NotebookKernel, wait_until

CLASSES = """
from dataclasses import dataclass
from enum import Enum
from paglets_nb import OperationClient, OperationPaglet, PagletState, ServiceOperation

class Mood(Enum):
    CALM = "calm"
    LOUD = "loud"

@dataclass
class GreeterState(PagletState):
    greeted: int = 0

@dataclass(frozen=True)
class Greet:
    who: str
    times: int = 1
    mood: Mood = Mood.CALM

@dataclass(frozen=True)
class Greeting:
    text: str = ""

GREET = ServiceOperation("greet", Greet, Greeting)
EXPECT = ServiceOperation("expect", Greet, Greeting)

class Unwelcome(Exception):
    pass

def shout(text):
    return text.upper()

class Greeter(OperationPaglet[GreeterState]):
    def operation_handlers(self):
        return {GREET: self.greet, EXPECT: self.expect}

    def greet(self, request):
        print("greeting", request.who)
        if request.who == "nobody":
            raise Unwelcome("there is nobody to greet")
        with self.locked():
            self.state.greeted += request.times
            self.notify_all_state_changed()
        text = "hello " * request.times + request.who
        return Greeting(shout(text) if request.mood is Mood.LOUD else text)

    def expect(self, request):
        assert self.wait_state(lambda: self.state.greeted >= request.times, 10)
        return Greeting(f"{self.state.greeted} greeted")
"""


@pytest.fixture(scope="module")
def greeter(shared_notebook: NotebookKernel) -> NotebookKernel:
    """A notebook with a class from a cell, and a paglet of it on alpha."""
    shared_notebook.run(CLASSES).check()
    shared_notebook.run("g = %paglet create Greeter --on alpha --name greeter").check()
    return shared_notebook


def test_a_class_from_a_cell_lives_on_a_host(greeter: NotebookKernel) -> None:
    """A call by magic converts its fields, enums included, and shows the typed reply."""
    shown = greeter.run("%paglet call greeter greet who=world times=2 mood=loud").check()
    assert shown.text == "Greeting(text='HELLO HELLO WORLD')"
    assert greeter.run("_.text").check().text == "'HELLO HELLO WORLD'"


def test_a_fields_value_may_have_spaces_and_variables(greeter: NotebookKernel) -> None:
    """Quotes keep a value together; IPython's own expansion works in it."""
    greeter.run("name = 'big world'").check()
    shown = greeter.run('%paglet call greeter greet who="{name}" times=1').check()
    assert shown.text == "Greeting(text='hello big world')"


def test_what_a_paglet_prints_lands_in_the_cell_that_called(greeter: NotebookKernel) -> None:
    """What a handler prints is there when the calling cell ends, by magic or by a plain call."""
    assert "greeting first" in greeter.run("%paglet call greeter greet who=first").check().stdout
    assert "greeting second" in greeter.run("g.send('greet', {'who': 'second'})").check().stdout


def test_late_output_finds_its_cell(greeter: NotebookKernel) -> None:
    """What is printed after its cell has ended goes there, not to the cell that runs by then."""
    greeter.run(
        """
import time
LATER = ServiceOperation("later", Greet, Greeting)
class Late(OperationPaglet[GreeterState]):
    def operation_handlers(self):
        return {LATER: self.later}
    def later(self, request):
        time.sleep(0.7)
        print("late greeting to", request.who)
        return Greeting()
late = mesh.create(Late)
"""
    ).check()
    first = greeter.run("OperationClient(late).submit(LATER, Greet('first')); None").check()
    assert "greeting" not in first.stdout
    second = greeter.run("time.sleep(1.5)").check()
    greeter.collect(lambda: "late greeting to first" in first.stdout, 5, "the output")
    assert "greeting" not in second.stdout


def test_a_parent_from_a_cell_waits_for_what_children_report(greeter: NotebookKernel) -> None:
    """A cell's class may wait in one operation for what another records, like any other."""
    greeter.run(
        "waiting = OperationClient(g).submit(EXPECT, Greet('x', times=g.info()['state']['greeted'] + 2))"
    ).check()
    greeter.run("%paglet call greeter greet who=a\n%paglet call greeter greet who=b").check()
    assert "greeted" in greeter.run("waiting.get_reply(5).text").check().text


def test_running_the_cell_again_ships_the_new_version(greeter: NotebookKernel) -> None:
    """New paglets use the new text of the class, and of a function it calls; the old ones keep theirs."""
    greeter.run(CLASSES.replace('"hello "', '"good day "')).check()
    greeter.run("new = %paglet create Greeter --on alpha").check()
    assert greeter.run("%paglet call new greet who=you").check().text == "Greeting(text='good day you')"
    assert greeter.run("%paglet call greeter greet who=you").check().text == "Greeting(text='hello you')"
    greeter.run("def shout(text): return text + '!'").check()
    greeter.run("newer = %paglet create Greeter --on beta").check()
    assert greeter.run("%paglet call newer greet who=you mood=loud").check().text.endswith("you!')")
    assert greeter.run("%paglet call new greet who=you mood=loud").check().text.endswith("YOU')")


def test_a_cells_own_exception_crosses_and_shows_both_sides(greeter: NotebookKernel) -> None:
    """The exception is of the notebook's own class and shows the lines of the cell that raised it."""
    greeter.run("try:\n    g.send('greet', {'who': 'nobody'})\nexcept Unwelcome as e:\n    caught = str(e)").check()
    assert greeter.value("caught") == "there is nobody to greet"
    failed = greeter.run("%paglet call greeter greet who=nobody")
    text = re.sub(r"\x1b\[[0-9;]*m", "", failed.traceback)
    assert failed.ename == "Unwelcome"
    assert 'raise Unwelcome("there is nobody to greet")' in text
    assert "on alpha, Greeter" in text
    assert "paglets_nb/" not in text


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%paglet cal greeter greet", "unknown verb 'cal'; did you mean 'call'"),
        ("%paglet call greter greet", "'greter'"),
        ("%paglet call greeter gret", "'gret'"),
        ("%paglet call greeter greet whom=x", "no field 'whom'"),
        ("%paglet call greeter greet who=x times=often", "field 'times' wants int, got 'often'"),
        ("%paglet call greeter greet who=x mood=sad", "mood"),
        ("%paglet call greeter greet", "who"),
        ("%paglet create Nothing", "Nothing"),
        ("%paglet create Greeter --on gamma", "no host 'gamma' in the mesh (hosts: alpha, beta)"),
        ("%paglet create Greeter --name greeter", "the name 'greeter' is taken"),
        ("%paglet create Greeter greeted=many", "greeted"),
        ("%paglet dispatch greeter gamma", "no host 'gamma'"),
        ("%paglet call greeter greet who=x --timeout 0", "timeout"),
        ("%paglet up 3", "up already"),
        ("%%paglet on gamma\n1", "no host 'gamma'"),
    ],
)
def test_a_mistake_is_one_line(greeter: NotebookKernel, line: str, says: str) -> None:
    """Every mistake is a single UsageError line that names what was wrong."""
    cell = greeter.run(line)
    assert cell.stderr.startswith("UsageError: ")
    assert says in cell.stderr
    assert cell.stderr.count("\n") == 1
    assert not cell.traceback or cell.ename == "UsageError"


def test_a_cell_runs_on_hosts(greeter: NotebookKernel) -> None:
    """``%%paglet on`` runs the cell over there, with each host's output and its errors here."""
    pids = greeter.value("[host.pid for host in mesh]")
    shown = greeter.run("%%paglet on all\nimport os\nprint('pid', os.getpid())").check()
    assert sorted(re.findall(r"\[(\w+)\] pid (\d+)", shown.stdout)) == [("alpha", str(pids[0])), ("beta", str(pids[1]))]
    failed = greeter.run("%%paglet on beta\n1/0")
    assert "ZeroDivisionError" in failed.stderr
    assert "beta" in failed.stderr.splitlines()[-1]
    assert greeter.run("%%paglet on beta\nprint('still', 'here')").check().stdout == "still here\n"


def test_a_remote_cell_is_interrupted_with_its_notebook(greeter: NotebookKernel) -> None:
    """The stop button ends the cell over there, and the host executes the next one."""
    cell = greeter.send("%%paglet on alpha\nimport time\nprint('begun', flush=True)\nwhile True: time.sleep(0.1)")
    greeter.collect(lambda: "begun" in cell.stdout, 10, "it runs")
    greeter.manager.interrupt_kernel()
    greeter.finish(cell, 15)
    assert greeter.run("%%paglet on alpha\nprint('free')").check().stdout == "free\n"


def test_completion_knows_the_mesh(greeter: NotebookKernel) -> None:
    """Verbs, hosts, paglets, operations and fields are completed from what there is."""
    assert {"call", "cancel"} <= set(greeter.complete("%paglet ca"))
    assert greeter.complete("%paglet dispatch greeter al") == ["alpha"]
    assert "greeter" in greeter.complete("%paglet call gree")
    assert greeter.complete("%paglet call greeter gr") == ["greet"]
    assert greeter.complete("%paglet call greeter greet ti") == ["times="]
    assert "--name" in greeter.complete("%paglet create --na")
    assert "Greeter" in greeter.complete("%paglet create Gree")


def test_a_task_from_a_cell_is_watched(greeter: NotebookKernel) -> None:
    """``%paglet start --wait`` shows a progress view and ends with the typed result."""
    greeter.run(
        """
from paglets_nb import TaskPaglet, TaskState
@dataclass(frozen=True)
class Count:
    to: int = 3
@dataclass(frozen=True)
class Counted:
    total: int = 0
class CountTask(TaskPaglet[Count, Counted, TaskState]):
    Request = Count
    Result = Counted
    def run_task(self, request):
        for i in range(request.to):
            self.report_progress(i / request.to, f"at {i}")
            self.wait_state(lambda: self.state.cancelling, 0.05)
            self.check_cancelled()
        return Counted(request.to)
"""
    ).check()
    greeter.run("t = %paglet create CountTask --on beta").check()
    greeter.run("handle = %paglet start t to=4 --wait").check()
    assert greeter.run("handle.result(5)").check().text == "Counted(total=4)"
    cell = greeter.run("%paglet status t").check()
    assert "COMPLETED" in cell.text
    greeter.run("handle = %paglet start t to=1000").check()
    assert "RUNNING" in greeter.run("%paglet status t").check().text
    greeter.run("%paglet cancel t").check()
    assert "CANCELLED" in greeter.run("%paglet wait t").check().text


def test_unloading_leaves_nothing_behind() -> None:
    """After ``%unload_ext`` there are no hosts, magics, matchers, hooks or formatters of ours."""
    with NotebookKernel() as kernel:
        look = (
            "ip = get_ipython(); seen = (len(ip.Completer.custom_matchers), "
            "{k: len(v) for k, v in ip.events.callbacks.items()}, "
            "[len(f.type_printers) for f in ip.display_formatter.formatters.values()], "
            "sorted(m for kind in ip.magics_manager.magics.values() for m in kind))"
        )
        kernel.run(look).check()
        before = kernel.value("seen")
        kernel.run("%load_ext paglets_nb").check()
        kernel.run("mesh = %paglet up 2").check()
        pids = kernel.value("[host.pid for host in mesh]")
        kernel.run("%unload_ext paglets_nb").check()
        wait_until(lambda: not any(process_alive(pid) for pid in pids), 5, "the hosts end")
        kernel.run(look).check()
        assert kernel.value("seen") == before
        assert "not found" in kernel.run("%paglet ls").stderr
