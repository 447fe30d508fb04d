from __future__ import annotations

from tests.unit.magics.notebook import Notebook


def test_a_paglet_is_called_back(meshed: Notebook, counter: str) -> None:
    """To the mesh's first host, or the one named; its state comes with it, and its proxy follows."""
    mesh, proxy = meshed.session.require_mesh(), meshed.variable("_counter")
    meshed.run("%paglet call counter add by=2")
    meshed.run("%paglet dispatch counter beta")
    assert meshed.run("%paglet retract _counter") is proxy
    assert mesh.host_name(proxy.host_url) == "alpha"
    back = meshed.run("%paglet retract counter --to beta")
    assert mesh.host_name(back.host_url) == "beta"
    assert meshed.run("%paglet call _counter add").count == 3
    assert meshed.run("%paglet events --kind retract")


def test_mistakes_are_one_line(meshed: Notebook, counter: str) -> None:
    """An unknown host or paglet."""
    assert meshed.refused("%paglet retract counter --to gamma").startswith("no host 'gamma'")
    assert meshed.refused("%paglet retract nobody").startswith("no paglet 'nobody'")
    assert "seconds above 0" in meshed.refused("%paglet retract counter --timeout 0")
