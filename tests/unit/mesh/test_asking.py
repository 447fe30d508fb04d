"""One question to several hosts of this process, of which one may not answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import Listing
from paglets_nb.mesh.asking import Listed, ask_hosts, healths, list_paglets
from paglets_nb.testing import Counter
from tests.unit.mesh.made import PlainHandle
from tests.unit.silent import silent_host

LONG = 60.0
SHORT = 1.0
"""Seconds in which those that answer do so."""


@pytest.fixture
def silent() -> Iterator[PlainHandle]:
    """A host that does not answer."""
    with silent_host() as url:
        yield PlainHandle("silent", url)


@pytest.fixture
def known(hosts: list[Host]) -> list[PlainHandle]:
    """Alpha and beta."""
    return [PlainHandle(host.name, host.address) for host in hosts]


def test_the_answers_come_first(client: HostClient, known: list[PlainHandle], silent: PlainHandle) -> None:
    """Who does not answer holds up nobody, and comes without an answer; who is gone does not come at all."""
    gone = PlainHandle("gone", "unix:///nowhere.sock")
    told = list(ask_hosts(client, [silent, gone, *known], "@list", Listing, SHORT))
    assert {name for name, listing in told[:2] if listing is not None} == {"alpha", "beta"}
    assert told[2:] == [("silent", None)]


def test_what_hosts_tell_of_themselves(
    client: HostClient, hosts: list[Host], known: list[PlainHandle], silent: PlainHandle
) -> None:
    """One that is known not to answer is not asked, nor is one that is down."""
    hosts[0].create(Counter)
    attached, dead = PlainHandle("attached", silent.url, "silent"), PlainHandle("dead", silent.url, "dead")
    told = healths(client, [*known, attached, dead], LONG)
    assert {name: info and info.paglets for name, info in told.items()} == {"alpha": 1, "beta": 0, "attached": None}
    assert healths(client, [silent], 0.05) == {"silent": None}


def test_paglets_are_listed_host_by_host(
    client: HostClient, hosts: list[Host], known: list[PlainHandle], silent: PlainHandle
) -> None:
    """With the hosts whose paglets are missing, and what to do about them."""
    made = [host.create(Counter).agent_id for host in hosts]
    listed = list_paglets(client, [silent, *known], SHORT)
    assert [info.agent_id for info in listed.paglets] == made
    assert listed.silent == ["silent"]
    assert listed.unknown() == "silent does not answer; wait, or %paglet restart silent"
    assert Listed([], ["a", "b"]).unknown() == "a, b do not answer; wait, or %paglet restart a b"
    assert Listed().unknown() == ""


def test_who_has_been_found_is_waited_for_no_more(
    client: HostClient, hosts: list[Host], known: list[PlainHandle], silent: PlainHandle
) -> None:
    """A name or an id ends the search; the beginning of an id may be another's too."""
    made = hosts[1].create(Counter, name="box")
    for key in ("box", made.agent_id):
        found = list_paglets(client, [silent, *known], LONG, key).find(key)
        assert found is not None
        assert found.agent_id == made.agent_id
    begun = list_paglets(client, [silent, *known], SHORT, made.agent_id[:6])
    assert begun.silent == ["silent"]
    assert begun.find(made.agent_id[:6]) is not None
    assert begun.find("nobody") is None
