from __future__ import annotations

from tests.unit.magics.notebook import Notebook


def test_dispatch_moves_the_paglet_and_its_state(meshed: Notebook, counter: str) -> None:
    """The same paglet answers from the other host, and its old proxy follows."""
    meshed.run("%paglet call counter add by=5")
    old = meshed.variable("_counter")
    moved = meshed.run("%paglet dispatch counter beta")
    assert moved.agent_id == old.agent_id
    assert old.info()["host_name"] == "beta"
    assert meshed.run("%paglet call counter add by=1").count == 6


def test_an_unknown_target_leaves_it_where_it_is(meshed: Notebook, counter: str) -> None:
    """A wrong host is one line, and nothing moves."""
    assert meshed.refused("%paglet dispatch counter gamma") == "no host 'gamma' in the mesh (hosts: alpha, beta)"
    assert meshed.variable("_counter").info()["host_name"] == "alpha"
