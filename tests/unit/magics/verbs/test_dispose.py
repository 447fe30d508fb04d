from __future__ import annotations

import pytest

from tests.unit.magics.notebook import Notebook


def test_dispose_ends_paglets(meshed: Notebook, counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The paglets are gone, and named."""
    meshed.run("_other = %paglet create Counter --name other")
    capsys.readouterr()
    meshed.run("%paglet dispose counter _other")
    assert capsys.readouterr().out == "disposed: counter, other\n"
    assert list(meshed.run("%paglet ls")) == []


def test_all_are_found_before_one_ends(meshed: Notebook, counter: str) -> None:
    """A wrong name among right ones ends nothing."""
    assert meshed.refused("%paglet dispose counter nobody").startswith("no paglet 'nobody'")
    assert meshed.variable("_counter").is_valid()
