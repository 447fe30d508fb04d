from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest

from tests.unit.magics.notebook import Notebook


@pytest.fixture
def feed(meshed: Notebook) -> Iterator[str]:
    """The name of a paglet with three events."""
    meshed.run("_feed = %paglet create Feed --name feed\n_seen = []")
    meshed.run("%paglet send feed put numbers=[10,20,30]")
    yield "feed"
    meshed.run("%paglet dispose feed")


def test_the_cell_runs_for_each_event_once(meshed: Notebook, feed: str) -> None:
    """The session goes on where it was, unless another cursor is given."""
    cell = "%%paglet drain feed --no-follow\n_seen.append(event['n'])"
    assert meshed.run(cell) == 3
    assert meshed.run(cell) == 0
    meshed.run("%paglet send feed put numbers=[40]")
    assert meshed.run(cell) == 1
    assert meshed.variable("_seen") == [10, 20, 30, 40]
    assert meshed.run(cell.replace("--no", "--after 2 --no")) == 2
    assert meshed.variable("_seen")[4:] == [30, 40]


def test_an_event_whose_cell_failed_comes_again(meshed: Notebook, feed: str) -> None:
    """The error shows; the next run begins with that event."""
    with pytest.raises(AssertionError, match="twenty"):
        meshed.run("%%paglet drain feed\nassert event['n'] != 20, 'twenty'")
    meshed.run("%%paglet drain feed --no-follow\n_seen.append(event['n'])")
    assert meshed.variable("_seen") == [20, 30]


def test_it_ends_with_the_limit_the_time_and_the_stream(meshed: Notebook, feed: str) -> None:
    """Whichever comes first."""
    assert meshed.run("%%paglet drain feed --limit 2\npass") == 2
    assert meshed.run("%%paglet drain feed --timeout 0.2\npass") == 1
    meshed.run("%paglet send feed close")
    assert meshed.run("%%paglet drain feed --after 0\npass") == 3


def test_magics_work_in_the_cell(meshed: Notebook, feed: str) -> None:
    """It is a cell like any other."""
    meshed.run(
        "%%paglet drain feed --no-follow\n_last = %paglet send feed put numbers=[]\n_seen.append(event['cursor'])"
    )
    assert meshed.variable("_seen") == [1, 2, 3]


def test_mistakes_are_one_line(meshed: Notebook, feed: str) -> None:
    """A cell that is no code, a paglet without events."""
    assert meshed.refused("%%paglet drain feed\nx = (").startswith("the cell is not Python")
    meshed.run("_plain = %paglet create Echo")
    assert "keeps no events to drain" in meshed.refused("%%paglet drain _plain\npass")
    meshed.run("%paglet dispose _plain")


def test_an_error_of_the_cell_shows_the_cell_alone(meshed: Notebook, feed: str) -> None:
    """What the cell raises comes with the cell's line, and none of this package's."""
    error, ours = meshed.failed("%%paglet drain feed --after 0 --no-follow\n1 / 0")
    assert isinstance(error, ZeroDivisionError)
    assert ours == []
    assert "1 / 0" in "".join(traceback.format_tb(error.__traceback__))


def test_a_cursor_beyond_the_end_is_told(meshed: Notebook, feed: str) -> None:
    """It is said which event is the last one."""
    said = meshed.refused("%paglet drain feed --after 9")
    assert said == "cursor 9 lies beyond the end: the last event is 3"
