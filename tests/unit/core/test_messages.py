"""Messages and the futures of their replies."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from paglets_nb.core.messages import FutureReply, Message, MessageType, ReplySet
from paglets_nb.core.ports import Body
from paglets_nb.errors import CallTimeoutError, SerializationError
from paglets_nb.testing import wait_until


@dataclass
class Point:
    x: int = 0


class LazyBody(Body):
    """A body that counts how often it is decoded."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.decoded = 0

    def decode(self, cls: type) -> Any:
        """Decode into ``cls``."""
        self.decoded += 1
        return cls(**self.value)

    def to_value(self) -> Any:
        """Decode into plain values."""
        self.decoded += 1
        return self.value


class TestMessage:
    def test_defaults(self) -> None:
        """A message of a kind alone is synchronous, of priority 5, without arguments."""
        message = Message("ping")
        assert (message.kind, message.args, message.arg, message.priority) == ("ping", {}, None, 5)
        assert message.message_type is MessageType.SYNCHRONOUS
        assert message.sender is message.reply_to is None
        assert message.timestamp > 1e9
        assert "ping" in repr(message)

    def test_ids_are_unique_and_kept(self) -> None:
        """Each message has an id of its own, the same whenever it is asked for."""
        messages = [Message("ping") for _ in range(100)]
        assert len({message.message_id for message in messages}) == 100
        assert messages[0].message_id == messages[0].message_id
        assert Message("ping", message_id="mine").message_id == "mine"

    @pytest.mark.parametrize("priority", [-1, 11])
    def test_priorities_are_bounded(self, priority: int) -> None:
        """A priority outside 0 to 10 is a ValueError."""
        with pytest.raises(ValueError, match="0 to 10"):
            Message("ping", priority=priority)
        assert Message("ping", priority=0).priority == 0

    def test_a_dataclass_stands_for_its_fields(self) -> None:
        """Arguments given as a dataclass are read as fields by name, or decoded as they are."""
        point = Point(3)
        message = Message("put", point)
        assert message.decode(Point) is point
        assert message.args == {"x": 3}

    def test_plain_arguments_are_decoded(self) -> None:
        """Arguments by name are decoded into a dataclass; a wrong one is named."""
        assert Message("put", {"x": 3}).decode(Point) == Point(3)
        assert Message("put").decode(Point) == Point()
        with pytest.raises(SerializationError, match=r"Point\.x: expected int, got str"):
            Message("put", {"x": "a"}).decode(Point)

    def test_the_mapping_is_copied(self) -> None:
        """What a handler does to its arguments does not reach the sender's mapping."""
        given: Mapping[str, Any] = {"x": 3}
        message = Message("put", given)
        message.args["x"] = 4
        assert given == {"x": 3}
        assert message.decode(Point) == Point(4)

    def test_a_body_is_decoded_once_and_late(self) -> None:
        """What came by wire is decoded when somebody looks, and kept."""
        body = LazyBody({"x": 7})
        message = Message("put", body)
        assert body.decoded == 0
        assert message.args == {"x": 7}
        assert message.args == {"x": 7}
        assert body.decoded == 1
        assert message.decode(Point) == Point(7)
        assert Message("put", LazyBody([1, 2])).args == {}


class TestFutureReply:
    def test_a_reply(self) -> None:
        """A settled future has its reply for everybody who asks."""
        future = FutureReply("add")
        assert not future.is_available()
        assert not future.wait_for_reply(0.001)
        assert "pending" in repr(future)
        future.set_reply(7)
        assert future.is_available()
        assert future.wait_for_reply()
        assert future.get_reply() == future.get_reply() == 7
        assert "available" in repr(future)

    def test_the_first_settlement_counts(self) -> None:
        """Later settlements are ignored."""
        future = FutureReply()
        future.set_reply(1)
        future.set_reply(2)
        future.set_error(ValueError("late"))
        assert future.get_reply() == 1

    def test_an_error(self) -> None:
        """A failed future raises what it failed with."""
        future = FutureReply()
        future.set_error(ValueError("bad"))
        with pytest.raises(ValueError, match="bad"):
            future.get_reply()
        assert "failed" in repr(future)

    def test_an_error_does_not_grow(self) -> None:
        """Each time it is raised with the frames of where it came from and of who asks now."""
        future = FutureReply()
        try:
            raise ValueError("bad")
        except ValueError as error:
            future.set_error(error)
        lengths = []
        for _ in range(3):
            with pytest.raises(ValueError, match="bad") as caught:
                future.get_reply()
            lengths.append(len(traceback.extract_tb(caught.value.__traceback__)))
        assert len(set(lengths)) == 1

    def test_a_time_out(self) -> None:
        """Waiting past the time-out names the call and the seconds; the reply may still come."""
        future = FutureReply("add", 0.01)
        with pytest.raises(CallTimeoutError, match="add: no answer within 0.01 s; it may still come"):
            future.get_reply()
        with pytest.raises(TimeoutError):
            future.get_reply(0.001)
        future.set_reply(3)
        assert future.get_reply() == 3

    def test_waiters_in_threads_are_woken(self) -> None:
        """Several threads that wait all get the reply."""
        future = FutureReply()
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(future.get_reply, 5) for _ in range(3)]
            future.set_reply("all")
            assert [waiter.result(5) for waiter in waiting] == ["all"] * 3

    @pytest.mark.parametrize(
        ("getter", "good", "bad"),
        [
            ("get_boolean_reply", True, 1),
            ("get_int_reply", 3, True),
            ("get_float_reply", 0.5, "0.5"),
            ("get_string_reply", "a", b"a"),
        ],
    )
    def test_typed_getters(self, getter: str, good: Any, bad: Any) -> None:
        """A typed getter gives a reply of its type and refuses another, naming both."""
        future, wrong = FutureReply("ask"), FutureReply("ask")
        future.set_reply(good)
        wrong.set_reply(bad)
        assert getattr(future, getter)() == good
        with pytest.raises(SerializationError, match=f"ask: wanted {type(good).__name__}, got {type(bad).__name__}"):
            getattr(wrong, getter)()

    def test_an_int_is_a_float_reply(self) -> None:
        """A whole number satisfies ``get_float_reply``."""
        future = FutureReply()
        future.set_reply(3)
        assert type(future.get_float_reply()) is float

    def test_callbacks(self) -> None:
        """Callbacks run once, when the future settles or at once when it has."""
        future, seen = FutureReply(), []
        future.add_done_callback(lambda reply: seen.append(("before", reply.get_reply())))
        assert not seen
        future.set_reply(1)
        future.add_done_callback(lambda reply: seen.append(("after", reply.get_reply())))
        assert seen == [("before", 1), ("after", 1)]

    def test_a_failing_callback_harms_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        """A callback that raises is logged; the others run and the thread that settled goes on."""
        future, seen = FutureReply("add"), []

        def fail(_reply: FutureReply) -> None:
            raise ZeroDivisionError

        future.add_done_callback(fail)
        future.add_done_callback(seen.append)
        future.set_reply(1)
        future.add_done_callback(fail)
        assert seen == [future]
        assert len(caplog.records) == 2

    @pytest.mark.parametrize("settled_first", [True, False])
    def test_awaiting(self, settled_first: bool) -> None:
        """A future can be awaited, before or after it settles in another thread."""
        future = FutureReply()

        async def main() -> Any:
            if settled_first:
                future.set_reply(5)
            else:
                threading.Timer(0.01, future.set_reply, [5]).start()
            return await future

        assert anyio.run(main) == 5

    def test_awaiting_an_error_and_a_time_out(self) -> None:
        """Awaiting raises the error, or the time-out of the call."""

        async def main(future: FutureReply) -> Any:
            return await future

        failed = FutureReply()
        failed.set_error(ValueError("bad"))
        with pytest.raises(ValueError, match="bad"):
            anyio.run(main, failed)
        with pytest.raises(CallTimeoutError):
            anyio.run(main, FutureReply("add", 0.01))

    def test_settling_in_the_loop_that_waits(self) -> None:
        """A future settled by the very loop that awaits it does not block the loop."""

        async def main() -> Any:
            future = FutureReply()
            asyncio.get_running_loop().call_soon(future.set_reply, 6)
            return await asyncio.wait_for(future._wait_async(), 5)

        assert asyncio.run(main()) == 6

    def test_settling_after_the_loop_has_ended(self) -> None:
        """A reply that comes when nobody's loop is left raises nowhere."""
        future = FutureReply("add", 0.01)

        async def main() -> None:
            with pytest.raises(CallTimeoutError):
                await future

        anyio.run(main)
        future.set_reply(1)
        assert future.get_reply() == 1


class TestReplySet:
    def test_replies_come_in_completion_order(self) -> None:
        """Iterating gives the replies as they complete, not as they were added."""
        futures = [FutureReply(str(number)) for number in range(3)]
        replies = ReplySet(dict(zip("abc", futures, strict=True)))
        assert len(replies) == 3
        assert not replies.is_any_available()
        for number in (2, 0, 1):
            futures[number].set_reply(number)
        assert replies.is_any_available()
        assert replies.next_item() == ("c", futures[2])
        assert [reply.get_reply() for reply in replies] == [0, 1]
        assert not replies.has_more()

    def test_waiting_for_the_next(self) -> None:
        """The next reply is waited for, with a deadline; a failed one is handed out too."""
        future = FutureReply()
        replies = ReplySet()
        replies.add(future, key="only")
        with pytest.raises(CallTimeoutError):
            replies.next_reply(0.01)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(replies.next_reply, 5)
            wait_until(waiting.running)
            future.set_error(ValueError("bad"))
            with pytest.raises(ValueError, match="bad"):
                waiting.result(5).get_reply()
