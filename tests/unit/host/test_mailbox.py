"""One handler at a time, and the order of what waits."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest

from paglets_nb.errors import CallTimeoutError, LifecycleError, MailboxFullError
from paglets_nb.host import workers as workers_module
from paglets_nb.host.mailbox import Mailbox
from paglets_nb.host.workers import WorkerPool
from paglets_nb.testing import wait_until


class Note:
    """A job that writes its name into a list."""

    def __init__(self, name: object, log: list[object], gate: threading.Event | None = None) -> None:
        self.name = name
        self.log = log
        self.gate = gate

    def run(self, place: int) -> None:
        """Write the name, past the gate."""
        if self.gate is not None:
            assert self.gate.wait(5)
        self.log.append(self.name)

    def refuse(self) -> None:
        """Write that it was refused."""
        self.log.append(("refused", self.name))


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """Workers, ended after the test."""
    pool = WorkerPool("test")
    yield pool
    pool.close()


@pytest.fixture
def mailbox(pool: WorkerPool) -> Mailbox:
    """An empty mailbox."""
    return Mailbox(pool)


def test_the_turn_is_taken_and_given_back(mailbox: Mailbox) -> None:
    """The turn can be taken while it is free, by one, and again after its release."""
    assert mailbox.try_take() == 1
    assert mailbox.try_take() == 0
    mailbox.release()
    assert mailbox.try_take() == 2


def test_a_job_for_a_free_turn_runs_at_once(mailbox: Mailbox) -> None:
    """A job that finds the turn free runs on a worker and frees the turn after."""
    log: list[object] = []
    mailbox.post(Note("a", log), 5)
    wait_until(lambda: log == ["a"])
    wait_until(mailbox.try_take)


def test_priorities_and_first_come_first_served(mailbox: Mailbox) -> None:
    """Higher priorities run first; within one, in the order of their coming."""
    log: list[object] = []
    assert mailbox.try_take()
    for number, priority in enumerate([5, 1, 10, 5, 10, 1]):
        mailbox.post(Note((priority, number), log), priority)
    assert mailbox.waiting() == 6
    assert not log
    mailbox.release()
    wait_until(lambda: len(log) == 6)
    assert log == [(10, 2), (10, 4), (5, 0), (5, 3), (1, 1), (1, 5)]
    wait_until(mailbox.try_take)


def test_many_jobs_in_random_order_come_out_sorted(mailbox: Mailbox) -> None:
    """A thousand jobs of random priorities run in priority order, in order within each."""
    log: list[object] = []
    dice = random.Random(3)
    assert mailbox.try_take()
    given = [(-dice.randint(1, 10), number) for number in range(1000)]
    for entry in given:
        mailbox.post(Note(entry, log), -entry[0])
    mailbox.release()
    wait_until(lambda: len(log) == 1000)
    assert log == sorted(given)


def test_the_queue_is_bounded(pool: WorkerPool) -> None:
    """A job past the limit is refused to its sender; the queue goes on."""
    mailbox, log = Mailbox(pool, limit=2), []  # type: ignore[var-annotated]
    assert mailbox.try_take()
    for name in "ab":
        mailbox.post(Note(name, log), 5)
    with pytest.raises(MailboxFullError, match="2 messages wait"):
        mailbox.post(Note("c", log), 10)
    mailbox.release()
    wait_until(lambda: log == ["a", "b"])


def test_acquire_waits_for_its_turn_in_its_place(mailbox: Mailbox) -> None:
    """A thread that asks for the turn queues like any job, by priority."""
    log: list[object] = []
    assert mailbox.try_take()
    mailbox.post(Note("low", log), 1)

    def holder() -> None:
        mailbox.acquire(priority=10, timeout=5)
        log.append("thread")
        mailbox.release()

    thread = threading.Thread(target=holder)
    thread.start()
    wait_until(lambda: mailbox.waiting() == 2)
    mailbox.post(Note("middle", log), 5)
    mailbox.release()
    thread.join(5)
    wait_until(lambda: len(log) == 3)
    assert log == ["thread", "middle", "low"]


def test_acquire_of_a_free_turn(mailbox: Mailbox) -> None:
    """A free turn is had at once."""
    assert mailbox.acquire(timeout=0) == 1
    assert mailbox.try_take() == 0
    mailbox.release()


def test_a_turn_taken_back_comes_before_later_ones(mailbox: Mailbox) -> None:
    """Who gave the turn up takes it back in the old place: before what came later."""
    log: list[object] = []
    place = mailbox.try_take()
    gate = threading.Event()
    mailbox.post(Note("first", log, gate), 5)
    mailbox.release()

    def take_back() -> None:
        mailbox.acquire(priority=5, place=place, timeout=5)
        log.append("taken back")
        mailbox.release()

    wait_until(lambda: mailbox.waiting() == 0)
    mailbox.post(Note("second", log), 5)
    thread = threading.Thread(target=take_back)
    thread.start()
    wait_until(lambda: mailbox.waiting() == 2)
    gate.set()
    thread.join(5)
    wait_until(lambda: len(log) == 3)
    assert log == ["first", "taken back", "second"]


def test_acquire_has_a_deadline(mailbox: Mailbox) -> None:
    """A turn that does not come in time is an error, and the place in the queue is gone."""
    assert mailbox.try_take()
    with pytest.raises(CallTimeoutError, match="the paglet's turn"):
        mailbox.acquire(timeout=0.01)
    assert mailbox.waiting() == 0
    mailbox.release()
    assert mailbox.try_take()


def test_close_refuses_what_waits_and_what_comes(mailbox: Mailbox) -> None:
    """Closing refuses waiting jobs in their order, waiting threads, and whatever comes later."""
    log: list[object] = []
    refused = threading.Event()
    assert mailbox.try_take()
    mailbox.post(Note("low", log), 1)
    mailbox.post(Note("high", log), 9)

    def wait() -> None:
        with pytest.raises(LifecycleError, match="left or ended"):
            mailbox.acquire(priority=5, timeout=5)
        refused.set()

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: mailbox.waiting() == 3)
    mailbox.close()
    assert refused.wait(5)
    thread.join(5)
    assert log == [("refused", "high"), ("refused", "low")]
    with pytest.raises(LifecycleError, match="left or ended"):
        mailbox.post(Note("late", log), 5)
    with pytest.raises(LifecycleError, match="left or ended"):
        mailbox.acquire(timeout=1)
    mailbox.release()
    assert mailbox.try_take() == 0
    assert mailbox.waiting() == 0


def test_a_job_that_gave_its_turn_up_ends_after_the_close(mailbox: Mailbox, pool: WorkerPool) -> None:
    """A turn that nobody holds is not freed again by the job that had it."""
    closed = threading.Event()
    log: list[object] = []

    class Waits:
        def run(self, place: int) -> None:
            """Give the turn up, and find the mailbox closed."""
            mailbox.release()
            assert closed.wait(5)
            with pytest.raises(LifecycleError, match="left or ended"):
                mailbox.acquire(place=place, timeout=5)
            log.append("ended")

        def refuse(self) -> None:
            """Never."""
            raise AssertionError

    mailbox.post(Waits(), 5)
    wait_until(lambda: mailbox.try_take() == 2)
    mailbox.release()
    mailbox.close()
    closed.set()
    wait_until(lambda: log == ["ended"])
    wait_until(lambda: pool.statistics() == {"threads": 1, "idle": 1}, what="a worker that goes on")
    assert mailbox.try_take() == 0


def test_many_threads_never_two_at_once(mailbox: Mailbox) -> None:
    """Threads that take, try, post, acquire, give up and take back never run two jobs at once; none waits for ever."""
    inside, worst, ran = 0, 0, 0
    guard = threading.Lock()

    class Busy:
        def run(self, place: int) -> None:
            """Count who is inside."""
            enter()
            leave()

        def refuse(self) -> None:
            """Never."""
            raise AssertionError

    def enter() -> None:
        nonlocal inside, worst, ran
        with guard:
            inside += 1
            worst = max(worst, inside)
            ran += 1

    def leave() -> None:
        nonlocal inside
        with guard:
            inside -= 1

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(60):
            way = dice.randrange(4)
            place = mailbox.try_take() if way == 3 else 0
            if way == 0 or (way == 3 and not place):
                mailbox.post(Busy(), dice.randint(1, 10))
                continue
            place = place or mailbox.acquire(priority=dice.randint(1, 10), timeout=10)
            enter()
            leave()
            if way == 2:
                mailbox.release()
                mailbox.acquire(place=place, timeout=10)
                enter()
                leave()
            mailbox.release()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    wait_until(mailbox.try_take, what="the turn free at the end")
    assert worst == 1
    assert inside == 0
    assert ran >= 8 * 60


def test_without_a_worker_the_sender_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no worker is to be had a job is refused to its sender and the turn stays free."""
    monkeypatch.setattr(workers_module, "MAX_WORKERS", 0)
    mailbox, log = Mailbox(WorkerPool("none")), []  # type: ignore[var-annotated]
    with pytest.raises(LifecycleError, match="handlers run at once"):
        mailbox.post(Note("a", log), 5)
    assert mailbox.try_take()


def test_without_a_worker_what_waits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no worker is to be had at a release, everything that waits is refused and the turn is free."""
    monkeypatch.setattr(workers_module, "MAX_WORKERS", 0)
    mailbox, log = Mailbox(WorkerPool("none")), []  # type: ignore[var-annotated]
    assert mailbox.try_take()
    for name in "ab":
        mailbox.post(Note(name, log), 5)
    mailbox.release()
    assert log == [("refused", "a"), ("refused", "b")]
    assert mailbox.try_take()
