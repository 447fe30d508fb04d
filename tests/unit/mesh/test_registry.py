"""What a mesh leaves for its next owner."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from paglets_nb.errors import MeshError
from paglets_nb.mesh import registry as module
from paglets_nb.mesh.registry import (
    REGISTRY,
    KnownHost,
    MeshEntry,
    read_cursors,
    read_registry,
    remove_registry,
    write_cursors,
    write_registry,
)

ENTRY = MeshEntry("lab", "here", "local", "/data/lab", 5, 10.0, [KnownHost("alpha", 12, "unix:///r/lab/alpha.sock")])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """All of it comes back, the file is its user's alone, and a mesh without one does not outlive its owner."""
    assert read_registry(tmp_path) is None
    write_registry(tmp_path, ENTRY)
    assert read_registry(tmp_path) == ENTRY
    assert stat.S_IMODE((tmp_path / REGISTRY).stat().st_mode) == 0o600
    remove_registry(tmp_path)
    assert read_registry(tmp_path) is None


def spoiled(**changes: Any) -> str:
    """The text of a registry with some of its values changed; ``...`` takes one away."""
    values = {
        "format": 1,
        "name": "lab",
        "machine": "here",
        "engine": "local",
        "data_dir": "/data",
        "restarts": 5,
        "timeout": 10,
        "hosts": [{"name": "alpha", "pid": 12, "url": "unix:///x"}],
    }
    values.update(changes)
    return json.dumps({name: value for name, value in values.items() if value is not ...})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        "\udcff",
        spoiled(format=2),
        spoiled(format=...),
        spoiled(name=3),
        spoiled(restarts="many"),
        spoiled(restarts=True),
        spoiled(hosts={}),
        spoiled(hosts=["alpha"]),
        spoiled(hosts=[{"name": "alpha", "pid": "1", "url": "unix:///x"}]),
        spoiled(hosts=[{"name": "alpha", "pid": 12}]),
        spoiled(hosts=[{"name": "alpha", "pid": 0, "url": "unix:///x"}]),
        spoiled(hosts=[{"name": "alpha", "pid": -1, "url": "unix:///x"}]),
        spoiled(hosts=[{"name": "alpha", "pid": 12, "url": "tcp://x"}]),
    ],
)
def test_one_that_is_damaged_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever stands there is a mesh's error that names the folder."""
    path = tmp_path / REGISTRY
    path.write_bytes(text.encode(errors="surrogateescape"))
    path.chmod(0o600)
    with pytest.raises(MeshError, match=f"the registry of the mesh in {tmp_path} cannot be read"):
        read_registry(tmp_path)


def test_one_that_others_could_have_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link, a pipe, a folder, a file that others may write, one that is too large: none of them is believed."""
    path = tmp_path / REGISTRY

    def refused() -> None:
        with pytest.raises(MeshError, match="cannot be read"):
            read_registry(tmp_path)

    write_registry(tmp_path, ENTRY)
    path.chmod(0o620)
    refused()
    path.chmod(0o600)
    monkeypatch.setattr(module, "_LARGEST", 10)
    refused()
    monkeypatch.undo()
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    refused()
    path.unlink()
    os.mkfifo(path, 0o600)
    refused()
    path.unlink()
    path.mkdir(mode=0o700)
    refused()


def test_cursors_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far readers had come is there again, of the latest; what cannot be read is nothing."""
    assert read_cursors(tmp_path) == {}
    write_cursors(tmp_path, {("a", "drain"): 3, ("b", "drain"): 7})
    assert read_cursors(tmp_path) == {("a", "drain"): 3, ("b", "drain"): 7}
    monkeypatch.setattr(module, "_MOST_CURSORS", 1)
    write_cursors(tmp_path, {("a", "drain"): 3, ("b", "drain"): 7})
    assert read_cursors(tmp_path) == {("b", "drain"): 7}
    for text in ("", "[1]", '[["a", "b", "c"]]', "{}"):
        (tmp_path / "cursors.json").write_text(text)
        assert read_cursors(tmp_path) == {}
