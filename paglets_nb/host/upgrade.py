"""Upgrade: a paglet goes on as an object of another version of its class, in its place.

Identity, name, mailbox, epoch and files stay; the state is carried over. The old object
is let go only when the new one has taken over: whatever fails before leaves it as it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import wire
from paglets_nb.core.events import PersistencyEvent
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState
from paglets_nb.core.turns import current_origin, current_turn
from paglets_nb.errors import SerializationError
from paglets_nb.host.context import ResidentContext
from paglets_nb.host.residents import Resident

if TYPE_CHECKING:
    from paglets_nb.host.host import Host
    from paglets_nb.host.requests import Verb

__all__ = ["UPGRADE_VERB", "UpgradeRequest", "Upgraded", "Upgrades", "migrated_state", "upgrade_verbs"]

UPGRADE_VERB = "@upgrade"
_REASON = "upgraded"


@dataclass(frozen=True)
class UpgradeRequest:
    """``@upgrade``: move a running paglet to a version of its class.

    Attributes:
        class_name: the version, in wire form.
        timeout: seconds for which a handler that runs is waited for.
    """

    class_name: str
    timeout: float = 10.0


@dataclass(frozen=True)
class Upgraded:
    """The reply to ``@upgrade``.

    Attributes:
        class_name: the paglet's class now, in wire form.
        changed: False where it was of that version already.
    """

    agent_id: str
    host_url: str
    class_name: str
    changed: bool


def migrated_state(cls: type[Paglet[Any]], old: Mapping[str, Any]) -> PagletState:
    """The state for a new version of a class, from the wire form of the old one's.

    Made by ``cls.migrate_state(old)`` where the class has it; it answers with a ``State``
    or with one's fields by name. Else fields that both have are kept, new ones take
    their defaults and others are dropped.

    Raises:
        SerializationError: the fields do not fit, or what ``migrate_state`` made is no state.
        Exception: what ``migrate_state`` raised.
    """
    migrate = getattr(cls, "migrate_state", None)
    if migrate is None:
        names = {field.name for field in dataclasses.fields(cls.State) if field.init}
        return wire.state_from_wire(cls.State, {name: value for name, value in old.items() if name in names})
    state = migrate(dict(old))
    if isinstance(state, Mapping):
        return wire.state_from_wire(cls.State, state)
    if not isinstance(state, cls.State):
        made = type(state).__name__
        raise SerializationError(f"{cls.__name__}.migrate_state made a {made}, not a {cls.State.__name__}")
    return state


class Upgrades:
    """Upgrades the paglets of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def upgrade(self, target: str, request: UpgradeRequest) -> Upgraded:
        """Move a paglet to a version of its class; one that sleeps wakes first, one that is of it stays as it is.

        Raises:
            SerializationError: the class does not load, or the state does not fit it.
            CallTimeoutError: a handler that runs did not end in time.
            Exception: what ``migrate_state``, ``__init__`` or ``on_activation`` of the new version raised.
        """
        host = self._host
        cls = host.lifecycle.load(request.class_name)
        host.durability.check(cls)
        resident = host.sleep.require_awake(target)
        origin = current_origin()
        with host.lifecycle.turn_of(resident, request.timeout, "upgraded"):
            host.residents.require(resident.agent_id)
            before = resident.class_name
            changed = type(resident.paglet) is not cls
            if changed:
                self._replace(resident, cls, request.class_name)
        if changed:
            host.events.record("upgrade", resident.agent_id, before=before, class_name=request.class_name)
            host.lifecycle.start_run(resident, origin)
        return Upgraded(resident.agent_id, host.address, resident.class_name, changed)

    def _replace(self, resident: Resident, cls: type[Paglet[Any]], class_name: str) -> None:
        """Put a new object in the old one's place; with the turn held."""
        old = resident.paglet
        was_stored = resident.durability != "memory"
        with old.locked():
            new = cls(migrated_state(cls, wire.dataclass_to_wire(old.state)), agent_id=old.agent_id)
            wire.dataclass_to_wire(new.state)  # what cannot be stored or travel is told now
            new._context = ResidentContext(self._host, old.agent_id)
            before = resident.class_name
            self._install(resident, new, class_name)
        try:
            new.on_activation(PersistencyEvent(old.agent_id, self._host.name, _REASON))
            self._host.durability.keep(resident)
        except BaseException:
            self._install(resident, old, before)
            self._let_go(new)
            raise
        if was_stored and resident.durability == "memory":
            self._host.durability.records.forget(old.agent_id)
        self._let_go(old)

    @staticmethod
    def _install(resident: Resident, paglet: Paglet[Any], class_name: str) -> None:
        resident.paglet = paglet
        resident.direct = {}
        resident.class_name = class_name
        resident.interleaved = type(paglet).interleaved_kinds
        resident.durability = type(paglet).durability
        turn = current_turn.get()
        if turn is not None and getattr(turn, "mailbox", None) is resident.mailbox:
            turn.paglet = paglet

    def _let_go(self, paglet: Paglet[Any]) -> None:
        """End an object that stands for the paglet no more; its waits end."""
        try:
            paglet._clean_up()
        except Exception as error:  # the other object has taken over: the log is where this shows
            self._host.events.record("failure", paglet.agent_id, step="upgrade", error=repr(error))
        with paglet.locked():
            paglet._ended = True
            paglet.notify_all_state_changed()
        paglet._context = None


def upgrade_verbs(host: Host) -> dict[str, Verb]:
    """The verbs of upgrades."""
    return {UPGRADE_VERB: (UpgradeRequest, Upgrades(host).upgrade)}
