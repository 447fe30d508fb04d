"""Ids."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

from paglets_nb.core.values import new_agent_id, new_message_id


def test_ids_are_unique_over_threads() -> None:
    """Ids made by several threads at once are all different."""
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _n: (new_message_id(), new_agent_id()), range(2000)))
    assert len({message for message, _agent in ids}) == 2000
    assert len({agent for _message, agent in ids}) == 2000
    assert all(len(agent) == 16 for _message, agent in ids)


def test_ids_of_other_processes_have_another_prefix() -> None:
    """A process of its own never makes the message ids of this one."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        other = pool.apply(new_message_id)
    assert other[:8] != new_message_id()[:8]
