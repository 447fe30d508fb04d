from __future__ import annotations

from tests.unit.magics.notebook import Notebook


def test_ls_lists_proxies(meshed: Notebook, counter: str) -> None:
    """The list holds proxies that can be used, and shows names, classes and hosts."""
    (proxy,) = meshed.run("%paglet ls")
    assert proxy == meshed.variable("_counter")
    assert proxy.is_active()
    table = repr(meshed.run("%paglet ls --on alpha"))
    assert table.splitlines()[1].split()[:3] == ["counter", "Counter", "alpha"]


def test_ls_can_be_of_one_host(meshed: Notebook, counter: str) -> None:
    """Only the paglets of the host asked for are listed; an unknown host is an error."""
    assert list(meshed.run("%paglet ls --on beta")) == []
    assert repr(meshed.run("%paglet ls --on beta")) == "no paglets"
    assert meshed.refused("%paglet ls --on gamma").startswith("no host 'gamma' in the mesh")
