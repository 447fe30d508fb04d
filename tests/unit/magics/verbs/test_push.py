from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.magics.notebook import Notebook


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file."""
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n")
    return path


@pytest.mark.parametrize("host", ["alpha", "beta"])
def test_a_file_is_brought_to_a_host(meshed: Notebook, source: Path, tmp_path: Path, host: str) -> None:
    """To the host that reads it or to another; what carried it is gone."""
    target = tmp_path / host / "kept.csv"
    result = meshed.run(f"%paglet push {source} {host}:{target}")
    assert target.read_text() == source.read_text()
    assert (result.destination.host_name, result.destination.path, result.size_bytes) == (host, str(target), 8)
    assert meshed.run("%paglet ls") == []


def test_a_file_may_move_and_replace_another(meshed: Notebook, source: Path, tmp_path: Path) -> None:
    """Without ``--overwrite`` what is there stays; with ``--move`` the source goes."""
    target = tmp_path / "there" / "data.csv"
    meshed.run(f"%paglet push {source} beta:{target.parent}/")
    source.write_text("new")
    refused = meshed.refused(f"%paglet push {source} beta:{target} --move")
    assert "FileExistsError" in refused
    assert refused.endswith("; --overwrite replaces it")
    assert source.exists()
    assert target.read_text() == "a,b\n1,2\n"
    result = meshed.run(f"%paglet push {source} beta:{target} --move --overwrite")
    assert target.read_text() == "new"
    assert not source.exists()
    assert result.mode == "move"


def test_where_to_is_asked_for(meshed: Notebook, source: Path) -> None:
    """A host without a colon is one line; with it alone the file goes to the host's working folder."""
    said = meshed.refused(f"%paglet push {source} beta")
    assert said == "where to? Write HOST:PATH; beta: alone is the host's working folder"
    result = meshed.run(f"%paglet push {source} beta: --dry-run")
    meshed.run("import os")
    assert result.destination.path == str(Path.cwd() / "data.csv")


def test_a_dry_run_changes_nothing(meshed: Notebook, source: Path, tmp_path: Path) -> None:
    """It tells what would be done."""
    result = meshed.run(f"%paglet push {source} beta:{tmp_path}/new/x.csv --dry-run")
    assert result.dry_run
    assert not (tmp_path / "new").exists()


def test_mistakes_are_one_line(meshed: Notebook, tmp_path: Path) -> None:
    """A file that is none, a host that is none."""
    assert meshed.refused(f"%paglet push {tmp_path}/none beta:x").startswith("no file ")
    assert f"{tmp_path} is a folder; push brings one file" in meshed.refused(f"%paglet push {tmp_path} beta:x")
    assert meshed.refused(f"%paglet push {tmp_path} gamma:x").startswith("no host 'gamma'")
