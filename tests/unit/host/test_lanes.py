"""Futures to a paglet that moves while they are under way: each once, in their order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.state import PagletState
from paglets_nb.host import lanes as module
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.testing import wait_until


@dataclass
class TallyState(PagletState):
    seen: dict[str, list[int]] = field(default_factory=dict)


class Tally(Paglet[TallyState]):
    """Notes the numbers it is sent, by sender."""

    def handle_message(self, message: Message) -> Any:
        """Note a number; or give all of them."""
        if message.kind == "seen":
            return self.state.seen
        self.state.seen.setdefault(message.args["who"], []).append(message.args["number"])
        return message.args["number"]


def push(proxy: PagletProxy, who: str, count: int, every: int = 0) -> list[Any]:
    """Send numbered futures; each ``every``-th is a call that is waited for."""
    futures = []
    for number in range(count):
        arguments = {"who": who, "number": number}
        if every and number % every == every - 1:
            assert proxy.send("note", arguments) == number
        else:
            futures.append(proxy.send_future("note", arguments))
    return futures


@pytest.fixture
def tally(alpha: Host) -> PagletProxy:
    """A tally on alpha."""
    return alpha.create(Tally)


def move_about(proxy: PagletProxy, *names: str) -> None:
    """Dispatch a paglet along these hosts."""
    for name in names:
        proxy.dispatch(name)


def test_a_thousand_futures_over_five_moves(alpha: Host, beta: Host, gamma: Host, tally: PagletProxy) -> None:
    """Futures sent while their paglet goes back and forth are handled once each and in the order of their sender."""
    senders = [PagletProxy(alpha.address, tally.agent_id, host.client) for host in (alpha, beta, gamma)]
    with ThreadPoolExecutor(4) as pool:
        pushing = [pool.submit(push, proxy, str(who), 1000) for who, proxy in enumerate(senders)]
        mover = PagletProxy(alpha.address, tally.agent_id, HostClient(resolve=alpha.members.resolve))
        pool.submit(move_about, mover, "beta", "alpha", "beta", "alpha", "beta").result(30)
        for sent in pushing:
            assert [future.get_reply(20) for future in sent.result(20)] == list(range(1000))
    mover.client.close()
    assert tally.send("seen") == {str(who): list(range(1000)) for who in range(3)}


def test_calls_keep_their_place_among_futures(alpha: Host, tally: PagletProxy) -> None:
    """A call that is waited for, and one through another proxy, does not overtake the futures sent before it."""
    proxy = PagletProxy(alpha.address, tally.agent_id, HostClient(resolve=alpha.members.resolve))
    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(move_about, tally, *["beta", "gamma", "alpha"] * 4)
        futures = push(proxy, "me", 2000, every=50)
        moving.result(30)
    for future in futures:
        future.get_reply(20)
    assert proxy.send("seen") == {"me": list(range(2000))}
    proxy.client.close()


def test_a_sleeper_is_woken_in_order(alpha: Host, beta: Host, tally: PagletProxy) -> None:
    """Futures sent while their paglet is put to sleep again and again wake it and are handled in order."""
    proxy = PagletProxy(alpha.address, tally.agent_id, beta.client)
    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(push, proxy, "me", 500)
        for _ in range(5):
            tally.deactivate()
            wait_until(tally.is_active)
            if pushing.done():
                break
            tally.send("seen")
        for future in pushing.result(20):
            future.get_reply(20)
    assert tally.send("seen") == {"me": list(range(500))}


def test_a_host_that_turned_requests_away_takes_them_when_they_come_again(
    alpha: Host, beta: Host, tally: PagletProxy
) -> None:
    """A paglet that is back where it left serves the futures of those it turned away, without a detour for ever."""
    proxy = PagletProxy(alpha.address, tally.agent_id, HostClient())
    for number in range(5):
        stale = PagletProxy(alpha.address, tally.agent_id, proxy.client)
        tally.dispatch("beta")
        assert stale.send_future("note", {"who": "me", "number": 2 * number}).get_reply(5) == 2 * number
        tally.dispatch("alpha")
        assert stale.send_future("note", {"who": "me", "number": 2 * number + 1}).get_reply(5) == 2 * number + 1
    assert tally.send("seen") == {"me": list(range(10))}
    proxy.client.close()


def test_a_paglet_that_ended_on_its_way(alpha: Host, beta: Host, tally: PagletProxy) -> None:
    """Futures to a paglet that is disposed of while they are under way all settle."""
    proxy = PagletProxy(alpha.address, tally.agent_id, HostClient())
    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(push, proxy, "me", 1000)
        tally.dispatch("beta")
        tally.dispose()
        futures = pushing.result(10)
    for future in futures:
        assert future.wait_for_reply(10)
    assert not proxy.client.statistics()["pending"].get(alpha.address)
    assert not proxy.client._lanes.busy(tally.agent_id)
    proxy.client.close()


def test_senders_wait_while_much_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound of requests held back a sender waits, until the held ones have been sent."""
    monkeypatch.setattr(module, "MAX_HELD", 3)
    sent: list[tuple[int, str, bool]] = []
    lane = module.Lane(lambda pending, url, first: sent.append((pending.number, url, first)))
    first, second = request("a"), request("a")
    lane.submit(first, may_wait=True)
    lane.submit(second, may_wait=True)
    assert sent == [(1, "a", True), (2, "a", False)]
    lane.moved(first, "b")
    for _ in range(2):
        lane.submit(request("a"), may_wait=True)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lane.submit, request("a"), may_wait=True)
        assert not threading.Event().wait(0.02)
        assert not waiting.done()
        lane.answered()
        assert waiting.result(5)
    wait_until(lambda: len(sent) == 6)
    assert sent[2:] == [(1, "b", True), (3, "b", False), (4, "b", False), (5, "b", False)]
    for _ in range(4):
        lane.answered()
    assert not lane.busy


def test_what_moves_on_is_sent_again_in_order() -> None:
    """Requests turned away a second time, answered in any order, are sent in the order of their numbers."""
    sent: list[tuple[int, str, bool]] = []
    lane = module.Lane(lambda pending, url, first: sent.append((pending.number, url, first)))
    requests = [request("a") for _ in range(3)]
    for pending in requests:
        lane.submit(pending, may_wait=True)
    for target, order in (("b", (2, 0, 1)), ("a", (1, 2, 0))):
        sent.clear()
        for index in order:
            assert not sent
            lane.moved(requests[index], target)
        wait_until(lambda: len(sent) == 3)
        assert sent == [(1, target, True), (2, target, False), (3, target, False)]
        wait_until(lambda: not lane._sending)


def test_idle_lanes_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of lanes on which nothing is under way only so many are kept."""
    monkeypatch.setattr(module, "KEPT", 4)
    lanes = module.Lanes(lambda pending, _url, _first: pending.lane.answered() if pending.number else None)
    for number in range(20):
        lanes.submit(request("a", str(number)), may_wait=True)
        assert not lanes.busy(str(number))
    assert len(lanes._lanes) <= 4


def request(url: str, agent_id: str = "ab") -> Any:
    """A request to a paglet at an address."""
    from paglets_nb.core.messages import FutureReply
    from paglets_nb.host.channel import Pending

    return Pending(FutureReply(), PagletProxy(url, agent_id, None), b"", b"", (), None, 32)
