from __future__ import annotations

import threading

import pytest

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import CallTimeoutError, InvalidAgentError, MeshError, ServiceContractError
from paglets_nb.host.client import HostClient
from paglets_nb.mesh.fan_outs import FansOut
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.testing import ADD, AddRequest, Counter, TotalReply, in_process_mesh


class Caller(FansOut):
    """What a mesh needs for it."""

    def __init__(self) -> None:
        self.client = HostClient(timeout=10.0)


class Stuck(Counter):
    """Waits."""

    go = threading.Event()

    def add(self, request: AddRequest) -> TotalReply:
        """Add, once it may."""
        self.go.wait(10.0)
        return super().add(request)


def test_each_paglet_is_called_once() -> None:
    """The replies come in the paglets' order; an error stands where there is no reply."""
    caller = Caller()
    with in_process_mesh(["alpha", "beta"]) as hosts:
        made = [host.create(Counter) for host in hosts]
        proxies = [PagletProxy(proxy.host_url, proxy.agent_id, caller.client) for proxy in made]
        assert caller.call_each(proxies, ADD, AddRequest(2)) == [TotalReply(2)] * 2
        made[0].dispose()
        gone, there = caller.call_each(proxies, ADD)
        assert isinstance(gone, InvalidAgentError)
        assert there == TotalReply(3)
        assert caller.call_each([], ADD) == []
        with pytest.raises(ServiceContractError):
            caller.call_each(proxies, ServiceOperation("add", TotalReply, TotalReply), AddRequest())
        for wrong in (proxies[0], "counter"):
            with pytest.raises(MeshError, match=r"call_each wants a list of proxies, e.g. \[proxy\], not a (Pag|str)"):
                caller.call_each(wrong, ADD)  # type: ignore[arg-type]
        caller.client.close()


def test_silence_is_an_error_in_its_place() -> None:
    """One that does not answer in time keeps no other reply from being had."""
    caller = Caller()
    Stuck.go.clear()
    with in_process_mesh(["alpha", "beta"]) as hosts:
        proxies = [hosts[0].create(Stuck), hosts[1].create(Counter)]
        late, there = caller.call_each(proxies, ADD, timeout=0.1)
        assert isinstance(late, CallTimeoutError)
        assert there == TotalReply(1)
        Stuck.go.set()
        caller.client.close()
