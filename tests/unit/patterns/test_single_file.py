"""The task that carries one file: what it says meanwhile, and what it tells the user. More is in test_file_mobility."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from paglets_nb import Host, SingleFileTransferPaglet, TaskClient, TaskStatus
from paglets_nb.host import file_transfer
from paglets_nb.patterns import FileTransferRequest, FileTransferResult

STEP = 1000


@pytest.fixture
def client(hosts: list[Host]) -> TaskClient[FileTransferResult]:
    """A transfer on alpha that has not begun."""
    return TaskClient.for_paglet(hosts[0].create(SingleFileTransferPaglet), SingleFileTransferPaglet)


def told(hosts: list[Host]) -> list[tuple[str, str]]:
    """What the user was told, as severity and message."""
    events = [event for host in hosts for event in host.list_events() if event.kind == "notification"]
    return [(event.details["severity"], event.details["message"]) for event in events]


def test_a_request_that_cannot_be_done_is_told(hosts: list[Host], client: TaskClient[FileTransferResult]) -> None:
    """Also what fails before the file was looked at."""
    assert client.start(FileTransferRequest("/nowhere/at/all", "", "beta")).status is TaskStatus.FAILED
    assert told(hosts) == [("error", "source is not a file: /nowhere/at/all")]


def test_its_bytes_show_and_a_cancel_turns_it_back(
    hosts: list[Host], client: TaskClient[FileTransferResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the target copies, the status counts; a cancel leaves the paglet, and the file, where they were."""
    copy, reached, opened = file_transfer.copy_range, threading.Event(), threading.Event()

    def held(source: int, target: int, offset: int, count: int) -> int:
        if offset == 2 * STEP:
            reached.set()
            assert opened.wait(20)
        return copy(source, target, offset, count)

    monkeypatch.setattr(file_transfer, "_STEP", STEP)
    monkeypatch.setattr(file_transfer, "reflink", lambda _source, _target: False)
    monkeypatch.setattr(file_transfer, "copy_range", held)
    source = tmp_path / "data.bin"
    source.write_bytes(bytes(4 * STEP))
    handle = client.submit(FileTransferRequest(str(source), f"{tmp_path}/new/", "beta"))
    assert reached.wait(20)
    snapshot = client.status()
    assert (snapshot.progress, snapshot.note) == (0.5, "2.0 KiB of 3.9 KiB carried")
    assert snapshot.status is TaskStatus.WAITING_FOR_ARRIVAL
    handle.cancel()
    opened.set()
    last = handle.wait(20)
    assert (last.status, last.host_name) == (TaskStatus.CANCELLED, "alpha")
    assert [severity for severity, _message in told(hosts)] == ["info", "warning"]
    assert not (tmp_path / "new").exists()
    assert hosts[0].residents.require(client.proxy.agent_id).paglet.registered_files() == []
    assert client.start(FileTransferRequest(str(source), f"{tmp_path}/new/", "alpha")).status is TaskStatus.COMPLETED
