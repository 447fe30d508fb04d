"""Channels: what becomes of a request when its sender is disturbed."""

from __future__ import annotations

import tempfile
import threading
from typing import Any

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.host.channel import Channel
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.testing import ADD, AddRequest, Counter, wait_until


@pytest.mark.parametrize("disturbance", [KeyboardInterrupt, OSError])
def test_an_interrupt_is_not_lost_to_a_quick_reply(
    alpha: Host, monkeypatch: pytest.MonkeyPatch, disturbance: type[BaseException]
) -> None:
    """Interrupted just when its request has been sent and answered, the sender hears of it; of a dead socket not."""
    client = HostClient(timeout=10.0)
    try:
        made = alpha.create(Counter)
        proxy = PagletProxy(made.host_url, made.agent_id, client)

        def add() -> Any:
            return client.submit(proxy, Message(ADD.name, AddRequest(1)), CallOptions())

        add().get_reply()
        channel = client._channels[proxy.host_url]
        send = channel._connection.send

        def disturbed(*args: Any) -> None:
            send(*args)
            wait_until(lambda: not channel.pending())
            raise disturbance

        monkeypatch.setattr(channel._connection, "send", disturbed)
        if disturbance is KeyboardInterrupt:
            with pytest.raises(KeyboardInterrupt):
                add()
        else:
            assert add().get_reply() == {"total": 2}
    finally:
        client.close()


@pytest.mark.parametrize("noticed", ["not yet", "while it is sent to"])
def test_a_host_that_has_come_back_before_its_end_was_noticed(monkeypatch: pytest.MonkeyPatch, noticed: str) -> None:
    """A request that the old connection could not take goes to the new host, and fails for nobody."""
    client, seen = HostClient(timeout=10.0), threading.Event()
    read = Channel._read
    monkeypatch.setattr(Channel, "_read", lambda channel: seen.wait(20.0) and read(channel))

    def add(host: Host) -> Any:
        made = host.create(Counter, name="sum")
        proxy = PagletProxy(host.address, made.agent_id, client)
        return client.submit(proxy, Message(ADD.name, AddRequest(1)), CallOptions())

    try:
        with tempfile.TemporaryDirectory(prefix="pgl-") as folder:
            with Host("delta", socket_dir=folder) as first:
                lost = add(first)
                channel = client._channels[first.address]
            send = channel._connection.send

            def disturbed(*args: Any) -> None:
                if noticed != "not yet":
                    channel.close()
                send(*args)

            monkeypatch.setattr(channel._connection, "send", disturbed)
            with Host("delta", socket_dir=folder) as second:
                found = add(second)
                seen.set()
                assert found.get_reply(10.0) == {"total": 1}
                assert channel.closed
                assert client._channels[second.address] is not channel
        wait_until(lost.is_available)
    finally:
        seen.set()
        client.close()
