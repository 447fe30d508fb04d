"""One file pushed to another host or pulled from it, over in-process hosts."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from paglets_nb import Host, TaskClient, TaskStatus
from paglets_nb.agents.file_grabber import FileCarrier, FileGrabber, GrabDirection, GrabRequest, grab
from paglets_nb.errors import CallTimeoutError, RemoteHostError
from paglets_nb.host import file_source, file_transfer
from paglets_nb.patterns import FileTransferMode, FileTransferResult, TaskSnapshot, file_placement
from paglets_nb.testing import in_process_mesh, wait_until

SIZE = 300_000
STEP = 64 << 10
PUSH, PULL = GrabDirection.PUSH, GrabDirection.PULL
COPY, MOVE = FileTransferMode.COPY, FileTransferMode.MOVE


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts."""
    with in_process_mesh() as mesh:
        yield mesh


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file to bring."""
    path = tmp_path / "here" / "data.bin"
    path.parent.mkdir()
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where to."""
    path = tmp_path / "there"
    path.mkdir()
    return path


@pytest.fixture
def grabber(hosts: list[Host]) -> TaskClient[FileTransferResult]:
    """A grabber on alpha."""
    return TaskClient.for_paglet(hosts[0].create(FileGrabber), FileGrabber)


class Gate:
    """Holds a file up after its first steps, until it is opened."""

    def __init__(self, copy: Callable[..., int]) -> None:
        self._copy = copy
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, source: int, target: int, offset: int, count: int) -> int:
        """Copy a part; wait before the third."""
        if offset >= 2 * STEP:
            self.reached.set()
            assert self.opened.wait(20)
        return self._copy(source, target, offset, count)


@pytest.fixture
def gated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], Gate]]:
    """Puts a gate into a module that copies files in small steps and cannot share their content."""
    gates: list[Gate] = []

    def put(module: Any) -> Gate:
        gates.append(Gate(module.copy_range))
        monkeypatch.setattr(module, "_STEP", STEP)
        monkeypatch.setattr(module, "reflink", lambda _source, _target: False)
        monkeypatch.setattr(module, "copy_range", gates[-1])
        return gates[-1]

    yield put
    for gate in gates:
        gate.opened.set()


def request(source: Path, destination: Any, direction: GrabDirection = PUSH, **options: Any) -> GrabRequest:
    """A request about beta."""
    return GrabRequest(str(source), **{"host": "beta", "destination": str(destination), **options}, direction=direction)


def contents(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def told(hosts: list[Host]) -> list[tuple[str, str, str]]:
    """What the user was told, as host, severity and message."""
    return [
        (host.name, event.details["severity"], event.details["message"])
        for host in hosts
        for event in host.list_events()
        if event.kind == "notification"
    ]


def turned_back(hosts: list[Host]) -> bool:
    """Whether the files on their way are not wanted any more."""
    offers = [offer for host in hosts for offer in host.file_source._offers.values()]
    return bool(offers) and all(offer.given_up for offer in offers)


def carrier(hosts: list[Host]) -> FileCarrier:
    """The carrier that is there now."""
    found = [
        host.residents.require(info["agent_id"]).paglet
        for host in hosts
        for info in host.list_agents()
        if info["class_name"].endswith("FileCarrier")
    ]
    assert isinstance(found[-1], FileCarrier)
    return found[-1]


def paglets(hosts: list[Host]) -> list[str]:
    """The classes of the paglets that live anywhere, but for those that tell the user."""
    names = [info["class_name"].rpartition(":")[2] for host in hosts for info in host.list_agents()]
    return sorted(name for name in names if name != "UserInfoService")


@pytest.mark.parametrize("mode", [COPY, MOVE])
@pytest.mark.parametrize("direction", [PUSH, PULL])
def test_a_file_is_brought(
    direction: GrabDirection,
    mode: FileTransferMode,
    hosts: list[Host],
    grabber: TaskClient[FileTransferResult],
    source: Path,
    folder: Path,
) -> None:
    """Either way it is in place when the task is done; a moved source is gone, and so is what carried it."""
    content = source.read_bytes()
    result = grabber.submit(request(source, f"{folder}/", direction, mode=mode)).result(20)
    assert (folder / "data.bin").read_bytes() == content
    assert source.exists() == (mode is COPY)
    ends = ("alpha", "beta") if direction is PUSH else ("beta", "alpha")
    assert (result.source.host_name, result.destination.host_name) == ends
    assert (result.mode, result.size_bytes, result.size) == (mode, SIZE, "293.0 KiB")
    assert result.destination.path == str(folder / "data.bin")
    assert paglets(hosts) == ["FileGrabber"]
    state = hosts[0].residents.require(grabber.proxy.agent_id).paglet.state
    assert (state.grabbed, state.grabbed_bytes, state.progress) == (1, SIZE, 1.0)


@pytest.mark.parametrize("direction", [PUSH, PULL])
def test_a_dry_run_touches_nothing(
    direction: GrabDirection, grabber: TaskClient[FileTransferResult], source: Path, folder: Path
) -> None:
    """It says what would be done, by the file as it is now."""
    result = grabber.submit(request(source, f"{folder}/", direction, mode=MOVE, dry_run=True)).result(20)
    assert (result.dry_run, result.size_bytes) == (True, SIZE)
    assert result.destination.path == str(folder / "data.bin")
    assert (contents(folder), source.exists()) == ([], True)


def test_what_is_there_is_replaced_only_on_demand(
    grabber: TaskClient[FileTransferResult], source: Path, folder: Path
) -> None:
    """Without ``overwrite`` the task fails with the other host's error, and the grabber goes on to the next file."""
    (folder / "data.bin").write_text("old")
    snapshot = grabber.submit(request(source, folder)).wait(20)
    assert snapshot.status is TaskStatus.FAILED
    assert snapshot.error == f"FileExistsError: destination already exists: {folder / 'data.bin'}"
    assert "FileExistsError" in snapshot.traceback
    assert (folder / "data.bin").read_text() == "old"
    grabber.submit(request(source, folder, overwrite=True)).result(20)
    assert (folder / "data.bin").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("direction", [PUSH, PULL])
def test_the_bytes_of_a_copy_show_while_it_runs(
    direction: GrabDirection,
    grabber: TaskClient[FileTransferResult],
    source: Path,
    folder: Path,
    gated: Callable[[Any], Gate],
) -> None:
    """A file that the target copies: what is there already is what the grabber's status says."""
    gate = gated(file_transfer)
    handle = grabber.submit(request(source, folder, direction))
    assert gate.reached.wait(20)
    wait_until(lambda: grabber.status().note == "128.0 KiB of 293.0 KiB carried")
    snapshot = grabber.status()
    assert (snapshot.status, snapshot.progress) == (TaskStatus.RUNNING, pytest.approx(2 * STEP / SIZE))
    assert contents(folder) == []
    gate.opened.set()
    assert handle.result(20).size_bytes == SIZE


def test_the_bytes_of_a_stream_show_while_it_runs(
    hosts: list[Host],
    grabber: TaskClient[FileTransferResult],
    source: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that crosses the socket: what the target has asked beyond is what the grabber's status says."""
    hosts[1].file_source.same_machine = False
    monkeypatch.setattr(file_source, "CHUNK", STEP)
    asked, opened = threading.Event(), threading.Event()
    read = file_source._OpenFile.read

    def held(self: Any, offset: int, length: int) -> Any:
        if offset == 2 * STEP:
            asked.set()
            assert opened.wait(20)
        return read(self, offset, length)

    monkeypatch.setattr(file_source._OpenFile, "read", held)
    handle = grabber.submit(request(source, folder))
    assert asked.wait(20)
    wait_until(lambda: grabber.status().note == "128.0 KiB of 293.0 KiB carried")
    opened.set()
    handle.result(20)
    assert (folder / "data.bin").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("mode", [COPY, MOVE])
def test_a_cancel_turns_the_file_back(
    mode: FileTransferMode,
    hosts: list[Host],
    grabber: TaskClient[FileTransferResult],
    source: Path,
    folder: Path,
    gated: Callable[[Any], Gate],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On its way it is given up: nothing is placed, the source is whole, and the user is told."""
    content = source.read_bytes()
    monkeypatch.setattr(os, "link", _no_link)
    gate = gated(file_transfer)
    handle = grabber.submit(request(source, folder, mode=mode))
    assert gate.reached.wait(20)
    handle.cancel()
    wait_until(lambda: turned_back(hosts))
    gate.opened.set()
    assert handle.wait(20).status is TaskStatus.CANCELLED
    assert (source.read_bytes(), contents(source.parent), contents(folder)) == (content, ["data.bin"], [])
    assert [severity for _host, severity, _message in told(hosts)] == ["info", "warning"]
    wait_until(lambda: paglets(hosts) == ["FileGrabber"])


def _no_link(*_args: Any, **_options: Any) -> None:
    raise OSError("no links here")


def test_a_copy_to_another_file_system_shows_and_can_be_cancelled(
    hosts: list[Host],
    grabber: TaskClient[FileTransferResult],
    source: Path,
    folder: Path,
    gated: Callable[[Any], Gate],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A destination that the file cannot be linked to is a second copy, told of and stopped like the first."""
    gate = gated(file_placement)
    monkeypatch.setattr(os, "link", _no_link)
    handle = grabber.submit(request(source, folder, PULL, mode=MOVE))
    assert gate.reached.wait(20)
    wait_until(lambda: grabber.status().note == "128.0 KiB of 293.0 KiB placed")
    handle.cancel()
    wait_until(lambda: carrier(hosts).state.cancelling)
    gate.opened.set()
    assert handle.wait(20).status is TaskStatus.CANCELLED
    assert (source.stat().st_size, contents(folder)) == (SIZE, [])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"file": "/nowhere/at/all"}, "ValueError: source is not a file: /nowhere/at/all"),
        ({"file": ""}, "ValueError: source is not a file"),
        ({"host": "gamma"}, "UnknownHostError: no host 'gamma' in the mesh"),
        ({"host": ""}, "UnknownHostError: no host '' in the mesh"),
    ],
)
@pytest.mark.parametrize("direction", [PUSH, PULL])
def test_what_cannot_be_done_fails_and_says_so(
    direction: GrabDirection,
    change: dict[str, str],
    error: str,
    hosts: list[Host],
    grabber: TaskClient[FileTransferResult],
    source: Path,
    folder: Path,
) -> None:
    """One typed error in the status, one error to the user, no paglet left over."""
    asked = {"file": str(source), "host": "beta", **change}
    snapshot = grabber.submit(GrabRequest(**asked, destination=str(folder), direction=direction)).wait(20)
    assert snapshot.status is TaskStatus.FAILED
    assert snapshot.error.startswith(error)
    assert [severity for _host, severity, _message in told(hosts)][-1:] == ["error"]
    assert (contents(folder), paglets(hosts)) == ([], ["FileGrabber"])


def test_the_user_is_told(
    hosts: list[Host], grabber: TaskClient[FileTransferResult], source: Path, folder: Path
) -> None:
    """At the start, at the end and of a failure, in this order, from the grabber's host and under one id each."""
    first = grabber.submit(request(source, f"{folder}/", PULL)).result(20)
    grabber.submit(request(source, f"{folder}/", dry_run=True)).result(20)
    grabber.submit(request(source, f"{folder}/")).wait(20)
    assert told(hosts) == [
        ("alpha", "info", f"copy beta:{source} to alpha:{folder}/"),
        ("alpha", "info", f"data.bin (293.0 KiB) is in place: alpha:{folder}/data.bin"),
        ("alpha", "info", f"would copy data.bin (293.0 KiB) to beta:{folder}/data.bin"),
        ("alpha", "info", f"copy alpha:{source} to beta:{folder}/"),
        ("alpha", "error", f"alpha:{source}: FileExistsError: destination already exists: {folder}/data.bin"),
    ]
    events = [event for event in hosts[0].list_events() if event.kind == "notification"]
    assert {event.details["title"] for event in events} == {"File Grabber"}
    assert [event.details["job_id"] for event in events[:2]] == [first.transfer_id] * 2
    assert len({event.details["job_id"] for event in events}) == 3


def test_one_file_at_a_time(
    grabber: TaskClient[FileTransferResult], source: Path, folder: Path, gated: Callable[[Any], Gate]
) -> None:
    """A request to a grabber that is at work waits for its turn."""
    gate = gated(file_transfer)
    handle = grabber.submit(request(source, folder))
    assert gate.reached.wait(20)
    second = grabber.submit(request(source, folder / "second"))
    gate.opened.set()
    assert handle.result(20).size_bytes == SIZE
    assert second.result(20).destination.path == str(folder / "second")


def test_a_call_brings_a_file(hosts: list[Host], source: Path, folder: Path) -> None:
    """``grab`` makes a grabber, waits and leaves none behind; a failure is an error with the remote traceback."""
    assert grab(hosts[0], request(source, folder)).destination.host_name == "beta"
    with pytest.raises(RemoteHostError, match="FileExistsError: destination already exists") as failed:
        grab(hosts[0], request(source, folder))
    assert "FileExistsError" in failed.value.remote_traceback
    assert paglets(hosts) == []


@pytest.mark.parametrize("stop", ["interrupt", "timeout"])
def test_a_call_that_is_stopped_cancels(
    stop: str, hosts: list[Host], source: Path, folder: Path, gated: Callable[[Any], Gate]
) -> None:
    """An interrupt or a deadline turns the file back; the progress seen until then was that of the bytes."""
    gate = gated(file_transfer)
    notes: list[str] = []

    def open_when_turned_back() -> None:
        wait_until(lambda: turned_back(hosts), 20)
        gate.opened.set()

    opener = threading.Thread(target=open_when_turned_back)
    opener.start()

    def look(snapshot: TaskSnapshot[FileTransferResult]) -> None:
        notes.append(snapshot.note)
        if stop == "interrupt" and "128.0 KiB" in snapshot.note:
            raise KeyboardInterrupt

    wanted, timeout = (KeyboardInterrupt, None) if stop == "interrupt" else (CallTimeoutError, 1.0)
    with pytest.raises(wanted):
        grab(hosts[0], request(source, folder, PULL), on_progress=look, timeout=timeout)
    opener.join(20)
    assert "128.0 KiB of 293.0 KiB carried" in notes
    assert contents(folder) == []
    wait_until(lambda: paglets(hosts) == [])
