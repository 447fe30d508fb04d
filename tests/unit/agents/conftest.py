"""Hosts of one process, a lock folder of the test's own, measures that take a moment, and files to search."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from paglets_nb import Host
from paglets_nb.agents import performance
from paglets_nb.agents.machines import machine_turn
from paglets_nb.agents.performance_measures import MIB
from paglets_nb.agents.performance_plan import Effort
from paglets_nb.testing import in_process_mesh


@pytest.fixture(autouse=True)
def _own_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else's benchmark is waited for."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("locks")))
    monkeypatch.setattr(performance, "QUICK", Effort(0.003, 64 * 1024, MIB))


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Three hosts of one mesh."""
    with in_process_mesh(["alpha", "beta", "gamma"]) as hosts:
        yield hosts


@pytest.fixture
def busy_machine() -> Callable[[], AbstractContextManager[float]]:
    """Holds the machine's turn, so that whoever wants to measure waits."""
    return lambda: machine_turn(timeout=10, stop=threading.Event())


@pytest.fixture
def volume(tmp_path: Path) -> str:
    """A folder to write in."""
    path = tmp_path / "volume"
    path.mkdir()
    return str(path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three files, two of them with hits."""
    folder = tmp_path / "tree"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.py").write_text("import os\nvalue = 1  # the value\n\nprint(value)\n")
    (folder / "deep" / "two.md").write_text("Some value\n")
    (folder / "three.txt").write_text("nothing\n")
    return folder
