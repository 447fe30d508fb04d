from __future__ import annotations

import time
from typing import Any

from paglets_nb import Host, TaskStatus
from paglets_nb.errors import CallTimeoutError
from paglets_nb.mesh.events import MeshEvent
from paglets_nb.mesh.notifications import Notification
from paglets_nb.patterns.task_client import TaskClient
from paglets_nb.widgets.records import (
    MAX_ROWS,
    DrainedEvents,
    EventTable,
    LogText,
    MeshTable,
    NotificationTable,
    Reply,
    ReplyTable,
    TaskEntry,
    TaskTable,
    Upgrade,
    UpgradeTable,
    clock_time,
)
from tests.unit.widgets.conftest import Worker


def test_events_name_hosts_and_escape_details() -> None:
    """Addresses are shown as hosts, empty details and cells' ids not at all, and markup is text."""
    details = {"target": "unix:///run/x/beta.sock", "reason": "", "error": "<b>", "cell": "1f2e", "metadata": {}}
    shown = EventTable([MeshEvent(7, "dispatch", "abc", "alpha", time.time(), details)])
    assert repr(shown).splitlines()[1].split()[0] == "7"
    assert repr(shown).endswith("abc     target=beta, error=<b>")
    assert "error=&lt;b&gt;" in shown._repr_html_()


def test_times_of_other_days_have_their_date() -> None:
    """Today's times are short."""
    assert len(clock_time(time.time())) == len("12:00:00.000")
    assert clock_time(0.5).endswith(".500")
    assert clock_time(0.5)[:2] in ("19", "20")


def test_long_lists_show_their_end() -> None:
    """Past fifty rows the number of those left out is told."""
    shown = DrainedEvents([{"cursor": number, "n": number} for number in range(1, MAX_ROWS + 11)], 60)
    assert repr(shown).splitlines()[0] == "10 earlier ones, and"
    assert repr(shown).splitlines()[-1].split() == ["60", "n=60"]
    assert "10 earlier ones" in shown._repr_html_()
    assert "<td style='text-align:left;vertical-align:top'>11</td>" in shown._repr_html_()
    assert shown.cursor == 60


def test_empty_lists_say_so() -> None:
    """Nothing is not an empty table."""
    tables = EventTable, NotificationTable, DrainedEvents, ReplyTable, TaskTable, UpgradeTable, MeshTable
    for empty in (made() for made in tables):
        assert repr(empty) == empty._repr_html_()
        assert repr(empty).startswith("no ")


def test_notifications_show_what_was_told() -> None:
    """Severity, title, message and job are columns."""
    told = Notification(1, "alpha", "abc", "warning", "disk", "almost full", "job-1", time.time())
    assert repr(NotificationTable([told])).splitlines()[1].split()[2:] == "alpha warning disk almost full job-1".split()


def test_replies_are_told_from_failures(host: Host) -> None:
    """The values are without those that failed, whose error stands in the table."""
    proxy = host.create(Worker)
    replies = ReplyTable(
        [Reply(proxy, "w", {"n": 1}, None, 0.5), Reply(proxy, "v", None, CallTimeoutError("hello", 2.0), 2.0)]
    )
    assert replies.values == [{"n": 1}]
    assert [reply.label for reply in replies.failed] == ["v"]
    assert "{'n': 1}" in repr(replies)
    assert "CallTimeoutError: hello" in replies._repr_html_()


def test_tasks_show_where_they_stand(host: Host, client: TaskClient[Any]) -> None:
    """A finished task, one that is asleep, and their bars."""
    snapshot = client.start(None)
    assert snapshot.status is TaskStatus.COMPLETED
    entry = TaskEntry(client.proxy, "w", snapshot)
    asleep = TaskEntry(client.proxy, "z", None, "asleep")
    shown = TaskTable([entry, asleep])
    assert not entry.running
    assert not asleep.running
    assert repr(shown).splitlines()[1].split()[:4] == ["w", "alpha", "COMPLETED", "100%"]
    assert repr(shown).splitlines()[2].split() == ["z", "alpha", "asleep"]
    assert "width:100.0%" in shown._repr_html_()


def test_upgrades_tell_their_outcome(host: Host) -> None:
    """Changed, unchanged and failed are told apart."""
    proxy = host.create(Worker)
    shown = repr(
        UpgradeTable(
            [
                Upgrade(proxy, "a", True, None),
                Upgrade(proxy, "b", False, None),
                Upgrade(proxy, "c", False, KeyError("x")),
            ]
        )
    ).splitlines()
    assert shown[1].endswith("upgraded")
    assert shown[2].endswith("is of this version already")
    assert shown[3].endswith("stayed as it was: KeyError: 'x'")


def test_a_log_shows_as_it_is() -> None:
    """Its lines are not quoted; an empty one says so."""
    assert repr(LogText("a\nb\n")) == "a\nb"
    assert repr(LogText("")) == "nothing was written"
    assert LogText("a\n") == "a\n"
