"""The table of paglets and the turns of their handlers."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from paglets_nb.errors import InvalidAgentError, NameTakenError
from paglets_nb.host import residents as module
from paglets_nb.host.mailbox import Mailbox
from paglets_nb.host.residents import Resident, Residents
from paglets_nb.host.workers import WorkerPool
from paglets_nb.testing import Counter, wait_until


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """Workers, ended after the test."""
    pool = WorkerPool("test")
    yield pool
    pool.close()


def resident(pool: WorkerPool, agent_id: str, name: str = "") -> Resident:
    """A counter on its way into the table."""
    return Resident(Counter(agent_id=agent_id), Mailbox(pool), class_name="testing:Counter", name=name)


class TestResidents:
    def test_by_id_and_by_name(self, pool: WorkerPool) -> None:
        """A paglet is found by id and by name; a stranger is an error that names host and key."""
        table, one = Residents("alpha"), resident(pool, "a1", "counter")
        table.add(one)
        assert table.lookup("a1") is table.lookup("counter") is table.require("a1") is table.find("a1") is one
        assert table.all() == [one]
        assert len(table) == 1
        assert table.lookup("other") is None
        with pytest.raises(InvalidAgentError, match="no paglet 'other' on alpha"):
            table.require("other")

    @pytest.mark.parametrize(("agent_id", "name"), [("a1", ""), ("a2", "counter"), ("counter", ""), ("a2", "a1")])
    def test_ids_and_names_are_one_space(self, pool: WorkerPool, agent_id: str, name: str) -> None:
        """Neither an id nor a name may be one that is in use as either."""
        table = Residents("alpha")
        table.add(resident(pool, "a1", "counter"))
        with pytest.raises(NameTakenError, match="is taken by a paglet on alpha"):
            table.add(resident(pool, agent_id, name))
        assert len(table) == 1

    def test_removal_frees_the_name(self, pool: WorkerPool) -> None:
        """After its removal a paglet is found no more and its name can be given again."""
        table, one = Residents("alpha"), resident(pool, "a1", "counter")
        table.add(one)
        table.remove(one)
        assert table.lookup("a1") is table.lookup("counter") is None
        assert table.forward_of("a1") == ""
        table.add(resident(pool, "a2", "counter"))

    def test_forwards(self, pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where a paglet left to is known by id and name until it comes back; the oldest are forgotten."""
        monkeypatch.setattr(module, "MAX_FORWARDS", 4)
        table, one = Residents("alpha"), resident(pool, "a1", "counter")
        table.add(one)
        table.remove(one, "unix:///beta")
        assert table.forward_of("a1") == table.forward_of("counter") == "unix:///beta"
        table.add(one)
        assert table.forward_of("a1") == ""
        table.remove(one, "unix:///beta")
        for number in range(4):
            other = resident(pool, f"b{number}")
            table.add(other)
            table.remove(other, "unix:///gamma")
        assert table.forward_of("a1") == ""
        assert table.forward_of("b0") == "unix:///gamma"


class TestHandlerTurn:
    def test_give_up_and_take_back(self, pool: WorkerPool) -> None:
        """A turn is given up once, taken back, and released at the end."""
        one = resident(pool, "a1")
        turn = one.turn("cell", one.mailbox.try_take())
        assert turn.held
        assert turn.give_up()
        assert not turn.give_up()
        assert one.mailbox.try_take()
        one.mailbox.release()
        turn.take_back()
        assert turn.held
        assert one.mailbox.try_take() == 0
        turn.finish()
        turn.finish()
        assert one.mailbox.try_take()

    def test_a_handler_without_a_turn_gives_nothing_up(self, pool: WorkerPool) -> None:
        """A handler that bypassed the queue has no turn to give up or to release."""
        one = resident(pool, "a1")
        place = one.mailbox.try_take()
        turn = one.turn("", 0)
        assert not turn.give_up()
        turn.finish()
        assert one.mailbox.try_take() == 0
        assert place

    def test_taking_back_on_a_paglet_that_left(self, pool: WorkerPool) -> None:
        """A handler of a paglet that has ended meanwhile goes on at once, without the turn."""
        one = resident(pool, "a1")
        turn = one.turn("", one.mailbox.try_take())
        turn.give_up()
        assert one.mailbox.try_take()
        ended = threading.Event()

        def take_back() -> None:
            turn.take_back()
            ended.set()

        thread = threading.Thread(target=take_back)
        thread.start()
        wait_until(lambda: one.mailbox.waiting() == 1)
        one.mailbox.close()
        assert ended.wait(5)
        thread.join(5)
        assert not turn.held
