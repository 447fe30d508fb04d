"""Services, notifications and events between real kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from paglets_nb import (
    EmptyPayload,
    Mesh,
    OperationClient,
    OperationPaglet,
    PagletState,
    ServiceContract,
    ServiceOperation,
    ServiceScope,
)
from paglets_nb.services.user_info import NOTIFY_USER, USER_INFO, UserInfoRequest
from paglets_nb.testing import ADD, Counter, wait_until
from tests.integration.notebook_kernel import NotebookKernel


@dataclass(frozen=True)
class Where:
    """The name of a host."""

    host: str = ""


@dataclass(frozen=True)
class Said:
    """What to tell the person."""

    text: str = ""


WHERE = ServiceOperation("where", EmptyPayload, Where)
ASK = ServiceOperation("ask", EmptyPayload, Where)
SAY = ServiceOperation("say", Said)
LOCATOR = ServiceContract("locator", (WHERE,))


class Locator(OperationPaglet[PagletState]):
    """Offers its host's name to the mesh; asks for it; tells the person."""

    Operations = (WHERE, ASK, SAY)

    def on_creation(self, event: Any) -> None:
        """Offer, where it is told to."""
        if event.init:
            self.advertise_contract(LOCATOR, ServiceScope.MESH)

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """Its operations."""
        return {WHERE: lambda _request: Where(self.context.name), ASK: self.ask, SAY: self.say}

    def ask(self, _request: EmptyPayload) -> Where:
        """Have the provider say where it is, under a lease."""
        with self.lease_contract(LOCATOR, ServiceScope.MESH) as lease:
            reply: Where = lease.call(WHERE)
            return reply

    def say(self, request: Said) -> None:
        """Tell the person."""
        handle = self.require_contract(USER_INFO, ServiceScope.MESH)
        handle.call(NOTIFY_USER, UserInfoRequest("info", request.text, source_agent_id=self.agent_id))


def test_a_service_of_one_kernel_is_used_from_another(mesh: Mesh) -> None:
    """A paglet on beta leases and calls what a paglet on alpha offers, until that one has gone."""
    provider = mesh.create(Locator, on="alpha", init=True)
    asker = mesh.create(Locator, on="beta")
    assert OperationClient(asker).call(ASK) == Where("alpha")
    kinds = [event.kind for event in mesh.events() if event.agent_id == provider.agent_id]
    assert kinds[:2] == ["service-advertised", "create"]
    provider.dispose()
    assert wait_until(lambda: "service-withdrawn" in [event.kind for event in mesh.events()])


def test_a_notification_reaches_the_owner(mesh: Mesh) -> None:
    """What a paglet in a kernel tells the person is soon with the mesh's owner."""
    speaker = mesh.create(Locator, on="beta")
    since = len(mesh.notifications.list())
    OperationClient(speaker).call(SAY, Said("from beta"))
    assert mesh.notifications.wait(since, 20.0)
    (notification,) = mesh.notifications.list(since)
    assert (notification.host_name, notification.agent_id, notification.title) == (
        "beta",
        speaker.agent_id,
        "from beta",
    )


def test_events_of_all_kernels_have_one_cursor(mesh: Mesh) -> None:
    """Creations and calls on both hosts are read on from a cursor, each once."""
    cursor = (mesh.events() or [None])[-1]
    since = cursor.number if cursor is not None else 0
    counters = [mesh.create(Counter, on=name) for name in ("alpha", "beta")]
    for counter in counters:
        OperationClient(counter).call(ADD)
    events = mesh.events(since)
    assert [event.number for event in events] == list(range(since + 1, since + 5))
    assert sorted((event.host_name, event.kind) for event in events) == [
        ("alpha", "create"),
        ("alpha", "message-delivered"),
        ("beta", "create"),
        ("beta", "message-delivered"),
    ]
    assert mesh.events(events[-1].number) == []


SAY_IN_A_CELL = """
from paglets_nb import Paglet
from paglets_nb.patterns.notifications import NotificationMixin, NotificationSeverity

class Talker(NotificationMixin, Paglet):
    def handle_message(self, message):
        return self.notify_user_info(NotificationSeverity.INFO, "Title", "said on beta")

talker = mesh.create(Talker, on="beta")
told = talker.send("go")
"""


def test_a_notification_is_shown_in_the_cell_that_caused_it(shared_notebook: NotebookKernel) -> None:
    """What a paglet on another kernel tells the person stands under the cell whose call it was."""
    cell = shared_notebook.run(SAY_IN_A_CELL)
    cell.check()
    shared_notebook.collect(lambda: "said on beta" in cell.stdout, 10.0, "the notification")
    assert cell.stdout.splitlines() == ["[beta] Title: said on beta"]
    assert shared_notebook.value("told") is True
    assert shared_notebook.value("[n.title for n in mesh.notifications.list()]") == ["Title"]
