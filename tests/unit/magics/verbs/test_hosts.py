from __future__ import annotations

import os
import signal

from paglets_nb.widgets.tables import HostTable
from tests.unit.magics.notebook import Notebook


def test_hosts_are_a_list_that_shows_as_a_table(meshed: Notebook, counter: str) -> None:
    """Handles in order, with state, pid and number of paglets in the table."""
    hosts = meshed.run("%paglet hosts")
    assert isinstance(hosts, HostTable)
    assert [host.name for host in hosts] == ["alpha", "beta"]
    first = repr(hosts).splitlines()[1].split()
    assert first[:4] == ["alpha", "up", str(hosts[0].pid), "1"]


def test_a_dead_host_is_listed_with_its_reason_and_the_mesh_goes_on(notebook: Notebook) -> None:
    """A call to a host that died is one line; the others take new paglets."""
    mesh = notebook.run("%paglet up left right")
    notebook.run("_lost = %paglet create Counter --on left")
    os.kill(mesh["left"].pid, signal.SIGKILL)
    assert notebook.refused("%paglet call _lost add").startswith("host 'left' is gone: ")
    made = notebook.run("%paglet create Counter")
    assert made.info()["host_name"] == "right"
    assert "left' is gone: killed by SIGKILL" in notebook.refused("%paglet create Counter --on left")
    assert "dead: killed by SIGKILL" in repr(notebook.run("%paglet hosts"))
    assert "left' is gone" in notebook.refused("%%paglet on left\n1")
