"""What a kernel's channels bring."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from paglets_nb.errors import HostDiedError
from paglets_nb.mesh import relay as module
from paglets_nb.mesh.relay import KernelRelay


class Client:
    """A kernel's client that executes nothing.

    Args:
        channels: those that are read.
    """

    def __init__(self, **channels: Any) -> None:
        self.__dict__.update(channels)

    def execute(self, code: str, **_options: Any) -> str:
        """Name the execution after its code."""
        return code


class Channel:
    """A kernel's channel that brings what it was given, and then nothing."""

    def __init__(self, *messages: Any) -> None:
        self._messages = list(messages)
        self.read = anyio.Event()

    async def get_msg(self, timeout: float | None) -> Any:
        """The next message; an exception is raised."""
        if not self._messages:
            self.read.set()
            await anyio.sleep_forever()
        message = self._messages.pop(0)
        if isinstance(message, Exception):
            raise message
        return message

    def is_alive(self) -> bool:
        """Always."""
        return True


class Sink:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.seen.append((name, *given))


def test_what_iopub_brings_is_handed_on() -> None:
    """Each kind of output reaches the sink as what it is; a kind unknown is passed over."""
    relay, sink = KernelRelay("alpha", None), Sink()
    relay._hand_on(sink, "stream", {"name": "stdout", "text": "a"})
    content = {"data": {"text/plain": "x"}, "metadata": {}}
    relay._hand_on(sink, "execute_result", content)
    relay._hand_on(sink, "display_data", {**content, "transient": {"display_id": "d"}})
    relay._hand_on(sink, "update_display_data", {**content, "transient": {"display_id": "d"}})
    relay._hand_on(sink, "error", {"ename": "E", "evalue": "v", "traceback": ["t"]})
    relay._hand_on(sink, "clear_output", {"wait": True})
    relay._hand_on(sink, "execute_input", {})
    assert sink.seen == [
        ("stream", "stdout", "a"),
        ("display", content["data"], {}, {}, False),
        ("display", content["data"], {}, {"display_id": "d"}, False),
        ("display", content["data"], {}, {"display_id": "d"}, True),
        ("error", "E", "v", ["t"]),
        ("clear", True),
    ]


def test_what_executes_when_its_host_dies() -> None:
    """Code that executes on a host that dies ends as died, with the reason."""

    async def run() -> list[Any]:
        relay = KernelRelay("alpha", Client())
        relay._welcome.set()
        futures = [await relay.execute(code, None, False) for code in ("a", "b")]
        relay.fail("killed by SIGKILL")
        relay.fail("again")
        return [future.result(0) for future in futures]

    for result in anyio.run(run):
        assert (result.host, result.status, result.ename) == ("alpha", "died", "HostDiedError")
        assert result.evalue == "host 'alpha' is gone: killed by SIGKILL"
        assert result.elapsed >= 0


def test_nothing_is_asked_of_a_host_that_has_died() -> None:
    """Neither code, also where it died while the kernel was waited for, nor its output."""

    async def run() -> bool:
        relay = KernelRelay("alpha", None)
        refused = []

        async def execute() -> None:
            with pytest.raises(HostDiedError, match="killed by SIGKILL") as raised:
                await relay.execute("a", None, False)
            refused.append(raised.value.delivered)

        async with anyio.create_task_group() as group:
            group.start_soon(execute)
            await anyio.wait_all_tasks_blocked()
            relay.fail("killed by SIGKILL")
        await execute()
        assert refused == [False, False]
        return await relay.sync(60.0)

    assert not anyio.run(run)


def test_one_message_that_fails_does_not_end_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """Neither one that is no message, nor one whose taker raises; it is said once."""
    shown: list[str] = []

    def take(message: dict[str, Any]) -> None:
        shown.append(message["text"])

    channel = Channel(ValueError("Invalid Signature"), {"text": "a"}, {}, {"text": "b"})

    async def run() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(KernelRelay("alpha", None)._read, channel, take)
            await channel.read.wait()
            group.cancel_scope.cancel()

    anyio.run(run)
    assert shown == ["a", "b"]
    assert [record.message for record in caplog.records] == ["what host 'alpha' put out could not be shown"]


def test_code_that_nobody_waits_for_any_more() -> None:
    """Who cancelled it is not told how it ended."""

    async def run() -> None:
        relay = KernelRelay("alpha", Client())
        relay._welcome.set()
        future = await relay.execute("a", None, False)
        assert future.cancel()
        relay._take_reply({"parent_header": {"msg_id": "a"}, "content": {"status": "ok"}})
        relay._take_output(
            {"msg_type": "status", "parent_header": {"msg_id": "a"}, "content": {"execution_state": "idle"}}
        )
        assert (future.cancelled(), relay.executing) == (True, 0)

    anyio.run(run)


def test_code_whose_reply_an_interrupt_took_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends as aborted, soon after the kernel has said that it is idle; a reply that comes late is in time."""
    monkeypatch.setattr(module, "_REPLY", 0.05)

    async def run() -> list[tuple[str, str]]:
        idle, replied = (
            {"msg_type": "status", "parent_header": {"msg_id": code}, "content": {"execution_state": "idle"}}
            for code in "ab"
        )
        reply = {"parent_header": {"msg_id": "b"}, "content": {"status": "ok"}}
        client = Client(iopub_channel=Channel(idle, replied), shell_channel=Channel())
        relay = KernelRelay("alpha", client)
        relay._welcome.set()
        futures = [await relay.execute(code, None, False) for code in "ab"]
        async with anyio.create_task_group() as group:
            group.start_soon(relay.run)
            await client.iopub_channel.read.wait()
            relay._take_reply(reply)
            results = [await anyio.to_thread.run_sync(future.result, 10.0) for future in futures]
            group.cancel_scope.cancel()
        assert not relay.executing
        return [(result.status, result.ename) for result in results]

    assert anyio.run(run) == [("aborted", "KeyboardInterrupt"), ("ok", "")]
