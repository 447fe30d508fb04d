from __future__ import annotations

from paglets_nb.testing import wait_until
from tests.unit.magics.notebook import Notebook


def test_a_paglet_sleeps_until_a_message_comes(meshed: Notebook, counter: str) -> None:
    """The table says that it sleeps; a call wakes it, with its state."""
    meshed.run("%paglet call counter add by=5")
    proxy = meshed.run("%paglet deactivate counter --reason nap")
    assert not proxy.is_active()
    assert "asleep" in repr(meshed.run("%paglet ls"))
    assert meshed.run("%paglet call counter add").count == 6
    assert proxy.is_active()
    told = meshed.run(f"%paglet events --kind deactivate --paglet {proxy.agent_id}")
    assert told[-1].details["reason"] == "nap"


def test_messages_wait_for_one_that_stays_asleep(meshed: Notebook, counter: str) -> None:
    """With ``--stay`` only ``activate`` wakes it; then what waited is handled."""
    proxy = meshed.run("%paglet deactivate counter --stay")
    proxy.send("add", {"by": 4})
    assert not proxy.is_active()
    assert meshed.run("%paglet activate counter") == proxy
    wait_until(lambda: proxy.info()["state"]["count"] == 4)


def test_messages_to_one_that_takes_none_are_refused(meshed: Notebook, counter: str) -> None:
    """With ``--refuse`` a call is one line."""
    meshed.run("%paglet deactivate counter --refuse")
    assert "is deactivated and takes no messages" in meshed.refused("%paglet call _counter add")
    meshed.run("%paglet activate counter")
    meshed.run("%paglet deactivate counter --refuse --reason 'gone fishing'")
    said = "counter is deactivated (gone fishing) and takes no messages: %paglet activate counter wakes it"
    assert said in meshed.refused("%paglet call _counter add")


def test_it_wakes_by_itself(meshed: Notebook, counter: str) -> None:
    """After ``--for`` seconds it is awake, without a message."""
    proxy = meshed.run("%paglet deactivate counter --for 0.2 --stay")
    wait_until(proxy.is_active)


def test_several_are_found_before_one_sleeps(meshed: Notebook, counter: str) -> None:
    """A mistake puts none of them to sleep."""
    assert meshed.refused("%paglet deactivate counter nobody").startswith("no paglet 'nobody'")
    assert meshed.variable("_counter").is_active()
    meshed.run("_other = %paglet create Echo")
    both = meshed.run("%paglet deactivate counter _other")
    assert [proxy.is_active() for proxy in both] == [False, False]
    assert meshed.run("%paglet activate counter _other") == both
    meshed.run("%paglet dispose _other")
