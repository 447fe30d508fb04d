"""Files over the socket: only what is offered, in order, verified, unchanged."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from paglets_nb.errors import TransferError
from paglets_nb.host.file_protocol import FileChunk, FileEntry, FileRead
from paglets_nb.host.file_source import CHUNK
from paglets_nb.host.host import Host
from tests.unit.host.test_file_transfer import entry_of


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A file of two chunks and a bit."""
    path = tmp_path / "big"
    path.write_bytes(os.urandom(2 * CHUNK + 5))
    return path


def read(host: Host, entry: FileEntry, offset: int, length: int = CHUNK, operation_id: str = "op1") -> FileChunk:
    """One request of a target."""
    request = FileRead(operation_id, entry.name, offset, length)
    return host.client.ask(host.address, "@file-read", request, FileChunk)


def test_a_file_comes_over_the_socket(alpha: Host, beta: Host, big: Path) -> None:
    """What a target fetches is the file, with its SHA-256 in the last chunk."""
    beta.file_source.same_machine = False
    entry = entry_of(big)
    with alpha.file_source.offered("op1", [entry]):
        fetch = beta.file_source.fetcher(alpha.address, "op1")
        assert fetch is not None
        got = list(fetch(entry))
    assert b"".join(chunk.data for chunk in got) == big.read_bytes()
    assert [len(chunk.data) for chunk in got] == [CHUNK, CHUNK, 5]
    assert got[-1].sha256 == hashlib.sha256(big.read_bytes()).hexdigest()


def test_an_empty_file_comes_too(alpha: Host, tmp_path: Path) -> None:
    """Nothing is a file as well."""
    (tmp_path / "empty").touch()
    entry = entry_of(tmp_path / "empty")
    with alpha.file_source.offered("op1", [entry]):
        assert read(alpha, entry, 0) == FileChunk(b"", True, hashlib.sha256().hexdigest(), 0)


def test_only_offered_files_are_read(alpha: Host, big: Path) -> None:
    """Without an offer, under another movement or after its end no byte leaves the host."""
    entry = entry_of(big)
    with pytest.raises(TransferError, match="no file 'file' is on its way under op1"):
        read(alpha, entry, 0)
    with alpha.file_source.offered("op1", [entry]):
        with pytest.raises(TransferError, match="under op2"):
            read(alpha, entry, 0, operation_id="op2")
        with pytest.raises(TransferError, match="under op1"):
            read(alpha, entry_of(big, name="/etc/passwd"), 0)
        assert len(read(alpha, entry, 0, 10).data) == 10
    with pytest.raises(TransferError, match="on its way"):
        read(alpha, entry, 10)


def test_reads_are_bounded_and_in_order(alpha: Host, big: Path) -> None:
    """A request past the chunk is cut; one out of order or of nothing is refused; from 0 it begins again."""
    entry = entry_of(big)
    with alpha.file_source.offered("op1", [entry]):
        assert len(read(alpha, entry, 0, 1 << 40).data) == CHUNK
        for offset, length in ((5, 5), (-1, 5), (CHUNK, 0), (CHUNK, -1)):
            with pytest.raises(TransferError, match="read"):
                read(alpha, entry, offset, length)
        assert len(read(alpha, entry, CHUNK).data) == CHUNK
        assert len(read(alpha, entry, 0, 7).data) == 7


@pytest.mark.parametrize("what", ["write", "replace", "unlink"])
def test_a_file_that_changes_while_it_is_read_is_refused(alpha: Host, big: Path, what: str) -> None:
    """With the last chunk the source checks that it has sent one and the same file."""
    entry = entry_of(big)
    with alpha.file_source.offered("op1", [entry]):
        read(alpha, entry, 0)
        read(alpha, entry, CHUNK)
        if what == "write":
            with open(big, "r+b") as file:
                file.write(b"changed")
        elif what == "replace":
            other = big.with_name("other")
            other.write_bytes(b"other")
            other.replace(big)
        else:
            big.unlink()
        with pytest.raises(TransferError, match=r"changed|vanished"):
            read(alpha, entry, 2 * CHUNK)


def test_paths_are_read_directly_on_one_machine(alpha: Host, beta: Host) -> None:
    """Between Unix sockets nothing is fetched unless that is wanted; from elsewhere everything is."""
    assert beta.file_source.fetcher(alpha.address, "op1") is None
    assert beta.file_source.fetcher("tls://elsewhere:1", "op1") is not None


def test_a_target_says_how_far_it_is(alpha: Host, beta: Host, big: Path, tmp_path: Path) -> None:
    """What is in place at the target, by read or by report, adds up at the source over all files of the movement."""
    small = tmp_path / "small"
    small.write_bytes(b"12345")
    entries = [entry_of(small, name="first"), entry_of(big)]
    tell = beta.file_source.teller(alpha.address, "op1")
    with alpha.file_source.offered("op1", entries, "p1"):
        assert (alpha.file_source.carried("p1"), alpha.file_source.carried("p2")) == (0, 0)
        read(alpha, entries[1], 0)
        assert alpha.file_source.carried("p1") == 5
        assert tell("file", 7)
        assert alpha.file_source.carried("p1") == 5 + 7
        assert tell("file", 1 << 60)
        assert tell("none", 3)
        assert alpha.file_source.carried("p1") == 5 + 7
    assert alpha.file_source.carried("p1") == 0
    assert not tell("file", 8)


def test_a_movement_given_up_fails(alpha: Host, beta: Host, big: Path) -> None:
    """Reads are refused, a target that copies hears of it, and what had come in full does not count."""
    entry = entry_of(big)
    tell = beta.file_source.teller(alpha.address, "op1")
    assert not alpha.file_source.give_up("p1")

    def carry() -> None:
        with alpha.file_source.offered("op1", [entry], "p1"):
            assert tell("file", 1)
            assert not alpha.file_source.give_up("p2")
            assert alpha.file_source.give_up("p1")
            assert not tell("file", 2)
            with pytest.raises(TransferError, match="given up"):
                read(alpha, entry, 0)

    with pytest.raises(TransferError, match="given up"):
        carry()


def test_a_source_that_is_gone_does_not_stop_a_copy(beta: Host) -> None:
    """What becomes of the movement is settled elsewhere."""
    tell = beta.file_source.teller("unix:///nowhere/at/all.sock", "op1")
    assert tell("file", 1)
    assert tell("file", 2)
