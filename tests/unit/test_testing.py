"""The public helpers for tests."""

from __future__ import annotations

import threading

import pytest

from paglets_nb.patterns.operations import OperationClient
from paglets_nb.testing import ADD, TOTAL, AddRequest, Counter, TotalReply, in_process_mesh, wait_until


def test_a_mesh_of_this_process() -> None:
    """The hosts of one mesh know each other, those of two do not, and all are gone after."""
    with in_process_mesh() as (alpha, beta), in_process_mesh(["alpha"]) as (other,):
        assert [ref.name for ref in beta.members.hosts()] == ["alpha", "beta"]
        assert [ref.url for ref in other.members.hosts()] == [other.address]
        proxy = alpha.create(Counter)
        proxy.dispatch("beta")
        client = OperationClient(proxy)
        assert client.call(ADD, AddRequest(3)) == client.call(TOTAL) == TotalReply(3)
    assert not proxy.is_valid()


def test_hosts_are_stopped_when_a_test_fails() -> None:
    """An error in the block stops the hosts too."""
    block = in_process_mesh(["alpha"])
    (alpha,) = block.__enter__()
    proxy = alpha.create(Counter)
    assert not block.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert not proxy.is_valid()


def test_waiting_for_a_condition() -> None:
    """A condition that comes true ends the wait with its value."""
    flag: list[int] = []
    timer = threading.Timer(0.01, flag.append, [7])
    timer.start()
    assert wait_until(lambda: flag) == [7]
    timer.join(5)


def test_a_condition_that_does_not_come_true() -> None:
    """Past the deadline the error names the condition and what was last seen."""
    with pytest.raises(AssertionError, match=r"the light did not come true within 0.01 s \(last: 0\)"):
        wait_until(lambda: 0, 0.01, "the light")
