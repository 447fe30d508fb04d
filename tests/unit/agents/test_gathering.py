"""Reports that are not acknowledged, on in-process hosts; the rest is told by the benchmarks' own tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from paglets_nb import Host, OperationPaglet, PagletProxyRef, PagletState
from paglets_nb.agents import gathering
from paglets_nb.agents.gathering import ParentGoneError, report_to
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.testing import ADD, AddRequest, TotalReply


class Slow(OperationPaglet[PagletState]):
    """Takes longer than it is given, as often as it is told to."""

    slow_times = 0
    asked = 0

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """``add``."""
        return {ADD: self.add}

    def add(self, request: AddRequest) -> TotalReply:
        """Answer, or wait for longer than anybody does."""
        Slow.asked += 1
        if Slow.asked <= Slow.slow_times:
            self.wait_state(lambda: False, 0.5)
        return TotalReply(request.amount)


@pytest.fixture
def slow(hosts: list[Host], monkeypatch: pytest.MonkeyPatch) -> PagletProxyRef:
    """A parent that may be slow."""
    monkeypatch.setattr(gathering, "_TOLD", 0.1)
    monkeypatch.setattr(Slow, "asked", 0)
    return hosts[0].create(Slow).ref


def _report(hosts: list[Host], parent: PagletProxyRef, until: float) -> Any:
    return report_to(parent, hosts[1], ADD, AddRequest(4), time.monotonic() + until)


def test_a_report_is_sent_again(hosts: list[Host], slow: PagletProxyRef, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is acknowledged."""
    monkeypatch.setattr(Slow, "slow_times", 2)
    assert _report(hosts, slow, 20) == TotalReply(4)
    assert Slow.asked == 3


def test_a_parent_that_does_not_answer_is_given_up(
    hosts: list[Host], slow: PagletProxyRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In time."""
    monkeypatch.setattr(Slow, "slow_times", 1000)
    with pytest.raises(ParentGoneError, match="does not answer"):
        _report(hosts, slow, 0.15)


def test_a_parent_that_is_gone_is_told_at_once(hosts: list[Host], slow: PagletProxyRef) -> None:
    """Disposed of, or ended with its host."""
    hosts[0].dispose(slow.agent_id)
    with pytest.raises(ParentGoneError, match="the parent is gone"):
        _report(hosts, slow, 60)
    parent = hosts[0].create(Slow).ref
    hosts[0].stop()
    with pytest.raises(ParentGoneError, match="the parent is gone"):
        _report(hosts, parent, 60)
