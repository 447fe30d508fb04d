"""Searches over real hosts: hits before the end, readers and hosts that are killed, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paglets_nb import Mesh
from paglets_nb.agents.search import grep
from paglets_nb.agents.search_client import Search, resume
from paglets_nb.platform import dying_with_us, process_alive
from paglets_nb.testing import wait_until

ROOT = Path(__file__).resolve().parents[2]
FILES, LINES = 40, 50
HITS = 2 * FILES * LINES


class Held:
    """A folder full of hits, and a pipe that keeps every search of both waiting until it is let go."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "tree"
        self.tree.mkdir()
        for number in range(FILES):
            (self.tree / f"{number}.txt").write_text("".join(f"hit {line}\n" for line in range(LINES)))
        self._fifo = folder / "fifo"
        os.mkfifo(self._fifo)
        self._held = os.open(self._fifo, os.O_RDWR)
        self.paths = [str(self.tree), str(self._fifo)]

    def let_go(self) -> None:
        """The pipe ends, and with it the searches; those that come to it only now find an empty file."""
        held, self._held = self._held, -1
        if held >= 0:
            empty = self._fifo.with_name("empty")
            empty.touch()
            empty.replace(self._fifo)
            os.close(held)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    """Let go at the end of the test at the latest."""
    made = Held(tmp_path)
    yield made
    made.let_go()


def ripgreps(pid: int) -> list[int]:
    """The searches that a process runs."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if Path(f"/proc/{child}/comm").read_text().strip() in ("rg", "setpriv"):
                found.append(int(child))
    return found


def places(search: Search) -> set[str]:
    """Host and place of each hit that was read."""
    return {f"{hit.host} {hit.where()}" for hit in search[:]}


def test_hits_are_there_while_hosts_still_search(mesh: Mesh, held: Held) -> None:
    """Every hit of both hosts is read before either has ended; then the summary says that both did."""
    search = grep(mesh, "hit", *held.paths)
    batches = search.batches()
    while len(search) < HITS:
        next(batches)
    assert not search.summary().done
    assert all(len(ripgreps(host.pid)) == 1 for host in mesh)
    held.let_go()
    assert list(batches) == []
    assert [totals.status for totals in search.summary().hosts] == ["done", "done"]
    assert [totals.hits for totals in search.summary().hosts] == [HITS // 2, HITS // 2]
    wait_until(lambda: mesh.paglets() == [])


def test_a_killed_reader_is_followed_by_another(mesh: Mesh, held: Held, tmp_path: Path) -> None:
    """It goes on behind the last hit that was written down; none is lost, none comes twice."""
    search = grep(mesh, "hit", *held.paths, keep=True)
    notes = tmp_path / "notes"
    notes.touch()
    command = [sys.executable, "-m", "tests.integration.search_reader", search.proxy.host_url, search.proxy.agent_id]
    reader = subprocess.Popen([*command, str(notes)], cwd=ROOT)
    try:
        wait_until(lambda: notes.read_bytes().count(b"\n") >= 20, 30.0, "the reader's first hits")
    finally:
        reader.send_signal(signal.SIGKILL)
        reader.wait(10)
    written = [line.split(" ", 1) for line in notes.read_text().splitlines()]
    last = int(written[-1][0])
    assert 20 <= last <= HITS
    held.let_go()
    rest = resume(search.proxy, last).wait()
    cursors = [int(cursor) for cursor, _place in written] + [hit.cursor for hit in rest[:]]
    assert cursors == list(range(1, HITS + 1))
    assert len({place for _cursor, place in written} | places(rest)) == HITS
    search.close()


def test_a_stop_kills_the_searches(mesh: Mesh, held: Held) -> None:
    """What was found can still be read."""
    search = grep(mesh, "hit", *held.paths)
    running = wait_until(
        lambda: found if len(found := [pid for host in mesh for pid in ripgreps(host.pid)]) == 2 else 0
    )
    search.cancel()
    wait_until(lambda: not any(process_alive(pid) for pid in running))
    assert search.wait().summary().cancelled
    wait_until(lambda: mesh.paglets() == [])


def test_a_killed_host_ends_its_search(mesh: Mesh, held: Held) -> None:
    """Its ripgrep dies with it, its part fails, and the other's hits are all there."""
    search = grep(mesh, "hit", *held.paths)
    victim = mesh["beta" if search.proxy.host_url == mesh["alpha"].url else "alpha"]
    [searching] = wait_until(lambda: ripgreps(victim.pid))
    batches = search.batches()
    while len(search) < HITS:
        next(batches)
    os.kill(victim.pid, signal.SIGKILL)
    if dying_with_us():
        wait_until(lambda: not process_alive(searching))
    wait_until(lambda: victim.name in search.summary().errors, 20.0, "the host's failure")
    held.let_go()
    assert list(batches) == []
    assert search.summary().errors == {victim.name: "it is gone, and its search with it"}
    assert len(places(search)) == HITS
    wait_until(lambda: mesh[victim.name].state == "up", 20.0)
