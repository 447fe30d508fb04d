from __future__ import annotations

from paglets_nb.agents.movement import MovementResult
from tests.unit.magics.notebook import Notebook


def test_the_hosts_are_travelled(meshed: Notebook) -> None:
    """Each pair as often as asked for, with a payload and each host to itself; no paglet is left."""
    result = meshed.run("%paglet hops --repeat 2 --payload 64k --self")
    assert isinstance(result, MovementResult)
    assert result.hosts == ["alpha", "beta"]
    assert (result.hops, result.payload_bytes, result.failure) == (8, 65536, None)
    assert meshed.run("%paglet ls") == []


def test_the_first_host_is_where_it_begins(meshed: Notebook) -> None:
    """Its clock is the one that counts."""
    result = meshed.run("%paglet hops beta alpha --repeat 1")
    assert result.hosts == ["beta", "alpha"]
    assert result.clocks[0].offset_seconds == 0.0


def test_time_ends_it(meshed: Notebook) -> None:
    """With the hops that were made."""
    result = meshed.run("%paglet hops --repeat 20000 --timeout 0.4")
    assert result.expired
    assert 0 < result.hops < 40000
    assert meshed.run("%paglet ls") == []


def test_mistakes_are_one_line(meshed: Notebook) -> None:
    """Hosts, numbers and sizes that cannot be; the mesh can be used afterwards."""
    assert meshed.refused("%paglet hops gamma").startswith("no host 'gamma' in the mesh")
    assert meshed.refused("%paglet hops alpha") == "hops want two hosts, or self pairs; there is alpha"
    assert meshed.refused("%paglet hops --repeat 0") == "repeat wants a number from 1, got 0"
    assert "wants a number of bytes" in meshed.refused("%paglet hops --payload much")
    assert "payload_bytes wants 0 to" in meshed.refused("%paglet hops --payload 1g")
    assert meshed.run("%paglet ls") == []
