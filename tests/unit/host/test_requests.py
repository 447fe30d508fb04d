"""Calls to paglets on real sockets: replies, errors, turns and their order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from paglets_nb.codec import payload as payloads
from paglets_nb.codec.envelope import HAS_ARG, Envelope, encode_envelope
from paglets_nb.codec.failures import decode_error
from paglets_nb.core.messages import Message
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.turns import current_origin, default_origin
from paglets_nb.errors import (
    CallTimeoutError,
    FrameError,
    HostDiedError,
    InvalidAgentError,
    LifecycleError,
    MailboxFullError,
    NotHandledError,
    RemoteHostError,
    SerializationError,
)
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import Nothing
from paglets_nb.testing import wait_until
from paglets_nb.transport import frames
from paglets_nb.transport.addresses import connect
from paglets_nb.transport.connection import Connection
from paglets_nb.transport.frames import ERROR, REQUEST
from tests.unit.host.scripted import Script, Scripted


class ShopError(Exception):
    def __init__(self, item: str) -> None:
        super().__init__(f"no {item}")
        self.item = item


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@dataclass
class Wanted:
    name: str
    size: int = 1


def fail_with(error: BaseException) -> Any:
    """A handler that raises."""

    def handler(_paglet: Any, _message: Message) -> None:
        raise error

    return handler


class Gate:
    """A handler that says that it was entered and waits to be let go."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self, _paglet: Any, _message: Message) -> str:
        """Wait at the gate."""
        self.entered.release()
        assert self.open.wait(10)
        return "through"

    def wait_entered(self) -> None:
        """Wait until a message is in the handler."""
        assert self.entered.acquire(timeout=5)


class TestReplies:
    @pytest.mark.parametrize(
        "value",
        [None, 0, "text", 1.5, True, b"raw", [1, [2]], {"a": {"b": None}}, b"x" * 200_000, bytearray(b"y" * 100_000)],
        ids=lambda value: type(value).__name__,
    )
    def test_a_reply_is_what_the_handler_returned(self, script: Script, paglet: PagletProxy, value: Any) -> None:
        """Plain values of any kind and size come back as they were returned."""
        script.handlers["give"] = lambda _paglet, _message: value
        assert paglet.send("give") == value
        assert paglet.send_future("give").get_reply(5) == value

    def test_arguments_arrive(self, paglet: PagletProxy) -> None:
        """Arguments by name arrive, large ones too."""
        big = b"z" * 300_000
        assert paglet.send("echo", {"a": 1, "big": big}) == {"a": 1, "big": big}
        assert paglet.send(Message("echo", {"a": [1]})) == {"a": [1]}
        assert paglet.send("echo") == {}

    def test_a_single_argument_and_who_speaks(self, script: Script, alpha: Host, paglet: PagletProxy) -> None:
        """``arg``, ``sender``, ``reply_to``, priority, id and time arrive with the message."""
        script.handlers["tell"] = lambda _paglet, m: [
            m.arg, m.args, m.sender.agent_id, m.reply_to.host_url, m.priority, m.message_id, m.timestamp,
        ]  # fmt: skip
        other = alpha.create(Scripted).ref
        message = Message("tell", {"k": 1}, [7], other, other, priority=8)
        assert paglet.send(message) == [
            [7], {"k": 1}, other.agent_id, alpha.address, 8, message.message_id, message.timestamp,
        ]  # fmt: skip

    def test_dataclasses_both_ways(self, script: Script, paglet: PagletProxy) -> None:
        """A request is decoded into the handler's dataclass, the reply into the caller's."""
        script.handlers["grow"] = lambda _paglet, m: Wanted(m.decode(Wanted).name.upper(), m.decode(Wanted).size + 1)
        assert paglet.send(Message("grow", Wanted("a", 3)), reply_type=Wanted) == Wanted("A", 4)
        assert paglet.send("grow", {"name": "b"}) == {"name": "B", "size": 2}
        with pytest.raises(SerializationError, match=r"Wanted\.size: expected int, got str"):
            paglet.send("grow", {"name": "b", "size": "two"})
        with pytest.raises(SerializationError, match=r"Wanted: unknown field 'colour' \(fields: name, size\)"):
            paglet.send("grow", {"name": "b", "colour": 1})

    def test_async_handlers(self, script: Script, paglet: PagletProxy) -> None:
        """An ``async def`` handler is awaited; it may await other paglets."""

        async def later(me: Any, message: Message) -> Any:
            await anyio.sleep(0)
            other = me.context.create_paglet(Scripted) if message.args.get("other") else None
            return "later" if other is None else await other.send_async("echo", {"n": 1})

        script.handlers["later"] = later
        assert paglet.send("later") == "later"
        assert paglet.send_future("later").get_reply(5) == "later"

    def test_an_async_handler_that_calls_another_paglet(self, script: Script, alpha: Host, beta: Host) -> None:
        """``await proxy.send_async`` works in a handler; the blocking form is refused there by name."""
        other, me = beta.create(Scripted), alpha.create(Scripted)

        async def ask(_paglet: Any, message: Message) -> Any:
            if message.args["blocking"]:
                return other.send("echo")
            return await other.send_async("echo", {"n": 1})

        script.handlers["ask"] = ask
        assert me.send("ask", {"blocking": False}) == {"n": 1}
        with pytest.raises(LifecycleError, match="would block the event loop; use the awaited form"):
            me.send("ask", {"blocking": True})

    def test_a_reply_that_cannot_travel_is_an_error(self, script: Script, paglet: PagletProxy) -> None:
        """A handler that returns what cannot travel gives its caller an error; the paglet lives."""
        script.handlers["odd"] = lambda _paglet, _message: {"k": object()}
        for ask in (paglet.send, lambda kind: paglet.send_future(kind).get_reply(5)):
            with pytest.raises(SerializationError, match="of type object cannot travel"):
                ask("odd")
        assert paglet.send("echo", {"a": 1}) == {"a": 1}

    def test_a_request_that_cannot_travel_is_not_sent(self, paglet: PagletProxy) -> None:
        """Arguments that cannot travel are refused at the sender by name."""
        with pytest.raises(SerializationError, match="of type function cannot travel"):
            paglet.send("echo", {"f": lambda: 0})

    def test_a_reply_past_the_bound(self, script: Script, paglet: PagletProxy, monkeypatch: pytest.MonkeyPatch) -> None:
        """A reply larger than a frame may be is an error at the caller, and the paglet goes on."""
        monkeypatch.setattr(frames, "MAX_FRAME", 100_000)
        script.handlers["big"] = lambda _paglet, _message: b"x" * 200_000
        with pytest.raises(FrameError, match="past the bound"):
            paglet.send("big")
        with pytest.raises(FrameError, match="past the bound"):
            paglet.send_future("big").get_reply(5)
        assert paglet.send("echo", {"a": 1}) == {"a": 1}
        assert paglet.send_future("echo", {"a": 1}).get_reply(5) == {"a": 1}


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (ValueError("bad"), ValueError),
            (KeyError("k"), KeyError),
            (ShopError("milk"), ShopError),
            (CallTimeoutError("inner", 1.0), CallTimeoutError),
            (SystemExit(3), RemoteHostError),
            (KeyboardInterrupt(), RemoteHostError),
            (Unprintable(), Unprintable),
        ],
        ids=lambda value: getattr(value, "__name__", type(value).__name__),
    )
    @pytest.mark.parametrize("way", ["send", "send_future"])
    def test_the_handlers_exception_reaches_the_caller(
        self, script: Script, paglet: PagletProxy, error: BaseException, expected: type, way: str
    ) -> None:
        """An exception arrives as its type with the remote traceback; the paglet serves on."""
        script.handlers["fail"] = fail_with(error)
        with pytest.raises(expected) as caught:
            paglet.send("fail") if way == "send" else paglet.send_future("fail").get_reply(5)
        assert "raise error" in caught.value.remote_traceback
        assert caught.value.remote_host == "alpha, Scripted"
        if isinstance(error, ShopError):
            assert caught.value.item == "milk"
        assert paglet.send("echo", {"a": 1}) == {"a": 1}

    def test_an_async_handlers_exception(self, script: Script, paglet: PagletProxy) -> None:
        """An exception of an ``async def`` handler arrives the same way."""

        async def fail(_paglet: Any, _message: Message) -> None:
            raise ShopError("bread")

        script.handlers["fail"] = fail
        with pytest.raises(ShopError) as caught:
            paglet.send("fail")
        assert caught.value.item == "bread"

    def test_an_unknown_kind_names_the_known_ones(self, paglet: PagletProxy) -> None:
        """A kind without handler says which there are."""
        with pytest.raises(
            NotHandledError, match=r"Scripted does not handle 'fly' \(operations: echo, log, read\)"
        ) as caught:
            paglet.send("fly")
        assert caught.value.known == ["echo", "log", "read"]

    def test_a_time_out(self, script: Script, paglet: PagletProxy) -> None:
        """A call past its time-out names call and host; the paglet goes on with the next message."""
        gate = script.handlers["gate"] = Gate()
        with pytest.raises(CallTimeoutError, match="'gate' on alpha: no answer within 0.05 s"):
            paglet.send("gate", timeout=0.05)
        with pytest.raises(CallTimeoutError, match="gate: no answer within 0.05 s"):
            paglet.send_future("gate", timeout=0.05).get_reply()
        gate.open.set()
        assert paglet.send("echo", {"a": 1}) == {"a": 1}

    def test_a_disposed_paglet(self, alpha: Host, paglet: PagletProxy) -> None:
        """Calling a disposed paglet, in each way, says that it is not there."""
        alpha.dispose(paglet.agent_id)
        for ask in (paglet.send, lambda kind: paglet.send_future(kind).get_reply(5), paglet.send_oneway):
            with pytest.raises(InvalidAgentError, match=f"no paglet '{paglet.agent_id}' on alpha"):
                ask("echo")
        assert not paglet.is_valid()
        with pytest.raises(InvalidAgentError):
            paglet.info()
        with pytest.raises(InvalidAgentError):
            paglet.dispose()

    def test_a_paglet_that_is_nowhere_is_told_by_its_name(self, script: Script, alpha: Host) -> None:
        """With what became of it where that is known, also to whoever awaits the reply."""
        made = alpha.create(Scripted, name="box")
        alpha.dispose(made.agent_id)
        for known, said in (("", "disposed, never created, or lost with its host"), ("it was lost", "it was lost")):
            client = HostClient(fate={made.agent_id: known}.get)
            proxy = PagletProxy(made.host_url, made.agent_id, client, name="box")
            for ask in (proxy.send, lambda kind, proxy=proxy: proxy.send_future(kind).get_reply(5)):
                with pytest.raises(InvalidAgentError, match=rf"^no paglet 'box' on alpha \({said}\)$") as caught:
                    ask("echo")
                assert (caught.value.agent_id, caught.value.fate) == (made.agent_id, known)
            client.close()

    def test_a_host_that_is_not_there(self, alpha: Host) -> None:
        """A call to an address where nobody listens says so at once."""
        lost = PagletProxy("unix:///no/such/delta.sock", "ab12", alpha.client)
        with pytest.raises(HostDiedError, match="host 'delta' is gone: nothing listens at its address") as caught:
            lost.send("echo")
        assert isinstance(caught.value, ConnectionError)
        with pytest.raises(HostDiedError):
            lost.send_future("echo").get_reply(5)
        assert not lost.is_valid()

    @pytest.mark.parametrize("way", ["send", "send_future", "queued"])
    def test_a_host_stopped_in_mid_call(self, script: Script, alpha: Host, beta: Host, way: str) -> None:
        """A host that stops during a call gives its caller an error at once."""
        gate = script.handlers["gate"] = Gate()
        paglet = PagletProxy(beta.address, beta.create(Scripted).agent_id, alpha.client)
        with ThreadPoolExecutor(2) as pool:
            calls = [pool.submit(paglet.send, "gate")]
            gate.wait_entered()
            if way == "send_future":
                calls = [pool.submit(paglet.send_future("gate").get_reply)]
            elif way == "queued":
                calls.append(pool.submit(paglet.send, "gate"))
                wait_until(lambda: beta.residents.require(paglet.agent_id).mailbox.waiting() == 1)
            beta.stop()
            for call in calls:
                with pytest.raises(HostDiedError, match="host 'beta' is gone"):
                    call.result(20)
            gate.open.set()
        with pytest.raises(HostDiedError):
            paglet.send("echo")


class TestTurns:
    def test_one_handler_at_a_time(self, script: Script, paglet: PagletProxy) -> None:
        """Calls from many threads, of every kind, never run two handlers of a paglet at once."""
        inside, worst = 0, 0

        def handler(me: Any, _message: Message) -> None:
            nonlocal inside, worst
            inside += 1
            worst = max(worst, inside)
            me.state.number += 1
            time.sleep(0)
            inside -= 1

        script.handlers["work"] = handler
        script.handlers["count"] = lambda me, _m: me.state.number

        def calls(_worker: int) -> None:
            futures = []
            for number in range(30):
                if number % 3 == 0:
                    paglet.send("work")
                elif number % 3 == 1:
                    futures.append(paglet.send_future("work"))
                else:
                    paglet.send_oneway("work")
            for future in futures:
                future.get_reply(10)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(calls, range(6)))
        wait_until(lambda: paglet.send("count") == 180)
        assert worst == 1

    def test_oneway_messages_keep_their_order(self, paglet: PagletProxy) -> None:
        """One-way messages of one sender are handled in the order of their sending."""
        for number in range(200):
            paglet.send_oneway("log", {"text": str(number)})
        assert paglet.send("read") == [str(number) for number in range(200)]

    def test_futures_keep_their_order(self, paglet: PagletProxy) -> None:
        """Pipelined futures to one paglet are handled in the order of their sending."""
        futures = [paglet.send_future("log", {"text": str(number)}) for number in range(500)]
        for future in futures:
            future.get_reply(10)
        assert paglet.send("read") == [str(number) for number in range(500)]

    def test_a_call_after_futures_keeps_its_order(self, script: Script, paglet: PagletProxy) -> None:
        """A blocking or one-way send after futures under way is handled after them."""
        gate = script.handlers["gate"] = Gate()
        first = paglet.send_future("gate")
        gate.wait_entered()
        futures = [paglet.send_future("log", {"text": str(number)}) for number in range(20)]
        with ThreadPoolExecutor(1) as pool:
            oneway = pool.submit(paglet.send_oneway, "log", {"text": "oneway"})
            oneway.result(5)
            reading = pool.submit(paglet.send, "read")
            gate.open.set()
            assert reading.result(5) == [*(str(number) for number in range(20)), "oneway"]
        assert first.get_reply(5) == "through"
        assert [future.get_reply(5) for future in futures] == [None] * 20

    def test_replies_come_in_order_for_one_pair_only(self, script: Script, alpha: Host, paglet: PagletProxy) -> None:
        """A slow paglet does not hold up another, whether called or pipelined."""
        gate = script.handlers["gate"] = Gate()
        other = alpha.create(Scripted)
        waiting = paglet.send_future("gate")
        gate.wait_entered()
        assert other.send("echo", {"a": 1}) == {"a": 1}
        assert other.send_future("echo", {"a": 2}).get_reply(5) == {"a": 2}
        assert not waiting.is_available()
        gate.open.set()
        assert waiting.get_reply(5) == "through"

    def test_higher_priorities_first(self, script: Script, paglet: PagletProxy) -> None:
        """Of what waits, higher priorities are handled first, in order within each."""
        gate = script.handlers["gate"] = Gate()
        waiting = paglet.send_future("gate")
        gate.wait_entered()
        given = [5, 1, 10, 5, 9, 10]
        futures = [
            paglet.send_future(Message("log", {"text": f"{priority}-{number}"}, priority=priority))
            for number, priority in enumerate(given)
        ]
        wait_until(lambda: paglet.info()["waiting"] == len(given))
        gate.open.set()
        for future in [waiting, *futures]:
            future.get_reply(5)
        assert paglet.send("read") == ["10-2", "10-5", "9-4", "5-0", "5-3", "1-1"]

    @pytest.mark.parametrize("way", ["send", "send_future", "send_oneway"])
    def test_priority_0_bypasses_the_queue(self, script: Script, paglet: PagletProxy, way: str) -> None:
        """A message of priority 0, or of an interleaved kind, is handled while another handler runs."""
        gate = script.handlers["gate"] = Gate()
        seen = threading.Semaphore(0)
        script.handlers["peek"] = script.handlers["urgent"] = lambda _me, _m: seen.release()
        waiting = paglet.send_future("gate")
        gate.wait_entered()
        for message in (Message("urgent", priority=0), Message("peek")):
            answer = getattr(paglet, way)(message)
            if way == "send_future":
                answer.get_reply(5)
            assert seen.acquire(timeout=5)
        assert not waiting.is_available()
        gate.open.set()
        assert waiting.get_reply(5) == "through"

    def test_a_full_mailbox_is_said_to_the_sender(self, script: Script, paglet: PagletProxy) -> None:
        """A message past the mailbox's limit is an error at its sender; the others are handled."""
        gate = script.handlers["gate"] = Gate()
        first = paglet.send_future("gate")
        gate.wait_entered()
        mailbox = script_mailbox(paglet)
        mailbox._limit = 3
        futures = [paglet.send_future("log", {"text": str(number)}) for number in range(5)]
        for future in futures[3:]:
            with pytest.raises(MailboxFullError, match="3 messages wait"):
                future.get_reply(5)
        with pytest.raises(MailboxFullError):
            paglet.send_oneway("log", {"text": "late"})
        gate.open.set()
        for future in [first, *futures[:3]]:
            future.get_reply(5)
        assert paglet.send("read") == ["0", "1", "2"]


def script_mailbox(proxy: PagletProxy) -> Any:
    """The mailbox of a paglet that lives in this process."""
    for hosts in Host._by_mesh.values():
        for host in hosts.values():
            resident = host.residents.lookup(proxy.agent_id)
            if resident is not None:
                return resident.mailbox
    raise AssertionError("no such paglet")


class TestWaiting:
    def test_waiting_gives_the_turn_up(self, script: Script, paglet: PagletProxy) -> None:
        """A handler that waits for what another message records gets it."""

        def wait(me: Any, message: Message) -> Any:
            arrived = me.wait_state(lambda: me.state.number >= message.args["n"], timeout=10)
            return [arrived, me.state.number]

        def record(me: Any, _message: Message) -> None:
            with me.locked_state() as state:
                state.number += 1
                me.notify_all_state_changed()

        script.handlers |= {"wait": wait, "record": record}
        waiting = paglet.send_future("wait", {"n": 3})
        for _ in range(3):
            paglet.send("record", timeout=5)
        assert waiting.get_reply(5) == [True, 3]

    def test_a_parent_waits_for_what_its_children_report(
        self, script: Script, alpha: Host, beta: Host, paglet: PagletProxy
    ) -> None:
        """A parent that waits in one operation, with its lock held, gets what children report in another."""
        parent = paglet.ref

        def gather(me: Any, _message: Message) -> Any:
            children = [me.context.create_paglet(Scripted, host_url=url) for url in (alpha.address, beta.address)]
            with me.locked(), me.locked():
                for child in children:
                    child.send_oneway("report")
                arrived = me.wait_state(lambda: len(me.state.log) == 2, timeout=10)
                return [arrived, sorted(me.state.log)]

        def report(me: Any, _message: Message) -> None:
            parent.resolve(me.context).send("log", {"text": me.context.name})
            parent.resolve(me.context).send("wake")

        def wake(me: Any, _message: Message) -> None:
            me.notify_all_state_changed()

        script.handlers |= {"gather": gather, "report": report, "wake": wake}
        assert paglet.send("gather", timeout=10) == [True, ["alpha", "beta"]]

    def test_a_wait_that_times_out_goes_on_with_its_turn(self, script: Script, paglet: PagletProxy) -> None:
        """After a wait the handler has its turn again: nothing is handled beside it."""
        entered, leave = threading.Event(), threading.Event()

        def wait(me: Any, _message: Message) -> bool:
            came = me.wait_state(lambda: False, timeout=0.01)
            entered.set()
            assert leave.wait(5)
            return bool(came)

        script.handlers["wait"] = wait
        waiting = paglet.send_future("wait")
        assert entered.wait(5)
        logged = paglet.send_future("log", {"text": "after"})
        assert not logged.wait_for_reply(0.05)
        leave.set()
        assert waiting.get_reply(5) is False
        logged.get_reply(5)

    def test_the_old_place_in_the_queue(self, script: Script, paglet: PagletProxy) -> None:
        """A handler that has waited goes on before messages that came after it."""
        gate = script.handlers["gate"] = Gate()

        def wait(me: Any, _message: Message) -> None:
            me.wait_state(lambda: me.state.number == 1, timeout=10)
            me.state.log.append("waiter")

        def record(me: Any, _message: Message) -> None:
            me.state.number = 1
            me.notify_all_state_changed()

        script.handlers |= {"wait": wait, "record": record}
        waiting = paglet.send_future("wait")
        held = paglet.send_future("gate")
        gate.wait_entered()
        later = paglet.send_future("log", {"text": "later"})
        paglet.send(Message("record", priority=0))
        mailbox = script_mailbox(paglet)
        wait_until(lambda: mailbox.waiting() == 2, what="the waiter and the later message queued")
        gate.open.set()
        for future in (waiting, held, later):
            future.get_reply(5)
        assert paglet.send("read") == ["waiter", "later"]

    def test_async_handlers_wait_too(self, script: Script, paglet: PagletProxy) -> None:
        """``wait_state_async`` gives the turn up in an ``async def`` handler."""

        async def wait(me: Any, _message: Message) -> bool:
            return bool(await me.wait_state_async(lambda: bool(me.state.log), timeout=10))

        script.handlers["wait"] = wait
        script.handlers["wake"] = lambda me, _m: me.notify_all_state_changed()
        waiting = paglet.send_future("wait")
        paglet.send("log", {"text": "x"}, timeout=5)
        paglet.send("wake", timeout=5)
        assert waiting.get_reply(5) is True

    def test_many_waiters_of_one_paglet(self, script: Script, paglet: PagletProxy) -> None:
        """Thirty handlers that wait at once all get what they wait for, one at a time."""
        inside, worst = 0, 0

        def wait(me: Any, message: Message) -> int:
            nonlocal inside, worst
            me.wait_state(lambda: me.state.number >= message.args["n"], timeout=10)
            inside += 1
            worst = max(worst, inside)
            time.sleep(0)
            inside -= 1
            return int(message.args["n"])

        def record(me: Any, _message: Message) -> None:
            me.state.number += 1
            me.notify_all_state_changed()

        script.handlers |= {"wait": wait, "record": record}
        waiting = [paglet.send_future("wait", {"n": number}) for number in range(30)]
        for _ in range(30):
            paglet.send("record", timeout=5)
        assert [future.get_reply(5) for future in waiting] == list(range(30))
        assert worst == 1

    def test_a_wait_ends_with_the_paglet(self, script: Script, alpha: Host, paglet: PagletProxy) -> None:
        """A handler that waits is woken when its paglet is disposed, and still replies."""
        entered = threading.Event()

        def wait(me: Any, _message: Message) -> str:
            entered.set()
            return f"came: {me.wait_state(lambda: False, timeout=10)}"

        script.handlers["wait"] = wait
        waiting = paglet.send_future("wait")
        assert entered.wait(5)
        alpha.dispose(paglet.agent_id)
        assert waiting.get_reply(5) == "came: False"


class TestCallingOneself:
    def test_a_blocking_call_to_oneself_is_refused(self, script: Script, paglet: PagletProxy) -> None:
        """A handler that calls its own paglet gets a clear error at once instead of a deadlock."""
        script.handlers["me"] = lambda me, _m: me.proxy.send("echo", {"a": 1})
        with pytest.raises(LifecycleError, match="Scripted would wait for itself: it sends 'echo' to itself"):
            paglet.send("me", timeout=5)

    @pytest.mark.parametrize("verb", ["dispose", "clone", "deactivate", "dispatch"])
    def test_lifecycle_steps_through_its_own_proxy_are_refused(
        self, script: Script, paglet: PagletProxy, verb: str
    ) -> None:
        """A lifecycle step asked of oneself through a proxy would wait for the handler that asks."""
        script.handlers["me"] = lambda me, _m: getattr(me.proxy, verb)(*(["beta"] if verb == "dispatch" else []))
        with pytest.raises(LifecycleError, match="would wait for itself"):
            paglet.send("me", timeout=5)

    def test_after_a_future_to_oneself_too(self, script: Script, paglet: PagletProxy) -> None:
        """A blocking call to oneself is refused also behind a future to oneself."""

        def both(me: Any, _message: Message) -> None:
            me.proxy.send_future("log", {"text": "future"})
            me.proxy.send("echo", timeout=2)

        script.handlers["me"] = both
        with pytest.raises(LifecycleError, match="would wait for itself"):
            paglet.send("me", timeout=5)
        wait_until(lambda: paglet.send("read") == ["future"])

    def test_what_does_not_wait_is_allowed(self, script: Script, paglet: PagletProxy) -> None:
        """One-way messages, futures, priority 0 and interleaved kinds to oneself are fine."""
        script.handlers["peek"] = lambda me, _m: "peeked"

        def talk(me: Any, _message: Message) -> list[Any]:
            me.proxy.send_oneway("log", {"text": "oneway"})
            me.proxy.send_future("log", {"text": "future"})
            return [me.proxy.send(Message("echo", {"a": 1}, priority=0)), me.proxy.send("peek"), me.proxy.is_valid()]

        script.handlers["talk"] = talk
        assert paglet.send("talk") == [{"a": 1}, "peeked", True]
        wait_until(lambda: sorted(paglet.send("read")) == ["future", "oneway"])

    def test_from_run_it_may_call_itself(self, script: Script, alpha: Host) -> None:
        """``run()`` holds no turn, so it may call its own operations."""
        got: list[Any] = []
        script.run = lambda me: got.append(me.proxy.send("echo", {"a": 1}))
        alpha.create(Scripted)
        wait_until(lambda: got == [{"a": 1}])


class TestCells:
    def test_the_senders_cell_travels_along(
        self, script: Script, alpha: Host, paglet: PagletProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The cell a message is sent for is known to its handler, and to those of messages it sends."""
        other = alpha.create(Scripted)
        script.handlers["inner"] = lambda _me, _m: current_origin()
        script.handlers["outer"] = lambda _me, _m: other.send("inner")
        monkeypatch.setattr(default_origin, "cell", "cell-7")
        assert paglet.send("outer") == "cell-7"
        monkeypatch.setattr(default_origin, "cell", "")
        assert paglet.send("inner") == ""


class TestBadFrames:
    @pytest.fixture
    def connection(self, alpha: Host) -> Iterator[Connection]:
        """A bare connection to alpha."""
        connection = connect(alpha.address, 1.0)
        connection.set_timeout(5)
        yield connection
        connection.close()

    def test_a_bad_envelope_costs_its_connection(self, connection: Connection, paglet: PagletProxy) -> None:
        """A frame whose header is no envelope is answered with an error and its connection closed."""
        connection.send(REQUEST, 0, 1, b"\xc1", b"")
        frame = connection.receive()
        assert frame is not None
        assert frame.type == ERROR
        assert isinstance(decode_error(frame.payload), FrameError)
        assert connection.receive() is None
        assert paglet.send("echo", {"a": 1}) == {"a": 1}

    @pytest.mark.parametrize("pipelined", [0, 1])
    @pytest.mark.parametrize("payload", [b"\xc1", b"", b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff"])
    def test_a_bad_payload_is_an_error(
        self, connection: Connection, paglet: PagletProxy, payload: bytes, pipelined: int
    ) -> None:
        """A payload that is no msgpack is a SerializationError, in a handler and in a verb; the host lives."""
        envelopes = [
            Envelope(paglet.agent_id, "echo"),
            Envelope(paglet.agent_id, "echo", flags=HAS_ARG),
            Envelope("", "@create"),
        ]
        for number, envelope in enumerate(envelopes):
            connection.send(REQUEST, pipelined, number, encode_envelope(envelope), payload)
            frame = connection.receive()
            assert frame is not None
            assert (frame.type, frame.request_id) == (ERROR, number)
            assert isinstance(decode_error(frame.payload), SerializationError)
        assert paglet.send("echo", {"a": 1}) == {"a": 1}

    def test_content_for_arg_that_is_no_mapping(self, connection: Connection, paglet: PagletProxy) -> None:
        """A request that says it has an argument and has none is a typed error, not a lost connection."""
        for value in ([1], {}, {"args": 1}, 3):
            header = encode_envelope(Envelope(paglet.agent_id, "echo", flags=HAS_ARG))
            connection.send(REQUEST, 0, 1, header, payloads.encode(value)[0])
            frame = connection.receive()
            assert frame is not None
            assert frame.type == ERROR
            assert isinstance(decode_error(frame.payload), SerializationError)

    def test_a_priority_out_of_range(self, connection: Connection, paglet: PagletProxy) -> None:
        """A request with an impossible priority is a typed error, not a lost connection."""
        connection.send(REQUEST, 0, 1, encode_envelope(Envelope(paglet.agent_id, "echo", priority=99)), b"\x80")
        frame = connection.receive()
        assert frame is not None
        assert frame.type == ERROR
        assert str(decode_error(frame.payload)) == "priority must be 0 to 10, not 99"

    def test_an_unknown_verb_names_the_known_ones(self, alpha: Host) -> None:
        """A verb a host does not have is a typed error."""
        with pytest.raises(NotHandledError, match=r"host alpha does not handle '@fly' \(operations: @abandon, "):
            alpha.client.ask(alpha.address, "@fly", Nothing(), Nothing)
