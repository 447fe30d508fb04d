"""What is printed while nobody reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from paglets_nb.mesh import unread_output as module
from paglets_nb.mesh.unread_output import UnreadOutput


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log that a process has written to already."""
    path = tmp_path / "alpha.log"
    path.write_text("before\n")
    return path


def test_only_what_nobody_reads_is_kept(log: Path) -> None:
    """From the loss of the reader to the next one everything goes to the log, between lines that say so."""
    kept = UnreadOutput(log)
    kept.begin()
    kept.end()
    assert kept.write("read by somebody\n") == 17
    assert log.read_text().startswith("before\n[nobody attached since 20")
    kept.end()
    kept.begin()
    kept.write("one\n")
    kept.begin()
    kept.write("two\n")
    kept.flush()
    kept.end()
    kept.write("three\n")
    lines = log.read_text().splitlines()
    assert [line for line in lines if "attached" not in line] == ["before", "one", "two"]
    assert [line.split(" 20")[0] for line in lines if "attached" in line] == [
        "[nobody attached since",
        "[attached again",
    ] * 2


def test_what_may_not_have_come_through_is_kept_too(log: Path) -> None:
    """What was printed just before the reader was lost is in the log."""
    kept = UnreadOutput(log)
    kept.write("just ")
    kept.write("now\n")
    kept.begin()
    assert log.read_text().endswith("]\njust now\n")


def test_not_more_is_held_than_may_be(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what may not have come through the latest is held, within a bound."""
    monkeypatch.setattr(module, "_RECENT", 10)
    kept = UnreadOutput(log)
    for text in ("0123456789", "abc", "defg", "x" * 7 + "end"):
        kept.write(text)
    kept.begin()
    assert log.read_text().endswith("]\nxxxxxxxend")


def test_the_log_is_bounded(log: Path) -> None:
    """Past its bound the older half goes, said in the first line; what comes last stays, in order."""
    kept = UnreadOutput(log, 2000)
    kept.begin()
    for number in range(1000):
        kept.write(f"line {number}\n")
        assert log.stat().st_size <= 2100
    lines = log.read_text().splitlines()
    assert lines[0] == "[earlier output was dropped]"
    numbers = [int(line.split()[1]) for line in lines[1:]]
    assert numbers == list(range(numbers[0], 1000))
    assert len(numbers) > 50
    kept.write("x" * 10_000 + "end")
    assert log.stat().st_size <= 2100
    assert log.read_text().endswith("xend")


def test_a_log_that_cannot_be_written_disturbs_nobody(tmp_path: Path) -> None:
    """A print goes on as if nothing were."""
    kept = UnreadOutput(tmp_path / "gone" / "alpha.log")
    kept.begin()
    assert kept.write("lost\n") == 5
    kept.end()
