"""Messages to durable paglets while their hosts are killed.

``python -m tests.faults.messages [--seed N] [--messages N] [--kills N]``: senders number
their messages and send each until it is acknowledged, with the same message id; hosts
are killed meanwhile. In the end each paglet has applied every acknowledged message once,
and those of one sender in their order.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paglets_nb import OperationPaglet, PagletState, ServiceOperation
from paglets_nb.core.messages import Message
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import HostDiedError
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import create_request
from paglets_nb.patterns.operations import OperationClient
from tests.faults.owner import Owner

HOSTS = ["alpha", "beta"]
SENDERS = 8
GIVE_UP = 60.0


@dataclass
class LedgerState(PagletState):
    """How often each sender's numbers were applied, as the last number and the count, and disorders."""

    last: dict[str, int] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)
    disorders: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """One numbered message."""

    sender: str = ""
    number: int = 0


@dataclass(frozen=True)
class Book:
    """What was applied."""

    last: dict[str, int] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)
    disorders: list[str] = field(default_factory=list)


ENTER = ServiceOperation("enter", Entry, Entry)
READ = ServiceOperation("read", Entry, Book)


class Ledger(OperationPaglet[LedgerState]):
    """Applies numbered messages."""

    durability = "message"

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """enter, read."""
        return {ENTER: self.enter, READ: self.read}

    def enter(self, entry: Entry) -> Entry:
        """Count an entry, and note one that is out of order."""
        state = self.state
        if entry.number != state.last.get(entry.sender, 0) + 1:
            state.disorders.append(f"{entry.sender}: {entry.number} after {state.last.get(entry.sender, 0)}")
        state.last[entry.sender] = entry.number
        state.count[entry.sender] = state.count.get(entry.sender, 0) + 1
        return entry

    def read(self, _entry: Entry) -> Book:
        """The book."""
        return Book(dict(self.state.last), dict(self.state.count), list(self.state.disorders))


class Sender(threading.Thread):
    """Sends numbered messages, each until it is acknowledged; every fourth one-way."""

    def __init__(self, name: str, proxy: PagletProxy, total: int, done: Counter[str]) -> None:
        super().__init__(name=name, daemon=True)
        self.proxy = proxy
        self.total = total
        self.done = done
        self.error = ""

    def run(self) -> None:
        """Send them all."""
        for number in range(1, self.total + 1):
            message = ENTER.to_message(Entry(self.name, number))
            if not self._send(message, oneway=number % 4 == 0):
                return
            self.done[self.name] = number

    def _send(self, message: Message, *, oneway: bool) -> bool:
        deadline = time.monotonic() + GIVE_UP
        while time.monotonic() < deadline:
            try:
                if oneway:
                    self.proxy.send_oneway(message)
                else:
                    self.proxy.send(message)
                return True
            except (HostDiedError, TimeoutError):
                time.sleep(0.02)
            except Exception as error:  # anything else is a failure of the promise
                self.error = f"{self.name}: {error!r}"
                return False
        self.error = f"{self.name}: not acknowledged within {GIVE_UP:g} s"
        return False


def check(senders: list[Sender], books: list[Book]) -> list[str]:
    """What is wrong with the books."""
    wrong = [sender.error for sender in senders if sender.error]
    for sender, book in zip(senders, books, strict=True):
        applied = book.count.get(sender.name, 0)
        if applied != sender.done[sender.name]:
            wrong.append(f"{sender.name}: {sender.done[sender.name]} acknowledged, {applied} applied")
        wrong += book.disorders[:3]
    return wrong


def run_kills(folder: Path, seed: int, messages: int, kills: int) -> list[str]:
    """Send messages while hosts are killed; what is wrong in the end."""
    chance = random.Random(seed)
    owner = Owner(f"faults-{folder.name[-6:]}", folder / "data", HOSTS)
    client = HostClient(timeout=10.0, members=owner.urls)
    try:
        proxies = [client.create(owner.url(HOSTS[n % 2]), create_request(Ledger)) for n in range(SENDERS)]
        done: Counter[str] = Counter()
        senders = [Sender(f"sender{n}", proxy, messages // SENDERS, done) for n, proxy in enumerate(proxies)]
        for sender in senders:
            sender.start()
        for kill in range(1, kills + 1):
            threshold = messages * kill // (kills + 1)
            while sum(done.values()) < threshold and any(sender.is_alive() for sender in senders):
                time.sleep(0.005)
            victim = chance.choice(HOSTS)
            pid = owner.pid(victim)
            owner.kill(victim)
            owner.wait_new_pid(victim, pid)
        for sender in senders:
            sender.join(GIVE_UP * 2)
        books = [OperationClient(proxy).call(READ, timeout=30.0) for proxy in proxies]
        return check(senders, books)
    finally:
        client.close()
        owner.stop()


def main() -> int:
    """Run it; the exit code says whether the promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    print(f"seed {options.seed}: {options.messages} messages, {options.kills} kills", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        wrong = run_kills(Path(folder), options.seed, options.messages, options.kills)
    for line in wrong[:20]:
        print(line)
    took = time.monotonic() - started
    print(
        f"{options.messages} messages in {took:.1f} s, {options.kills} kills, {len(wrong)} wrong (seed {options.seed})"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
