from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.magics.notebook import Notebook


@pytest.mark.parametrize("host", ["alpha", "beta"])
def test_a_file_is_fetched(meshed: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """To the working folder, or to the path given; ``--move`` takes it away over there."""
    source = tmp_path / "there" / "log.txt"
    source.parent.mkdir()
    source.write_text("lines")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert meshed.run(f"%paglet pull {host}:{source}").destination.path == str(here / "log.txt")
    assert (here / "log.txt").read_text() == "lines"
    meshed.run(f"%paglet pull {host}:{source} sub/other.txt --move")
    assert (here / "sub" / "other.txt").read_text() == "lines"
    assert not source.exists()
    assert meshed.run("%paglet ls") == []


def test_mistakes_are_one_line(meshed: Notebook, tmp_path: Path) -> None:
    """A file that is none, a host that is none, no file at all."""
    refused = meshed.refused(f"%paglet pull beta:{tmp_path}/none")
    assert "source is not a file" in refused
    assert refused.endswith("; there is none of that name there, or it is a folder")
    assert meshed.refused("%paglet pull gamma:x").startswith("no host 'gamma'")
    assert meshed.refused("%paglet pull beta").startswith("which file of beta?")
