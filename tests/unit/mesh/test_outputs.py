"""What a paglet has printed."""

from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.mesh import outputs
from paglets_nb.mesh.outputs import PagletLog, PagletLogs


def text(words: str, name: str = "stdout") -> tuple[str, dict[str, Any]]:
    """A stream's message."""
    return "stream", {"name": name, "text": words}


def picture(words: str, display_id: str = "", update: bool = False) -> tuple[str, dict[str, Any]]:
    """A display's message."""
    content = {"data": {"text/plain": words}, "metadata": {}, "transient": {"display_id": display_id}}
    return "update_display_data" if update else "display_data", content


@pytest.fixture
def log() -> PagletLog:
    """An empty log."""
    return PagletLog("p1")


def test_lines_are_put_together(log: PagletLog) -> None:
    """However they come in pieces; each stream's for itself, and what a carriage return overwrites is gone."""
    for words in ("one", " line\ntwo\nth", "ree\n", "10%\r20%", "\r30%\r", "40%\n"):
        log.take("alpha", *text(words))
    log.take("beta", *text("oh\n", "stderr"))
    assert [(piece.kind, piece.text, piece.host) for piece in log.pieces()] == [
        ("stdout", "one line\n", "alpha"),
        ("stdout", "two\n", "alpha"),
        ("stdout", "three\n", "alpha"),
        ("stdout", "40%\n", "alpha"),
        ("stderr", "oh\n", "beta"),
    ]
    assert log.text(2) == "40%\noh\n"
    assert repr(log).startswith("one line\ntwo")
    assert repr(PagletLog("p2")) == "nothing was printed"


def test_displays_are_updated_in_place(log: PagletLog) -> None:
    """By their id, also when more has come since."""
    log.take("alpha", *picture("first", "d1"))
    log.take("alpha", *text("a line\n"))
    log.take("alpha", *picture("second", "d1", update=True))
    log.take("alpha", *picture("unknown", "d2", update=True))
    log.take("alpha", "execute_input", {})
    assert [(piece.kind, piece.text) for piece in log.pieces()] == [("display", "second\n"), ("stdout", "a line\n")]
    assert log.version == 4


def test_clearing(log: PagletLog) -> None:
    """At once, or with what comes next."""
    log.take("alpha", *text("a\n"))
    log.take("alpha", "clear_output", {"wait": True})
    assert log.text() == "a\n"
    log.take("alpha", *text("b\n"))
    assert log.text() == "b\n"
    log.take("alpha", "clear_output", {"wait": False})
    assert len(log) == 0


def test_it_is_bounded(log: PagletLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last lines are kept, so many and so much, and of a long one its end."""
    monkeypatch.setattr(outputs, "MAX_LINES", 5)
    for number in range(20):
        log.take("alpha", *text(f"{number}\n"))
    assert log.text() == "15\n16\n17\n18\n19\n"
    monkeypatch.setattr(outputs, "MAX_SIZE", 1000)
    for _ in range(4):
        log.take("alpha", *text("x" * 300 + "\n"))
    assert len(log) == 3
    log.take("alpha", *text("y" * 900))
    log.take("alpha", *text("z" * 900))
    assert len(log.text()) <= 1800
    many = PagletLogs()
    monkeypatch.setattr(outputs, "MAX_LOGS", 3)
    for number in range(6):
        many.take(f"p{number}", "alpha", *text("hi\n"))
    assert sorted(many._logs) == ["p3", "p4", "p5"]
    assert many.log("p5").text() == "hi\n"


def test_it_tells_of_changes(log: PagletLog) -> None:
    """To who waits, and to listeners until they are taken off."""
    told: list[int] = []
    remove = log.add_listener(lambda: told.append(log.version))
    assert not log.wait(timeout=0.0)
    log.take("alpha", *text("a\n"))
    assert log.wait(timeout=1.0)
    remove()
    log.take("alpha", *text("b\n"))
    assert told == [1]
