"""One operation of several paglets at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import CallTimeoutError, HostDiedError, LifecycleError, PagletInactiveError, SerializationError
from paglets_nb.host.client import HostClient
from paglets_nb.host.each import call_each
from paglets_nb.host.host import Host
from paglets_nb.host.loop import loop_thread
from paglets_nb.testing import AddRequest, Counter, TotalReply
from paglets_nb.transport.connection import Connection


class Waiting(Counter):
    """Adds once it may."""

    entered = threading.Event()
    go = threading.Event()

    def add(self, request: AddRequest) -> TotalReply:
        """Add, once it may; refuse what is less than nothing."""
        if request.amount < 0:
            raise ValueError("less than nothing")
        if request.amount == 7:
            self.entered.set()
            self.go.wait(10.0)
        return super().add(request)


@pytest.fixture
def client() -> Iterator[HostClient]:
    """A client of its own."""
    Waiting.entered.clear()
    Waiting.go.clear()
    client = HostClient(timeout=10.0)
    yield client
    Waiting.go.set()
    client.close()


@pytest.fixture
def proxies(client: HostClient, hosts: list[Host]) -> list[PagletProxy]:
    """One paglet on each of three hosts, as the client knows them."""
    made = [host.create(Waiting) for host in hosts]
    return [PagletProxy(proxy.host_url, proxy.agent_id, client) for proxy in made]


def add(client: HostClient, proxies: list[PagletProxy], amount: int = 1, timeout: float = 5.0) -> list[object]:
    """Add to each."""
    return call_each(client, proxies, "add", AddRequest(amount), TotalReply, timeout)


def test_every_reply_in_its_place(client: HostClient, proxies: list[PagletProxy]) -> None:
    """Sockets are taken from the pool and given back; each paglet adds once a call, also one that is named thrice."""
    for total in (2, 4, 6):
        assert add(client, proxies, 2) == [TotalReply(total)] * 3
    assert client.statistics()["idle"] == {proxy.host_url: 1 for proxy in proxies}
    thrice = add(client, [proxies[0]] * 3)  # all at once, so in any order
    assert sorted(thrice, key=lambda reply: reply.total) == [TotalReply(7), TotalReply(8), TotalReply(9)]


def test_a_handlers_error_stands_in_its_place(client: HostClient, proxies: list[PagletProxy]) -> None:
    """It is not raised, and its handler is not asked again."""
    replies = add(client, proxies, -1)
    assert [str(reply) for reply in replies] == ["less than nothing"] * 3
    assert add(client, proxies) == [TotalReply(1)] * 3


def test_one_that_moved_is_followed(client: HostClient, alpha: Host, gamma: Host, proxies: list[PagletProxy]) -> None:
    """Its request goes after it, the others' do not wait for that; it is handled once."""
    alpha.get_proxy(proxies[0].agent_id).dispatch("gamma")
    assert add(client, proxies) == [TotalReply(1)] * 3
    assert proxies[0].host_url == gamma.address
    assert add(client, proxies) == [TotalReply(2)] * 3


def test_one_that_sleeps(client: HostClient, alpha: Host, proxies: list[PagletProxy]) -> None:
    """One that wakes for messages answers; one that does not says that it sleeps."""
    alpha.get_proxy(proxies[0].agent_id).deactivate()
    assert add(client, proxies) == [TotalReply(1)] * 3
    alpha.get_proxy(proxies[0].agent_id).deactivate(DeactivationPolicy(activate_on_message=False))
    asleep, *others = add(client, proxies)
    assert isinstance(asleep, PagletInactiveError)
    assert others == [TotalReply(2)] * 2


def test_a_host_that_is_gone(client: HostClient, hosts: list[Host], proxies: list[PagletProxy]) -> None:
    """Stopped before or in the call, its paglet's reply is the error, and the others' are there."""
    hosts[2].stop()
    *others, gone = add(client, proxies)
    assert isinstance(gone, HostDiedError)
    assert not gone.delivered
    assert others == [TotalReply(1)] * 2
    replies: list[object] = []
    calling = threading.Thread(target=lambda: replies.extend(add(client, proxies[:2], 7)))
    calling.start()
    assert Waiting.entered.wait(5)
    hosts[1].stop()
    Waiting.go.set()
    calling.join(10)
    assert replies[0] == TotalReply(8)
    assert isinstance(replies[1], HostDiedError | TotalReply)  # its handler may have ended before the host


def test_silence_ends_in_time(client: HostClient, proxies: list[PagletProxy]) -> None:
    """What does not answer is a time-out, and the next call does not get its late reply."""
    assert all(isinstance(reply, CallTimeoutError) for reply in add(client, proxies, 7, 0.1))
    Waiting.go.set()
    assert add(client, proxies, 1) == [TotalReply(8)] * 3


def test_an_interrupt_leaves_no_reply_for_the_next(
    client: HostClient, proxies: list[PagletProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sockets with a reply to come are closed, not used again."""
    add(client, proxies)

    def interrupted(_self: Connection) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            add(client, proxies)
    assert client.statistics()["idle"] == {proxy.host_url: 0 for proxy in proxies}
    replies = add(client, proxies)
    assert all(isinstance(reply, TotalReply) for reply in replies)


def test_what_cannot_be_asked(client: HostClient, proxies: list[PagletProxy]) -> None:
    """A request that cannot travel is raised; so is a blocking call in the event loop."""
    with pytest.raises(SerializationError):
        call_each(client, proxies, "add", AddRequest(1 << 80), TotalReply, 5.0)

    async def blocks() -> None:
        add(client, proxies)

    with pytest.raises(LifecycleError, match="would block the event loop"):
        loop_thread.call(blocks, timeout=5.0)
