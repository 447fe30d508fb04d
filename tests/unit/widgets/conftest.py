"""A host in this process and a task on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from paglets_nb import Host, TaskPaglet, TaskState
from paglets_nb.patterns.task_client import TaskClient
from paglets_nb.testing import in_process_mesh
from tests.unit.experiments.conftest import GATES, LocalMesh


@dataclass(frozen=True)
class Steps:
    """How many steps, and how it ends."""

    steps: int = 1
    fail: bool = False


@dataclass(frozen=True)
class Done:
    """What was done."""

    steps: int
    note: str = "<b>"


class Worker(TaskPaglet[Steps, Done, TaskState]):
    """Takes short steps until it is done or cancelled."""

    Request = Steps
    Result = Done

    def run_task(self, request: Steps) -> Done:
        """Take the steps."""
        for step in range(request.steps):
            self.report_progress(step / request.steps, f"step {step}")
            self.wait_state(lambda: self.state.cancelling, 0.02)
            self.check_cancelled()
        if request.fail:
            raise ValueError("no <luck>")
        return Done(request.steps)


@pytest.fixture
def host() -> Iterator[Host]:
    """A host without a kernel."""
    with Host("alpha") as running:
        yield running


@pytest.fixture
def client(host: Host) -> TaskClient[Any]:
    """The client of a fresh Worker."""
    return TaskClient.for_paglet(host.create(Worker), Worker)


def wait_until(condition: Any, timeout: float = 5.0) -> None:
    """Wait until ``condition()`` holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.005)


@pytest.fixture
def mesh() -> Iterator[LocalMesh]:
    """A mesh of two hosts without kernels."""
    with in_process_mesh(["alpha", "beta"]) as hosts:
        made = LocalMesh(hosts)
        yield made
        made.client.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What an ``Adder`` waits for whose request names the gate ``gate``; opened at the end."""
    GATES["gate"] = threading.Event()
    yield GATES["gate"]
    GATES["gate"].set()
