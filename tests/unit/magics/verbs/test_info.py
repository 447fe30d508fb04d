from __future__ import annotations

import os

from tests.unit.magics.notebook import Notebook


def test_info_tells_class_place_operations_and_state(meshed: Notebook, counter: str) -> None:
    """Everything a caller needs to know of a paglet is in text and HTML."""
    details = meshed.run("%paglet info counter")
    assert details.state == {"count": 0, "anything": None}
    assert details.info["pid"] not in (0, os.getpid())
    text = repr(details)
    assert "add (by: int = 1, colour: Colour = Colour.RED, note: str | None = None" in text
    assert ") -> Total" in text
    assert "count = 0" in text
    assert f"alpha (pid {details.info['pid']})" in details._repr_html_()


def test_a_sleeping_paglet_is_told(meshed: Notebook, counter: str) -> None:
    """It says that it sleeps, and does not wake it."""
    assert "asleep" not in repr(meshed.run("%paglet info counter"))
    meshed.run("%paglet deactivate counter")
    assert "activity   asleep; wakes as it was told to" in repr(meshed.run("%paglet info counter"))
    assert not meshed.variable("_counter").is_active()


def test_a_task_is_started_with_its_own_request(meshed: Notebook, worker: str) -> None:
    """Of a task it tells what it takes and answers, not how that travels; also of one that does not say."""
    assert "start (steps: int = 1, fail: bool = False) -> Done" in repr(meshed.run("%paglet info worker"))
    meshed.run("class Untyped(TaskPaglet):\n    pass")
    untyped = meshed.run("_untyped = %paglet create Untyped --name untyped\n_untyped")
    assert "start (" in repr(meshed.run("%paglet info untyped"))
    untyped.dispose()
