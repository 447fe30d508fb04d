"""On whose behalf code runs."""

from __future__ import annotations

import pytest

from paglets_nb.core.turns import current_origin, current_turn, default_origin, request_origin


class FakeTurn:
    paglet = None
    origin = "cell-of-the-turn"

    def give_up(self) -> bool:
        """Nothing to give up."""
        return False

    def take_back(self, timeout: float | None = None) -> None:
        """Nothing to take back."""


def test_the_nearest_origin_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The turn's cell comes before the request's, which comes before the process's."""
    assert current_origin() == ""
    monkeypatch.setattr(default_origin, "cell", "cell-of-the-process")
    assert current_origin() == "cell-of-the-process"
    request = request_origin.set("cell-of-the-request")
    assert current_origin() == "cell-of-the-request"
    turn = current_turn.set(FakeTurn())
    assert current_origin() == "cell-of-the-turn"
    current_turn.reset(turn)
    request_origin.reset(request)
    assert current_origin() == "cell-of-the-process"
