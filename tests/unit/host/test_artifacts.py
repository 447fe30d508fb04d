"""Artifacts: kept, fetched, listed and deleted, here and over the socket."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from paglets_nb.errors import TransferError
from paglets_nb.host.artifacts import CHUNK
from paglets_nb.host.file_protocol import ArtifactInfo, ArtifactPart
from paglets_nb.host.host import Host


@pytest.mark.parametrize("host", ["", "beta"])
def test_bytes_and_files_are_kept(tmp_path: Path, alpha: Host, host: str) -> None:
    """What is uploaded comes back the same, as bytes or as a file, and an earlier one is replaced."""
    content = os.urandom(CHUNK + 77)
    source = tmp_path / "source.bin"
    source.write_bytes(content)
    alpha.upload_artifact(b"earlier", "a", host=host)
    info = alpha.upload_artifact(source, "a", host=host)
    assert (info.name, info.size_bytes) == ("a", CHUNK + 77)
    alpha.upload_artifact(source, host=host)
    alpha.upload_artifact(b"", "empty", host=host)
    assert [(found.name, found.size_bytes) for found in alpha.list_artifacts(host=host)] == [
        ("a", CHUNK + 77),
        ("empty", 0),
        ("source.bin", CHUNK + 77),
    ]
    assert alpha.download_artifact("a", host=host) == content
    assert alpha.download_artifact("empty", host=host) == b""
    target = tmp_path / "target.bin"
    target.write_bytes(b"older")
    assert alpha.download_artifact("a", target, host=host) == target
    assert target.read_bytes() == content
    alpha.delete_artifact("a", host=host)
    assert len(alpha.list_artifacts(host=host)) == 2
    for call in (alpha.download_artifact, alpha.delete_artifact):
        with pytest.raises(FileNotFoundError, match=r"no artifact 'a' on \w+ \(artifacts: empty, source.bin\)"):
            call("a", host=host)


@pytest.mark.parametrize("name", ["", "..", "../x", "/abs", "a/b", "nul\0", "x" * 256, ".part-1"])
def test_names_cannot_escape(tmp_path: Path, alpha: Host, beta: Host, name: str) -> None:
    """A name is one component of a path, here and from elsewhere."""
    for host in ("", "beta"):
        for call in (alpha.download_artifact, alpha.delete_artifact):
            with pytest.raises(ValueError, match="is not an artifact's name"):
                call(name, host=host)
    with pytest.raises(ValueError, match="is not an artifact's name"):
        alpha.client.ask(beta.address, "@artifact-put", ArtifactPart(name, "u", 0, b"x"), ArtifactInfo)
    with pytest.raises(ValueError, match="is not an artifact's name"):
        alpha.upload_artifact(b"x", name)
    assert not (beta.data_dir / "artifacts").exists()


def test_what_cannot_be_kept(tmp_path: Path, alpha: Host) -> None:
    """Bytes without a name, folders and missing files are refused by kind."""
    with pytest.raises(ValueError, match="need a name"):
        alpha.upload_artifact(b"x")
    for host in ("", "beta"):
        with pytest.raises(ValueError, match="not a regular file"):
            alpha.upload_artifact(tmp_path, host=host)
        with pytest.raises(FileNotFoundError):
            alpha.upload_artifact(tmp_path / "nowhere", host=host)
        assert alpha.list_artifacts(host=host) == []


def test_a_broken_upload_shows_nothing(alpha: Host, beta: Host) -> None:
    """Parts out of order or with another digest end the upload, and the earlier artifact stays."""
    alpha.upload_artifact(b"earlier", "a", host="beta")

    def put(upload_id: str, offset: int, data: bytes, *, last: bool = False, sha256: str = "") -> ArtifactInfo:
        part = ArtifactPart("a", upload_id, offset, data, last, sha256)
        return alpha.client.ask(beta.address, "@artifact-put", part, ArtifactInfo)

    put("u1", 0, b"12345")
    with pytest.raises(TransferError, match="does not go on at 7"):
        put("u1", 7, b"x")
    with pytest.raises(TransferError, match="does not go on at 5"):
        put("u1", 5, b"x")
    put("u2", 0, b"12345")
    with pytest.raises(TransferError, match="damaged"):
        put("u2", 5, b"6", last=True, sha256=hashlib.sha256(b"other").hexdigest())
    assert beta.download_artifact("a") == b"earlier"
    assert os.listdir(beta.data_dir / "artifacts") == ["a"]


def test_unfinished_uploads_are_few_and_end_with_the_run(tmp_path: Path) -> None:
    """Uploads that are never finished push each other out, and a start of the host clears them."""
    with Host("alpha", data_dir=tmp_path) as alpha:
        for number in range(70):
            alpha.artifacts.take("", ArtifactPart("a", f"u{number}", 0, b"x"))
        assert len(os.listdir(tmp_path / "artifacts")) == 64
        alpha.upload_artifact(b"whole", "kept")
    with Host("alpha", data_dir=tmp_path) as alpha:
        assert os.listdir(tmp_path / "artifacts") == ["kept"]
        assert alpha.download_artifact("kept") == b"whole"


def test_a_failed_download_keeps_the_destination(tmp_path: Path, alpha: Host) -> None:
    """A destination is written whole or stays as it is."""
    target = tmp_path / "target"
    target.write_text("mine")
    for host in ("", "beta"):
        with pytest.raises(FileNotFoundError):
            alpha.download_artifact("nowhere", target, host=host)
    assert target.read_text() == "mine"
    assert os.listdir(tmp_path) == ["target"]
