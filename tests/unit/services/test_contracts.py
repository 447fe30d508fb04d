"""Typed operations and service contracts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.errors import NotHandledError, SerializationError, ServiceContractError, ServiceNotFoundError
from paglets_nb.services.contracts import (
    EmptyPayload,
    ServiceContract,
    ServiceHandle,
    ServiceOperation,
    ServiceRecord,
    ServiceScope,
)
from paglets_nb.testing import ADD, TOTAL, AddRequest, Counter, TotalReply, in_process_mesh


@dataclass(frozen=True)
class Order:
    item: str
    count: int = 1
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bill:
    total: float


BUY = ServiceOperation("buy", Order, Bill)
CLOSE = ServiceOperation("close")
SHOP = ServiceContract("shop", (BUY, CLOSE), version="2")
TALLY = ServiceContract("tally", (ADD, TOTAL))


class TestServiceOperation:
    def test_defaults(self) -> None:
        """An operation of a name alone takes and gives nothing."""
        assert (CLOSE.request_type, CLOSE.reply_type) == (EmptyPayload, EmptyPayload)
        assert CLOSE.encode_request() == CLOSE.encode_reply() == {}
        assert CLOSE.decode_reply(None) == CLOSE.decode_reply({}) == EmptyPayload()

    def test_operations_are_values(self) -> None:
        """Equal operations are equal and can be keys."""
        assert {ServiceOperation("buy", Order, Bill): 1}[BUY] == 1

    @pytest.mark.parametrize("name", ["", None, 3])
    def test_a_name_is_needed(self, name: Any) -> None:
        """An operation without a name is refused."""
        with pytest.raises(ServiceContractError, match="needs a name"):
            ServiceOperation(name)

    @pytest.mark.parametrize(("request_type", "reply_type", "role"), [(dict, Bill, "request"), (Order, int, "reply")])
    def test_types_must_be_dataclasses(self, request_type: type, reply_type: type, role: str) -> None:
        """A request or reply type that is no dataclass is named by its role."""
        with pytest.raises(ServiceContractError, match=f"operation 'x': its {role} type must be a dataclass"):
            ServiceOperation("x", request_type, reply_type)

    def test_messages(self) -> None:
        """A message carries the operation's name and the request, with options of messages."""
        message = BUY.to_message(Order("tea"), priority=9)
        assert (message.kind, message.priority, message.args) == (
            "buy", 9, {"item": "tea", "count": 1, "notes": []},
        )  # fmt: skip
        assert BUY.decode_request(message) == Order("tea")
        assert CLOSE.to_message().args == {}

    def test_round_trips(self) -> None:
        """Requests and replies come back from their wire forms; missing fields take defaults."""
        assert BUY.decode_request(BUY.encode_request(Order("tea", 2, ["green"]))) == Order("tea", 2, ["green"])
        assert BUY.decode_request({"item": "tea"}) == Order("tea")
        assert BUY.decode_reply(BUY.encode_reply(Bill(3.5))) == Bill(3.5)
        bill = Bill(1.0)
        assert BUY.decode_reply(bill) is bill

    @pytest.mark.parametrize("way", ["to_message", "encode_request"])
    def test_a_wrong_request_is_refused(self, way: str) -> None:
        """A request of another type, or none where fields are needed, says what is wanted."""
        with pytest.raises(ServiceContractError, match="operation 'buy': its request must be a Order, not Bill"):
            getattr(BUY, way)(Bill(1.0))
        with pytest.raises(ServiceContractError, match=r"operation 'buy' needs a Order \(fields: item\)"):
            getattr(BUY, way)()

    def test_a_wrong_reply_is_refused(self) -> None:
        """A reply of another type is named on both sides."""
        with pytest.raises(ServiceContractError, match="operation 'buy': its reply must be a Bill, not Order"):
            BUY.encode_reply(Order("tea"))
        with pytest.raises(ServiceContractError, match="its reply must be a Bill, not int"):
            BUY.decode_reply(3)
        with pytest.raises(SerializationError, match=r"Bill\.total: expected float, got str"):
            BUY.decode_reply({"total": "much"})

    def test_a_subclass_is_accepted(self) -> None:
        """An instance of a subclass is a request."""

        @dataclass(frozen=True)
        class Express(Order):
            pass

        assert BUY.to_message(Express("tea")).args["item"] == "tea"

    def test_wrong_fields_are_named(self) -> None:
        """A field of another type, or an unknown one, is named."""
        with pytest.raises(SerializationError, match=r"Order\.count: expected int, got str"):
            BUY.decode_request({"item": "tea", "count": "two"})
        with pytest.raises(SerializationError, match="Order: unknown field 'colour'"):
            BUY.decode_request(Message("buy", {"item": "tea", "colour": 1}))

    def test_schemas_are_json(self) -> None:
        """The schemas name the fields and can be written as JSON."""
        assert "item" in json.dumps(BUY.request_schema())
        assert "total" in json.dumps(BUY.reply_schema())


class TestServiceContract:
    def test_operations_by_name(self) -> None:
        """Operations are found by name or message; a missing one is named with those there are."""
        assert SHOP.capabilities == ("buy", "close")
        assert SHOP.operation_for("buy") is SHOP.operation_for(Message("buy")) is BUY
        assert SHOP.operation_for("steal") is None
        assert SHOP.require_operation("close") is CLOSE
        with pytest.raises(ServiceContractError, match=r"contract 'shop' has no operation 'steal' \(operations: buy"):
            SHOP.require_operation(Message("steal"))

    def test_metadata(self) -> None:
        """The metadata tell name, version and every operation with its schemas, as JSON."""
        metadata = SHOP.metadata()
        assert (metadata["name"], metadata["version"]) == ("shop", "2")
        assert set(metadata["operations"]) == {"buy", "close"}
        assert json.dumps(metadata)
        advertised = SHOP.advertise_metadata({"city": "Bonn"})
        assert advertised["city"] == "Bonn"
        assert advertised != {"city": "Bonn"}

    @pytest.mark.parametrize(
        ("name", "version", "capabilities", "matches"),
        [
            ("shop", "2", ("buy", "close"), True),
            ("shop", "2", ("buy", "close", "more"), True),
            ("shop", "2", ("buy",), False),
            ("shop", "1", ("buy", "close"), False),
            ("store", "2", ("buy", "close"), False),
        ],
    )
    def test_matching(self, name: str, version: str, capabilities: tuple[str, ...], matches: bool) -> None:
        """A record matches by name and version when it offers every operation."""
        record = ServiceRecord(name, PagletProxyRef("unix:///a", "x"), version, capabilities, ServiceScope.MESH)
        assert SHOP.matches_record(record) is matches

    def test_routing(self) -> None:
        """A message is decoded, handled and its reply encoded; handlers stand by operation or by name."""
        for key in (BUY, "buy"):
            handlers = {key: lambda order: Bill(order.count * 2.0)}
            assert SHOP.route(BUY.to_message(Order("tea", 3)), handlers) == {"total": 6.0}

    def test_routing_of_strangers(self) -> None:
        """A message outside the contract gives the default, called where it can be, else an error."""
        stranger = Message("steal")
        assert SHOP.route(stranger, {}, default=None) is None
        assert SHOP.route(stranger, {}, default=lambda message: message.kind) == "steal"
        with pytest.raises(NotHandledError, match=r"shop does not handle 'steal' \(operations: buy, close\)"):
            SHOP.route(stranger, {})
        with pytest.raises(ServiceContractError, match="No handler registered for operation 'buy'"):
            SHOP.route(BUY.to_message(Order("tea")), {})

    def test_the_errors_are_host_errors(self) -> None:
        """A broken contract is a HostError, a missing service a broken contract."""
        from paglets_nb.errors import HostError

        assert issubclass(ServiceNotFoundError, ServiceContractError)
        assert issubclass(ServiceContractError, HostError)


def test_a_handle_calls_its_provider() -> None:
    """A contract bound to a provider calls its operations with typed requests and replies."""
    with in_process_mesh(["alpha"]) as (alpha,):
        handle = ServiceHandle(TALLY, alpha.create(Counter))
        assert handle.call(ADD, AddRequest(3)) == TotalReply(3)
        handle.send_oneway("add", AddRequest(4))
        assert handle.call("total") == TotalReply(7)
        with pytest.raises(ServiceContractError, match="contract 'tally' has no operation 'buy'"):
            handle.call(BUY, Order("tea"))
        with pytest.raises(ServiceContractError, match="its request must be a AddRequest"):
            handle.call(ADD, EmptyPayload())
