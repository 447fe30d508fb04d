"""Hosts end in the middle of things, and their supervisor goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from paglets_nb import Mesh
from paglets_nb.mesh.handles import HostHandle
from paglets_nb.testing import wait_until

PRINTING = "while True:\n    print('x' * 100, flush=True)"


class Counting:
    """Counts what is put out."""

    count = 0

    def stream(self, name: str, text: str) -> None:
        """Text."""
        self.count += 1

    def display(self, data: object, metadata: object, transient: object, update: bool) -> None:
        """Nothing displays here."""

    def error(self, ename: str, evalue: str, traceback: list[str]) -> None:
        """Nothing fails here."""

    def clear(self, wait: bool) -> None:
        """Nothing clears here."""


def kill(host: HostHandle) -> None:
    """Kill a host and wait until it is up again."""
    before = host.pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: host.state == "up" and host.pid != before, timeout=30.0)


@pytest.mark.parametrize("end", [HostHandle.restart, kill], ids=["restart", "kill"])
def test_a_host_ends_while_its_output_comes(end: Callable[[HostHandle], None]) -> None:
    """Whatever has just come then: it comes up again, and what executed ends as died."""
    with Mesh(["alpha"], restarts=5) as mesh:
        for _ in range(5):
            sink = Counting()
            running = mesh["alpha"].submit_code(PRINTING, sink=sink)
            wait_until(lambda sink=sink: sink.count > 100, timeout=30.0)
            end(mesh["alpha"])
            assert running.result(10.0).status == "died"
        assert mesh["alpha"].run_code("1 + 1", sink=Counting()).status == "ok"
