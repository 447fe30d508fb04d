"""What a durable paglet has done stays done, once, over its host's death and its own moves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import LifecycleError, StoreError
from paglets_nb.host.durability import Durability, pack_reply, unpack_reply
from paglets_nb.host.host import Host
from paglets_nb.host.records import StoredMessage
from paglets_nb.testing import wait_until
from paglets_nb.transport.frames import ERROR, REPLY
from tests.unit.host.crashes import Hosts, followed
from tests.unit.host.scripted import Durable, Kept, Script, Scripted, ScriptedState
from tests.unit.host.test_requests import Gate

DEEP = DeactivationPolicy(activate_on_message=False)


def log(text: str, message_id: str | None = None) -> Message:
    """A message that is noted in the state."""
    return Message("log", {"text": text}, message_id=message_id)


def moving(mesh: Hosts, proxy: PagletProxy) -> threading.Thread:
    """Have a paglet dispatched to beta from a thread of its own."""
    mover = PagletProxy(proxy.host_url, proxy.agent_id, mesh["beta"].client)
    thread = threading.Thread(target=mover.dispatch, args=("beta",))
    thread.start()
    return thread


@pytest.fixture
def count(script: Script) -> Callable[[Any, Message], int]:
    """A handler ``count``: one more at each call."""

    def handler(me: Any, _message: Message) -> int:
        me.state.number += 1
        return int(me.state.number)

    script.handlers["count"] = handler
    return handler


@pytest.mark.parametrize(
    "reply", [(REPLY, b"", ()), (ERROR, b"error", ()), (REPLY, b"payload", [b"one", bytearray(b"two"), b""])]
)
def test_a_reply_is_packed_and_unpacked(reply: Any) -> None:
    """A reply with its buffers is what it was after packing."""
    kind, payload, buffers = unpack_reply(pack_reply(reply))
    assert (kind, payload, [bytes(buffer) for buffer in buffers]) == (*reply[:2], [bytes(b) for b in reply[2]])


def test_a_level_that_is_none(alpha: Host) -> None:
    """A class with an unknown durability is refused by name, at its creation."""

    class Odd(Scripted):
        durability = "sometimes"

    with pytest.raises(LifecycleError, match=r"Odd\.durability is 'sometimes' \(wanted one of memory, lifecycle, mes"):
        Durability.check(Odd)
    with pytest.raises(LifecycleError, match="sometimes"):
        alpha.create(Odd)


def test_nothing_is_stored_for_memory(script: Script, tmp_path: Path) -> None:
    """A host with paglets in memory only has no store."""
    with Host("delta", data_dir=tmp_path) as host:
        host.create(Scripted).send(log("a"))
        assert not host.durability.exists
        assert not (tmp_path / "store.db").exists()


class TestMessages:
    @pytest.mark.usefixtures("count")
    def test_a_message_sent_again_has_its_effect_once(self, mesh: Hosts) -> None:
        """The same message is answered with its first reply, before and after its host died; another is handled."""
        proxy = mesh["alpha"].create(Durable)
        again = [Message("count", message_id="same") for _ in range(3)]
        assert [proxy.send(message) for message in again[:2]] == [1, 1]
        mesh.restart("alpha")
        proxy = mesh["beta"].find(proxy.agent_id)
        assert proxy.send(again[2]) == 1
        assert proxy.send("count") == 2

    def test_a_failure_is_an_answer_too(self, script: Script, mesh: Hosts) -> None:
        """A message whose handler failed fails again without being handled again."""
        calls: list[str] = []

        def fail(_me: Any, message: Message) -> None:
            calls.append(message.message_id)
            raise ValueError("never")

        script.handlers["fail"] = fail
        proxy = mesh["alpha"].create(Durable)
        for _ in range(2):
            with pytest.raises(ValueError, match="never"):
                proxy.send(Message("fail", message_id="same"))
        mesh.restart("alpha")
        with pytest.raises(ValueError, match="never"):
            mesh["beta"].find(proxy.agent_id).send(Message("fail", message_id="same"))
        assert calls == ["same"]

    @pytest.mark.usefixtures("count")
    def test_what_was_applied_travels(self, mesh: Hosts) -> None:
        """A message that was handled before a move is not handled again after it, nor after the target's death."""
        proxy = mesh["alpha"].create(Durable)
        assert proxy.send(Message("count", message_id="same")) == 1
        proxy.dispatch("beta")
        assert proxy.send(Message("count", message_id="same")) == 1
        mesh.restart("beta")
        assert mesh["alpha"].find(proxy.agent_id).send(Message("count", message_id="same")) == 1
        proxy = mesh["alpha"].find(proxy.agent_id)
        assert proxy.send(Message("count", message_id="other")) == 2
        proxy.dispatch("alpha")
        mesh.restart("alpha")
        proxy = mesh["beta"].find(proxy.agent_id)
        assert [proxy.send(Message("count", message_id=name)) for name in ("same", "other", "new")] == [1, 2, 3]

    @pytest.mark.usefixtures("count")
    def test_each_reply_follows_its_commit(self, mesh: Hosts) -> None:
        """A reply that was received is in the store; a reading message costs no commit."""
        proxy = mesh["alpha"].create(Durable)
        records = mesh["alpha"].durability.records
        for number in range(1, 4):
            assert proxy.send("count") == number
            stored = records.paglet(proxy.agent_id)
            assert stored is not None
            assert stored.state["number"] == number
        assert len(records.applied(proxy.agent_id)) == 3
        proxy.send("read")
        assert len(records.applied(proxy.agent_id)) == 3

    @pytest.mark.usefixtures("count")
    def test_an_effect_that_cannot_be_stored(self, mesh: Hosts) -> None:
        """A caller whose message's effect was not committed is told so, not that it was done."""
        proxy = mesh["alpha"].create(Durable)
        records = mesh["alpha"].durability.records
        trigger = "CREATE TRIGGER no BEFORE INSERT ON applied BEGIN SELECT RAISE(ABORT, 'no room'); END"
        records._store.execute(trigger)
        with pytest.raises(StoreError, match="no room"):
            proxy.send("count")
        records._store.execute("DROP TRIGGER no")
        proxy.send("count")

    def test_a_one_way_message_is_stored_before_it_is_acknowledged(self, script: Script, mesh: Hosts) -> None:
        """An acknowledged one-way message that its host did not live to handle is handled when it is back."""
        gate = script.handlers["gate"] = Gate()
        proxy = mesh["alpha"].create(Durable)
        busy = proxy.send_future("gate")
        gate.wait_entered()
        for text in ("a", "b", "c"):
            proxy.send_oneway(log(text))
        assert len(mesh["alpha"].durability.records.queued(proxy.agent_id)) == 3
        host = mesh["alpha"]
        mesh.kill("alpha")
        gate.open.set()
        busy.wait_for_reply(5)
        wait_until(lambda: not host.residents.all())
        mesh.start("alpha")
        back = mesh["beta"].find(proxy.agent_id)
        wait_until(lambda: back.send("read") == ["a", "b", "c"])
        wait_until(lambda: not mesh["alpha"].durability.records.queued(proxy.agent_id))

    def test_one_way_messages_that_wait_follow_a_move(self, script: Script, mesh: Hosts) -> None:
        """One-way messages that are stored and wait when their paglet leaves are handled in order at the target."""
        gate = script.handlers["gate"] = Gate()
        proxy = mesh["alpha"].create(Durable)
        busy = proxy.send_future("gate")
        gate.wait_entered()
        mover = threading.Thread(
            target=PagletProxy(proxy.host_url, proxy.agent_id, mesh["beta"].client).dispatch, args=("beta",)
        )
        mover.start()
        wait_until(lambda: proxy.info()["waiting"] == 1)
        for text in "abc":
            proxy.send_oneway(log(text))
        gate.open.set()
        mover.join(5)
        busy.get_reply(5)
        wait_until(lambda: proxy.send("read") == ["a", "b", "c"])
        wait_until(lambda: not mesh["alpha"].durability.records.queued(proxy.agent_id))

    def test_messages_left_behind_follow_when_their_host_is_back(
        self, script: Script, mesh: Hosts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Messages of a paglet that left, stored at a host that died before it sent them on, arrive later, once."""
        looked = followed(mesh["alpha"], monkeypatch)
        proxy = mesh["alpha"].create(Durable)
        proxy.dispatch("beta")
        assert looked.wait(10.0)
        stored = [self.stored(mesh["alpha"], proxy.agent_id, text) for text in "ab"]
        for message in stored:
            mesh["alpha"].durability.queue(message)
        mesh.kill("beta")
        alpha = mesh.restart("alpha")
        assert len(alpha.durability.records.queued(proxy.agent_id)) == 2
        mesh.start("beta")
        wait_until(lambda: alpha.find(proxy.agent_id).send("read") == ["a", "b"])
        wait_until(lambda: not alpha.durability.records.queued(proxy.agent_id))

    @staticmethod
    def stored(host: Host, agent_id: str, text: str) -> StoredMessage:
        """A one-way message as it waits in the store."""
        from paglets_nb.core.ports import CallOptions
        from paglets_nb.host.headers import encode_content, header_of

        message = log(text)
        header = header_of(agent_id, message, CallOptions(oneway=True))
        payload, _buffers = encode_content(message)
        return StoredMessage(agent_id, message.message_id, header, payload)


class TestSleepers:
    @pytest.mark.parametrize("cls", [Scripted, Kept, Durable])
    def test_what_waits_for_a_sleeper_survives(self, script: Script, mesh: Hosts, cls: type[Scripted]) -> None:
        """Messages that wait for a sleeper are handled in order when it wakes, also after its host died."""
        proxy = mesh["alpha"].create(cls, ScriptedState(["first"]))
        proxy.deactivate(DEEP)
        for text in "abc":
            assert proxy.send(log(text))["queued"]
        mesh.restart("alpha")
        back = mesh["beta"].find(proxy.agent_id)
        assert not back.is_active()
        back.activate()
        wait_until(lambda: back.send("read") == ["first", "a", "b", "c"])

    def test_what_waits_moves_with_one_in_memory(self, script: Script, mesh: Hosts) -> None:
        """Messages that waited for a sleeper which leaves before it has handled them follow it."""
        gate = script.handlers["gate"] = Gate()
        proxy = mesh["alpha"].create(Scripted)
        proxy.deactivate(DEEP)
        proxy.send(Message("gate"))
        for text in "abc":
            proxy.send(log(text))
        proxy.activate()
        gate.wait_entered()
        mover = threading.Thread(
            target=PagletProxy(proxy.host_url, proxy.agent_id, mesh["beta"].client).dispatch, args=("beta",)
        )
        mover.start()
        wait_until(lambda: proxy.info()["waiting"] == 4)
        gate.open.set()
        mover.join(5)
        wait_until(lambda: proxy.send("read") == ["a", "b", "c"])
        wait_until(lambda: not mesh["alpha"].durability.records.queued(proxy.agent_id))


def test_a_lifecycle_paglet_is_as_at_its_last_step(script: Script, mesh: Hosts) -> None:
    """A paglet that is stored with its steps comes back as it was at the last one; an orderly end is one."""
    proxy = mesh["alpha"].create(Kept, ScriptedState(["first"]))
    proxy.send(log("lost"))
    mesh.restart("alpha")
    assert mesh["beta"].find(proxy.agent_id).send("read") == ["first"]
    mesh["beta"].find(proxy.agent_id).send(log("kept"))
    mesh.running.pop("alpha").stop()
    mesh.start("alpha")
    assert mesh["beta"].find(proxy.agent_id).send("read") == ["first", "kept"]
