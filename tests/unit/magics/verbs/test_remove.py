from __future__ import annotations

from tests.unit.magics.notebook import Notebook


def test_without_drain_paglets_end_with_their_host(meshed: Notebook) -> None:
    """``--no-drain`` moves nothing."""
    meshed.run("%paglet add doomed")
    meshed.run("_lost = %paglet create Echo --on doomed")
    assert meshed.run("%paglet remove doomed --no-drain") == []
    assert not meshed.variable("_lost").is_valid()


def test_the_last_host_stays(notebook: Notebook) -> None:
    """A mesh has at least one host."""
    notebook.run("%paglet up one")
    assert "'one' is the only host" in notebook.refused("%paglet remove one")
    assert notebook.refused("%paglet remove two").startswith("no host 'two' in the mesh (hosts: one)")
