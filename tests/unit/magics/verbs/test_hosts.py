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


def test_a_host_that_died_is_told_and_the_mesh_goes_on(notebook: Notebook) -> None:
    """A call to it is one line, the table shows that it is not what it was, and the others take new paglets."""
    mesh = notebook.run("%paglet up left right")
    notebook.run("_lost = %paglet create Counter --on left")
    pid = mesh["left"].pid
    os.kill(pid, signal.SIGKILL)
    said = notebook.refused("%paglet call _lost add")  # by nobody, or by the host that is back already
    assert said.startswith(("host 'left' is gone: ", "no paglet "))
    assert notebook.run("%paglet create Counter --on right").is_valid()
    row = repr(notebook.run("%paglet hosts")).splitlines()[1]
    assert "killed by SIGKILL" in row or str(pid) not in row
