"""Lifecycle requests as a proxy makes them."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.tickets import ArrivalMode, TransferTicket
from paglets_nb.errors import CallTimeoutError, PagletBusyError
from paglets_nb.host.client import HostClient
from paglets_nb.host.controls import control_answer, control_request
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import (
    Born,
    CloneRequest,
    DeactivateRequest,
    DispatchRequest,
    DisposeRequest,
    Nothing,
    PagletInfo,
)
from paglets_nb.testing import wait_until
from tests.unit.host.scripted import Script
from tests.unit.host.test_requests import Gate

CLIENT = HostClient(timeout=7.0, resolve=lambda name: f"unix:///{name}")


class TestRequests:
    def test_a_ticket_is_asked_for_whole(self) -> None:
        """Every part of a ticket stands in the request, and its attempts are waited for together."""
        ticket = TransferTicket("beta", 3.0, 2, 0.5, ("gpu",), "1.0", ArrivalMode.INACTIVE)
        request, reply_type, limit = control_request(CLIENT, "dispatch", {"target": ticket}, None)
        assert request == DispatchRequest("unix:///beta", 3.0, 2, 0.5, ("gpu",), "1.0", True, False)
        assert reply_type is Born
        assert limit == 3.0 * 3 + 0.5 * 2 + 1.0

    def test_a_name_or_an_address(self) -> None:
        """A host's name is resolved, an address is taken as it is, and the time given is the move's."""
        for target in ("beta", "unix:///beta"):
            request, _reply_type, limit = control_request(CLIENT, "dispatch", {"target": target}, 2.0)
            assert request == DispatchRequest("unix:///beta", 2.0)
            assert limit == 3.0

    def test_a_clone_at_home(self) -> None:
        """A clone without a target stays with its parent."""
        request, _reply_type, _limit = control_request(CLIENT, "clone", {"target": None}, None)
        assert request == CloneRequest("", 7.0)

    def test_sleep_and_the_rest(self) -> None:
        """Without a policy the usual one is asked for; what needs no argument has none."""
        request, reply_type, limit = control_request(CLIENT, "deactivate", {"policy": None, "reason": "late"}, None)
        assert request == DeactivateRequest(DeactivationPolicy(), "late", 7.0)
        assert (limit, reply_type) == (8.0, Nothing)
        assert control_request(CLIENT, "dispose", {}, 0.5) == (DisposeRequest(0.5), Nothing, 1.5)
        for verb, wanted in (("info", PagletInfo), ("wake", Born)):
            assert control_request(CLIENT, verb, {}, 0.5) == (Nothing(), wanted, 0.5)


class TestAnswers:
    def test_a_moved_proxy_knows_where_to(self) -> None:
        """The proxy of a dispatched paglet is brought up to date, that of a cloned one is not."""
        born = Born("p2", "unix:///beta")
        for verb, url in (("dispatch", "unix:///beta"), ("clone", "unix:///alpha")):
            proxy = PagletProxy("unix:///alpha", "p1", CLIENT)
            assert control_answer(proxy, verb, born) == {"host_url": "unix:///beta", "agent_id": "p2"}
            assert proxy.host_url == url

    def test_information_is_plain(self) -> None:
        """What a proxy is told of its paglet are plain values; the rest answers nothing."""
        proxy = PagletProxy("unix:///alpha", "p1", CLIENT)
        info = control_answer(proxy, "info", PagletInfo("p1", "room:Box", "alpha", "unix:///alpha", 7))
        assert (info["agent_id"], info["pid"], info["active"]) == ("p1", 7, True)
        assert control_answer(proxy, "dispose", Nothing()) is None


class TestTimeouts:
    @pytest.mark.parametrize(
        ("step", "said"),
        [
            (lambda paglet: paglet.dispatch("beta", timeout=0.05), "moved"),
            (lambda paglet: paglet.clone("beta", timeout=0.05), "cloned"),
            (lambda paglet: paglet.deactivate(timeout=0.05), "put to sleep"),
            (lambda paglet: paglet.dispose(timeout=0.05), "ended"),
        ],
    )
    def test_a_busy_paglet_stays_as_it_is(
        self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy, step: Any, said: str
    ) -> None:
        """A step whose turn did not come in time is told as not taken, and never happens."""
        script.handlers["gate"] = gate = Gate()
        future = paglet.send_future("gate")
        gate.wait_entered()
        with pytest.raises(PagletBusyError, match=f"was not {said} within 0.05 s: it is busy with a message$"):
            step(paglet)
        gate.open.set()
        assert future.get_reply(5) == "through"
        assert paglet.send("echo", {"a": 1}) == {"a": 1}
        assert (paglet.is_active(), paglet.host_url) == (True, alpha.address)
        assert beta.get_proxies() == []

    @pytest.mark.parametrize("way", ["blocking", "awaited", "retracted"])
    def test_the_caller_of_a_slow_move_finds_it_later(
        self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy, way: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A caller that gave up on a move that takes its time is told so, and its proxy follows when it is over."""
        gate = Gate()
        script.hooks["on_dispatching"] = script.hooks["on_reverting"] = lambda me, event: gate(me, event)  # type: ignore[assignment]
        monkeypatch.setattr("paglets_nb.host.controls._MARGIN", 0.0)

        async def awaited() -> None:
            await paglet.dispatch_async("beta", timeout=0.5)

        ways: dict[str, Any] = {
            "blocking": lambda: paglet.dispatch("beta", timeout=0.5),
            "awaited": lambda: anyio.run(awaited),
            "retracted": lambda: beta.retract(paglet, timeout=0.5),
        }
        with pytest.raises(CallTimeoutError, match="the movement goes on"):
            ways[way]()
        gate.open.set()
        wait_until(lambda: len(beta.get_proxies()) == 1)
        assert paglet.send("echo", {"a": 1}) == {"a": 1}
        assert paglet.host_url == beta.address
