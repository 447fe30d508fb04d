"""What each kind of event does to the picture of a mesh."""

from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.mesh.events import MeshEvent
from paglets_nb.mesh.whereabouts import HOST_CHANGED, LISTED, LOST, Names, PagletSpot, Whereabouts


def event(kind: str, agent_id: str, host: str, at: float, **details: Any) -> MeshEvent:
    """An event of a mesh."""
    return MeshEvent(0, kind, agent_id, host, at, details)


@pytest.fixture
def where() -> Whereabouts:
    """Two hosts, and a Counter on alpha."""
    made = Whereabouts(Names())
    for name in ("alpha", "beta"):
        made.apply(event(HOST_CHANGED, "", name, 0.0, state="up", url=f"unix:///{name}.sock", pid=7))
    made.apply(event("create", "a", "alpha", 1.0, class_name="m:Counter", name="counter"))
    return made


def test_a_paglet_is_where_it_was_created(where: Whereabouts) -> None:
    """With its class and its name."""
    assert where.paglets["a"] == PagletSpot("a", "alpha", "m:Counter", "counter", since=1.0)
    assert where.on_host("alpha") == [where.paglets["a"]]
    assert where.on_host("beta") == []


def test_a_dispatch_moves_it_also_before_its_arrival_is_told(where: Whereabouts) -> None:
    """The host's address stands for the host; the arrival changes nothing then."""
    where.apply(event("dispatch", "a", "alpha", 2.0, target="unix:///beta.sock"))
    assert where.paglets["a"].host_name == "beta"
    version = where.version
    where.apply(event("arrival", "a", "beta", 2.1, mode="dispatch"))
    assert (where.paglets["a"].host_name, where.version) == ("beta", version)


def test_what_is_told_late_does_not_move_it_back(where: Whereabouts) -> None:
    """Logs of hosts come in one by one: the time of the events counts."""
    where.apply(event("arrival", "a", "beta", 4.0))
    where.apply(event("dispatch", "a", "beta", 3.0, target="unix:///alpha.sock"))
    assert where.paglets["a"].host_name == "beta"


def test_a_clone_is_of_its_originals_class(where: Whereabouts) -> None:
    """Whichever of the two events comes first."""
    where.apply(event("arrival", "b", "beta", 2.0, mode="clone"))
    assert where.paglets["b"].class_name == ""
    where.apply(event("clone", "a", "alpha", 2.1, clone_id="b", target="unix:///beta.sock"))
    assert (where.paglets["b"].host_name, where.paglets["b"].class_name) == ("beta", "m:Counter")
    where.apply(event("clone", "a", "alpha", 3.0, clone_id="c", target="unix:///beta.sock"))
    where.apply(event("arrival", "c", "beta", 2.9, mode="clone"))
    assert where.paglets["c"].class_name == "m:Counter"


def test_sleep_is_kept_over_a_move_and_ends_with_waking(where: Whereabouts) -> None:
    """A paglet that sleeps is there all the same."""
    where.apply(event("deactivate", "a", "alpha", 2.0))
    assert where.paglets["a"].asleep
    where.apply(event("dispatch", "a", "alpha", 3.0, target="unix:///beta.sock"))
    assert where.paglets["a"].asleep
    where.apply(event("activate", "a", "beta", 4.0))
    assert not where.paglets["a"].asleep


def test_the_end_is_the_end(where: Whereabouts) -> None:
    """A disposed paglet does not come back by an event from before."""
    where.apply(event("dispose", "a", "alpha", 3.0))
    where.apply(event("arrival", "a", "beta", 2.0))
    assert where.paglets == {}


def test_an_upgrade_changes_the_class(where: Whereabouts) -> None:
    """The name stays."""
    where.apply(event("upgrade", "a", "alpha", 2.0, class_name="m:Better"))
    assert (where.paglets["a"].class_name, where.paglets["a"].name) == ("m:Better", "counter")


def test_a_host_that_dies_takes_its_paglets_along(where: Whereabouts) -> None:
    """It stays, and says why; one that was removed does not."""
    where.apply(event(HOST_CHANGED, "", "alpha", 2.0, state="dead", reason="killed by SIGKILL"))
    assert (where.paglets, where.hosts["alpha"].reason) == ({}, "killed by SIGKILL")
    where.apply(event(HOST_CHANGED, "", "alpha", 3.0, state="gone"))
    assert list(where.hosts) == ["beta"]


def test_lists_say_what_events_did_not(where: Whereabouts) -> None:
    """A paglet on a list is there; one that is on none is not, unless something was told of it since."""
    where.apply(event(LISTED, "s", "beta", 2.0, class_name="m:Sleeper", name="", asleep=True))
    assert where.paglets["s"].asleep
    where.apply(event("arrival", "a", "beta", 5.0))
    where.apply(event(LOST, "a", "alpha", 4.0))
    where.apply(event(LOST, "s", "beta", 4.0))
    assert list(where.paglets) == ["a"]


def test_a_stranger_to_the_places_changes_nothing(where: Whereabouts) -> None:
    """Other kinds, and addresses of nobody."""
    version = where.version
    where.apply(event("service-advertised", "a", "alpha", 2.0, service="x"))
    where.apply(event("dispatch", "a", "alpha", 2.0, target="tcp://elsewhere:1"))
    where.apply(event("dispose", "nobody", "alpha", 2.0))
    assert where.version == version


def test_a_copy_changes_by_itself(where: Whereabouts) -> None:
    """What is drawn stays while more happens."""
    copy = where.copy()
    where.apply(event("dispose", "a", "alpha", 3.0))
    assert list(copy.paglets) == ["a"]
