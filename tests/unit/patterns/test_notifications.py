"""Notifications, with and without somebody to take them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from paglets_nb import Host, Message, Paglet, PagletState, ServiceOperation, ServiceScope
from paglets_nb.core.events import CreationEvent
from paglets_nb.host.services import HostServices
from paglets_nb.patterns import NotificationMixin, NotificationSeverity, OperationPaglet
from paglets_nb.services.user_info import USER_INFO, UserInfoReply, UserInfoRequest
from paglets_nb.testing import in_process_mesh


@dataclass
class DeskState(PagletState):
    taken: list[UserInfoRequest] = field(default_factory=list)
    scope: str = "mesh"
    answer: bool = True


class Desk(Paglet[DeskState]):
    """Takes notifications."""

    def on_creation(self, event: CreationEvent) -> None:
        """Offer the contract."""
        self.advertise_contract(USER_INFO, scope=ServiceScope(self.state.scope))

    def handle_message(self, message: Message) -> Any:
        """notify."""
        return USER_INFO.route(message, {"notify": self.take})

    def take(self, request: UserInfoRequest) -> UserInfoReply:
        """Keep what is said."""
        if request.title == "fail":
            raise ValueError("no")
        self.state.taken.append(request)
        return UserInfoReply(delivered=self.state.answer)


@dataclass(frozen=True)
class Tell:
    severity: str = "info"
    title: str = "title"
    scope: str = "mesh"


@dataclass(frozen=True)
class Told:
    delivered: bool = False


TELL = ServiceOperation("tell", Tell, Told)


class Teller(NotificationMixin, OperationPaglet[PagletState]):
    def operation_handlers(self) -> Any:
        """tell."""
        return {TELL: self.tell}

    def tell(self, request: Tell) -> Told:
        """Notify the user."""
        return Told(
            self.notify_user_info(
                NotificationSeverity(request.severity) if request.severity != "odd" else request.severity,
                request.title,
                "text",
                job_id="job-1",
                scope=ServiceScope(request.scope),
                metadata={"n": 1},
            )
        )


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Host]]:
    """Two hosts that take no notifications by themselves."""
    monkeypatch.setattr("paglets_nb.host.host.HostServices", lambda host, _specs: HostServices(host, []))
    with in_process_mesh() as mesh:
        yield mesh


def tell(host: Host, **request: Any) -> bool:
    """Have a new paglet on the host notify the user; whether it was delivered."""
    told: Told = TELL.decode_reply(host.create(Teller).send(TELL.to_message(Tell(**request))))
    return told.delivered


def test_every_host_takes_notifications(capsys: pytest.CaptureFixture[str]) -> None:
    """With nothing set up, a paglet's notification is taken by its host, which logs and writes it."""
    with in_process_mesh() as (alpha, beta):
        assert tell(beta, severity="error", title="oh") is True
        (event,) = [event for event in beta.list_events() if event.kind == "notification"]
        assert event.details["title"] == "oh"
        assert not [event for event in alpha.list_events() if event.kind == "notification"]
    assert "[beta] ERROR oh: text" in capsys.readouterr().err


def test_a_notification_reaches_its_provider_over_the_mesh(hosts: list[Host]) -> None:
    """A paglet's notification comes to the provider on another host with all it says."""
    desk = hosts[0].create(Desk)
    begin = time.time()
    assert tell(hosts[1], severity="warning") is True
    (taken,) = hosts[0].residents.require(desk.agent_id).paglet.state.taken
    assert (taken.severity, taken.title, taken.message) == ("warning", "title", "text")
    assert taken.severity == NotificationSeverity.WARNING
    assert (taken.job_id, taken.metadata) == ("job-1", {"n": 1})
    assert taken.source_agent_id in {proxy.agent_id for proxy in hosts[1].get_proxies()}
    assert begin <= taken.timestamp <= time.time()


def test_the_scope_is_kept(hosts: list[Host]) -> None:
    """A provider for its own host only is found there and not from another."""
    hosts[0].create(Desk, DeskState(scope="local"))
    assert tell(hosts[0], scope="local") is True
    assert tell(hosts[1]) is False


def test_no_failure_is_an_exception(hosts: list[Host]) -> None:
    """No provider, one that fails or declines, an odd severity, a paglet that lives nowhere: False each."""
    assert tell(hosts[1]) is False
    hosts[0].create(Desk)
    assert tell(hosts[1], title="fail") is False
    assert tell(hosts[1], severity="odd") is False
    assert Teller().notify_user_info(NotificationSeverity.INFO, "title", "text") is False


def test_a_declined_notification_is_not_delivered(hosts: list[Host]) -> None:
    """A provider that says it did not take the notification is believed."""
    hosts[0].create(Desk, DeskState(answer=False))
    assert tell(hosts[1]) is False


def test_a_dead_provider_is_not_waited_for(hosts: list[Host]) -> None:
    """With the provider's host gone a notification is given up."""
    hosts[0].create(Desk)
    assert tell(hosts[1]) is True
    hosts[0].stop()
    assert tell(hosts[1]) is False
