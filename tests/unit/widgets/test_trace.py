from __future__ import annotations

from collections.abc import Iterator

import pytest

from paglets_nb import OperationClient, PagletProxyRef
from paglets_nb.testing import ADD, AddRequest, Counter
from paglets_nb.widgets.trace import MAX_LIFELINES, Trace, trace
from tests.unit.mesh.hosted import HostedMesh, hosted_mesh


@pytest.fixture
def mesh() -> Iterator[HostedMesh]:
    """A mesh of alpha and beta."""
    with hosted_mesh() as made:
        yield made


def made(mesh: HostedMesh, *args: object, **options: object) -> Trace:
    """A trace of a mesh."""
    return trace(mesh, *args, **options)  # type: ignore[arg-type]


def ends(found: Trace) -> list[tuple[str, str, str]]:
    """From whom to whom, and what."""
    return [(step.source_name, step.target_name, step.label) for step in found]


def test_what_passed_stands_in_its_order(mesh: HostedMesh) -> None:
    """Messages between notebook and paglets, movement between hosts, the rest at the paglet."""
    alpha, _beta = mesh.inside
    made(mesh)  # from here on it is recorded how long handlers run
    proxy = alpha.create(Counter, name="counter")
    OperationClient(proxy).call(ADD, AddRequest(1))
    proxy.dispatch("beta")
    clone = proxy.clone("alpha")
    proxy.deactivate()
    proxy.activate()
    clone.dispose()
    found = made(mesh)
    copy = f"Counter {clone.agent_id[:4]}"
    assert ends(found) == [
        ("", "counter", "created on alpha"),
        ("notebook", "counter", "add"),
        ("alpha", "beta", "dispatch counter"),
        ("beta", "alpha", "clone counter"),
        ("", "counter", "asleep on beta"),
        ("", "counter", "awake on beta"),
        ("", copy, "disposed on alpha"),
    ]
    assert [line.name for line in found.lifelines] == ["notebook", "alpha", "beta", "counter", copy]
    assert found[1].seconds is not None
    assert found.cursor == mesh.event_log.cursor


def test_a_failed_message_says_what_went_wrong(mesh: HostedMesh) -> None:
    """And a message from a paglet comes from it."""
    first, second = (host.create(Counter) for host in mesh.inside)
    with pytest.raises(Exception, match="nonsense"):
        first.send("nonsense")
    sender = PagletProxyRef(first.host_url, first.agent_id)
    mesh.inside[1].events.record_message(second.agent_id, "hello", sender)
    failed, told = [step for step in made(mesh) if step.source]
    assert (failed.error, failed.source) == ("NotHandledError", "notebook")
    assert (told.source, told.target) == (f"paglet:{first.agent_id}", f"paglet:{second.agent_id}")


def test_only_what_was_chosen(mesh: HostedMesh) -> None:
    """Some paglets, from a number or a time on, up to a number, at most so many."""
    first, second = (host.create(Counter) for host in mesh.inside)
    cursor = made(mesh).cursor
    for proxy in (first, second, first):
        OperationClient(proxy).call(ADD, AddRequest(1))
    assert len(made(mesh, since=cursor)) == 3
    assert len(made(mesh, [first])) == 3
    assert len(made(mesh, [second.agent_id], since=cursor)) == 1
    assert len(made(mesh, until=cursor)) == 2
    assert len(made(mesh, seconds=60.0)) == 5
    last = made(mesh, limit=2)
    assert (len(last), last.left_out) == (2, 3)
    assert "3 earlier steps left out" in repr(last)


def test_many_paglets_share_the_last_lifeline(mesh: HostedMesh) -> None:
    """A diagram stays as wide as a page."""
    for _ in range(MAX_LIFELINES + 5):
        mesh.inside[0].create(Counter)
    found = made(mesh)
    assert len(found.lifelines) == MAX_LIFELINES + 1
    assert found.lifelines[-1].name == "5 others"


def test_a_limit_that_is_none(mesh: HostedMesh) -> None:
    """Says what it may be."""
    with pytest.raises(ValueError, match="from 1 to 1000, got 0"):
        made(mesh, limit=0)


def test_nothing_has_passed(mesh: HostedMesh) -> None:
    """Then there is no diagram, and it says so."""
    found = made(mesh)
    assert repr(found) == "nothing has passed"
    assert found._repr_mimebundle_()["text/html"] == "nothing has passed"
    assert found.png() == b""


def test_it_shows_as_a_diagram(mesh: HostedMesh) -> None:
    """As text, and as a drawing with an image for pages that do not trust it."""
    mesh.inside[0].create(Counter)
    bundle = made(mesh)._repr_mimebundle_()
    assert "created on alpha" in bundle["text/plain"]
    assert "<svg" in bundle["text/html"]
    assert "data:image/png;base64," in bundle["text/html"]
