"""Channels: what becomes of a request when its sender is disturbed."""

from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
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
