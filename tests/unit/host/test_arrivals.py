"""Paglets on their way to a host: prepared, activated or abandoned, each step harmless when repeated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from paglets_nb.core.tickets import ArrivalMode, TransferTicket
from paglets_nb.errors import InvalidAgentError, NameTakenError, SerializationError, TransferError
from paglets_nb.host import arrivals as module
from paglets_nb.host import settlement
from paglets_nb.host.client import HostClient
from paglets_nb.host.failpoints import InjectedFaultError, arm
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import Arrival, Nothing, Settle
from paglets_nb.testing import wait_until
from tests.unit.host.crashes import Hosts
from tests.unit.host.scripted import Durable, Script, Scripted, ScriptedState

NAME = "tests.unit.host.scripted:Scripted"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks the source, which is none, how a movement ended."""
    monkeypatch.setattr(settlement, "GRACE", 1000.0)


def arrival(number: int = 1, **more: Any) -> Arrival:
    """A paglet on its way."""
    given: dict[str, Any] = {
        "operation_id": f"op{number}",
        "mode": "dispatch",
        "agent_id": f"p{number}",
        "class_name": NAME,
        "state": {"number": number},
        "source_url": "unix:///no/source.sock",
    }
    return Arrival(**{**given, **more})


def ids(host: Host) -> list[str]:
    """The paglets in a host's table."""
    return [resident.agent_id for resident in host.residents.all()]


class TestPrepare:
    def test_a_prepared_paglet_is_not_active(self, script: Script, alpha: Host) -> None:
        """A prepared paglet runs no hook and no handler; it is in doubt until it is settled."""
        alpha.arrivals.prepare("", arrival())
        assert script.called == []
        [info] = alpha.list_agents()
        assert info["active"] is False
        assert not alpha.get_proxy("p1").send_future("echo").wait_for_reply(0.02)
        assert [found.arrival.agent_id for found in alpha.arrivals.in_doubt(0.0)] == ["p1"]
        assert alpha.arrivals.in_doubt(100.0) == []
        with pytest.raises(InvalidAgentError):
            alpha.arrivals.require_none("p1")
        alpha.arrivals.require_none("p2")

    def test_twice_is_once(self, script: Script, alpha: Host) -> None:
        """A preparation that is repeated, before the end or after it, changes nothing."""
        for _ in range(2):
            alpha.arrivals.prepare("", arrival())
        alpha.arrivals.activate("", Settle("op1"))
        alpha.arrivals.prepare("", arrival())
        assert ids(alpha) == ["p1"]
        assert [name for name, _host, _event in script.called] == ["on_arrival"]

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"expected_code_version": "0.0.1"}, TransferError, "the ticket wants 0.0.1"),
            ({"required_capabilities": ("gpu", "zoo")}, TransferError, "alpha does not offer gpu, zoo"),
            ({"class_name": "nowhere:Nothing"}, SerializationError, "nowhere"),
            ({"class_name": "pathlib:Path"}, SerializationError, "is not a Paglet class"),
            ({"class_name": "cell:Box#0123456789abcdef"}, SerializationError, "0123456789abcdef"),
            ({"state": {"number": "many"}}, SerializationError, "number"),
            ({"state": {"stranger": 1}}, SerializationError, "stranger"),
            ({"agent_id": "here"}, NameTakenError, "here"),
            ({"name": "taken"}, NameTakenError, "taken"),
            ({"name": "asleep"}, NameTakenError, "asleep"),
        ],
    )
    def test_what_cannot_come_leaves_nothing(
        self, script: Script, alpha: Host, change: dict[str, Any], error: type[Exception], message: str
    ) -> None:
        """A paglet that may not or cannot live here is refused with the reason, and nothing of it stays."""
        alpha.arrivals.prepare("", arrival(8, agent_id="here", name="taken"))
        alpha.create(Scripted, name="asleep").deactivate()
        with pytest.raises(error, match=message):
            alpha.arrivals.prepare("", arrival(**change))
        assert ids(alpha) == ["here"]
        assert len(alpha.arrivals.in_doubt(0.0)) == 1
        alpha.arrivals.prepare("", arrival())
        assert ids(alpha) == ["here", "p1"]

    @pytest.mark.parametrize("point", ["target.before_store", "target.stored"])
    @pytest.mark.parametrize("cls", [Scripted, Durable])
    def test_a_preparation_that_fails(self, mesh: Hosts, point: str, cls: type[Scripted]) -> None:
        """A target that fails in its preparation has nothing in the end; the source keeps the paglet at work."""
        alpha, beta = mesh["alpha"], mesh["beta"]
        proxy = alpha.create(cls, ScriptedState(["a"]))
        arm(point, "raise")
        with pytest.raises(InjectedFaultError):
            proxy.dispatch("beta")
        assert proxy.send("read") == ["a"]
        assert ids(beta) == []
        assert not beta.durability.exists or beta.durability.records.paglets() == []
        proxy.dispatch("beta")
        assert (ids(alpha), ids(beta)) == ([], [proxy.agent_id])


class TestActivate:
    def test_once_however_often_it_is_asked(self, script: Script, alpha: Host) -> None:
        """An activation that is repeated is harmless; one of a movement that is unknown is refused."""
        alpha.arrivals.prepare("", arrival(epoch=7))
        waiting = alpha.get_proxy("p1").send_future("echo", {"a": 1})
        for _ in range(3):
            alpha.arrivals.activate("", Settle("op1"))
        assert waiting.get_reply(5) == {"a": 1}
        assert [name for name, _host, _event in script.called] == ["on_arrival"]
        assert alpha.residents.require("p1").epoch == 7
        assert alpha.list_agents()[0]["active"] is True
        with pytest.raises(TransferError, match="no paglet is on its way here under op2"):
            alpha.arrivals.activate("", Settle("op2"))

    def test_a_clone_learns_that_it_is_one(self, script: Script, alpha: Host) -> None:
        """A clone's hook is told of its parent."""
        alpha.arrivals.prepare("", arrival(mode="clone", parent_id="mother"))
        alpha.arrivals.activate("", Settle("op1"))
        [(name, _host, event)] = script.called
        assert (name, event.clone_id, event.parent_id, event.target) == ("on_clone", "p1", "mother", alpha.address)

    def test_a_hook_that_fails_leaves_it_here(self, script: Script, alpha: Host) -> None:
        """The error of an arriving hook reaches the asker; the paglet is here and at work all the same."""

        def fail(_me: Any, _event: Any) -> None:
            raise ValueError("bad journey")

        script.hooks["on_arrival"] = fail
        alpha.arrivals.prepare("", arrival())
        with pytest.raises(ValueError, match="bad journey"):
            alpha.arrivals.activate("", Settle("op1"))
        assert alpha.get_proxy("p1").send("echo") == {}
        assert not alpha.arrivals.in_doubt(0.0)

    def test_an_arrival_in_its_sleep(self, script: Script, mesh: Hosts) -> None:
        """A ticket for an inactive arrival brings it asleep, without a hook, also over the target's death."""
        proxy = mesh["alpha"].create(Scripted, ScriptedState(["a"]), name="sleeper")
        script.called.clear()
        proxy.dispatch(TransferTicket("beta", arrival_mode=ArrivalMode.INACTIVE))
        assert not proxy.is_active()
        assert [name for name, _host, _event in script.called] == ["on_dispatching"]
        mesh.restart("beta")
        assert mesh["alpha"].find("sleeper").send("read") == ["a"]


class TestAbandon:
    @pytest.mark.parametrize("prepared", [True, False])
    def test_a_late_preparation_is_ignored(self, script: Script, alpha: Host, prepared: bool) -> None:
        """A preparation that comes after the source gave up changes nothing, nor does an activation then."""
        if prepared:
            alpha.arrivals.prepare("", arrival())
        for _ in range(2):
            alpha.arrivals.abandon("", Settle("op1"))
        assert ids(alpha) == []
        alpha.arrivals.prepare("", arrival())
        alpha.arrivals.activate("", Settle("op1"))
        assert ids(alpha) == []
        assert script.called == []

    def test_it_does_not_undo_an_activation(self, script: Script, alpha: Host) -> None:
        """A paglet that was activated stays when an old message says to forget it."""
        alpha.arrivals.prepare("", arrival())
        alpha.arrivals.activate("", Settle("op1"))
        alpha.arrivals.abandon("", Settle("op1"))
        assert alpha.get_proxy("p1").send("echo") == {}

    def test_who_waited_hears_of_it(self, script: Script, alpha: Host) -> None:
        """Messages that waited for a clone that does not come fail at once."""
        alpha.arrivals.prepare("", arrival(mode="clone"))
        client = HostClient()
        waiting = alpha.get_proxy("p1").send_future("echo")
        client.ask(alpha.address, "@abandon", Settle("op1"), Nothing)
        with pytest.raises(InvalidAgentError):
            waiting.get_reply(5)
        client.close()

    def test_the_memory_of_the_past_is_bounded(self, alpha: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of movements that ended only so many are remembered."""
        monkeypatch.setattr(module, "KEPT_SETTLED", 3)
        for number in range(10):
            alpha.arrivals.abandon("", Settle(f"op{number}"))
        assert list(alpha.arrivals._settled) == ["op7", "op8", "op9"]


def test_a_prepared_paglet_that_does_not_load_is_told_of(script: Script, mesh: Hosts) -> None:
    """A prepared paglet whose class is gone when its host starts again keeps nobody from starting, and is noted."""
    beta = mesh["beta"]
    beta.arrivals.prepare("", arrival(class_name="tests.unit.host.scripted:Durable"))
    stored = beta.durability.records.paglets()[0]
    extra = {**(stored.extra or {}), "class_name": "nowhere:Gone"}
    beta.durability.records.save(replace(stored, extra=extra))
    beta = mesh.restart("beta")
    wait_until(lambda: [event.details.get("step") for event in beta.list_events()] == ["restore"])
    assert ids(beta) == []
