from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from paglets_nb import Host, OperationPaglet, PagletState, ServiceOperation
from paglets_nb.errors import CallTimeoutError, LifecycleError
from paglets_nb.patterns.task_client import TaskClient, TaskHandle
from paglets_nb.testing import ADD, AddRequest, Counter, TotalReply
from paglets_nb.widgets.forms.calls import HISTORY, Call, Caller, OperationAsker, Phase, TaskAsker
from paglets_nb.widgets.forms.pictures import call_html, call_text, outcome_html, status_text


@dataclass(frozen=True)
class Wait:
    name: str = "<it>"


HOLD = ServiceOperation("hold", Wait, Wait)
BREAK = ServiceOperation("break", Wait, Wait)
_gate = threading.Event()


class Holder(OperationPaglet[PagletState]):
    """Holds a call until the gate opens."""

    def operation_handlers(self) -> dict[ServiceOperation, Callable[[Any], Any]]:
        """Both."""
        return {HOLD: self.hold, BREAK: self.break_}

    def hold(self, request: Wait) -> Wait:
        """Wait for the gate."""
        _gate.wait(20)
        return request

    def break_(self, request: Wait) -> Wait:
        """Fail."""
        raise KeyError(request.name)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a Holder waits for; open at the end."""
    _gate.clear()
    yield _gate
    _gate.set()


def _ended(caller: Caller, request: Any = None, timeout: float = 10.0) -> Call:
    call = caller.send(request, timeout)
    assert call is not None
    assert call.wait(10)
    return call


def test_a_call_brings_the_typed_reply(host: Host) -> None:
    """In the background; whoever listens is told of its beginning and its end."""
    told: list[Phase] = []
    caller = Caller(OperationAsker(host.create(Counter), ADD), lambda call: told.append(call.phase))
    assert caller.last is None
    call = _ended(caller, AddRequest(3))
    assert (call.phase, call.reply, call.error) == (Phase.REPLIED, TotalReply(3), None)
    assert (call.number, call.fields, call.said) == (1, "amount=3", "TotalReply(total=3)")
    assert call.seconds == call.elapsed > 0
    assert told[0] is Phase.RUNNING
    assert told[-1] is Phase.REPLIED


def test_one_call_runs_at_a_time_and_can_be_given_up(host: Host, gate: threading.Event) -> None:
    """Giving up ends it at once; what it asked for goes on, and its reply is not looked at."""
    proxy = host.create(Holder)
    caller = Caller(OperationAsker(proxy, HOLD))
    assert not caller.cancel()
    call = caller.send(Wait(), 10.0)
    assert call is not None
    assert caller.send(Wait(), 10.0) is None
    assert caller.cancel()
    assert call.wait(1)
    assert (call.phase, call.said) == (Phase.GAVE_UP, "given up")
    assert status_text(call).startswith("gave up waiting after 0.")
    assert not caller.cancel()
    gate.set()
    assert _ended(caller, Wait("b")).reply == Wait("b")
    assert call.phase is Phase.GAVE_UP
    assert call.reply is None


def test_a_call_fails_when_its_time_is_over(host: Host, gate: threading.Event) -> None:
    """It says so; the handler may go on."""
    call = _ended(Caller(OperationAsker(host.create(Holder), HOLD)), Wait(), 0.05)
    assert call.phase is Phase.FAILED
    assert isinstance(call.error, CallTimeoutError)
    assert "may go on" in call.said


def test_what_a_handler_raised_is_shown_with_its_traceback(host: Host) -> None:
    """Folded, and escaped."""
    call = _ended(Caller(OperationAsker(host.create(Holder), BREAK)), Wait())
    assert isinstance(call.error, KeyError)
    shown = outcome_html(call)
    assert "KeyError: &#x27;&lt;it&gt;&#x27;" in shown
    assert "<details><summary>traceback on " in shown
    assert "in break_" in shown
    assert "<it>" not in shown
    assert "in break_" in call_text(call, "break", "holder")


def test_a_host_that_is_gone_is_an_error_like_others(host: Host) -> None:
    """Also while the request is still on its way."""
    caller = Caller(OperationAsker(host.create(Counter), ADD))
    host.stop()
    call = _ended(caller, AddRequest())
    assert call.phase is Phase.FAILED
    assert call.error is not None


def test_the_last_calls_are_remembered_and_only_the_last_reply(host: Host) -> None:
    """Newest first; older ones keep a line of theirs."""
    caller = Caller(OperationAsker(host.create(Counter), ADD))
    for _call in range(HISTORY + 2):
        _ended(caller, AddRequest())
    numbers = [call.number for call in caller.history]
    assert numbers == list(range(HISTORY + 2, 2, -1))
    assert [call.reply for call in caller.history[:2]] == [TotalReply(HISTORY + 2), None]
    assert caller.history[1].said == f"TotalReply(total={HISTORY + 1})"


def test_a_task_is_started_once(client: TaskClient[Any]) -> None:
    """The reply is its handle; while it runs another start is refused."""
    caller = Caller(TaskAsker(client))
    call = _ended(caller, client.request_type(1000))
    handle: TaskHandle[Any] = call.reply
    assert call.said == "started"
    again = _ended(caller, client.request_type(1))
    assert isinstance(again.error, LifecycleError)
    handle.cancel()
    assert handle.wait(5).done
    assert _ended(caller, client.request_type(1)).phase is Phase.REPLIED


def test_a_call_is_pictured_with_its_request(host: Host) -> None:
    """As HTML, escaped, and as text."""
    call = _ended(Caller(OperationAsker(host.create(Counter), ADD)), AddRequest(2))
    shown = call_html(call, "<add>", "a & b", outcome_html(call))
    assert "&lt;add&gt;" in shown
    assert "a &amp; b" in shown
    assert "<b>AddRequest</b>" in shown
    assert "<b>TotalReply</b>" in shown
    assert call_text(call, "add", "counter").splitlines()[0] == "counter add amount=2"
    assert call_text(call, "add", "counter").splitlines()[-1] == "TotalReply(total=2)"
