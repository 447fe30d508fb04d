from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from paglets_nb import Host, Paglet, PagletProxy, PagletState
from paglets_nb.codec.shipping import code_store
from paglets_nb.core.events import PersistencyEvent
from paglets_nb.errors import CallTimeoutError, InvalidAgentError, SerializationError
from paglets_nb.host.protocol import Nothing
from paglets_nb.host.upgrade import UPGRADE_VERB, Upgraded, UpgradeRequest, migrated_state
from paglets_nb.testing import wait_until


@dataclass
class OldState(PagletState):
    count: int = 3
    gone: str = "old"


@dataclass
class NewState(PagletState):
    count: int = 100
    words: list[str] = field(default_factory=list)


class Old(Paglet[OldState]):
    """The version that runs."""

    cleaned: ClassVar[list[str]] = []
    holding = threading.Event()
    release = threading.Event()

    def on_creation(self, event: Any) -> None:
        """Hold something."""
        self.resources.callback(self.cleaned.append, self.agent_id)

    def handle_message(self, message: Any) -> Any:
        """Count, hold the turn, or wait."""
        if message.kind == "hold":
            self.holding.set()
            assert self.release.wait(10)
        if message.kind == "wait":
            self.holding.set()
            return self.wait_state(lambda: False, 10)
        if message.kind == "set":
            self.state.count = message.args["count"]
        return {"version": "old", "count": self.state.count}


class New(Paglet[NewState]):
    """The version that is to run."""

    ran = threading.Event()

    def on_activation(self, event: PersistencyEvent) -> None:
        """Note why, and that the host is there."""
        self.state.words.append(event.reason)
        assert self.context.get_proxy(self.agent_id).agent_id == self.agent_id

    def run(self) -> None:
        """Run."""
        self.ran.set()

    def handle_message(self, message: Any) -> Any:
        """Answer with the state."""
        return {"version": "new", "count": self.state.count, "words": self.state.words}


class Migrating(New):
    """Makes its state itself."""

    @classmethod
    def migrate_state(cls, old: dict[str, Any]) -> NewState:
        """Take the old text over as a word."""
        return NewState(old["count"] * 2, [old["gone"]])


class Mapped(New):
    """Answers with fields."""

    @classmethod
    def migrate_state(cls, old: dict[str, Any]) -> dict[str, Any]:
        """Only the count."""
        return {"count": old["count"]}


class Wrong(New):
    """Makes no state."""

    @classmethod
    def migrate_state(cls, old: dict[str, Any]) -> str:
        """Text."""
        return "nonsense"


class Raising(New):
    """Cannot be activated."""

    cleaned: ClassVar[list[str]] = []

    def on_activation(self, event: PersistencyEvent) -> None:
        """Hold something, then fail."""
        self.resources.callback(self.cleaned.append, self.agent_id)
        raise KeyError("not today")


@dataclass
class NeedyState(PagletState):
    needed: int


class Needy(Paglet[NeedyState]):
    """Has a field that the old version has not."""


class Durable(New):
    """Is stored."""

    durability = "lifecycle"


@pytest.fixture
def old(alpha: Host) -> PagletProxy:
    """A paglet of the old version, with a name."""
    for event in (Old.holding, Old.release, New.ran):
        event.clear()
    return alpha.create(Old, OldState(5), name="kept")


def _upgrade(alpha: Host, proxy: PagletProxy, cls: type, timeout: float = 5.0) -> Upgraded:
    request = UpgradeRequest(code_store.name_of(cls), timeout)
    return alpha.client.ask(proxy.host_url, UPGRADE_VERB, request, Upgraded, target=proxy.agent_id)


def test_a_paglet_goes_on_as_the_new_version(alpha: Host, old: PagletProxy) -> None:
    """Id, name and shared fields stay, hooks and run() of the new version are called, the old one is cleaned up."""
    reply = _upgrade(alpha, old, New)
    assert (reply.agent_id, reply.changed) == (old.agent_id, True)
    assert reply.class_name == code_store.name_of(New)
    assert old.send("any") == {"version": "new", "count": 5, "words": ["upgraded"]}
    assert alpha.find("kept") == old
    assert New.ran.wait(5)
    assert old.agent_id in Old.cleaned
    assert old.info()["class_name"] == reply.class_name
    assert [event.kind for event in alpha.list_events() if event.kind == "upgrade"] == ["upgrade"]


def test_a_field_left_at_its_old_default_keeps_it(alpha: Host) -> None:
    """The new version's default is for new fields only."""
    made = alpha.create(Old)
    _upgrade(alpha, made, New)
    assert made.send("any")["count"] == 3


def test_the_same_version_changes_nothing(alpha: Host, old: PagletProxy) -> None:
    """An upgrade to the version that runs calls no hook."""
    _upgrade(alpha, old, New)
    again = _upgrade(alpha, old, New)
    assert not again.changed
    assert old.send("any")["words"] == ["upgraded"]


@pytest.mark.parametrize(("cls", "count", "words"), [(Migrating, 10, ["old", "upgraded"]), (Mapped, 5, ["upgraded"])])
def test_migrate_state_makes_the_new_state(
    alpha: Host, old: PagletProxy, cls: type, count: int, words: list[str]
) -> None:
    """It may answer with a state or with a state's fields."""
    _upgrade(alpha, old, cls)
    assert old.send("any") == {"version": "new", "count": count, "words": words}


@pytest.mark.parametrize(
    ("cls", "error", "said"),
    [
        (Wrong, SerializationError, "Wrong.migrate_state made a str, not a NewState"),
        (Needy, SerializationError, "needed"),
        (Raising, KeyError, "not today"),
        (OldState, SerializationError, "is not a Paglet class"),
    ],
)
def test_a_refused_upgrade_leaves_the_old_version(
    alpha: Host, old: PagletProxy, cls: type, error: type[Exception], said: str
) -> None:
    """Whatever fails, the old object goes on with its state and its resources, and can be upgraded later."""
    with pytest.raises(error, match=said):
        _upgrade(alpha, old, cls)
    assert old.send("set", {"count": 8}) == {"version": "old", "count": 8}
    assert old.agent_id not in Old.cleaned
    _upgrade(alpha, old, New)
    assert old.send("any")["count"] == 8


def test_what_a_failed_version_held_is_cleaned_up(alpha: Host, old: PagletProxy) -> None:
    """Resources taken in the hook that failed are given back."""
    with pytest.raises(KeyError):
        _upgrade(alpha, old, Raising)
    assert old.agent_id in Raising.cleaned


def test_a_handler_that_runs_is_waited_for(alpha: Host, old: PagletProxy) -> None:
    """Past its time-out the upgrade is refused; the handler and the paglet go on."""
    held = old.send_future("hold")
    assert Old.holding.wait(5)
    with pytest.raises(CallTimeoutError):
        _upgrade(alpha, old, New, timeout=0.05)
    Old.release.set()
    assert held.get_reply(5)["version"] == "old"
    _upgrade(alpha, old, New)
    assert old.send("any")["version"] == "new"


def test_a_handler_that_waits_is_woken(alpha: Host, old: PagletProxy) -> None:
    """A wait for the old object's state ends, and the new object serves the next message."""
    waiting = old.send_future("wait")
    assert Old.holding.wait(5)
    wait_until(lambda: _idle(alpha, old))
    _upgrade(alpha, old, New)
    assert waiting.get_reply(5) is False
    assert old.send("any")["version"] == "new"


def _idle(alpha: Host, proxy: PagletProxy) -> bool:
    """Whether the paglet's turn is free."""
    mailbox = alpha.residents.require(proxy.agent_id).mailbox
    if not mailbox.try_take():
        return False
    mailbox.release()
    return True


def test_a_sleeping_paglet_wakes_for_it(alpha: Host, old: PagletProxy) -> None:
    """One that is deactivated is woken, and upgraded."""
    old.deactivate()
    _upgrade(alpha, old, New)
    assert old.send("any")["version"] == "new"


def test_an_upgrade_follows_a_paglet_that_moved(alpha: Host, beta: Host) -> None:
    """Asked of the host that it left, the upgrade is done where it is."""
    made = alpha.create(Old)
    url = made.host_url
    made.dispatch("beta")
    request = UpgradeRequest(code_store.name_of(New))
    reply = alpha.client.ask(url, UPGRADE_VERB, request, Upgraded, target=made.agent_id)
    assert reply.host_url == beta.address
    assert made.send("any")["version"] == "new"


def test_what_is_not_there_cannot_be_upgraded(alpha: Host, old: PagletProxy) -> None:
    """A disposed paglet is an InvalidAgentError."""
    old.dispose()
    with pytest.raises(InvalidAgentError):
        _upgrade(alpha, old, New)


def test_an_upgraded_durable_paglet_is_stored_as_such(tmp_path: Path) -> None:
    """After a restart of its host the new version is there, and a version that is not stored is stored no more."""
    with Host("kept", data_dir=tmp_path) as first:
        made, other = first.create(Old, OldState(7)), first.create(Durable)
        _upgrade(first, made, Durable)
        _upgrade(first, other, New)
    with Host("kept", data_dir=tmp_path) as second:
        proxies = {proxy.agent_id: proxy for proxy in second.get_proxies()}
        assert list(proxies) == [made.agent_id]
        assert proxies[made.agent_id].send("any")["count"] == 7
        assert second.client.ask(second.address, "@save", Nothing(), Nothing) == Nothing()


def test_migration_refuses_what_does_not_fit() -> None:
    """A shared field of another type is named."""

    @dataclass
    class Retyped(PagletState):
        count: str = ""

    class Retyping(Paglet[Retyped]):
        pass

    with pytest.raises(SerializationError, match="count"):
        migrated_state(Retyping, {"count": 1})
