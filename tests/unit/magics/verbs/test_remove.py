from __future__ import annotations

from tests.unit.magics.notebook import Notebook

SLEEPER = """
import time
from paglets_nb import Paglet

class Sleeper(Paglet):
    def handle_message(self, message):
        if message.kind == "sleep":
            time.sleep(1.5)
        return "rested"
"""


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


def test_a_paglet_that_does_not_come_to_rest_keeps_its_host(meshed: Notebook) -> None:
    """Within the time-out, which is told; nothing of it is lost."""
    meshed.run("%paglet add busy")
    meshed.run(SLEEPER)
    meshed.run("_sleeper = %paglet create Sleeper --on busy")
    sleeper = meshed.variable("_sleeper")
    sleeper.send_oneway("sleep")
    said = meshed.refused("%paglet remove busy --timeout 0.2")
    assert "was not moved within 0.2 s: it is busy with" in said
    assert [host.name for host in meshed.run("%paglet hosts")] == ["alpha", "beta", "busy"]
    assert meshed.run("%paglet remove busy") == [sleeper]
    assert sleeper.send("again") == "rested"
    sleeper.dispose()
