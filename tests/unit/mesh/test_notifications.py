"""Notifications on their way to the person, over real hosts of one process."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.host.user_info import SHOWN_BY_MESH
from paglets_nb.mesh import notifications as mesh_notifications
from paglets_nb.mesh.followers import HostAddress
from paglets_nb.mesh.notifications import Notification, Notifications, show_notification
from paglets_nb.services.user_info import NOTIFY_USER, USER_INFO, UserInfoRequest
from paglets_nb.testing import in_process_mesh, wait_until


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts of a mesh that shows notifications."""
    with in_process_mesh(properties={SHOWN_BY_MESH: True}) as hosts:
        yield hosts


@pytest.fixture
def shown() -> list[Notification]:
    """What was shown."""
    return []


@pytest.fixture
def notifications(hosts: list[Host], shown: list[Notification]) -> Iterator[Notifications]:
    """What the mesh's owner reads."""
    client = HostClient()
    up = [HostAddress(host.name, host.address) for host in hosts]
    notifications = Notifications(lambda: client, lambda: up, shown.append)
    notifications.start()
    yield notifications
    notifications.close()
    client.close()


def notify(host: Host, title: str, severity: str = "info") -> None:
    """Tell the person something."""
    host.services.require_contract(USER_INFO).call(NOTIFY_USER, UserInfoRequest(severity, title, "m", "a1", "j", 5.0))


def test_notifications_of_every_host_are_shown_and_kept(
    notifications: Notifications, hosts: list[Host], shown: list[Notification]
) -> None:
    """What any host was told reaches the owner, whole and once."""
    notify(hosts[0], "one")
    assert notifications.wait(0, 5.0)
    notify(hosts[1], "two", "error")
    assert notifications.wait(1, 5.0)
    wait_until(lambda: len(shown) == 2)
    assert shown == notifications.list()
    assert shown[1] == Notification(2, "beta", "a1", "error", "two", "m", "j", 5.0)
    assert notifications.list(since=1) == [shown[1]]


def test_what_was_told_is_shown_after_a_sync(
    notifications: Notifications, hosts: list[Host], shown: list[Notification]
) -> None:
    """Whoever told is answered before it is shown; a sync waits for that, on every host, and for nothing else."""
    for round_number in range(20):
        for host in hosts:
            notify(host, f"{host.name} {round_number}")
        notifications.sync(5.0)
        assert {n.title for n in shown[-2:]} == {f"alpha {round_number}", f"beta {round_number}"}
    hosts[1].stop()
    notifications.sync(5.0)
    assert len(shown) == 40


def test_other_events_wake_nobody(notifications: Notifications, hosts: list[Host], shown: list[Notification]) -> None:
    """However much else happens, only notifications come, and none is missed for it."""
    for _ in range(1500):
        hosts[0].events.record("create", "a")
    notify(hosts[0], "after all that")
    assert notifications.wait(0, 5.0)
    assert [notification.title for notification in notifications.list()] == ["after all that"]


def test_only_the_latest_are_kept(hosts: list[Host], monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is bounded; numbers go on."""
    monkeypatch.setattr(mesh_notifications, "KEPT", 5)
    client = HostClient()
    notifications = Notifications(lambda: client, lambda: [HostAddress("alpha", hosts[0].address)], None)
    for number in range(8):
        notify(hosts[0], str(number))
    notifications.start()
    assert notifications.wait(7, 5.0)
    notifications.close()
    client.close()
    assert [(entry.number, entry.title) for entry in notifications.list()] == [(n + 1, str(n)) for n in range(3, 8)]


def test_a_listener_that_fails_harms_nobody(
    notifications: Notifications, hosts: list[Host], shown: list[Notification], caplog: pytest.LogCaptureFixture
) -> None:
    """One that raises is logged; the rest is told, and so is what follows."""

    def fail(_notification: Notification) -> None:
        raise ZeroDivisionError

    remove = notifications.add_listener(fail)
    notify(hosts[0], "one")
    wait_until(lambda: len(shown) == 1)
    remove()
    notify(hosts[0], "two")
    wait_until(lambda: len(shown) == 2)
    assert "could not be shown" in caplog.text


def test_without_a_cell_they_are_lines_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Outside a notebook, info goes to stdout and the rest to stderr, each naming its host once."""
    show_notification(Notification(1, "alpha", "a1", "info", "Done", "3 files"))
    show_notification(Notification(2, "beta", "a1", "error", "Failed", "no file"))
    show_notification(Notification(3, "beta", "a1", "warning", "Nearly full", "1 left"))
    captured = capsys.readouterr()
    assert captured.out == "[alpha] Done: 3 files\n"
    assert captured.err == "[beta] ERROR Failed: no file\n[beta] WARNING Nearly full: 1 left\n"


def test_those_from_before_are_kept_and_not_shown(hosts: list[Host]) -> None:
    """Who takes a mesh up is shown what was told since the last owner was lost, and has the rest in the list."""
    notify(hosts[0], "seen by the last owner")
    before = time.time()
    notify(hosts[0], "missed")
    client, shown = HostClient(), []
    notifications = Notifications(lambda: client, lambda: [HostAddress("alpha", hosts[0].address)], shown.append)
    notifications.start(shown_from=before)
    wait_until(lambda: len(shown) == 1)
    assert [notification.title for notification in shown] == ["missed"]
    assert [notification.title for notification in notifications.list()] == ["seen by the last owner", "missed"]
    notifications.close()
    client.close()
