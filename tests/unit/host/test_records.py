"""The steps that a host commits whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from paglets_nb.codec.shipping import Bundle, code_store
from paglets_nb.errors import StoreError
from paglets_nb.host import records as module
from paglets_nb.host.records import ACTIVE, INACTIVE, PREPARED, Records, StoredMessage, StoredPaglet
from paglets_nb.host.store import Store
from paglets_nb.testing import Counter

PAGLET = StoredPaglet("p1", "walker", "room:Box", 3, ACTIVE, "message", {"total": 5, "raw": b"\0\xff"})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store."""
    store = Store(tmp_path / "store.db")
    yield store
    store.close()


@pytest.fixture
def records(store: Store) -> Records:
    """Its records."""
    return Records(store)


def message(number: int, agent_id: str = "p1") -> StoredMessage:
    """A message that waits."""
    return StoredMessage(agent_id, f"m{number}", b"header", b"payload", (b"one", b"") if number % 2 else ())


def test_a_paglet_comes_back_as_it_was(records: Records) -> None:
    """Every part of a stored paglet is read as it was written, and a later save replaces it."""
    whole = replace(PAGLET, status=PREPARED, policy={"activate_at": 1.5}, extra={"operation_id": "o"}, operation_id="o")
    records.save(whole)
    assert records.paglet("p1") == whole
    laid_down = whole.with_status(INACTIVE, {"activate_on_message": False})
    assert (laid_down.extra, laid_down.operation_id, laid_down.state) == (None, "", PAGLET.state)
    records.save(laid_down)
    assert records.paglets() == [laid_down]
    assert records.paglet("p2") is None


def test_a_departure_is_one_step(records: Records, store: Store) -> None:
    """After a departure the paglet and its past are gone, its id and name are forwarded and the outcome is kept."""
    records.save(PAGLET, [("m1", b"reply", 1)])
    records.count_crashes(["p1"], 60)
    records.queue(message(1)).result(5)
    before = store.commits
    records.commit_departure("p1", "walker", 4, "unix:///beta", "op")
    assert store.commits == before + 1
    assert (records.paglets(), records.applied("p1")) == ([], [])
    assert store.execute("SELECT * FROM crashes") == []
    assert records.forwards() == {"p1": "unix:///beta", "walker": "unix:///beta"}
    assert records.outcome("op")
    assert records.unsettled() == [("op", "p1", "unix:///beta")]
    assert records.queued("p1") == [message(1)]  # it follows later
    records.settled("op")
    assert not records.outcome("op")


def test_a_departure_that_fails_leaves_everything(records: Records, store: Store) -> None:
    """A departure that cannot be committed whole leaves the paglet, and no forward."""
    records.save(PAGLET, [("m1", b"reply", 1)])
    store.execute("CREATE TRIGGER no BEFORE INSERT ON outcomes BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(StoreError, match="no room"):
        records.commit_departure("p1", "walker", 4, "unix:///beta", "op")
    assert records.paglets() == [PAGLET]
    assert records.applied("p1") == [("m1", b"reply", 1)]
    assert (records.forwards(), records.outcome("op")) == ({}, False)


def test_a_paglet_that_is_back_is_forwarded_no_more(records: Records) -> None:
    """Saving a paglet takes its forwards away, those of nameless others stay."""
    records.commit_departure("p1", "walker", 4, "unix:///beta", "op")
    records.commit_departure("p2", "", 2, "unix:///beta", "op2")
    records.save(replace(PAGLET, epoch=5))
    assert records.forwards() == {"p2": "unix:///beta"}


def test_a_clone_is_committed_by_its_outcome(records: Records) -> None:
    """The commit of a clone leaves its parent as it was."""
    records.save(PAGLET)
    records.commit_clone("op", "p9", "unix:///beta")
    assert records.outcome("op")
    assert records.paglets() == [PAGLET]


class TestMessages:
    def test_the_queue_keeps_order_and_each_once(self, records: Records) -> None:
        """Messages are read in the order in which they came first; one that is sent again is kept once."""
        for number in (3, 1, 2, 3, 1):
            records.queue(message(number)).result(5)
        records.queue(message(1, "p2")).result(5)
        assert records.queued("p1") == [message(3), message(1), message(2)]
        records.unqueue("p1", "m1")
        records.unqueue("p1", "m1")
        assert records.queued("p1") == [message(3), message(2)]
        assert records.queued("p2") == [message(1, "p2")]

    def test_an_effect_is_stored_with_its_reply(self, records: Records, store: Store) -> None:
        """State, reply and the end of the waiting message are one step."""
        records.save(PAGLET)
        records.queue(message(1)).result(5)
        before = store.commits
        records.apply(replace(PAGLET, state={"total": 6}), "m1", 1, b"six").result(5)
        assert store.commits == before + 1
        stored = records.paglet("p1")
        assert stored is not None
        assert stored.state == {"total": 6}
        assert records.queued("p1") == []
        assert records.applied("p1") == [("m1", b"six", 1)]

    def test_old_replies_are_trimmed_for_each_paglet(
        self, records: Records, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The latest replies of each paglet are kept, however many the others have had meanwhile."""
        monkeypatch.setattr(module, "KEPT_APPLIED", 10)
        monkeypatch.setattr(module, "TRIM_EVERY", 5)
        records.save(replace(PAGLET, agent_id="quiet", name=""), [("first", b"", 1)])
        last = [records.apply(PAGLET, f"m{place}", place, b"") for place in range(3, 103, 2)][-1]
        last.result(5)
        assert [place for _id, _reply, place in records.applied("p1")] == list(range(83, 103, 2))
        assert records.applied("quiet") == [("first", b"", 1)]

    def test_forgetting_takes_all_of_it(self, records: Records, store: Store) -> None:
        """A paglet that ended leaves nothing, and nothing of others goes with it."""
        other = replace(PAGLET, agent_id="p2", name="")
        for paglet in (PAGLET, other):
            records.save(paglet, [("m1", b"", 1)])
            records.queue(message(1, paglet.agent_id)).result(5)
        records.count_crashes(["p1", "p2"], 60)
        records.forget("p1")
        for table in ("paglets", "messages", "applied", "crashes"):
            assert store.execute(f"SELECT agent_id FROM {table}") == [("p2",)]

    def test_waking_keeps_the_messages(self, records: Records) -> None:
        """A paglet that is stored only in its sleep wakes with its messages still stored."""
        records.save(PAGLET)
        records.queue(message(1)).result(5)
        records.wake("p1")
        assert records.paglets() == []
        assert records.queued("p1") == [message(1)]

    def test_what_was_left_behind(self, records: Records) -> None:
        """Messages of a paglet that left are named with where it went; those of one that ended are forgotten."""
        records.save(PAGLET)
        for agent_id in ("p1", "p2", "p3"):
            records.queue(message(1, agent_id)).result(5)
        records.commit_departure("p2", "", 2, "unix:///beta", "op")
        assert records.left_behind() == [("p2", "unix:///beta")]
        assert [len(records.queued(agent_id)) for agent_id in ("p1", "p2", "p3")] == [1, 1, 0]


def test_crashes_are_counted_within_the_window(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deaths are counted by paglet, and those before the window are forgotten."""
    now = 1000.0
    monkeypatch.setattr(module.time, "time", lambda: now)
    assert records.count_crashes(["p1", "p2"], 60) == {"p1": 1, "p2": 1}
    now = 1050.0
    assert records.count_crashes(["p1"], 60) == {"p1": 2, "p2": 1}
    now = 1070.0
    assert records.count_crashes([], 60) == {"p1": 1}


def test_shipped_code_is_stored_with_its_paglet(records: Records, store: Store) -> None:
    """The code of a class shipped by value is there when the store is read again; code that was changed is refused."""

    class Local(Counter):
        pass

    name = code_store.name_of(Local)
    digest = name.partition("#")[2]
    for agent_id in ("p1", "p2"):
        records.save(replace(PAGLET, agent_id=agent_id, name="", class_name=name))
    assert store.execute("SELECT digest FROM code") == [(digest,)]
    bundle = code_store.bundle(digest)
    assert isinstance(bundle, Bundle)
    del code_store._bundles[digest]
    assert records.load_code() == []
    assert code_store.bundle(digest) == bundle
    store.execute("UPDATE code SET pickled = ?", (b"other",))
    assert records.load_code() == [f"the code of {bundle.name} is not what its version {digest} stands for"]
    assert code_store.bundle(digest) == bundle
