"""Processes that end with their owner, and such that do not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paglets_nb.platform import process_alive
from paglets_nb.testing import wait_until

GUARDED = """
import ctypes, os, sys
from paglets_nb.mesh import owner_guard
from paglets_nb.mesh.owner_guard import OwnerGuard

guard = OwnerGuard()
guard.on_alone = lambda: print("alone", guard.alone_since > 0, flush=True)
guard.on_owned = lambda: print("owned", flush=True)
guard.may_go_on = lambda: not os.path.exists("ended")
owner_guard._LOOK_ALONE = 0.05
guard.start(os.getppid())
print("up", os.getpid(), flush=True)
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "own":
        owner, outlive = rest.split()
        print("done", guard.own(int(owner or 0), outlive == "1"), flush=True)
    else:
        print("held", flush=True)
        ctypes.PyDLL(None).sleep(60)  # the interpreter is held
"""
OWNER = """
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True)
print("owner", os.getpid(), flush=True)
import signal
signal.pause()
"""


class Pair:
    """An owner and the process that it started, which speaks through the owner's streams."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", OWNER, GUARDED]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder)
        said = dict([self.line().split(), self.line().split()])
        self.owner, self.pid = int(said["owner"]), int(said["up"])

    def line(self) -> str:
        """The next line that was said."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, text: str) -> str:
        """Say a line; the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()
        return self.line()

    def kill_owner(self) -> None:
        """Kill -9 the owner."""
        self.process.kill()
        self.process.wait(5.0)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A pair, of which nothing is left afterwards."""
    made = Pair(tmp_path)
    yield made
    for pid in (made.owner, made.pid):
        if process_alive(pid):
            os.kill(pid, signal.SIGKILL)
    made.process.wait(5.0)
    for stream in (made.process.stdin, made.process.stdout):
        assert stream is not None
        stream.close()


def ends(pid: int) -> Callable[[], bool]:
    """Whether a process has ended."""
    return lambda: not process_alive(pid)


def test_it_ends_with_its_owner(pair: Pair) -> None:
    """Also while the interpreter is held in C."""
    assert pair.ask("hold") == "held"
    pair.kill_owner()
    wait_until(ends(pair.pid), 5.0)


def test_it_goes_on_where_it_was_told_to(pair: Pair) -> None:
    """It says that it is alone, has another owner then, and outlives that one as well."""
    assert pair.ask(f"own {pair.owner} 1") == "owned"
    assert pair.line() == "done True"
    pair.kill_owner()
    assert pair.line() == "alone True"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as second:
        assert pair.ask(f"own {second.pid} 1") == "owned"
        assert pair.line() == "done True"
        second.kill()
    assert pair.line() == "alone True"
    assert pair.ask("own 0 1") == "alone True"
    assert process_alive(pair.pid)


def test_it_ends_where_nobody_can_own_it_any_more(pair: Pair, tmp_path: Path) -> None:
    """Alone, with what leads to it gone, it ends; with an owner it does not look."""
    assert pair.ask(f"own {pair.owner} 1") == "owned"
    assert pair.line() == "done True"
    (tmp_path / "ended").touch()
    assert pair.ask(f"own {pair.owner} 1") == "owned"
    assert pair.line() == "done True"
    pair.kill_owner()
    assert pair.line() == "alone True"
    wait_until(ends(pair.pid), 5.0)


def test_it_can_be_told_to_end_with_its_owner_after_all(pair: Pair) -> None:
    """What it was told last counts."""
    assert pair.ask(f"own {pair.owner} 1") == "owned"
    assert pair.line() == "done True"
    assert pair.ask(f"own {pair.owner} 0") == "owned"
    assert pair.line() == "done True"
    pair.kill_owner()
    wait_until(ends(pair.pid), 5.0)
