"""A host of a mesh, as its user holds it; one real host of one kernel."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb.errors import CallTimeoutError, HostDiedError, RemoteHostError
from paglets_nb.mesh.handles import HostHandle
from paglets_nb.mesh.mesh import Mesh
from paglets_nb.testing import AddRequest, Counter, TotalReply, wait_until
from tests.unit.mesh.made import new_record


class Sink:
    """Notes the text that code puts out."""

    def __init__(self) -> None:
        self.text = ""

    def stream(self, _name: str, text: str) -> None:
        """Text."""
        self.text += text

    def display(self, *_bundle: Any) -> None:
        """Nothing is displayed here."""

    def error(self, ename: str, evalue: str, _traceback: list[str]) -> None:
        """An error."""
        self.text += f"{ename}: {evalue}"

    def clear(self, _wait: bool) -> None:
        """Nothing to clear."""


@pytest.fixture(scope="module")
def mesh() -> Iterator[Mesh]:
    """A mesh of one host."""
    with Mesh(1) as mesh:
        yield mesh


@pytest.fixture
def handle(mesh: Mesh) -> HostHandle:
    """Its host."""
    return mesh.hosts()[0]


def test_what_it_shows(mesh: Mesh, handle: HostHandle) -> None:
    """Name, address, process and state are those of a living process of its own."""
    assert (handle.name, handle.state, handle.reason, handle.restarts) == ("alpha", "up", "", 0)
    assert handle.pid != os.getpid()
    os.kill(handle.pid, 0)
    assert handle.url.endswith("/alpha.sock")
    assert repr(handle) == f"<Host alpha up, pid {handle.pid}>"
    assert handle.health().pid == handle.pid
    assert mesh["alpha"].pid == handle.pid


def test_paglets_are_made_there_and_counted(handle: HostHandle) -> None:
    """A paglet made by the handle lives on its host, which counts it."""
    before = handle.paglet_count()
    proxy = handle.create(Counter)
    assert proxy.info()["pid"] == handle.pid
    assert proxy.send("add", AddRequest(2)) == {"total": TotalReply(2).total}
    assert handle.paglet_count() == before + 1
    status = handle.status()
    assert status.active_count == before + 1
    assert status.inactive_count == 0
    assert status.properties["rss_bytes"] > 1_000_000
    assert status.properties["messages"] == 1
    proxy.dispose()


def test_code_and_its_output(handle: HostHandle) -> None:
    """Code runs in the host's process; its output has come when it is done, its errors are told."""
    sink = Sink()
    result = handle.run_code("import os\nprint(os.getpid())", sink=sink, timeout=20)
    assert (result.status, result.host) == ("ok", "alpha")
    assert sink.text == f"{handle.pid}\n"
    failed = handle.run_code("1 / 0", sink=sink, timeout=20)
    assert (failed.status, failed.ename, failed.evalue) == ("error", "ZeroDivisionError", "division by zero")
    assert failed.traceback
    assert sink.text.endswith("ZeroDivisionError: division by zero")


def test_code_without_a_sink_shows_what_it_does(handle: HostHandle, capsys: pytest.CaptureFixture[str]) -> None:
    """What it prints, its last value and its error's traceback come here; the result says in short how it ended."""
    assert "alpha: ok in" in repr(handle.run_code("print('hello')\n6 * 7", timeout=20))
    assert capsys.readouterr().out == "[alpha] hello\n[alpha] 42\n"
    failed = handle.run_code("1 / 0", timeout=20)
    assert "alpha: error, ZeroDivisionError: division by zero" in repr(failed)
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_code_that_must_end_well(handle: HostHandle, capsys: pytest.CaptureFixture[str]) -> None:
    """With ``check`` the code's error is raised here, with its traceback, and shown nowhere else."""
    assert handle.run_code("pass", timeout=20, check=True).status == "ok"
    with pytest.raises(RemoteHostError, match="ZeroDivisionError: division by zero") as raised:
        handle.run_code("1 / 0", timeout=20, check=True)
    assert "1 / 0" in re.sub(r"\x1b\[[\d;]*m", "", raised.value.remote_traceback)  # type: ignore[attr-defined]
    assert capsys.readouterr().err == ""


def test_code_that_takes_too_long_is_interrupted(handle: HostHandle) -> None:
    """Code past its time is interrupted over there, and the host takes more code."""
    with pytest.raises(CallTimeoutError, match="code on alpha"):
        handle.run_code("import time\ntime.sleep(30)", timeout=0.3)
    assert handle.run_code("", timeout=20).status == "ok"


def test_code_under_way_can_be_interrupted(handle: HostHandle) -> None:
    """``interrupt`` ends what the host executes with a KeyboardInterrupt."""
    sink = Sink()
    future = handle.submit_code("import time\nprint('begun', flush=True)\ntime.sleep(30)", sink=sink)
    wait_until(lambda: "begun" in sink.text, timeout=10)
    handle.interrupt()
    assert future.result(10).ename == "KeyboardInterrupt"


def test_a_host_that_is_not_up(mesh: Mesh) -> None:
    """A host that is dead counts no paglets, says why it is, and takes no code."""
    record = new_record("ghost", 0)
    record.state, record.reason = "dead", "killed by SIGKILL"
    ghost = HostHandle(mesh, record)
    assert ghost.paglet_count() == 0
    assert repr(ghost) == "<Host ghost dead (killed by SIGKILL), pid 0>"
    assert ghost.status().error == "killed by SIGKILL"
    assert ghost.status().properties == {}
    mesh.supervisor.records["ghost"] = record
    try:
        with pytest.raises(HostDiedError, match="killed by SIGKILL"):
            ghost.run_code("1")
    finally:
        del mesh.supervisor.records["ghost"]


def test_a_restart(mesh: Mesh) -> None:
    """A host that is restarted is another process under the same name and address, and says that it was."""
    handle = mesh.hosts()[0]
    before = handle.pid, handle.url
    handle.restart()
    assert handle.state == "up"
    assert handle.pid != before[0]
    assert handle.url == before[1]
    assert (handle.reason, handle.restarts) == ("by request", 1)
    assert handle.health().pid == handle.pid


def test_why_a_host_is_gone(mesh: Mesh) -> None:
    """One that is being started again says so, and one that stays down names what was lost with it."""
    record, url = mesh.supervisor.records["alpha"], mesh["alpha"].url
    assert (mesh._explain(url), mesh._outlook(url)) == ("", "")
    before = record.state, record.reason, record.lost
    try:
        record.state, record.reason = "restarting", "killed by SIGKILL"
        said = str(mesh.client.sockets.died(url, delivered=True))
        assert said == (
            "host 'alpha' is gone: killed by SIGKILL; "
            "it is being started again, without its paglets that are not durable"
        )
        record.state, record.lost = "dead", ("bag", "box")
        error = mesh.client.sockets.died(url, delivered=True)
        assert (error.reason, error.hint) == ("killed by SIGKILL", "lost: bag, box")
        assert str(error) == "host 'alpha' is gone: killed by SIGKILL; lost: bag, box"
    finally:
        record.state, record.reason, record.lost = before
