from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.magics.notebook import Notebook


@pytest.fixture
def log(meshed: Notebook) -> Path:
    """The log of beta, with three lines more."""
    path = meshed.session.host("beta").log_path
    with path.open("a") as file:
        file.write("one\ntwo\nthree\n")
    return path


def test_the_end_of_the_log_is_shown(meshed: Notebook, log: Path) -> None:
    """As many lines as are asked for, as they are."""
    shown = meshed.run("%paglet log beta --lines 2")
    assert shown == "two\nthree\n"
    assert repr(shown) == "two\nthree"
    assert meshed.run("%paglet log beta --lines 0") == ""


def test_following_writes_and_ends_in_time(meshed: Notebook, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--follow`` writes the lines out."""
    assert meshed.run("%paglet log beta --lines 1 --follow --timeout 0.3") is None
    assert capsys.readouterr().out == "three\n"


def test_mistakes_are_one_line(meshed: Notebook) -> None:
    """An unknown host."""
    assert meshed.refused("%paglet log gamma").startswith("no host 'gamma'")
