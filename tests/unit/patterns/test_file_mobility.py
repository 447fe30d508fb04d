"""One file to another host, over in-process hosts."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paglets_nb import Host, PagletProxy, TaskClient, TaskStatus
from paglets_nb.core.events import MobilityEvent
from paglets_nb.errors import RemoteHostError
from paglets_nb.patterns import (
    FileMobilityMixin,
    FileTransferMode,
    FileTransferPlan,
    FileTransferRequest,
    FileTransferResult,
    FileTransferState,
    SingleFileTransferPaglet,
    TaskPaglet,
    TaskSnapshot,
)
from paglets_nb.testing import wait_until

COPY, MOVE = FileTransferMode.COPY, FileTransferMode.MOVE


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file to carry."""
    path = tmp_path / "here" / "data.bin"
    path.parent.mkdir()
    path.write_bytes(os.urandom(300_000))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where to."""
    path = tmp_path / "there"
    path.mkdir()
    return path


class Carrier(SingleFileTransferPaglet):
    """Can be disturbed on its way."""

    disturb: Callable[[Carrier, str], None] | None = None

    def register_planned_file(self, plan: FileTransferPlan) -> Path:
        """Be disturbed before."""
        if Carrier.disturb is not None:
            Carrier.disturb(self, "planned")
        return super().register_planned_file(plan)

    def on_dispatching(self, event: MobilityEvent) -> None:
        """Be disturbed."""
        if Carrier.disturb is not None:
            Carrier.disturb(self, "leaving")

    def on_arrival(self, event: MobilityEvent) -> None:
        """Be disturbed before."""
        if Carrier.disturb is not None:
            Carrier.disturb(self, "arriving")
        super().on_arrival(event)


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[Carrier], Any]], None]:
    """Has something happen at one step of a ``Carrier``."""

    def at(step: str, act: Callable[[Carrier], Any]) -> None:
        monkeypatch.setattr(Carrier, "disturb", staticmethod(lambda paglet, now: act(paglet) if now == step else None))

    return at


def carry(host: Host, request: FileTransferRequest, cls: type[Any] = Carrier) -> tuple[PagletProxy, TaskSnapshot[Any]]:
    """Do one transfer; the paglet and where its task stood at the end."""
    client = TaskClient.for_paglet(host.create(cls), cls)
    return client.proxy, client.start_and_wait(request, wait_timeout=10.0, timeout=30.0)


def request(source: Path, destination: Any = "", **options: Any) -> FileTransferRequest:
    """A request to beta."""
    return FileTransferRequest(str(source), str(destination), **{"target_host": "beta", **options})


def contents(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def scratch(hosts: list[Host]) -> list[str]:
    """The files in the scratch folders of every paglet."""
    found = []
    for host in hosts:
        for proxy in host.get_proxies():
            found += contents(host.files.work_dir(proxy.agent_id))
    return found


@pytest.mark.parametrize("mode", [COPY, MOVE])
def test_a_file_is_carried(mode: FileTransferMode, hosts: list[Host], source: Path, folder: Path) -> None:
    """The file is at its destination, the task completed there; only a moved source is gone."""
    content, found = source.read_bytes(), source.stat()
    proxy, snapshot = carry(hosts[0], request(source, folder, mode=mode))
    assert (snapshot.status, snapshot.host_name, snapshot.done) == (TaskStatus.COMPLETED, "beta", True)
    result = snapshot.result
    assert isinstance(result, FileTransferResult)
    assert (folder / "data.bin").read_bytes() == content
    assert contents(folder) == ["data.bin"]
    assert (contents(source.parent) == []) == (mode is MOVE)
    assert (result.mode, result.dry_run, result.file_name) == (mode, False, "data.bin")
    assert (result.size_bytes, result.size) == (300_000, "293.0 KiB")
    assert result.transfer_id.startswith("file-transfer-")
    assert (result.source.host_name, result.source.path) == ("alpha", str(source))
    assert result.source.modified_at == found.st_mtime
    assert (result.destination.host_name, result.destination.host_url) == ("beta", hosts[1].address)
    assert result.destination.path == str(folder / "data.bin")
    assert result.destination.modified_at > 0
    state = hosts[1].residents.require(proxy.agent_id).paglet.state
    assert (state.final_path, state.destination_path) == (str(folder / "data.bin"), str(folder))
    assert scratch(hosts) == []


def test_a_moved_file_is_the_very_file(hosts: list[Host], source: Path, folder: Path) -> None:
    """On one file system a move copies nothing."""
    inode = source.stat().st_ino
    carry(hosts[0], request(source, folder, mode=MOVE))
    assert (folder / "data.bin").stat().st_ino == inode


def test_a_copy_is_another_file(hosts: list[Host], source: Path, folder: Path) -> None:
    """Writing to a copy does not change its source."""
    carry(hosts[0], request(source, folder))
    before = source.read_bytes()
    (folder / "data.bin").write_bytes(b"changed")
    assert source.read_bytes() == before


@pytest.mark.parametrize("mode", [COPY, MOVE])
def test_a_dry_run_touches_nothing(mode: FileTransferMode, hosts: list[Host], source: Path, folder: Path) -> None:
    """A dry run completes where it was started, with the plan."""
    _proxy, snapshot = carry(hosts[0], request(source, f"{folder}/", mode=mode, dry_run=True, transfer_id="mine"))
    assert (snapshot.status, snapshot.host_name) == (TaskStatus.COMPLETED, "alpha")
    result = snapshot.result
    assert (result.dry_run, result.transfer_id, result.size_bytes) == (True, "mine", 300_000)
    assert (result.destination.host_name, result.destination.path) == ("beta", str(folder / "data.bin"))
    assert contents(folder) == []
    assert source.exists()


@pytest.mark.parametrize("mode", [COPY, MOVE])
def test_an_existing_destination_is_refused(
    mode: FileTransferMode, hosts: list[Host], source: Path, folder: Path
) -> None:
    """The task fails at the target, the file there is untouched and the source stays whole."""
    content = source.read_bytes()
    (folder / "data.bin").write_text("old")
    proxy, snapshot = carry(hosts[0], request(source, folder, mode=mode))
    assert snapshot.status is TaskStatus.FAILED
    assert snapshot.error == f"FileExistsError: destination already exists: {folder / 'data.bin'}"
    assert (folder / "data.bin").read_text() == "old"
    assert contents(folder) == ["data.bin"]
    assert source.read_bytes() == content
    there = TaskClient.for_paglet(proxy, Carrier).status()
    assert (there.host_name, there.status) == ("beta", TaskStatus.FAILED)
    proxy.dispose()
    assert source.read_bytes() == content


@pytest.mark.parametrize("mode", [COPY, MOVE])
def test_overwriting(mode: FileTransferMode, hosts: list[Host], source: Path, folder: Path) -> None:
    """With overwrite the destination is replaced."""
    content = source.read_bytes()
    (folder / "data.bin").write_text("old")
    _proxy, snapshot = carry(hosts[0], request(source, folder, mode=mode, overwrite=True))
    assert snapshot.status is TaskStatus.COMPLETED
    assert (folder / "data.bin").read_bytes() == content
    assert source.exists() == (mode is COPY)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_moved_onto_itself_stays(overwrite: bool, hosts: list[Host], source: Path) -> None:
    """Two hosts of one machine see one file system: a file moved to its own path is refused, not lost."""
    content = source.read_bytes()
    for target in ("beta", "alpha"):
        _proxy, snapshot = carry(hosts[0], request(source, source, mode=MOVE, overwrite=overwrite, target_host=target))
        assert snapshot.status is TaskStatus.FAILED
        assert source.read_bytes() == content
        assert contents(source.parent) == ["data.bin"]


@pytest.mark.parametrize("mode", [COPY, MOVE])
def test_to_the_very_host(mode: FileTransferMode, hosts: list[Host], source: Path, folder: Path) -> None:
    """A transfer to the host where it starts places the file there and then."""
    content = source.read_bytes()
    _proxy, snapshot = carry(hosts[0], request(source, folder / "new.bin", mode=mode, target_host="alpha"))
    assert (snapshot.status, snapshot.host_name) == (TaskStatus.COMPLETED, "alpha")
    assert (folder / "new.bin").read_bytes() == content
    assert source.exists() == (mode is COPY)
    assert snapshot.result.destination.path == str(folder / "new.bin")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"source_path": "/nowhere/at/all"}, "ValueError: source is not a file: /nowhere/at/all"),
        ({"source_path": "/"}, "ValueError: source is not a file: /"),
        ({"target_host": ""}, "ValueError: target_host is missing"),
        ({"target_host": "gamma"}, "UnknownHostError: no host 'gamma' in the mesh"),
    ],
)
def test_bad_requests(change: dict[str, str], error: str, hosts: list[Host], source: Path, tmp_path: Path) -> None:
    """A request that cannot be done fails at once, where it was started."""
    asked = {"source_path": str(source), "target_host": "beta", **change}
    _proxy, snapshot = carry(hosts[0], FileTransferRequest(destination_path=str(tmp_path), **asked))
    assert (snapshot.status, snapshot.host_name) == (TaskStatus.FAILED, "alpha")
    assert snapshot.error.startswith(error)
    assert source.exists()


@pytest.mark.parametrize("mode", [COPY, MOVE])
@pytest.mark.parametrize(
    ("step", "act"),
    [
        ("planned", lambda path: path.write_bytes(b"other")),
        ("planned", lambda path: path.unlink()),
        ("leaving", lambda path: path.unlink()),
    ],
)
def test_a_source_that_changes_or_vanishes(
    mode: FileTransferMode,
    step: str,
    act: Callable[[Path], Any],
    hosts: list[Host],
    source: Path,
    folder: Path,
    disturb: Callable[..., None],
) -> None:
    """A source that changes fails the task with nothing placed; a moved file whose name goes is carried whole."""
    content = source.read_bytes()
    disturb(step, lambda _paglet: act(source))
    _proxy, snapshot = carry(hosts[0], request(source, folder, mode=mode))
    if (mode, step) == (MOVE, "leaving"):
        assert snapshot.status is TaskStatus.COMPLETED
        assert (folder / "data.bin").read_bytes() == content
    else:
        assert snapshot.status is TaskStatus.FAILED
        assert contents(folder) == []


@pytest.mark.parametrize("mode", [COPY, MOVE])
@pytest.mark.parametrize("step", ["leaving", "arriving"])
def test_a_hook_that_fails(
    mode: FileTransferMode, step: str, hosts: list[Host], source: Path, folder: Path, disturb: Callable[..., None]
) -> None:
    """A paglet kept from leaving, or failing on arrival: the source stays, whole, with nothing beside it."""
    content = source.read_bytes()

    def fail(_paglet: Carrier) -> None:
        raise RuntimeError("not today")

    disturb(step, fail)
    proxy, snapshot = carry(hosts[0], request(source, folder, mode=mode))
    assert snapshot.status is TaskStatus.FAILED
    assert "not today" in snapshot.error
    assert (source.read_bytes(), contents(source.parent), contents(folder)) == (content, ["data.bin"], [])
    if step == "leaving":
        home = hosts[0].residents.require(proxy.agent_id).paglet
        assert home.registered_files() == []
        assert scratch(hosts) == []


def test_a_target_that_dies_on_arrival_leaves_the_source(
    hosts: list[Host], source: Path, folder: Path, disturb: Callable[..., None]
) -> None:
    """With the target gone before the file is in place, a file that was to be moved is kept."""
    content = source.read_bytes()
    stopping: list[threading.Thread] = []

    def stop(paglet: Carrier) -> None:
        stopping.append(threading.Thread(target=paglet.context.host.stop))
        stopping[0].start()
        stopping[0].join(5.0)
        raise RuntimeError("the host is gone")

    disturb("arriving", stop)
    client = TaskClient.for_paglet(hosts[0].create(Carrier), Carrier)
    handle = client.submit(request(source, folder, mode=MOVE))
    with pytest.raises((RemoteHostError, ConnectionError)):
        handle.result(30.0)
    assert source.read_bytes() == content


def test_a_source_changed_after_it_left_is_kept(
    hosts: list[Host], source: Path, folder: Path, disturb: Callable[..., None]
) -> None:
    """A source that was replaced while its file travelled is not deleted."""

    def replace(_paglet: Carrier) -> None:
        (source.parent / "new").write_bytes(b"newer")
        os.replace(source.parent / "new", source)

    disturb("arriving", replace)
    _proxy, snapshot = carry(hosts[0], request(source, folder, mode=MOVE))
    assert "changed meanwhile and was kept" in snapshot.error
    assert source.read_bytes() == b"newer"
    assert (folder / "data.bin").stat().st_size == 300_000


def test_where_no_link_can_be_made(
    hosts: list[Host], source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is to be moved from another file system is copied, and its source deleted at the end."""
    content = source.read_bytes()

    def link(*_args: Any, **_options: Any) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", link)
    _proxy, snapshot = carry(hosts[0], request(source, folder, mode=MOVE))
    assert snapshot.status is TaskStatus.COMPLETED
    assert (folder / "data.bin").read_bytes() == content
    assert not source.exists()


def test_the_user_is_told(hosts: list[Host], source: Path, folder: Path) -> None:
    """A transfer notifies at its start and at its end, under its id; a failed one says so."""
    _proxy, snapshot = carry(hosts[0], request(source, folder, source_label="my data"))
    told = [event for host in hosts for event in host.list_events() if event.kind == "notification"]
    assert {event.details["job_id"] for event in told} == {snapshot.result.transfer_id}
    assert {event.details["title"] for event in told} == {"File transfer"}
    first, last = (event.details["message"] for event in told)
    assert first == f"copy my data (293.0 KiB) to beta:{folder}"
    assert last == f"data.bin (293.0 KiB) is in place: {folder / 'data.bin'}"
    carry(hosts[0], request(source, folder))
    errors = [
        event.details["message"]
        for event in hosts[1].list_events()
        if event.kind == "notification" and event.details["severity"] == "error"
    ]
    assert errors == [f"destination already exists: {folder / 'data.bin'}"]


class Own(FileMobilityMixin, TaskPaglet[FileTransferRequest, FileTransferResult, FileTransferState]):
    """A task of its own on the mixin's steps."""

    Request = FileTransferRequest
    Result = FileTransferResult

    def run_task(self, request: FileTransferRequest) -> PagletProxy:
        """Each step by hand."""
        plan = self.prepare_file_transfer(request)
        self.register_planned_file(plan)
        self.mark_waiting_for_arrival()
        return self.dispatch_to(plan.target_host)

    def on_arrival(self, event: MobilityEvent) -> None:
        """Place the file and complete."""
        self.save_arrived_file()
        self.complete_task(self.build_transfer_result())


def test_a_task_of_ones_own_on_the_steps(hosts: list[Host], source: Path, folder: Path) -> None:
    """Whoever writes the steps down has the same guarantees: a moved source is gone at the end."""
    _proxy, snapshot = carry(hosts[0], request(source, folder, mode=MOVE), Own)
    assert snapshot.status is TaskStatus.COMPLETED
    assert contents(folder) == ["data.bin"]
    assert not source.exists()


def test_a_failed_paglet_can_start_again(
    hosts: list[Host], source: Path, folder: Path, disturb: Callable[..., None]
) -> None:
    """A transfer that never left can be started again by the same paglet."""
    fail = [True]

    def once(_paglet: Carrier) -> None:
        if fail.pop():
            raise RuntimeError("not today")

    disturb("leaving", once)
    proxy, snapshot = carry(hosts[0], request(source, folder, mode=MOVE))
    assert snapshot.status is TaskStatus.FAILED
    fail.append(False)
    client = TaskClient.for_paglet(proxy, Carrier)
    assert client.start_and_wait(request(source, folder, mode=MOVE)).status is TaskStatus.COMPLETED
    wait_until(lambda: not source.exists())
