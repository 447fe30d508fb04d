"""Hosts of one mesh that die without a word and start again where they were."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paglets_nb.core.values import new_message_id
from paglets_nb.host.failpoints import arm
from paglets_nb.host.host import Host

__all__ = ["Hosts", "crashing_hosts", "followed"]


def followed(host: Host, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once a host has looked for messages to send after a durable paglet that leaves it from now on."""
    looked, forward = threading.Event(), host.settlement.forward

    def watched(agent_id: str, url: str) -> None:
        forward(agent_id, url)
        looked.set()

    monkeypatch.setattr(host.settlement, "forward", watched)
    return looked


class Hosts:
    """Hosts by name, each with folders that outlive it.

    Args:
        data: for what the hosts store.
        sockets: a short private folder.
    """

    def __init__(self, data: Path, sockets: Path) -> None:
        self._data = data
        self._sockets = sockets
        self._mesh = f"test-{new_message_id()}"
        self.running: dict[str, Host] = {}

    def __getitem__(self, name: str) -> Host:
        return self.running[name]

    def start(self, name: str) -> Host:
        """Start a host, or start it again."""
        host = Host(name, mesh=self._mesh, data_dir=self._data / name, socket_dir=self._sockets)
        self.running[name] = host.start_background()
        return host

    def kill(self, name: str) -> None:
        """End a host as if it were killed: nothing is saved, what was in flight stays noted."""
        host = self.running.pop(name)
        host.save = lambda: None  # type: ignore[method-assign]
        host.flight.close = lambda: None  # type: ignore[method-assign]
        host.stop()

    def restart(self, name: str) -> Host:
        """Kill a host and start it again."""
        self.kill(name)
        return self.start(name)

    def stop(self) -> None:
        """End all of them."""
        for host in list(self.running.values()):
            host.stop()


@contextmanager
def crashing_hosts(data: Path, *names: str) -> Iterator[Hosts]:
    """Started hosts, stopped at the end of the block; no failpoint stays armed."""
    with tempfile.TemporaryDirectory(prefix="pgl-") as sockets:
        hosts = Hosts(data, Path(sockets))
        try:
            for name in names:
                hosts.start(name)
            yield hosts
        finally:
            arm("")
            hosts.stop()
