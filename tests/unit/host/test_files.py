"""The files of a host's paglets: registration, departure, arrival, start."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from paglets_nb.errors import HostError, TransferError
from paglets_nb.host.file_protocol import FileChunk, FileEntry
from paglets_nb.host.files import HostFiles
from paglets_nb.testing import wait_until


@pytest.fixture
def alpha(tmp_path: Path) -> HostFiles:
    """The files of a source host."""
    return HostFiles(tmp_path / "alpha", "alpha")


@pytest.fixture
def beta(tmp_path: Path) -> HostFiles:
    """The files of a target host."""
    return HostFiles(tmp_path / "beta", "beta")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A file of the user's."""
    path = tmp_path / "report.txt"
    path.write_text("numbers")
    return path


def move(source: HostFiles, target: HostFiles, agent_id: str = "p1", operation_id: str = "op1") -> list[FileEntry]:
    """What a dispatch does with files."""
    entries = source.manifest(agent_id, "dispatch")
    target.stage(operation_id, entries)
    assert source.left(agent_id, entries) == []
    target.adopt(operation_id, agent_id)
    return entries


def tree(root: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


class TestRegistration:
    def test_registered_files_are_kept_by_name(self, tmp_path: Path, alpha: HostFiles, report: Path) -> None:
        """What is registered is listed, found, replaced under its name, and known to a later run of the host."""
        (tmp_path / "link").symlink_to(report)
        assert alpha.registered("p1") == []
        alpha.register("p1", tmp_path / "link", "b", "move", durable=True)
        alpha.register("p1", report, "a")
        alpha.register("p1", report)
        alpha.register("p1", report, "a", "move")
        again = HostFiles(tmp_path / "alpha", "alpha")
        found = [(file.name, file.path, file.mode) for file in again.registered("p1")]
        assert found == [("a", report, "move"), ("b", report, "move"), ("report.txt", report, "copy")]
        again.unregister("p1", "b")
        assert again.path("p1", "a") == report
        for call in (again.path, again.unregister):
            with pytest.raises(FileNotFoundError, match=r"no registered file 'b' \(registered: a, report.txt\)"):
                call("p1", "b")

    def test_what_cannot_travel_is_refused(self, tmp_path: Path, alpha: HostFiles, report: Path) -> None:
        """Only existing regular files under plain names, in a known mode, for a plain id."""
        with pytest.raises(ValueError, match="not a regular file"):
            alpha.register("p1", tmp_path)
        with pytest.raises(FileNotFoundError):
            alpha.register("p1", tmp_path / "nowhere")
        with pytest.raises(ValueError, match="not a mode"):
            alpha.register("p1", report, mode="link")
        for name in ("", ".", "..", "../up", "/abs", "a/b", "nul\0", "x" * 300):
            with pytest.raises(ValueError, match="is not a file's name"):
                alpha.register("p1", report, name)
        for agent_id in ("..", "a/b", ".incoming", ""):
            with pytest.raises(ValueError, match="is not a paglet's id"):
                alpha.register(agent_id, report)
        strange = tmp_path / os.fsdecode(b"caf\xe9")
        strange.write_bytes(b"")
        with pytest.raises(ValueError, match="not Unicode text"):
            alpha.register("p1", strange, "coffee")
        assert alpha.registered("p1") == []

    def test_a_damaged_list_is_an_error(self, tmp_path: Path, alpha: HostFiles, report: Path) -> None:
        """A list that cannot be read is never taken for an empty one."""
        alpha.register("p1", report)
        (tmp_path / "alpha/files/p1/registered.json").write_text("[{")
        with pytest.raises(HostError, match="damaged"):
            alpha.registered("p1")

    def test_registering_from_many_threads(self, alpha: HostFiles, report: Path) -> None:
        """No registration is lost to another one."""
        threads = [threading.Thread(target=alpha.register, args=("p1", report, f"n{n}")) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(alpha.registered("p1")) == 16


class TestDeparture:
    def test_a_paglet_without_files_leaves_no_trace(self, tmp_path: Path, alpha: HostFiles, beta: HostFiles) -> None:
        """Most paglets have no files; nothing is made for them."""
        assert move(alpha, beta) == []
        alpha.clear("p1")
        assert not (tmp_path / "alpha").exists()
        assert not (tmp_path / "beta").exists()

    def test_copied_files_stay_and_moved_ones_go(
        self, tmp_path: Path, alpha: HostFiles, beta: HostFiles, report: Path
    ) -> None:
        """After a dispatch both are in the target's work folder; the moved source is gone, the scratch too."""
        moved = tmp_path / "moved.bin"
        moved.write_bytes(os.urandom(70_000))
        content = moved.read_bytes()
        (alpha.work_dir("p1") / "scratch").write_text("mine")
        (alpha.work_dir("p1") / "made").write_text("taken along")
        alpha.register("p1", report)
        alpha.register("p1", moved, "data", "move")
        alpha.register("p1", alpha.work_dir("p1") / "made")
        entries = move(alpha, beta)
        assert [(entry.name, entry.mode, entry.registered) for entry in entries] == [
            ("data", "move", "move"),
            ("made", "move", "copy"),
            ("report.txt", "copy", "copy"),
        ]
        assert report.read_text() == "numbers"
        assert not moved.exists()
        assert tree(tmp_path / "alpha") == []
        assert beta.path("p1", "data").read_bytes() == content
        assert beta.path("p1", "report.txt") == beta.work_dir("p1") / "report.txt"
        assert sorted(os.listdir(beta.work_dir("p1"))) == ["data", "made", "report.txt"]
        assert [file.mode for file in beta.registered("p1")] == ["move", "copy", "copy"]

    def test_clones_always_copy(self, alpha: HostFiles, beta: HostFiles, report: Path) -> None:
        """A clone gets files of its own, and the original keeps its."""
        alpha.register("p1", report, mode="move")
        entries = alpha.manifest("p1", "clone")
        assert [entry.mode for entry in entries] == ["copy"]
        beta.stage("op1", entries)
        beta.adopt("op1", "p2")
        beta.path("p2", "report.txt").write_text("other numbers")
        assert report.read_text() == "numbers"
        assert beta.registered("p2")[0].mode == "move"

    def test_ten_hops(self, tmp_path: Path, report: Path) -> None:
        """Files follow through a chain of hosts, and only the last one has them."""
        chain = [HostFiles(tmp_path / f"h{number}", f"h{number}") for number in range(11)]
        chain[0].register("p1", report, "r", "move")
        for number, (source, target) in enumerate(pairwise(chain)):
            move(source, target, operation_id=f"op{number}")
        assert chain[-1].path("p1", "r").read_text() == "numbers"
        assert [tree(tmp_path / f"h{number}") for number in range(10)] == [[]] * 10

    def test_a_registered_file_that_is_gone_stops_the_departure(
        self, tmp_path: Path, alpha: HostFiles, report: Path
    ) -> None:
        """The manifest names a file that vanished, or became something else."""
        alpha.register("p1", report)
        report.unlink()
        with pytest.raises(TransferError, match="registered file 'report.txt' is gone"):
            alpha.manifest("p1", "dispatch")
        report.mkdir()
        with pytest.raises(TransferError, match="no regular file any more"):
            alpha.manifest("p1", "clone")

    def test_leaving_twice_is_harmless(self, alpha: HostFiles, beta: HostFiles, report: Path) -> None:
        """A new file at the place of a moved one is not touched when the departure is repeated."""
        alpha.register("p1", report, mode="move")
        entries = move(alpha, beta)
        report.write_text("a new report")
        assert alpha.left("p1", entries) == []
        assert report.read_text() == "a new report"

    def test_a_copied_source_that_changed_since_is_kept(self, alpha: HostFiles, report: Path) -> None:
        """What was written after the copy is not lost with the source: it stays, and is reported."""
        alpha.register("p1", report, mode="move")
        entries = alpha.manifest("p1", "dispatch")
        report.write_text("more numbers")
        assert alpha.left("p1", entries) == [f"{report}: changed after the paglet had left"]
        assert report.read_text() == "more numbers"


class TestArrival:
    def test_a_failed_arrival_leaves_the_source_and_no_staging(
        self, tmp_path: Path, alpha: HostFiles, beta: HostFiles, report: Path
    ) -> None:
        """When one of the files does not come, none does, and the source has all of them."""
        alpha.register("p1", report, "a", "move")
        alpha.register("p1", report, "b")
        entries = alpha.manifest("p1", "dispatch")
        with pytest.raises(TransferError, match="'b' changed"):
            beta.stage("op1", [entries[0], replace(entries[1], size_bytes=3)])
        assert tree(tmp_path / "beta") == []
        assert report.read_text() == "numbers"
        beta.stage("op1", entries)
        beta.adopt("op1", "p1")
        assert beta.path("p1", "b").read_text() == "numbers"

    def test_every_step_can_be_repeated(self, alpha: HostFiles, beta: HostFiles, report: Path) -> None:
        """Staging, adoption and giving up twice is as good as once."""
        alpha.register("p1", report)
        entries = alpha.manifest("p1", "dispatch")
        for _ in range(2):
            beta.stage("op1", entries, durable=True)
        for _ in range(2):
            beta.adopt("op1", "p1", durable=True)
        beta.abandon("op1")
        beta.abandon("op1")
        assert beta.path("p1", "report.txt").read_text() == "numbers"

    def test_giving_up_deletes_what_was_staged(
        self, tmp_path: Path, alpha: HostFiles, beta: HostFiles, report: Path
    ) -> None:
        """An arrival that will not come leaves nothing, and cannot be adopted."""
        alpha.register("p1", report, mode="move")
        beta.stage("op1", alpha.manifest("p1", "dispatch"))
        beta.abandon("op1")
        beta.adopt("op1", "p1")
        assert tree(tmp_path / "beta") == []
        assert beta.registered("p1") == []
        assert report.read_text() == "numbers"

    def test_what_is_left_of_an_earlier_stay_gives_way(self, alpha: HostFiles, beta: HostFiles, report: Path) -> None:
        """The arriving files are the paglet's, whatever lies in the folder."""
        (beta.work_dir("p1") / "old").write_text("old")
        alpha.register("p1", report)
        move(alpha, beta)
        assert os.listdir(beta.work_dir("p1")) == ["report.txt"]

    @pytest.mark.parametrize("name", ["..", "../../evil", "/etc/cron.d/evil", "a\0", "", "x" * 256])
    def test_a_manifest_cannot_write_elsewhere(self, tmp_path: Path, beta: HostFiles, report: Path, name: str) -> None:
        """Names from other hosts are checked like those from here."""
        found = report.stat()
        entry = FileEntry(name, str(report), found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)
        with pytest.raises(ValueError, match="is not a file's name"):
            beta.stage("op1", [entry])
        for operation_id in ("..", "../../evil", ".trash"):
            with pytest.raises(ValueError, match="is not a movement's id"):
                beta.stage(operation_id, [replace(entry, name="good")])
        assert tree(tmp_path / "beta") == []

    def test_a_manifest_that_makes_no_sense_is_refused(self, beta: HostFiles, report: Path) -> None:
        """Two files of one name, unknown modes and sizes below 0 are TransferErrors."""
        entry = FileEntry("a", str(report), 7, 0, 1, 1)
        for entries in ([entry, entry], [replace(entry, mode="steal")], [replace(entry, size_bytes=-1)]):
            with pytest.raises(TransferError, match=r"two files|can travel"):
                beta.stage("op1", entries)

    def test_giving_up_stops_a_transfer_under_way(self, tmp_path: Path, beta: HostFiles) -> None:
        """A target that is fetching stops with the next chunk and keeps nothing."""
        begun, errors = threading.Event(), []
        entry = FileEntry("slow", "/elsewhere/slow", 1 << 20, 0, 1, 1)
        stopped = threading.Event()

        def fetch(_entry: FileEntry) -> Iterator[FileChunk]:
            yield FileChunk(b"first")
            begun.set()
            while not stopped.wait(0.01):
                yield FileChunk(b"")

        def stage() -> None:
            try:
                beta.stage("op1", [entry], fetch)
            except TransferError as error:
                errors.append(str(error))

        thread = threading.Thread(target=stage, daemon=True)
        thread.start()
        assert begun.wait(5), errors
        beta.abandon("op1")
        wait_until(lambda: errors, what="the transfer to stop")
        assert errors == ["the transfer was given up"]
        stopped.set()
        thread.join(5)
        assert tree(tmp_path / "beta") == []


class TestStart:
    def test_a_start_keeps_what_is_known_and_nothing_else(
        self, tmp_path: Path, alpha: HostFiles, beta: HostFiles, report: Path
    ) -> None:
        """Registered files of living paglets and open arrivals stay; scratch, strangers and half-done work go."""
        alpha.register("p1", report)
        for operation_id in ("open", "lost", "old"):
            beta.stage(operation_id, alpha.manifest("p1", "clone"))
        beta.adopt("old", "lives")
        beta.register("lives", report, "outside")
        (beta.work_dir("lives") / "scratch").mkdir()
        (beta.work_dir("lives") / "scratch" / "x").write_text("x")
        (beta.work_dir("gone") / "y").write_text("y")
        (tmp_path / "beta/files/.incoming/.half").mkdir()
        (tmp_path / "beta/files/.incoming/.half/z").write_text("z")
        again = HostFiles(tmp_path / "beta", "beta")
        assert again.clear_start(["open"], ["lives"]) == []
        assert tree(tmp_path / "beta/files") == [
            ".incoming/open/registered.json",
            ".incoming/open/work/report.txt",
            "lives/registered.json",
            "lives/work/report.txt",
        ]
        assert os.listdir(again.work_dir("lives")) == ["report.txt"]
        assert again.path("lives", "outside").read_text() == "numbers"

    def test_a_start_finishes_departures(self, tmp_path: Path, alpha: HostFiles, report: Path) -> None:
        """A moved source goes when the movement was committed before the host died, and stays when it was not."""
        other = tmp_path / "other"
        other.write_text("other")
        for agent_id, path, operation_id in (("p1", report, "op1"), ("p2", other, "op2")):
            alpha.register(agent_id, path, mode="move")
            alpha.leaving(operation_id, agent_id, alpha.manifest(agent_id, "dispatch"), durable=True)
        again = HostFiles(tmp_path / "alpha", "alpha")
        assert again.clear_start([], ["p2"], lambda operation_id: operation_id == "op1") == []
        assert (report.exists(), other.read_text()) == (False, "other")
        assert again.path("p2", "other") == other
        assert tree(tmp_path / "alpha/files") == ["p2/registered.json"]

    def test_a_departure_that_is_done_with_leaves_no_note(self, tmp_path: Path, alpha: HostFiles, report: Path) -> None:
        """Both ends of a movement, left and stayed, forget it."""
        alpha.register("p1", report, mode="move")
        entries = alpha.manifest("p1", "dispatch")
        alpha.leaving("op1", "p1", entries)
        alpha.stayed("op1")
        alpha.leaving("op2", "p1", entries)
        assert alpha.left("p1", entries, "op2") == []
        assert tree(tmp_path / "alpha") == []
        assert not report.exists()
