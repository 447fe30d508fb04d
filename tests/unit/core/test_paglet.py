"""The paglet by itself, without a host."""

from __future__ import annotations

import threading
import types
from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState
from paglets_nb.errors import HostError, LifecycleError, NotHandledError
from paglets_nb.patterns.operations import OperationPaglet
from paglets_nb.testing import Counter, CounterState

StateT = TypeVar("StateT", bound=PagletState)


@dataclass
class BoxState(PagletState):
    items: int = 0


@dataclass
class WideState(BoxState):
    width: int = 1


class Box(Paglet[BoxState]):
    pass


class Wide(Box):
    State = WideState


class Plain(Paglet):  # type: ignore[type-arg]
    pass


def test_the_state_class_comes_from_the_type_argument() -> None:
    """``Paglet[MyState]`` gives the state class; ``State`` overrides it; neither gives the base."""
    assert Box.State is BoxState
    assert Wide.State is WideState
    assert Plain.State is PagletState
    assert Counter.State is CounterState


def test_what_is_no_state_is_refused() -> None:
    """In the brackets of any base, or as ``State``; the error names it when the class is defined."""

    @dataclass
    class Put:
        n: int = 0

    class Bare:
        pass

    class Generous(Paglet[StateT], Generic[StateT]):
        """A base of a user's own."""

    said = "the state of Wrong must be a dataclass that subclasses PagletState; {} is none"
    for base, state in ((Paglet, Bare), (OperationPaglet, Put), (Generous, Put)):
        with pytest.raises(HostError, match=said.format(state.__name__)):
            types.new_class("Wrong", (base[state],))  # type: ignore[index]
    with pytest.raises(HostError, match=said.format("Put")):
        type("Wrong", (Paglet,), {"State": Put})
    assert types.new_class("Right", (Generous[BoxState],)).State is BoxState


def test_a_fresh_state_and_identity() -> None:
    """Every paglet has a state of its own and an id of its own, unless given."""
    one, two = Box(), Box()
    assert one.state == BoxState()
    assert one.state is not two.state
    assert one.agent_id != two.agent_id
    state = BoxState(3)
    given = Box(state, agent_id="mine")
    assert given.state is state
    assert given.agent_id == "mine"
    assert "Box" in repr(given)


def test_without_a_host_it_says_so() -> None:
    """What needs a host is a LifecycleError that names the paglet."""
    box = Box(agent_id="mine")
    for use in (
        lambda: box.context,
        lambda: box.proxy,
        lambda: box.ref,
        lambda: box.send(None, "ping"),
        lambda: box.dispatch("beta"),
        lambda: box.clone(),
        box.dispose,
    ):
        with pytest.raises(LifecycleError, match="Box mine lives on no host"):
            use()


def test_the_default_handler_handles_nothing() -> None:
    """A paglet without handlers says that it has none for the kind."""
    with pytest.raises(NotHandledError, match="Box does not handle 'fly'") as caught:
        Box().handle_message(Message("fly"))
    assert caught.value.kind == "fly"


def test_the_locked_state() -> None:
    """``locked_state`` gives the state under its lock, which is re-entrant."""
    box = Box()
    with box.locked_state() as state, box.locked():
        state.items += 1
    assert box.state.items == 1


def test_wait_state_returns_at_once_when_it_holds() -> None:
    """A predicate that holds already is not waited for."""
    assert Box().wait_state(lambda: True, timeout=0)


def test_wait_state_says_when_time_has_passed() -> None:
    """A predicate that does not come true is False after the time-out."""
    assert not Box().wait_state(lambda: False, timeout=0.01)


def test_wait_state_is_woken_by_a_change() -> None:
    """A waiter is woken by the notification of a change that makes its predicate true."""
    box, entered = Box(), threading.Event()

    def change() -> None:
        assert entered.wait(5)
        with box.locked_state() as state:
            state.items = 3
            box.notify_all_state_changed()

    thread = threading.Thread(target=change)
    thread.start()

    def predicate() -> bool:
        entered.set()
        return box.state.items == 3

    assert box.wait_state(predicate, timeout=5)
    thread.join(5)


def test_wait_message_is_woken_by_a_message() -> None:
    """``wait_message`` waits for the next ``notify_message`` and not for one that was."""
    box, woken = Box(), threading.Event()
    box.notify_message()
    assert not box.wait_message(timeout=0.01)

    def notify() -> None:
        while not woken.wait(0.001):
            box.notify_all_messages()

    thread = threading.Thread(target=notify)
    thread.start()
    try:
        assert box.wait_message(timeout=5)
    finally:
        woken.set()
        thread.join(5)


def test_hooks_may_be_called() -> None:
    """The hooks of the base do nothing and raise nothing."""
    box = Box()
    for name in [name for name in dir(Paglet) if name.startswith("on_")]:
        assert getattr(box, name)(None) is None
    assert box.run() is None  # type: ignore[func-returns-value]
