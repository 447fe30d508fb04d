"""What presses of a cancel button do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb import Host
from paglets_nb.patterns.task_client import TaskClient
from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.widgets.cancel_presses import CancelPresses, mesh_of
from tests.unit.widgets.conftest import Done, Steps, Worker, wait_until

STOP = threading.Event()


class Stubborn(Worker):
    """A task that does not look whether it is cancelled."""

    def run_task(self, request: Steps) -> Done:
        """Turn round and round."""
        while not STOP.is_set():
            self.report_progress(0.5)
        return Done(1)


@pytest.fixture
def stubborn(host: Host) -> Iterator[Any]:
    """A task that has to be interrupted, running."""
    STOP.clear()
    client = TaskClient.for_paglet(host.create(Stubborn), Stubborn)
    handle = client.submit(Steps())
    wait_until(lambda: client.status().progress > 0)
    yield handle
    STOP.set()


def test_a_press_cancels_and_says_how(client: TaskClient[Any]) -> None:
    """A task that looks stops when it is asked to."""
    changes: list[str] = []
    handle = client.submit(Steps(1000))
    presses = CancelPresses(handle, lambda: changes.append(presses.label))
    presses.press()
    wait_until(lambda: not presses.busy and presses.words)
    assert handle.wait(5).status is TaskStatus.CANCELLED
    assert "asked to stop" in presses.words
    assert presses.words.endswith("it has ended")
    assert changes == ["Interrupt", "Cancel"]


def test_a_second_press_interrupts_at_once(stubborn: Any) -> None:
    """Instead of when the time of the first step is over."""
    presses = CancelPresses(stubborn, lambda: None, cooperative=600)
    presses.press()
    wait_until(lambda: presses.label == "Interrupt")
    assert "in 600 s it will be interrupted" in presses.words
    presses.press()
    assert stubborn.wait(5).status is TaskStatus.CANCELLED
    wait_until(lambda: not presses.busy)
    assert "then interrupted" in presses.words


def test_the_seconds_that_are_left_are_told(stubborn: Any) -> None:
    """As they pass, in each step."""
    told: list[str] = []
    presses = CancelPresses(stubborn, lambda: told.append(presses.words), cooperative=1.2)
    presses.press()
    wait_until(lambda: not presses.busy)
    assert told[:2] == [
        "asked to stop; in 1.2 s it will be interrupted",
        "asked to stop; in 1 s it will be interrupted",
    ]


def test_a_restart_is_asked_for(stubborn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing helps the button says what is left, and the next press is the answer to it."""
    monkeypatch.setattr("paglets_nb.host.interrupts._raise_in", lambda *_given: None)
    presses = CancelPresses(stubborn, lambda: None, cooperative=0.01, interrupt=0.01)
    presses.press()
    wait_until(lambda: not presses.busy and presses.label == "Restart anyway")
    assert presses.words.endswith("it goes on")
    assert mesh_of(stubborn.proxy) is None
    presses.press()
    wait_until(lambda: not presses.busy and "there is no mesh to do it" in presses.words)


def test_what_goes_wrong_is_said(client: TaskClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the words of the button, which can be pressed again."""
    handle = client.submit(Steps(2))

    def fail(_self: Any) -> None:
        raise ValueError("no <luck>")

    monkeypatch.setattr("paglets_nb.mesh.cancelling.Cancelling.run", fail)
    presses = CancelPresses(handle, lambda: None)
    presses.press()
    wait_until(lambda: not presses.busy and presses.words)
    assert presses.words == "it could not be cancelled: ValueError: no <luck>"
    assert presses.label == "Cancel"
