from __future__ import annotations

import threading
import time

from paglets_nb.magics.candidates import Candidates
from tests.unit.magics.notebook import Notebook


def test_an_answer_is_kept_and_asked_for_once(notebook: Notebook) -> None:
    """Within its life an answer comes from memory."""
    candidates, asked = Candidates(notebook.session), []

    def fetch() -> list[str]:
        asked.append(1)
        return ["a"]

    assert candidates.ask("key", fetch, []) == ["a"]
    assert candidates.ask("key", fetch, []) == ["a"]
    assert len(asked) == 1


def test_a_slow_answer_is_there_the_next_time(notebook: Notebook) -> None:
    """The default stands in for an answer that takes long; it is not asked for twice meanwhile."""
    candidates, go, asked = Candidates(notebook.session), threading.Event(), []

    def fetch() -> list[str]:
        asked.append(1)
        answered.append(go.wait(20))
        return ["late"]

    answered: list[bool] = []
    assert candidates.ask("key", fetch, []) == []
    assert candidates.ask("key", fetch, []) == []
    assert not answered
    go.set()
    deadline = time.monotonic() + 5
    while candidates.ask("key", fetch, []) != ["late"]:
        assert time.monotonic() < deadline
    assert len(asked) == 1


def test_a_failure_offers_nothing(notebook: Notebook) -> None:
    """Whatever asking raises, nothing is offered and nobody sees it."""

    def fetch() -> list[str]:
        raise ConnectionError

    assert Candidates(notebook.session).ask("key", fetch, ["default"]) == ["default"]
