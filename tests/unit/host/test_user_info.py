"""What a host does with a notification."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paglets_nb.errors import NotHandledError
from paglets_nb.host.host import Host
from paglets_nb.host.user_info import SHOWN_BY_MESH, notification_line
from paglets_nb.services.contracts import ServiceHandle
from paglets_nb.services.user_info import NOTIFY_USER, USER_INFO, UserInfoReply, UserInfoRequest
from paglets_nb.testing import in_process_mesh

REQUEST = UserInfoRequest("warning", "Disk", "nearly full", "a1", "job-7", 12.5, {"free": 3})


@pytest.fixture
def alpha() -> Iterator[Host]:
    """A host by itself."""
    with in_process_mesh(["alpha"]) as (alpha,):
        yield alpha


def user_info(host: Host) -> ServiceHandle:
    """The host's provider."""
    return host.services.require_contract(USER_INFO)


def test_a_notification_becomes_an_event(alpha: Host) -> None:
    """What was said stands in the event log, with who said it, and the reply tells under which number."""
    reply = user_info(alpha).call(NOTIFY_USER, REQUEST)
    (event,) = [event for event in alpha.list_events() if event.kind == "notification"]
    assert reply == UserInfoReply(True, str(event.number))
    assert event.agent_id == "a1"
    assert event.details["title"] == "Disk"
    assert event.details["metadata"] == {"free": 3}
    assert event.details["sent_at"] == 12.5


def test_a_host_that_nobody_reads_writes_to_stderr(alpha: Host, capfd: pytest.CaptureFixture[str]) -> None:
    """Outside a mesh that shows them, notifications are lines on stderr."""
    user_info(alpha).call(NOTIFY_USER, REQUEST)
    assert capfd.readouterr().err == "[alpha] WARNING Disk: nearly full\n"


def test_a_host_whose_mesh_shows_them_writes_nothing(alpha: Host, capfd: pytest.CaptureFixture[str]) -> None:
    """In a mesh whose owner shows notifications the host itself is silent."""
    alpha.properties[SHOWN_BY_MESH] = True
    user_info(alpha).call(NOTIFY_USER, REQUEST)
    assert capfd.readouterr().err == ""


def test_an_unknown_severity_is_refused(alpha: Host) -> None:
    """A severity that does not exist is the caller's error; nothing is recorded."""
    with pytest.raises(ValueError, match="loud"):
        user_info(alpha).call(NOTIFY_USER, UserInfoRequest("loud"))
    assert not [event for event in alpha.list_events() if event.kind == "notification"]


def test_other_messages_are_not_handled(alpha: Host) -> None:
    """The provider answers its contract and names its operations for anything else."""
    with pytest.raises(NotHandledError, match="notify"):
        user_info(alpha).proxy.send("shout")


@pytest.mark.parametrize(
    ("details", "line"),
    [
        ({"severity": "info", "title": "Done", "message": "3 files"}, "[h] Done: 3 files"),
        ({"severity": "error", "title": "", "message": "no"}, "[h] ERROR no"),
        ({"title": "Only"}, "[h] Only"),
        ({"title": "a\x1b[31mb", "message": "one\ntwo\r"}, "[h] a\ufffd[31mb: one\ntwo\ufffd"),
    ],
)
def test_the_line_of_a_notification(details: dict[str, str], line: str) -> None:
    """Host, severity unless it is info, title and message, as far as they are given; nothing a terminal obeys."""
    assert notification_line("h", details) == line
