from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from paglets_nb import Host, ServiceOperation
from paglets_nb.host.protocol import PagletInfo
from paglets_nb.widgets.tables import HostTable, PagletDetails, PagletTable, signature
from tests.unit.widgets.conftest import Worker


@dataclass
class Request:
    needed: int
    text: str = "a"
    items: list[int] = field(default_factory=list)
    where: Path | None = None
    odd: Any = field(default_factory=lambda: {"x": 1})


def test_a_signature_tells_types_and_defaults() -> None:
    """What an operation takes is readable, and no factory is run to show it."""
    said = signature(ServiceOperation("x", Request, Request))
    assert said == (
        "(needed: int, text: str = 'a', items: list[int] = [], where: Path | None = None, odd: Any = ...) -> Request"
    )


def test_listed_paglets_can_be_spoken_to(host: Host) -> None:
    """The table is a list of proxies that work."""
    made = host.create(Worker)
    info = PagletInfo(made.agent_id, "m:Worker#1", "alpha", host.address, 1, name="<w>")
    listed = PagletTable([info], host.client)
    assert listed == [made]
    assert listed[0].info()["agent_id"] == made.agent_id
    assert repr(listed).splitlines()[1].split()[:3] == ["<w>", "Worker", "alpha"]
    assert "&lt;w&gt;" in listed._repr_html_()
    assert repr(PagletTable([], host.client)) == PagletTable([], host.client)._repr_html_() == "no paglets"


def test_details_show_state_and_operations(host: Host) -> None:
    """A paglet's details are those its host tells."""
    details = PagletDetails(host.create(Worker).info(), (ServiceOperation("x", Request),))
    assert details.state["status"] == "NEW"
    assert "status = NEW" in repr(details)
    assert "x (needed: int" in repr(details)
    assert "<table>" in details._repr_html_()


def test_hosts_keep_the_count_of_their_listing(host: Host) -> None:
    """A dead host is listed with its reason and is not asked for its paglets."""
    host.create(Worker)
    alive = SimpleNamespace(name="a", state="up", reason="", restarts=0, pid=1, url=host.address)
    dead = SimpleNamespace(name="b", state="dead", reason="killed by SIGKILL", pid=2, url="v")
    table = HostTable([alive, dead], host.client)  # type: ignore[list-item]
    host.create(Worker)
    assert table[0] is alive
    assert repr(table).splitlines()[1].split() == ["a", "up", "1", "1"]
    assert "dead: killed by SIGKILL" in table._repr_html_()


def test_a_host_that_is_up_again_says_why_it_was_not(host: Host) -> None:
    """As what it is: the reason of its last restart."""
    again = SimpleNamespace(name="a", state="up", reason="killed by SIGKILL", restarts=1, pid=1, url=host.address)
    table = HostTable([again], host.client)  # type: ignore[list-item]
    assert "up, restarted once (last: killed by SIGKILL)" in repr(table)
