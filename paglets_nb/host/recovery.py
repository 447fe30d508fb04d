"""Recovery: what a host that starts finds in its store, and what it does with it.

Active durable paglets run again, sleeping ones sleep, prepared ones are settled with
their source, committed departures are told to their target. A paglet in whose handlers
the host died again and again is quarantined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paglets_nb.errors import PagletError
from paglets_nb.host.records import ACTIVE, PREPARED, QUARANTINED, StoredPaglet

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["CRASHES", "WINDOW", "recover"]

CRASHES = 3
"""Deaths of the host in a paglet's handlers after which the paglet is quarantined."""
WINDOW = 60.0
"""Seconds within which they count."""
_AWAKE = 30.0


def recover(host: Host) -> None:
    """Bring back what the store holds; called once, before the host answers anybody.

    Raises:
        StoreError: the store is damaged; it was moved aside.
    """
    host.artifacts.clear_start()
    if not host.durability.exists:
        host.files.clear_start([])
        return
    records = host.durability.records
    _recover_files(host)
    for reason in records.load_code():
        host.events.record("failure", "", step="load code", error=reason)
    for key, url in records.forwards().items():
        host.residents.add_forward(key, url)
    crashes = records.count_crashes(host.flight.in_flight_at_death(), WINDOW)
    active: list[StoredPaglet] = []
    for stored in records.paglets():
        if stored.status == PREPARED:
            _restore(host, stored)
            continue
        if stored.status == ACTIVE and crashes.get(stored.agent_id, 0) >= CRASHES:
            quarantined = stored.with_status(QUARANTINED)
            records.save(quarantined)
            host.events.record("quarantine", stored.agent_id, crashes=crashes[stored.agent_id])
            host.sleep.add(quarantined)
            continue
        if stored.status == ACTIVE:
            active.append(stored)
        host.sleep.add(stored)
    for operation_id, _agent_id, url in records.unsettled():
        host.settlement.tell_later(url, operation_id)
    for agent_id, url in records.left_behind():
        host.settlement.forward_later(agent_id, url)
    for stored in active:
        _wake(host, stored)
    host.sleep.wake_on_start()


def _recover_files(host: Host) -> None:
    records = host.durability.records
    stored = records.paglets()
    open_arrivals = [paglet.operation_id for paglet in stored if paglet.status == PREPARED]
    for reason in host.files.clear_start(open_arrivals, [paglet.agent_id for paglet in stored], records.outcome):
        host.events.record("failure", "", step="delete moved file", error=reason)


def _restore(host: Host, stored: StoredPaglet) -> None:
    try:
        host.arrivals.restore(stored)
    except PagletError as error:
        host.events.record("failure", stored.agent_id, step="restore", error=str(error))
    host.settlement.watch()


def _wake(host: Host, stored: StoredPaglet) -> None:
    try:
        host.sleep.wake(stored, "recovered")
    except Exception as error:  # one that does not load must not keep the others from coming back
        host.events.record("failure", stored.agent_id, step="recover", error=repr(error))
