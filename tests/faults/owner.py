"""A mesh's owner in a process of its own, so that it can be killed.

``python -m tests.faults.owner NAME DATA_DIR HOST...`` starts the mesh, prints one line of
JSON (hosts with address and pid) and another whenever they change, until its input ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from paglets_nb import Mesh

__all__ = ["Owner"]


def main() -> None:
    """Run the mesh until standard input ends."""
    name, data_dir, *hosts = sys.argv[1:]
    ended = threading.Event()

    def watch_input() -> None:
        sys.stdin.read()
        ended.set()

    with Mesh(hosts, name=name, data_dir=data_dir, restarts=1000) as mesh:
        threading.Thread(target=watch_input, daemon=True).start()
        said = ""
        while not ended.wait(0.01):
            now = json.dumps({h.name: [h.url, h.pid] for h in mesh if h.state == "up"})
            if now != said:
                said = now
                print(now, flush=True)


@dataclass(frozen=True)
class _Seen:
    """The hosts that are up: address and process id by name."""

    hosts: dict[str, tuple[str, int]]


class Owner:
    """Starts owners of one mesh, one after the other, and knows where its hosts are.

    Args:
        name: the mesh's name.
        data_dir: what the mesh keeps.
        hosts: their names.
    """

    def __init__(self, name: str, data_dir: Path, hosts: list[str]) -> None:
        self._name = name
        self._data_dir = data_dir
        self._wanted = hosts
        self._changed = threading.Condition()
        self._seen = _Seen({})
        self.process: subprocess.Popen[str]
        self.start()

    def start(self) -> None:
        """Start an owner; the hosts are up when this returns."""
        self._seen = _Seen({})
        arguments = [self._name, str(self._data_dir), *self._wanted]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.owner", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        self.wait_up()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with self._changed:
                    if process is self.process:
                        self._seen = _Seen({name: tuple(where) for name, where in json.loads(line).items()})
                        self._changed.notify_all()

    def wait_up(self, timeout: float = 30.0) -> None:
        """Wait until every host is up."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._seen.hosts) == len(self._wanted), timeout), "hosts not up"

    def wait_new_pid(self, host: str, pid: int, timeout: float = 30.0) -> None:
        """Wait until a host is up under another process id."""

        def renewed() -> bool:
            return host in self._seen.hosts and self._seen.hosts[host][1] != pid

        with self._changed:
            assert self._changed.wait_for(renewed, timeout), f"{host} was not restarted"

    def url(self, host: str) -> str:
        """A host's address."""
        return self._seen.hosts[host][0]

    def urls(self) -> list[str]:
        """The addresses of the hosts that are up."""
        return [url for url, _pid in self._seen.hosts.values()]

    def pid(self, host: str) -> int:
        """A host's process id; the owner's for ``owner``."""
        return self.process.pid if host == "owner" else self._seen.hosts[host][1]

    def kill(self, host: str) -> None:
        """Kill -9 a host or the owner."""
        os.kill(self.pid(host), signal.SIGKILL)

    def ended(self) -> bool:
        """Whether the owner has ended."""
        return self.process.poll() is not None

    def stop(self) -> None:
        """End the mesh in order."""
        self._close_input()
        self.process.wait(20)
        self._reader.join(5)

    def _close_input(self) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()

    def wait_ended(self, timeout: float = 10.0) -> None:
        """Wait until a killed owner is gone."""
        self.process.wait(timeout)
        self._reader.join(5)
        self._close_input()


if __name__ == "__main__":
    main()
