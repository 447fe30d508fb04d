"""Faults at named points, once each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from paglets_nb.host.failpoints import POINTS, InjectedFaultError, arm, failpoint


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    """No point stays armed."""
    yield
    arm("")


def test_a_point_acts_once() -> None:
    """An armed point raises the first time it is passed, and no other does."""
    arm("source.prepared", "raise")
    for name in POINTS:
        if name != "source.prepared":
            failpoint(name)
    with pytest.raises(InjectedFaultError, match=r"source\.prepared"):
        failpoint("source.prepared")
    failpoint("source.prepared")


def test_disarming() -> None:
    """An empty name disarms, and arming another point disarms the first."""
    arm("source.told", "raise")
    arm("")
    failpoint("source.told")
    arm("source.told", "raise")
    arm("target.built", "raise")
    failpoint("source.told")


@pytest.mark.parametrize(("name", "action"), [("nowhere", "raise"), ("source.told", "explode")])
def test_what_is_none(name: str, action: str) -> None:
    """An unknown point or action is refused with those there are."""
    with pytest.raises(ValueError, match=r"no (failpoint 'nowhere' \(failpoints: source|action 'explode' \(actions: )"):
        arm(name, action)


@pytest.mark.parametrize(("action", "number"), [("kill", signal.SIGKILL), ("stop", signal.SIGSTOP)])
def test_another_process_is_signalled(action: str, number: int) -> None:
    """``kill`` and ``stop`` act on the process named, at once."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        arm("target.active", action, child.pid)
        failpoint("target.active")
        _pid, status = os.waitpid(child.pid, os.WUNTRACED)
        assert (os.WTERMSIG(status) if action == "kill" else os.WSTOPSIG(status)) == number
    finally:
        child.kill()
        child.communicate()


def test_the_process_itself() -> None:
    """Without a process named, the one that passes the point is killed."""
    program = "from paglets_nb.host.failpoints import *; arm('target.active'); failpoint('target.active')"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
