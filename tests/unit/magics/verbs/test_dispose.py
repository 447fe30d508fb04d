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


def test_several_by_a_variable_or_by_commas(meshed: Notebook, counter: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A list of proxies, with or without a dollar, and names with commas stand for all of them."""
    meshed.run("_clones = %paglet clone counter --all")
    assert meshed.run("%paglet deactivate $_clones") == meshed.variable("_clones")
    meshed.run("%paglet activate _clones")
    assert all(clone.is_active() for clone in meshed.variable("_clones"))
    meshed.run("%paglet dispose $_clones")
    assert not any(clone.is_valid() for clone in meshed.variable("_clones"))
    meshed.run("_other = %paglet create Counter --name other")
    capsys.readouterr()
    meshed.run("%paglet dispose counter,other")
    assert capsys.readouterr().out == "disposed: counter, other\n"
    assert meshed.refused("%paglet dispose no").startswith("no paglet 'no' in the mesh")
