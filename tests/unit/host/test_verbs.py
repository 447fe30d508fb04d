"""What a host can be asked by others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb.codec.shipping import code_store
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import HostRef
from paglets_nb.errors import InvalidAgentError, NotHandledError, SerializationError
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import (
    CodeBundle,
    CodeRequest,
    FindRequest,
    Found,
    Members,
    Nothing,
    PagletInfo,
    is_verb,
)
from paglets_nb.testing import Counter
from tests.unit.host.crashes import Hosts
from tests.unit.host.scripted import Kept, Script


@pytest.fixture
def client() -> Iterator[HostClient]:
    """A client of its own."""
    client = HostClient()
    yield client
    client.close()


def test_every_verb_is_one(alpha: Host) -> None:
    """Each verb has the mark of one, a request type and something that answers."""
    for kind, (request_type, answer) in alpha.requests._verbs.items():
        assert is_verb(kind)
        assert isinstance(request_type, type)
        assert callable(answer)
    assert not is_verb("echo")


def test_an_unknown_verb_names_the_known(alpha: Host, client: HostClient) -> None:
    """A verb that is none is answered with those there are."""
    with pytest.raises(NotHandledError, match="host alpha does not handle '@nothing'") as caught:
        client.ask(alpha.address, "@nothing", Nothing(), Nothing)
    assert {"@create", "@dispatch", "@events"} <= set(caught.value.known)


@pytest.mark.parametrize("back", [True, False])
def test_a_request_whose_paglet_leaves_meanwhile_follows_it(alpha: Host, beta: Host, back: bool) -> None:
    """What waited for the turn of a paglet that left is asked again where it is, also where that is here again."""
    proxy = alpha.create(Counter)
    verbs = alpha.requests._verbs
    request_type, dispose = verbs["@dispose"]

    def waits_while_it_travels(target: str, request: Any) -> Any:
        verbs["@dispose"] = (request_type, dispose)
        resident = alpha.residents.require(target)
        PagletProxy(alpha.address, target, beta.client).dispatch("beta")
        if back:
            beta.get_proxy(target).dispatch("alpha")
        resident.mailbox.acquire()
        return dispose(target, request)

    verbs["@dispose"] = (request_type, waits_while_it_travels)
    alpha.get_proxy(proxy.agent_id).dispose()
    assert [len(host.residents) for host in (alpha, beta)] == [0, 0]


@pytest.mark.parametrize("verb", ["@info", "@dispatch", "@clone", "@deactivate", "@wake", "@dispose"])
def test_a_paglet_that_is_not_here(alpha: Host, client: HostClient, verb: str) -> None:
    """A request about a paglet that is not here says so, whatever it is about."""
    with pytest.raises(InvalidAgentError, match="no paglet 'nobody' on alpha"):
        client.ask(alpha.address, verb, Nothing(), Any, target="nobody")


def test_a_request_of_the_wrong_shape(alpha: Host, client: HostClient, paglet: PagletProxy) -> None:
    """A request that is not what the verb wants is refused, naming what is missing, and the host serves on."""
    with pytest.raises(SerializationError, match="target"):
        client.ask(alpha.address, "@dispatch", Nothing(), Nothing, target=paglet.agent_id)
    assert client.ask(alpha.address, "@info", Nothing(), PagletInfo, target=paglet.agent_id).active


def test_members_are_taken_over_by_their_epoch(alpha: Host, client: HostClient) -> None:
    """A newer view of the mesh replaces the one the host has, an older one does not."""
    newest = 2**62
    client.ask(alpha.address, "@members", Members(newest, [alpha.ref(), HostRef("delta", "unix:///delta")]), Nothing)
    client.ask(alpha.address, "@members", Members(newest - 1, [alpha.ref()]), Nothing)
    assert [host.name for host in alpha.members.hosts()] == ["alpha", "delta"]


def test_a_paglet_is_found_by_id_and_name(script: Script, alpha: Host, client: HostClient) -> None:
    """Found awake and asleep, by either key; a stranger is nobody."""
    proxy = alpha.create(Counter, name="one")
    for asleep in (False, True):
        if asleep:
            proxy.deactivate()
        for key in ("one", proxy.agent_id):
            found = client.ask(alpha.address, "@find", FindRequest(key), Found)
            assert (found.agent_id, found.host_url, found.name) == (proxy.agent_id, alpha.address, "one")
    assert client.ask(alpha.address, "@find", FindRequest("two"), Found) == Found()


def test_a_host_saves_when_it_is_told_to(script: Script, mesh: Hosts, client: HostClient) -> None:
    """``@save`` stores durable paglets as they are; a host killed after it has them so."""
    proxy = mesh["alpha"].create(Kept)
    proxy.send("log", {"text": "a"})
    client.ask(mesh["alpha"].address, "@save", Nothing(), Nothing)
    mesh.restart("alpha")
    assert mesh["beta"].find(proxy.agent_id).send("read") == ["a"]


def test_code_goes_both_ways(alpha: Host, client: HostClient) -> None:
    """A bundle is given and taken by its digest; one whose content does not match is refused and not kept."""

    class Local(Counter):
        pass

    digest = code_store.name_of(Local).partition("#")[2]
    bundle = client.ask(alpha.address, "@code", CodeRequest(digest), CodeBundle)
    assert bundle.digest == digest
    client.ask(alpha.address, "@code-put", bundle, Nothing)
    forged = CodeBundle(digest, bundle.name, bundle.pickled + b"more", {})
    with pytest.raises(SerializationError, match=f"is not what its version {digest} stands for"):
        client.ask(alpha.address, "@code-put", forged, Nothing)
    kept = code_store.bundle(digest)
    assert kept is not None
    assert kept.pickled == bundle.pickled
    with pytest.raises(SerializationError, match="the code 0000 is not on alpha"):
        client.ask(alpha.address, "@code", CodeRequest("0000"), CodeBundle)
