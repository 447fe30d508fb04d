from __future__ import annotations

import pytest

from paglets_nb.magics import progress
from tests.unit.magics.notebook import Notebook


def test_dispatch_moves_the_paglet_and_its_state(meshed: Notebook, counter: str) -> None:
    """The same paglet answers from the other host, and its old proxy follows."""
    meshed.run("%paglet call counter add by=5")
    old = meshed.variable("_counter")
    moved = meshed.run("%paglet dispatch counter beta")
    assert moved.agent_id == old.agent_id
    assert old.info()["host_name"] == "beta"
    assert meshed.run("%paglet call counter add by=1").count == 6


HOLDING = """
class _Holding(TaskPaglet[Steps, Done, TaskState]):
    Request, Result = Steps, Done

    def run_task(self, request):
        while True:
            time.sleep(0.01)
            self.check_cancelled()

_holding = %paglet create _Holding --on alpha --name holding
%paglet start holding
"""


def test_a_running_task_is_not_moved(meshed: Notebook) -> None:
    """A task that does not let go in time is told as not moved, with what to do."""
    meshed.run(HOLDING)
    said = meshed.refused("%paglet dispatch holding beta --timeout 0.1")
    assert said == "holding was not moved within 0.1 s: it is busy with its task; wait for it, or cancel it"
    said = meshed.refused("%paglet dispose holding --timeout 0.1")
    assert said == "holding was not ended within 0.1 s: it is busy with its task; wait for it, or cancel it"
    meshed.run("%paglet cancel holding")
    meshed.run("%paglet wait holding")
    assert meshed.variable("_holding").info()["host_name"] == "alpha"
    meshed.run("%paglet dispose holding")


def test_what_a_move_waits_for_is_said(meshed: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the paglet goes on, and not only when the time is over."""
    told: list[str] = []
    monkeypatch.setattr(progress, "_LONG", 0.05)
    monkeypatch.setattr(progress.ProgressLine, "update", lambda _line, text, _picture="": told.append(text))
    meshed.run(HOLDING)
    meshed.refused("%paglet dispatch holding beta --timeout 0.5")
    assert "moving holding to beta, once it has done what it does now ..." in told
    meshed.run("%paglet cancel holding")
    meshed.run("%paglet wait holding")
    meshed.run("%paglet dispose holding")


def test_an_unknown_target_leaves_it_where_it_is(meshed: Notebook, counter: str) -> None:
    """A wrong host is one line, and nothing moves."""
    assert meshed.refused("%paglet dispatch counter gamma") == "no host 'gamma' in the mesh (hosts: alpha, beta)"
    assert meshed.variable("_counter").info()["host_name"] == "alpha"
