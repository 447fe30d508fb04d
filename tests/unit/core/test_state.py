"""The state lock and its condition."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import StateLock, state_locked


class Tally(Paglet):  # type: ignore[type-arg]
    count = 0

    @state_locked
    def bump(self, amount: int = 1) -> int:
        """Add under the lock."""
        before = self.count
        self.count = before + amount
        return self.count


def free_for_others(lock: StateLock) -> bool:
    """Whether another thread could take the lock now."""

    def take() -> bool:
        if lock.acquire(blocking=False):
            lock.release()
            return True
        return False

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(take).result(5)


def test_the_lock_is_re_entrant() -> None:
    """One thread may hold the lock several times; it is free after the last."""
    lock = StateLock()
    with lock, lock:
        assert not free_for_others(lock)
    assert free_for_others(lock)


def test_laying_down_releases_every_level() -> None:
    """All levels are laid down at once and taken up again as they were."""
    lock = StateLock()
    with lock:
        with lock:
            saved = lock.lay_down()
            assert free_for_others(lock)
            lock.take_up(saved)
            assert not free_for_others(lock)
        assert not free_for_others(lock)
    assert free_for_others(lock)


def test_laying_down_what_is_not_held() -> None:
    """A thread without the lock has nothing to lay down or take up."""
    lock = StateLock()
    assert lock.lay_down() is None
    lock.take_up(None)
    assert free_for_others(lock)


def test_state_locked_methods_exclude_each_other() -> None:
    """Methods marked ``state_locked`` run one at a time and keep name and docstring."""
    tally = Tally()
    threads = [threading.Thread(target=lambda: [tally.bump() for _ in range(2000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert tally.count == 8000
    assert Tally.bump.__name__ == "bump"
    assert Tally.bump.__doc__ == "Add under the lock."
    assert tally.bump(amount=2) == 8002
