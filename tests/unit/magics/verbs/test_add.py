from __future__ import annotations

from paglets_nb.widgets.tables import HostTable
from tests.unit.magics.notebook import Notebook


def test_hosts_are_added_and_removed(meshed: Notebook) -> None:
    """One host gets the next name in line, several the names given; a paglet of one that is removed moves."""
    host = meshed.run("%paglet add")
    assert (host.name, host.state) == ("gamma", "up")
    added = meshed.run("%paglet add left,right")
    assert isinstance(added, HostTable)
    assert [handle.name for handle in added] == ["left", "right"]
    meshed.run("_kept = %paglet create Echo --on gamma --name kept")
    (moved,) = meshed.run("%paglet remove gamma")
    assert moved == meshed.variable("_kept")
    assert meshed.run("%paglet send kept hello") == {"kind": "hello"}
    assert [handle.name for handle in meshed.run("%paglet add 2")] == ["gamma", "delta"]
    for name in ("left", "right", "gamma", "delta"):
        assert meshed.run(f"%paglet remove {name}") == []
    assert [handle.name for handle in meshed.run("%paglet hosts")] == ["alpha", "beta"]
    meshed.run("%paglet dispose kept")


def test_names_that_cannot_be_are_one_line(meshed: Notebook) -> None:
    """A name in use, and one that is none."""
    assert "has a host 'alpha' already" in meshed.refused("%paglet add alpha")
    assert "'9x' is not a host's name" in meshed.refused("%paglet add 9x")
    assert "'all' stands for every host" in meshed.refused("%paglet add all")
    for count in ("0", "-1", "255"):
        assert meshed.refused(f"%paglet add {count}") == (
            f"a mesh has up to 256 hosts: 254 more may be added, not {count}"
        )
