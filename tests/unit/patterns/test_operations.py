"""Typed operations on a paglet, and their client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from paglets_nb.core.messages import FutureReply, Message
from paglets_nb.core.state import PagletState
from paglets_nb.errors import (
    CallTimeoutError,
    InvalidAgentError,
    NotHandledError,
    SerializationError,
    ServiceContractError,
)
from paglets_nb.host.host import Host
from paglets_nb.patterns.operations import OperationClient, OperationPaglet
from paglets_nb.services.contracts import EmptyPayload, ServiceOperation
from paglets_nb.testing import ADD, TOTAL, AddRequest, Counter, TotalReply, in_process_mesh, wait_until


@dataclass(frozen=True)
class Blob:
    data: bytes = b""


SWAP = ServiceOperation("swap", Blob, Blob)
WAIT = ServiceOperation("wait", AddRequest, TotalReply)
ORPHAN = ServiceOperation("orphan")
EXTRA = ServiceOperation("extra")
WRONG = ServiceOperation("wrong", EmptyPayload, TotalReply)


@dataclass
class MixedState(PagletState):
    seen: list[str] = field(default_factory=list)
    reports: int = 0


class Mixed(OperationPaglet[MixedState]):
    """Every way of having operations."""

    Operations = (SWAP, WAIT, ORPHAN, WRONG)

    def operation_handlers(self) -> dict[ServiceOperation, Any]:
        """Handlers for all but one, and one that is not listed."""
        return {SWAP: self.swap, WAIT: self.wait, EXTRA: self.extra, WRONG: lambda _request: EmptyPayload()}

    async def swap(self, request: Blob) -> Blob:
        """Turn the bytes around."""
        await anyio.sleep(0)
        return Blob(request.data[::-1])

    def wait(self, request: AddRequest) -> TotalReply:
        """Wait until there are so many reports."""
        self.wait_state(lambda: self.state.reports >= request.amount, timeout=10)
        return TotalReply(self.state.reports)

    def extra(self, _request: EmptyPayload) -> None:
        """Count a report; reply with nothing."""
        with self.locked_state() as state:
            state.reports += 1
            self.notify_all_state_changed()

    def handle_operation_message(self, message: Message) -> Any:
        """Echo messages of one kind."""
        return {"raw": message.args} if message.kind == "raw" else None


@pytest.fixture
def alpha() -> Iterator[Host]:
    """A host."""
    with in_process_mesh(["alpha"]) as (alpha,):
        yield alpha


@pytest.fixture
def counter(alpha: Host) -> OperationClient:
    """A client of a counter."""
    return OperationClient(alpha.create(Counter))


@pytest.fixture
def mixed(alpha: Host) -> OperationClient:
    """A client of a paglet with every sort of operation."""
    return OperationClient(alpha.create(Mixed))


def test_a_typed_call(counter: OperationClient) -> None:
    """A request of the operation's type gives a reply of the operation's type."""
    assert counter.call(ADD, AddRequest(3)) == TotalReply(3)
    assert counter.call(ADD) == TotalReply(4)
    assert counter.call(TOTAL, timeout=5.0, no_delay=True, activate_if_inactive=False) == TotalReply(4)


def test_oneway_and_submitted_calls(counter: OperationClient) -> None:
    """A one-way send gives nothing, a submitted call a future of the typed reply, in order."""
    assert counter.send_oneway(ADD, AddRequest(1)) is None  # type: ignore[func-returns-value]
    futures = [counter.submit(ADD, AddRequest(amount)) for amount in (10, 100)]
    assert [future.get_reply(5) for future in futures] == [TotalReply(11), TotalReply(111)]
    assert counter.call(TOTAL) == TotalReply(111)


def test_awaited_calls(counter: OperationClient) -> None:
    """``call_async`` is awaited for the typed reply."""

    async def main() -> TotalReply:
        await counter.call_async(ADD, AddRequest(5))
        return await counter.call_async(TOTAL, timeout=5.0)  # type: ignore[no-any-return]

    assert anyio.run(main) == TotalReply(5)


def test_async_handlers_and_large_bytes(mixed: OperationClient) -> None:
    """An ``async def`` handler replies; large bytes go both ways."""
    data = bytes(range(256)) * 1000
    assert mixed.call(SWAP, Blob(data)) == Blob(data[::-1])
    assert mixed.submit(SWAP, Blob(data)).get_reply(5) == Blob(data[::-1])


def test_one_operation_waits_for_another(mixed: OperationClient) -> None:
    """A handler that waits for what another operation records gets it."""
    waiting = mixed.submit(WAIT, AddRequest(2))
    for _ in range(2):
        assert mixed.call(EXTRA, timeout=5) == EmptyPayload()
    assert waiting.get_reply(5) == TotalReply(2)


def test_a_request_of_another_type_is_not_sent(counter: OperationClient) -> None:
    """A request of another type is refused at the caller, in each way of calling."""
    for call in (counter.call, counter.send_oneway, counter.submit):
        with pytest.raises(ServiceContractError, match="operation 'add': its request must be a AddRequest"):
            call(ADD, TotalReply())
    assert counter.call(TOTAL) == TotalReply(0)


def test_a_field_of_another_type_is_named(counter: OperationClient) -> None:
    """A field of the wrong type is named by the host, wherever it came from."""
    with pytest.raises(SerializationError, match=r"AddRequest\.amount: expected int, got str"):
        counter.call(ADD, AddRequest("many"))  # type: ignore[arg-type]
    with pytest.raises(SerializationError, match="AddRequest: unknown field 'much'"):
        counter.proxy.send("add", {"much": 1})


def test_an_operation_without_a_handler(mixed: OperationClient) -> None:
    """A listed operation without a handler is a contract error with its name."""
    with pytest.raises(ServiceContractError, match="No handler registered for operation 'orphan'"):
        mixed.call(ORPHAN)


def test_a_handler_with_the_wrong_reply(mixed: OperationClient) -> None:
    """A handler that returns another type is a contract error at the caller."""
    with pytest.raises(ServiceContractError, match="operation 'wrong': its reply must be a TotalReply"):
        mixed.call(WRONG)


def test_other_messages(mixed: OperationClient) -> None:
    """Messages that are no operation go to the fallback; what that leaves is not handled."""
    assert mixed.proxy.send("raw", {"a": 1}) == {"raw": {"a": 1}}
    with pytest.raises(NotHandledError, match=r"Mixed does not handle 'fly' \(operations: extra, orphan, swap, wait"):
        mixed.proxy.send("fly")


def test_which_operations_there_are() -> None:
    """Operations are those listed and those with handlers; messages find theirs by name."""
    paglet = Mixed()
    assert sorted(paglet.operation_names()) == ["extra", "orphan", "swap", "wait", "wrong"]
    assert {operation.name for operation in paglet.operations()} == set(paglet.operation_names())
    assert paglet.operation_for_message(Message("swap")) is SWAP
    assert paglet.operation_for_message(Message("extra")) is EXTRA
    assert paglet.operation_for_message(Message("fly")) is None
    assert OperationPaglet().operations() == []  # type: ignore[var-annotated]


def test_the_handlers_are_called_without_a_host() -> None:
    """A paglet's operations can be tried without a host; the wire form of the reply comes back."""
    counter = Counter()
    assert counter.handle_message(ADD.to_message(AddRequest(2))) == {"total": 2}
    assert counter.dispatch_operation(TOTAL, TOTAL.to_message()) == {"total": 2}


def test_a_time_out_and_a_disposed_paglet(alpha: Host, mixed: OperationClient) -> None:
    """A call past its time-out, and one to a paglet that ended, are typed errors; the host serves on."""
    with pytest.raises(CallTimeoutError, match="'wait' on alpha"):
        mixed.call(WAIT, AddRequest(100), timeout=0.05)
    mixed.proxy.dispose()
    with pytest.raises(InvalidAgentError):
        mixed.call(SWAP)
    other = OperationClient(alpha.create(Counter))
    assert other.call(ADD) == TotalReply(1)
    wait_until(lambda: len(alpha.get_proxies()) == 1)


def test_arrays_in_requests_and_replies(alpha: Host) -> None:
    """Numpy arrays travel in typed requests and replies, and arrive writable where they were."""
    numpy = pytest.importorskip("numpy")
    request_type: Any = dataclass(type("Grid", (), {"__annotations__": {"cells": numpy.ndarray}, "cells": None}))
    operation = ServiceOperation("double", request_type, request_type)

    class Doubler(OperationPaglet):  # type: ignore[type-arg]
        Operations = (operation,)

        def operation_handlers(self) -> dict[ServiceOperation, Any]:
            return {operation: self.double}

        def double(self, request: Any) -> Any:
            request.cells *= 2
            return request_type(request.cells)

    client = OperationClient(alpha.create(Doubler))
    for shape in ((3, 4), (300, 400)):
        cells = numpy.arange(shape[0] * shape[1], dtype="f8").reshape(shape)
        reply = client.call(operation, request_type(cells))
        assert (reply.cells == cells * 2).all()
        reply.cells += 1


def test_what_is_no_proxy_cannot_be_called() -> None:
    """A client of a name says what it wants."""
    with pytest.raises(ServiceContractError, match="wanted a paglet's proxy, got 'counter'"):
        OperationClient("counter").call(ServiceOperation("add"))  # type: ignore[arg-type]


@pytest.mark.parametrize("timeout", ["x", [], float("nan")])
def test_a_time_out_that_is_no_number_is_told(alpha: Host, timeout: Any) -> None:
    """By the client, a future and a raw send; the paglet answers the next call."""
    proxy = alpha.create(Counter)
    client = OperationClient(proxy)
    said = "timeout wants seconds as a number, got "
    for _ in range(2):
        with pytest.raises(ServiceContractError, match=said):
            client.call(ADD, AddRequest(1), timeout=timeout)
    with pytest.raises(ServiceContractError, match=said):
        client.call(ADD, AddRequest(1), no_delay=True, timeout=timeout)
    with pytest.raises(ServiceContractError, match=said):
        proxy.send("add", {"amount": 1}, timeout=timeout)
    assert client.call(TOTAL).total == 0


def test_a_future_wants_a_number_of_seconds() -> None:
    """What is none is told at once, also where it is awaited."""

    async def awaited() -> Any:
        return await FutureReply("add", "x")  # type: ignore[arg-type]

    with pytest.raises(ServiceContractError, match="timeout wants seconds as a number, got 'x'"):
        anyio.run(awaited)
    with pytest.raises(ServiceContractError, match="timeout wants seconds as a number, got 'x'"):
        FutureReply("add").get_reply("x")  # type: ignore[arg-type]
