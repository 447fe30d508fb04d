"""One file from a source to a folder here: linked, copied, fetched, refused."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paglets_nb.errors import TransferError
from paglets_nb.host.file_protocol import FileChunk, FileEntry
from paglets_nb.host.file_transfer import copy_open_file, place_file, transfer_seconds

FULL_DISK = """
import pathlib, sys
from paglets_nb.errors import TransferError
from paglets_nb.host.file_protocol import FileEntry
from paglets_nb.host.files import HostFiles
source, disk = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
found = source.stat()
entries = [FileEntry(n, str(source), found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev) for n in "ab"]
files = HostFiles(disk, "beta")
try:
    files.stage("op1", entries)
except TransferError as error:
    print(error)
print("left:", [path.name for path in disk.rglob("*") if path.is_file()])
files.stage("op2", entries[:1])
files.adopt("op2", "p1")
print("then:", files.path("p1", "a").stat().st_size)
"""


def entry_of(path: Path, *, name: str = "file", mode: str = "copy") -> FileEntry:
    """The manifest's entry of a file as it is now."""
    found = path.stat()
    return FileEntry(name, str(path), found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev, mode)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of 1 MB that can be executed."""
    path = tmp_path / "source.bin"
    path.write_bytes(os.urandom(1_000_003))
    path.chmod(0o755)
    return path


def test_a_copy_is_a_file_of_its_own(source: Path, tmp_path: Path) -> None:
    """A copy has the content, the permissions and the time of its source, and not its inode."""
    target = tmp_path / "target"
    place_file(entry_of(source), target, None, "beta")
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_ino != source.stat().st_ino
    assert (target.stat().st_mode & 0o777, target.stat().st_mtime_ns) == (0o755, source.stat().st_mtime_ns)


def test_a_move_takes_the_file_itself(source: Path, tmp_path: Path) -> None:
    """A moved file is the same inode, and the source keeps its name until it is told to drop it."""
    target = tmp_path / "target"
    place_file(entry_of(source, mode="move"), target, None, "beta")
    assert target.stat().st_ino == source.stat().st_ino
    assert source.stat().st_nlink == 2


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="wants a second file system")
def test_a_move_between_file_systems_is_a_copy(tmp_path: Path) -> None:
    """Where no link is possible the bytes are copied."""
    source = Path("/dev/shm") / f"paglets-{os.getpid()}"
    try:
        source.write_bytes(b"across" * 1000)
        if source.stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("one file system only")
        place_file(entry_of(source, mode="move"), tmp_path / "target", None, "beta")
        assert (tmp_path / "target").read_bytes() == b"across" * 1000
    finally:
        source.unlink(missing_ok=True)


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_source_that_is_not_what_the_manifest_says_is_refused(source: Path, tmp_path: Path, mode: str) -> None:
    """Changed, replaced, turned into a link or gone: a TransferError that names the file."""
    entry = entry_of(source, mode=mode)
    content = source.read_bytes()
    source.write_bytes(content + b"!")
    with pytest.raises(TransferError, match="'file' changed"):
        place_file(entry, tmp_path / "a", None, "beta")
    other = tmp_path / "other"
    other.write_bytes(content)
    os.utime(other, ns=(entry.mtime_ns, entry.mtime_ns))
    other.replace(source)
    with pytest.raises(TransferError, match="'file' changed"):
        place_file(entry, tmp_path / "b", None, "beta")
    source.rename(other)
    source.symlink_to(other)
    with pytest.raises(TransferError, match="'file'"):
        place_file(entry, tmp_path / "c", None, "beta")
    source.unlink()
    with pytest.raises(TransferError, match="'file'"):
        place_file(entry, tmp_path / "d", None, "beta")


@pytest.mark.parametrize("what", ["grow", "shrink", "vanish"])
def test_a_source_that_changes_during_the_copy_is_refused(tmp_path: Path, what: str) -> None:
    """A change between the first and the last byte is found."""
    source = tmp_path / "big"
    source.write_bytes(bytes(range(256)) * (80 << 12))  # more than one step of the copy
    entry = entry_of(source)
    looks = iter([False])

    def watch(_done: int) -> bool:
        if next(looks, True):  # the second look: in the middle of the copy
            if what == "vanish":
                source.unlink(missing_ok=True)
            else:
                os.truncate(source, entry.size_bytes + (1 if what == "grow" else -(20 << 20)))
        return True

    with pytest.raises(TransferError, match=r"changed|vanished|ended"):
        place_file(entry, tmp_path / "target", None, "beta", watch)


def test_a_transfer_can_be_given_up(source: Path, tmp_path: Path) -> None:
    """Whoever copies looks whether the transfer is still wanted."""
    with pytest.raises(TransferError, match="given up"):
        place_file(entry_of(source), tmp_path / "target", None, "beta", lambda _done: False)


def test_holes_stay_holes(tmp_path: Path) -> None:
    """A file of 1 GiB with two written pages is copied in their size."""
    source, target = tmp_path / "sparse", tmp_path / "target"
    with open(source, "wb") as file:
        file.seek(1 << 20)
        file.write(b"x" * 4096)
        file.seek((1 << 30) - 4096)
        file.write(b"y" * 4096)
    place_file(entry_of(source), target, None, "beta")
    assert target.stat().st_size == 1 << 30
    assert target.stat().st_blocks * 512 < 1 << 20
    with open(target, "rb") as file:
        file.seek(1 << 20)
        assert file.read(4096) == b"x" * 4096
        file.seek((1 << 30) - 4096)
        assert file.read() == b"y" * 4096


def test_a_source_shorter_than_promised_is_noticed(source: Path, tmp_path: Path) -> None:
    """A copy never ends silently before its size."""
    with (
        open(source, "rb") as opened,
        open(tmp_path / "t", "wb") as target,
        pytest.raises(TransferError, match="early"),
    ):
        copy_open_file(opened.fileno(), target.fileno(), 2_000_000)


def chunks(*pieces: bytes, sha256: str = "") -> Iterator[FileChunk]:
    """Pieces as a source would send them."""
    digest = sha256 or hashlib.sha256(b"".join(pieces)).hexdigest()
    for number, piece in enumerate(pieces, 1):
        last = number == len(pieces)
        yield FileChunk(piece, last, digest if last else "")


def test_fetched_bytes_are_verified(tmp_path: Path) -> None:
    """Chunks become the file; a wrong digest, too few or too many bytes do not."""
    entry = FileEntry("file", "/elsewhere/file", 6, 1_000_000_000, 1, 1)
    place_file(entry, tmp_path / "good", lambda _entry: chunks(b"abc", b"def"), "beta")
    assert (tmp_path / "good").read_bytes() == b"abcdef"
    assert (tmp_path / "good").stat().st_mtime_ns == 1_000_000_000
    bad = [chunks(b"abc", b"dex", sha256="0" * 64), chunks(b"abc"), chunks(b"abc", b"defg"), iter(())]
    for number, stream in enumerate(bad):
        with pytest.raises(TransferError, match="damaged"):
            place_file(entry, tmp_path / f"bad{number}", lambda _entry, stream=stream: stream, "beta")  # type: ignore[misc]


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    """What blocks when it is opened is no file that travels."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = threading.Event()

    def place() -> None:
        with pytest.raises(TransferError, match="changed"):
            place_file(entry_of(pipe), tmp_path / "target", None, "beta")
        done.set()

    thread = threading.Thread(target=place, daemon=True)
    thread.start()
    thread.join(5)
    assert done.is_set()


def test_time_is_given_by_size() -> None:
    """A movement with files may take longer."""
    assert transfer_seconds([]) == 0
    assert transfer_seconds([FileEntry("a", "/a", 200_000_000, 0, 1, 1)]) == 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="wants a small file system of its own")
def test_a_full_disk_is_a_typed_error_and_leaves_nothing(tmp_path: Path) -> None:
    """Files that do not fit are a TransferError, the staging is clean and what fits comes after."""
    source, disk = tmp_path / "source", tmp_path / "disk"
    source.write_bytes(os.urandom(3 << 20))
    disk.mkdir()
    shell = 'mount -t tmpfs -o size=4m tmpfs "$2" && exec "$0" -c "$3" "$1" "$2"'
    run = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", shell, sys.executable, str(source), str(disk), FULL_DISK],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    if run.returncode and not run.stdout:
        pytest.skip(f"no file system of its own: {run.stderr.strip().splitlines()[-1:]}")
    lines = run.stdout.splitlines()
    assert "'b' (3145728 bytes) did not come to beta: no room (No space left on device)" in lines[0]
    assert lines[1:] == ["left: []", "then: 3145728"], run.stderr
