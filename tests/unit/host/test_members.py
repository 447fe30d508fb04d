"""What a host knows of the others."""

from __future__ import annotations

import threading

import pytest

from paglets_nb.core.references import HostRef
from paglets_nb.errors import UnknownHostError
from paglets_nb.host.members import MemberTable

ALPHA = HostRef("alpha", "unix:///a")
BETA = HostRef("beta", "unix:///b")
GONE = HostRef("gamma", "unix:///c", online=False, error="killed by SIGKILL")


def test_newer_views_win() -> None:
    """An older view is not taken over, an equal or newer one is."""
    table = MemberTable()
    assert table.update(3, [ALPHA, BETA])
    assert not table.update(2, [ALPHA])
    assert table.hosts() == [ALPHA, BETA]
    assert table.update(3, [BETA])
    assert table.hosts() == [BETA]


def test_offline_hosts_are_listed_only_on_request() -> None:
    """Offline hosts are known, but not among those online."""
    table = MemberTable()
    table.update(1, [ALPHA, GONE])
    assert table.hosts() == [ALPHA]
    assert table.hosts(online_only=False) == [ALPHA, GONE]
    assert table.find("gamma") == table.find("unix:///c") == GONE
    assert table.find("delta") is None


def test_resolving() -> None:
    """A name gives its address, an address itself; strangers and the offline are named errors."""
    table = MemberTable()
    table.update(1, [BETA, ALPHA, GONE])
    assert table.resolve("alpha") == "unix:///a"
    assert table.resolve("unix:///elsewhere") == "unix:///elsewhere"
    for name in ("gamma", "delta"):
        with pytest.raises(UnknownHostError, match=rf"no host '{name}' in the mesh \(hosts: alpha, beta\)"):
            table.resolve(name)


def test_waiting_for_a_host() -> None:
    """A waiter is woken when the host comes online, and told when it does not."""
    table = MemberTable()
    table.update(1, [ALPHA, GONE])
    assert table.wait_for("alpha", 0) == ALPHA
    with pytest.raises(UnknownHostError, match="gamma"):
        table.wait_for("gamma", 0.01)
    online = HostRef("gamma", "unix:///c2")
    timer = threading.Timer(0.01, table.update, (2, [ALPHA, online]))
    timer.start()
    assert table.wait_for("gamma", 5) == online
    timer.join(5)
