"""Typed calls that go straight from their frame to their handler, and those that do not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from paglets_nb.codec.envelope import NUMBERED, TYPED, Envelope, encode_envelope
from paglets_nb.core.messages import Message
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.state import PagletState
from paglets_nb.core.turns import current_turn, default_origin
from paglets_nb.errors import (
    CallTimeoutError,
    InvalidAgentError,
    NotHandledError,
    SerializationError,
    ServiceContractError,
)
from paglets_nb.host import direct as module
from paglets_nb.host.host import Host
from paglets_nb.patterns.operations import OperationClient, OperationPaglet
from paglets_nb.services.contracts import EmptyPayload, ServiceOperation


@dataclass(frozen=True)
class Ask:
    what: str = ""
    number: int = 0


@dataclass(frozen=True)
class Wide:
    number: Any = 0


@dataclass(frozen=True)
class Answer:
    text: str = ""
    items: list[int] = field(default_factory=list)


ASK = ServiceOperation("ask", Ask, Answer)
ASK_WIDE = ServiceOperation("ask", Wide, Answer)
LATE = ServiceOperation("late", Ask, Answer)
NOTHING = ServiceOperation("nothing", Ask, EmptyPayload)


@dataclass
class Seen(PagletState):
    asked: list[str] = field(default_factory=list)


class Answering(OperationPaglet[Seen]):
    does: Callable[[Any, Any], Any] = staticmethod(lambda _me, request: Answer(request.what))

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """Its operations."""
        return {ASK: self.ask, LATE: self.late, NOTHING: lambda _request: None}

    def ask(self, request: Ask) -> Any:
        """Do what the test says."""
        self.state.asked.append(request.what)
        return type(self).does(self, request)

    async def late(self, request: Ask) -> Answer:
        """Answer from the loop."""
        return Answer(request.what)


class Watched(Answering):
    """Looks at each message."""

    def handle_message(self, message: Message) -> Any:
        """Note the message's id."""
        self.state.asked.append(f"message {message.message_id}")
        return super().handle_message(message)


class Stored(Answering):
    durability = "message"


@pytest.fixture
def client(alpha: Host, does: Callable[[Callable[..., Any]], None]) -> OperationClient:
    """Calls a paglet that answers."""
    client = OperationClient(alpha.create(Answering))
    client.call(ASK, Ask("first"))  # the header is learned
    return client


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Has ``ask`` do what a test says."""
    return lambda function: monkeypatch.setattr(Answering, "does", staticmethod(function))


@pytest.fixture
def general(alpha: Host, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds that went the general way."""
    kinds: list[str] = []
    handle = alpha.handling.handle

    def noted(resident: Any, message: Message, turn: Any) -> Any:
        kinds.append(message.kind)
        return handle(resident, message, turn)

    monkeypatch.setattr(alpha.handling, "handle", noted)
    return kinds


def test_a_known_call_goes_straight_to_its_handler(client: OperationClient, general: list[str]) -> None:
    """From the second call on no message is made; the reply, the state and the log are the same."""
    assert client.call(ASK, Ask("second")) == Answer("second")
    assert general == []


def test_the_log_tells_of_it(alpha: Host, client: OperationClient) -> None:
    """A direct call is an event like any other."""
    before = alpha.list_events()[-1].number
    client.call(ASK, Ask("second"))
    (event,) = alpha.list_events(before)
    assert (event.kind, event.agent_id) == ("message-delivered", client.proxy.agent_id)
    assert event.details["message"] == "ask"


@pytest.mark.parametrize("cls", [Watched, Stored])
def test_a_class_with_a_way_of_its_own_gets_messages(alpha: Host, general: list[str], cls: type[Answering]) -> None:
    """Where a class looks at messages itself, or is stored with each, every call is one."""
    client = OperationClient(alpha.create(cls))
    for text in ("a", "b", "c"):
        assert client.call(ASK, Ask(text)) == Answer(text)
    assert general == ["ask"] * 3


def test_messages_that_are_numbered_have_ids_of_their_own(alpha: Host) -> None:
    """A message whose header says nothing of it alone has an id no other has."""
    proxy = alpha.create(Watched)
    for _ in range(3):
        OperationClient(proxy).call(ASK, Ask())
    seen = [text for text in alpha.get_state(proxy.agent_id).asked if text.startswith("message")]
    assert len(set(seen)) == 3


def test_an_async_handler(client: OperationClient) -> None:
    """A coroutine is run on the loop, and its reply comes back."""
    assert [client.call(LATE, Ask(text)) for text in "ab"] == [Answer("a"), Answer("b")]


def test_a_handler_that_returns_nothing(client: OperationClient) -> None:
    """None stands for a reply of defaults, where there is one."""
    assert [client.call(NOTHING, Ask()) for _ in range(2)] == [EmptyPayload()] * 2


def test_a_request_that_does_not_fit_names_its_field(client: OperationClient) -> None:
    """What was wrong and what was wanted, and the handler did not run."""
    forged = OperationClient(client.proxy)
    with pytest.raises(SerializationError, match=r"Ask\.number: expected int, got str"):
        forged.call(ASK_WIDE, Wide("many"))
    assert client.call(ASK, Ask("still")) == Answer("still")


def test_a_reply_of_the_wrong_type(client: OperationClient, does: Any) -> None:
    """A handler that returns something else breaks its contract."""
    does(lambda _me, request: request)
    with pytest.raises(ServiceContractError, match="its reply must be a Answer, not Ask"):
        client.call(ASK, Ask())


def test_a_reply_that_cannot_travel(client: OperationClient, does: Any) -> None:
    """The value is named, and the paglet serves on."""
    does(lambda _me, request: Answer(request.what, [object()]))  # type: ignore[list-item]
    with pytest.raises(SerializationError, match=r"Answer\.items\[0\]"):
        client.call(ASK, Ask())
    does(lambda _me, request: Answer(request.what))
    assert client.call(ASK, Ask("still")) == Answer("still")


def test_the_handlers_exception_reaches_the_caller(client: OperationClient, does: Any) -> None:
    """As the same type; one that says ``not handled`` names what is."""

    def fails(_me: Any, request: Ask) -> Any:
        raise KeyError(request.what)

    does(fails)
    with pytest.raises(KeyError, match="lost"):
        client.call(ASK, Ask("lost"))
    does(lambda me, _request: me.not_handled())
    with pytest.raises(NotHandledError) as caught:
        client.call(ASK, Ask())
    assert set(caught.value.known) == {"ask", "late", "nothing"}


def test_the_turn_is_held_and_free_again(alpha: Host, client: OperationClient, does: Any) -> None:
    """A direct handler holds the turn; a second call waits, and one to itself is refused as ever."""
    entered, leave, seen = threading.Event(), threading.Event(), []

    def waits(_me: Any, request: Ask) -> Answer:
        turn: Any = current_turn.get()
        seen.append((request.what, turn.held))
        if request.what == "slow":
            entered.set()
            leave.wait(5)
        return Answer(request.what)

    does(waits)
    slow = threading.Thread(target=client.call, args=(ASK, Ask("slow")))
    slow.start()
    assert entered.wait(5)
    with pytest.raises(CallTimeoutError):
        OperationClient(PagletProxy(client.proxy.host_url, client.proxy.agent_id, alpha.client)).call(
            ASK, Ask("quick"), timeout=0.1
        )
    leave.set()
    slow.join(5)
    client.call(ASK, Ask("after"))
    assert seen[0] == ("slow", True)
    assert seen[-1] == ("after", True)
    assert current_turn.get() is None


def test_a_wait_in_it_gives_the_turn_up(client: OperationClient, does: Any) -> None:
    """What one direct call waits for another one records."""

    def meets(me: Any, request: Ask) -> Answer:
        me.notify_all_state_changed()
        if request.what == "wait":
            assert me.wait_state(lambda: "go" in me.state.asked, 5.0)
        return Answer(",".join(me.state.asked[1:]))

    does(meets)
    replies: list[Answer] = []
    waiting = threading.Thread(target=lambda: replies.append(client.call(ASK, Ask("wait"))))
    waiting.start()
    while client.call(ASK, Ask("look")).text.count("wait") == 0:
        continue
    client.call(ASK, Ask("go"))
    waiting.join(5)
    assert "go" in replies[0].text


def test_who_speaks_for_which_cell(alpha: Host, client: OperationClient, does: Any) -> None:
    """A handler's turn has the caller's cell, also one that changes."""
    does(lambda _me, _request: Answer(current_turn.get().origin))  # type: ignore[union-attr]
    try:
        for cell in ("one", "one", "two", "two", ""):
            default_origin.cell = cell
            client.call(ASK, Ask())  # a new cell's header is learned
            assert client.call(ASK, Ask()).text == cell
    finally:
        default_origin.cell = ""


def test_a_paglet_speaks_in_its_own_name(alpha: Host, client: OperationClient, does: Any) -> None:
    """Whom a handler calls learns who called, in the log."""
    other = OperationClient(alpha.create(Answering))
    does(lambda me, request: other.call(LATE, request) if me.agent_id == client.proxy.agent_id else Answer())
    for _ in range(2):
        client.call(ASK, Ask("x"))
    events = [event for event in alpha.list_events() if event.agent_id == other.proxy.agent_id]
    assert [event.details["sender"] for event in events if event.kind == "message-delivered"] == [
        client.proxy.agent_id
    ] * 2


def test_a_paglet_that_left_is_followed(alpha: Host, beta: Host, client: OperationClient) -> None:
    """A call with a known header goes after its paglet; there it is learned anew."""
    OperationClient(PagletProxy(alpha.address, client.proxy.agent_id, beta.client)).proxy.dispatch("beta")
    assert client.call(ASK, Ask("there")) == Answer("there")
    assert client.proxy.host_url == beta.address
    client.proxy.dispose()
    with pytest.raises(InvalidAgentError):
        client.call(ASK, Ask("gone"))


def test_another_version_takes_over(alpha: Host, client: OperationClient) -> None:
    """After an upgrade the new object's handler is called."""

    class Louder(Answering):
        def ask(self, request: Ask) -> Answer:
            """Answer loudly."""
            return Answer(request.what.upper())

    client.call(ASK, Ask("quiet"))
    resident = alpha.residents.require(client.proxy.agent_id)
    old = resident.direct["ask"]
    from paglets_nb.host.upgrade import Upgrades

    Upgrades(alpha)._install(resident, Louder(resident.paglet.state, agent_id=resident.agent_id), "x:Louder")
    assert client.call(ASK, Ask("loud")) == Answer("LOUD")
    resident.direct["ask"] = old  # as one who looked before the upgrade would hold it
    assert client.call(ASK, Ask("loud")) == Answer("LOUD")


def test_headers_that_are_known_are_bounded(
    alpha: Host, client: OperationClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the bound they are learned anew, and calls go on."""
    monkeypatch.setattr(module, "KEPT", 3)
    direct = alpha.requests.direct
    for number in range(10):
        envelope = Envelope(f"p{number}", "ask", "m", flags=TYPED | NUMBERED)
        direct.learn(encode_envelope(envelope), envelope)
        assert len(direct._headers) <= 3
    assert client.call(ASK, Ask("x")) == Answer("x")
