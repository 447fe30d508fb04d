"""Deactivation: what sleeps, what wakes it, and what waits for it."""

from __future__ import annotations

import time
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
