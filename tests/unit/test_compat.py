"""The reference's import paths."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import paglets_nb.compat
from paglets_nb.compat.core.agent import Paglet, PagletState, state_locked
from paglets_nb.compat.core.errors import StorageQuotaError
from paglets_nb.compat.core.messages import Message
from paglets_nb.compat.patterns.operations import OperationClient, OperationPaglet
from paglets_nb.compat.patterns.tasks import TaskClient, TaskPaglet
from paglets_nb.compat.runtime.host import Host
from paglets_nb.compat.services.contracts import ServiceOperation

PATHS = {
    "core.agent": "ACTIVE INACTIVE Paglet PagletContext PagletState state_locked",
    "core.messages": "FutureReply Message MessageType ReplySet",
    "core.events": "CloneEvent CreationEvent DisposalEvent LifecycleEvent MobilityEvent PersistencyEvent",
    "core.errors": (
        "AuthenticationError ForbiddenError HostError InvalidAgentError LifecycleError NotHandledError "
        "PagletCrashedError PagletError PagletInactiveError RemoteHostError SerializationError "
        "ServiceContractError ServiceNotFoundError StorageQuotaError TransferError"
    ),
    "core.itinerary": (
        "ItineraryAgentMixin ItineraryPlan ItineraryState ItineraryTask TaskItineraryPlan TaskItineraryState"
    ),
    "core.runtime_values": "ACTIVE DEFAULT_TIMEOUT INACTIVE new_agent_id new_message_id",
    "services.contracts": (
        "EmptyPayload ServiceContract ServiceHandle ServiceLease ServiceOperation ServiceRecord ServiceScope"
    ),
    "services.resident": "ResidentServiceSpec ResidentStart ServiceLease",
    "remote.proxy": "PagletProxy",
    "remote.references": "PagletProxyRef",
    "remote.transfer": "ArrivalMode TransferTicket",
    "remote.mesh": "HostRef",
    "serialization.codec": "dataclass_from_wire dataclass_to_wire qualified_name resolve_qualified_name",
    "persistence.persistency": "DeactivationPolicy DeactivationRequest",
    "persistence.storage": "PersistentStorage StorageQuotaError",
    "runtime.host": "Host",
    "system.user_info": "NOTIFY_USER NotificationSeverity USER_INFO UserInfoReply UserInfoRequest",
    "patterns.tasks": (
        "TASK_CANCEL TASK_START TASK_STATUS TASK_WAIT TaskClient TaskHandle TaskPaglet TaskSnapshot TaskStartRequest "
        "TaskState TaskStatus TaskStatusReply TaskWaitRequest"
    ),
    "patterns.operations": "OperationClient OperationPaglet",
    "patterns.coordination": "ChildRoleState CursorDrainMixin MeshFanoutMixin MeshFanoutState",
    "patterns.notifications": "NotificationMixin NotificationSeverity",
    "patterns.file_mobility": (
        "FileMobilityMixin FileTransferArrival FileTransferEndpoint FileTransferMode FileTransferPlan "
        "FileTransferRequest FileTransferResult FileTransferSource FileTransferState SingleFileTransferPaglet "
        "format_bytes"
    ),
}


@dataclass
class NoteState(PagletState):
    notes: int = 0


class Note(Paglet[NoteState]):
    """A paglet written against the reference's paths."""

    State = NoteState

    @state_locked
    def handle_message(self, message: Message) -> Any:
        """Count."""
        if message.kind == "note":
            self.state.notes += 1
            return {"notes": self.state.notes}
        return self.not_handled(message)

    def on_arrival(self, event: Any) -> None:
        """Keep what it has counted."""
        self.persistent_storage(64).write_bytes("notes", b"x" * self.state.notes)


@dataclass(frozen=True)
class Sum:
    numbers: list[int]


@dataclass(frozen=True)
class Total:
    value: int = 0


SUM = ServiceOperation("sum", Sum, Total)


class Adder(OperationPaglet[PagletState]):
    """One operation."""

    Operations = (SUM,)

    def operation_handlers(self) -> dict[ServiceOperation, Any]:
        """The sum."""
        return {SUM: lambda request: Total(sum(request.numbers))}


class AdderTask(TaskPaglet):  # type: ignore[type-arg]
    """The same as a task."""

    Request = Sum
    Result = Total

    def run_task(self, request: Sum) -> Total:
        """The sum."""
        return Total(sum(request.numbers))


@pytest.fixture
def started() -> Iterator[Any]:
    """Starts hosts and stops them after the test."""
    with ExitStack() as stack:

        def start(*args: Any, **options: Any) -> Host:
            host = Host(*args, **options)
            stack.callback(host.stop)
            return host.start_background()

        yield start


@pytest.mark.parametrize("path", PATHS)
def test_every_path_has_its_names(path: str) -> None:
    """Each path of the reference offers exactly its names."""
    module = importlib.import_module(f"paglets_nb.compat.{path}")
    assert sorted(module.__all__) == sorted(PATHS[path].split())
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_the_list_is_complete() -> None:
    """There is no module in the package that the list does not hold."""
    found = {
        info.name.removeprefix("paglets_nb.compat.")
        for info in pkgutil.walk_packages(paglets_nb.compat.__path__, "paglets_nb.compat.")
        if not info.ispkg
    }
    assert found == set(PATHS)


def test_the_names_are_the_packages_own() -> None:
    """What is re-exported is the thing itself; only ``Host`` is made anew."""
    for path in PATHS:
        module = importlib.import_module(f"paglets_nb.compat.{path}")
        for name in module.__all__:
            owner = getattr(getattr(module, name), "__module__", "")
            assert (path == "runtime.host") == str(owner).startswith("paglets_nb.compat")


def test_the_references_keywords(started: Any, tmp_path: Path) -> None:
    """``Host`` takes every keyword of the reference and serves."""
    host = started(
        "alpha", host="127.0.0.1", port=0, mesh="m-keywords", mesh_multicast=False, mesh_version="1", peers=[],
        persistence_dir=tmp_path / "p", persistent_storage_quota_bytes=1000,
    )  # fmt: skip
    proxy = host.create(Note)
    assert proxy.send("note") == {"notes": 1}
    assert (tmp_path / "p" / "alpha").is_dir()


def test_patterns_run_unchanged(started: Any) -> None:
    """Operations and tasks written against the reference's paths work."""
    host = started("alpha")
    assert OperationClient(host.create(Adder)).call(SUM, Sum([1, 2, 3])) == Total(6)
    task = TaskClient.for_paglet(host.create(AdderTask), AdderTask)
    assert task.start_and_wait(Sum([4, 5])).result == Total(9)


def test_peers_join_a_mesh(started: Any) -> None:
    """A host that names another among its peers, by address or itself, is in its mesh, transitively."""
    alpha = started("alpha", mesh_multicast=False)
    beta = started("beta", mesh_multicast=False, peers=[alpha.address])
    gamma = started("gamma", peers=[beta])
    for host in (alpha, beta, gamma):
        assert {ref.name for ref in host.members.hosts()} == {"alpha", "beta", "gamma"}
    proxy = alpha.create(Note)
    proxy.send("note")
    proxy.dispatch("gamma")
    assert proxy.send("note") == {"notes": 2}


def test_a_peer_that_comes_later(started: Any) -> None:
    """A host named as a peer before it was started joins when it starts."""
    beta = Host("beta", mesh_multicast=False)
    alpha = started("alpha", mesh_multicast=False, peers=[beta, "unix:///no/such/peer.sock"])
    with beta:
        assert {ref.name for ref in alpha.members.hosts()} == {"alpha", "beta"}


def test_meshes_by_name_and_version(started: Any) -> None:
    """Hosts of one mesh and version see each other; without multicast, or of another version, they do not."""
    alpha = started("alpha", mesh="m-names")
    started("beta", mesh="m-names")
    for name, options in (
        ("gamma", {"mesh": "m-names", "mesh_version": "2"}),
        ("delta", {"mesh": "m-names", "mesh_multicast": False}),
        ("epsilon", {}),
    ):
        assert [ref.name for ref in started(name, **options).members.hosts()] == [name]
    assert {ref.name for ref in alpha.members.hosts()} == {"alpha", "beta"}


def test_the_storage_quota(started: Any, tmp_path: Path) -> None:
    """The quota of persistent storage is the host's, and a write past it is a StorageQuotaError."""
    host = started("alpha", persistence_dir=tmp_path, persistent_storage_quota_bytes=10)
    storage = host.storage.of("tests:Note")
    storage.write_bytes("a", b"x" * 10)
    with pytest.raises(StorageQuotaError):
        storage.write_bytes("b", b"x")
