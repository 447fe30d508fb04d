"""Deactivation: what sleeps, what wakes it, and what waits for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.values import ACTIVE, INACTIVE
from paglets_nb.errors import InvalidAgentError, PagletInactiveError
from paglets_nb.host.host import Host
from paglets_nb.testing import wait_until
from tests.unit.host.scripted import Script, Scripted, ScriptedState

DEEP = DeactivationPolicy(activate_on_message=False)


def test_the_hooks_and_the_state(script: Script, alpha: Host) -> None:
    """``on_deactivating`` before the sleep, ``on_activation`` and ``run`` after it; the state is kept."""
    ran: list[str] = []
    script.run = lambda me: ran.append(me.agent_id)
    proxy = alpha.create(Scripted, ScriptedState(["a"], 3))
    wait_until(lambda: len(ran) == 1)
    proxy.deactivate()
    assert proxy.is_valid()
    assert not proxy.is_active()
    assert proxy.is_state(INACTIVE)
    assert proxy.activate() is proxy
    assert proxy.is_state(ACTIVE)
    wait_until(lambda: len(ran) == 2)
    assert [name for name, _host, _event in script.called] == ["on_creation", "on_deactivating", "on_activation"]
    assert alpha.get_state(proxy.agent_id) == ScriptedState(["a"], 3)


def test_a_message_wakes_it(script: Script, paglet: PagletProxy) -> None:
    """A message to a sleeping paglet wakes it and is answered."""
    paglet.deactivate()
    assert paglet.send("echo", {"a": 1}) == {"a": 1}
    assert paglet.is_active()
    paglet.deactivate()
    assert paglet.send_future("echo", {"a": 2}).get_reply(5) == {"a": 2}


def test_messages_wait_for_a_deep_sleeper(script: Script, paglet: PagletProxy) -> None:
    """A message that does not wake it is answered as queued, and handled when it wakes, in order."""
    paglet.deactivate(DEEP)
    for number in range(3):
        answer = paglet.send("log", {"text": str(number)})
        assert answer["queued"] is True
        assert answer["message_id"]
    assert not paglet.is_active()
    paglet.activate()
    wait_until(lambda: paglet.send("read") == ["0", "1", "2"])


def test_options_of_a_message_to_a_sleeper(script: Script, paglet: PagletProxy) -> None:
    """``no_delay`` refuses to wait; ``activate_if_inactive=False`` leaves it asleep."""
    paglet.deactivate(DEEP)
    with pytest.raises(PagletInactiveError):
        paglet.send("echo", no_delay=True)
    paglet.activate().deactivate()
    assert paglet.send("log", {"text": "x"}, activate_if_inactive=False)["queued"] is True
    assert not paglet.is_active()
    assert paglet.send("echo") == {}
    wait_until(lambda: paglet.send("read") == ["x"])


def test_a_sleeper_that_keeps_no_messages(script: Script, paglet: PagletProxy) -> None:
    """Where neither waking nor queueing is wanted a message is refused."""
    paglet.deactivate(DeactivationPolicy(activate_on_message=False, queue_messages_when_inactive=False))
    with pytest.raises(PagletInactiveError):
        paglet.send("echo")
    assert not paglet.is_active()


def test_waking_by_the_clock(script: Script, paglet: PagletProxy) -> None:
    """``after`` wakes it when its time has come."""
    begun = time.time()
    paglet.deactivate(DeactivationPolicy(activate_on_message=False).after(0.05))
    wait_until(paglet.is_active)
    assert time.time() - begun >= 0.05


def test_a_refusal_keeps_it_awake(script: Script, paglet: PagletProxy) -> None:
    """An exception in ``on_deactivating`` reaches the caller and the paglet stays awake."""

    def refuse(_me: Any, _event: Any) -> None:
        raise ValueError("not tired")

    script.hooks["on_deactivating"] = refuse
    with pytest.raises(ValueError, match="not tired"):
        paglet.deactivate()
    assert paglet.is_active()
    assert paglet.send("echo") == {}


def test_it_puts_itself_to_sleep(script: Script, paglet: PagletProxy) -> None:
    """``self.deactivate()`` in a handler puts it to sleep; the reply still comes."""

    def sleep(me: Any, _message: Any) -> str:
        me.deactivate(DEEP)
        return "good night"

    script.handlers["sleep"] = sleep
    assert paglet.send("sleep") == "good night"
    assert not paglet.is_active()


def test_a_sleeper_is_disposed_and_moved(script: Script, alpha: Host, beta: Host) -> None:
    """A sleeping paglet keeps its name, can be moved, and ends like any other."""
    proxy = alpha.create(Scripted, ScriptedState(["a"]), name="sleeper")
    proxy.deactivate()
    assert beta.find("sleeper") == proxy
    proxy.dispatch("beta")
    assert proxy.send("read") == ["a"]
    proxy.deactivate()
    proxy.dispose()
    assert not proxy.is_valid()
    with pytest.raises(InvalidAgentError):
        proxy.activate()


def test_it_survives_its_hosts_restart(script: Script, tmp_path: Path) -> None:
    """A sleeping paglet and its queued messages are there again when the host is."""
    with Host("delta", data_dir=tmp_path) as first:
        proxy = first.create(Scripted, ScriptedState(["a"]), name="sleeper")
        proxy.deactivate(DEEP)
        proxy.send("log", {"text": "b"})
        eager = first.create(Scripted, name="eager")
        eager.deactivate(DeactivationPolicy(activate_on_startup=True))
    with Host("delta", data_dir=tmp_path) as second:
        again = second.find("sleeper")
        assert again == proxy
        assert not again.is_active()
        wait_until(lambda: second.find("eager").is_active())
        again.activate()
        wait_until(lambda: again.send("read") == ["a", "b"])


def test_a_sleeper_is_not_put_to_sleep_again(script: Script, paglet: PagletProxy) -> None:
    """Deactivating a paglet that sleeps says that it does, and leaves it so."""
    paglet.deactivate(DEEP)
    with pytest.raises(PagletInactiveError, match="is deactivated already"):
        paglet.deactivate()
    assert not paglet.is_active()


class TestRaces:
    def test_two_messages_wake_it_once(self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy) -> None:
        """Messages that come at once from many wake a sleeper once, and each is answered after its hook."""
        order: list[str] = []
        script.hooks["on_activation"] = lambda _me, _event: order.append("awake")
        script.handlers["note"] = lambda _me, _message: order.append("note")
        proxies = [PagletProxy(alpha.address, paglet.agent_id, host.client) for host in (alpha, beta)] * 4
        for _ in range(10):
            paglet.deactivate()
            order.clear()
            start = threading.Barrier(len(proxies))

            def send(proxy: PagletProxy, start: threading.Barrier = start) -> None:
                start.wait(5)
                proxy.send("note")

            with ThreadPoolExecutor(len(proxies)) as pool:
                list(pool.map(send, proxies))
            assert order == ["awake"] + ["note"] * len(proxies)

    def test_a_message_that_meets_it_asleep_again(
        self, script: Script, alpha: Host, paglet: PagletProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A message that found its paglet asleep, woken by another and asleep again, wakes it once more."""
        paglet.deactivate()
        refuse_or_queue = alpha.sleep.refuse_or_queue

        def meanwhile(stored: Any, **options: Any) -> bool:
            monkeypatch.setattr(alpha.sleep, "refuse_or_queue", refuse_or_queue)
            alpha.activate(paglet.agent_id)
            alpha.deactivate(paglet.agent_id)
            return refuse_or_queue(stored, **options)

        for send in (paglet.send, lambda *given: paglet.send_future(*given).get_reply(5)):
            monkeypatch.setattr(alpha.sleep, "refuse_or_queue", meanwhile)
            assert send("echo", {"a": 1}) == {"a": 1}
            paglet.deactivate()

    def test_a_message_that_would_wait_for_one_awake(
        self, script: Script, alpha: Host, paglet: PagletProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A message that would have waited for a sleeper that woke meanwhile is handled, not left in the store."""
        paglet.deactivate(DEEP)
        keep = alpha.sleep.keep_message

        def meanwhile(stored: Any, message: Any) -> bool:
            alpha.activate(paglet.agent_id)
            return keep(stored, message)

        monkeypatch.setattr(alpha.sleep, "keep_message", meanwhile)
        assert paglet.send("echo", {"a": 1}) == {"a": 1}
        assert alpha.durability.records.queued(paglet.agent_id) == []

    def test_what_waited_comes_before_what_wakes_it(self, script: Script, alpha: Host, beta: Host) -> None:
        """Messages that waited are handled before one of the same sender that finds the paglet awake."""
        proxy = alpha.create(Scripted)
        other = PagletProxy(alpha.address, proxy.agent_id, beta.client)
        for number in range(20):
            proxy.deactivate(DEEP)
            proxy.send("log", {"text": f"{number} a"})
            with ThreadPoolExecutor(1) as pool:
                waking = pool.submit(other.activate)
                proxy.send("log", {"text": f"{number} b"})
                waking.result(5)
        wait_until(lambda: len(proxy.send("read")) == 40)
        assert proxy.send("read") == [f"{number} {which}" for number in range(20) for which in "ab"]
