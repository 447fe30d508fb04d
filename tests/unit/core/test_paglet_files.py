"""A paglet's files as it sees them, on real hosts: they go where it goes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState
from paglets_nb.errors import LifecycleError, StorageQuotaError, TransferError
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import Arrival, Nothing, Settle
from paglets_nb.testing import in_process_mesh, wait_until


@dataclass
class CarrierState(PagletState):
    """What the carrier saw in its hooks, and where it is to go by itself."""

    seen: list[str] = field(default_factory=list)
    route: list[str] = field(default_factory=list)
    refuse: bool = False


class Carrier(Paglet[CarrierState]):
    """Carries files, and notes in its arrival hooks what it has."""

    def _note(self, hook: str) -> None:
        for file in self.registered_files():
            digest = hashlib.sha256(self.file_path(file.name).read_bytes()).hexdigest()[:8]
            self.state.seen.append(f"{self.context.name} {hook} {file.name} {digest} {file.path.parent.name}")

    def on_arrival(self, event: Any) -> None:
        """All files are here already."""
        self._note("arrival")

    def on_clone(self, event: Any) -> None:
        """So are a clone's."""
        self._note("clone")

    def run(self) -> None:
        """Go on by itself, from its own thread."""
        if self.state.route:
            self.dispatch_to(self.state.route.pop(0))

    def handle_message(self, message: Message) -> Any:
        """Whatever a test wants done inside."""
        return getattr(self, f"do_{message.kind}")(**message.args)

    def do_register(self, path: str, **options: Any) -> str:
        """Register a file of the user's."""
        return str(self.register_file(path, **options))

    def do_make(self, name: str, text: str) -> str:
        """Make a file in the scratch folder."""
        (self.work_dir() / name).write_text(text)
        return str(self.work_dir())

    def do_files(self) -> list[list[str]]:
        """What is registered."""
        return [[file.name, file.mode, str(file.path)] for file in self.registered_files()]

    def do_unregister(self, name: str) -> None:
        """Have it travel no longer."""
        self.unregister_file(name)

    def do_go(self, target: str) -> None:
        """Move from within a handler."""
        self.dispatch_to(target)

    def do_keep(self, name: str, text: str, quota: int | None = None) -> int:
        """Write into the class's storage."""
        storage = self.persistent_storage(quota)
        storage.write_text(name, text)
        return storage.used_bytes

    def do_kept(self) -> dict[str, str]:
        """Everything in the class's storage."""
        storage = self.persistent_storage()
        return {name: storage.read_text(name) for name in storage}

    def do_send(self, source: str, name: str | None = None) -> str:
        """Leave an artifact at the host."""
        return self.send_artifact(source, name)


class DurableCarrier(Carrier):
    """The same, stored at each step."""

    durability: ClassVar[str] = "lifecycle"


@pytest.fixture(params=["one machine", "over the socket"])
def hosts(request: pytest.FixtureRequest) -> Iterator[list[Host]]:
    """Three hosts, reading each other's files or sending them."""
    with in_process_mesh(["alpha", "beta", "gamma"]) as hosts:
        for host in hosts:
            host.file_source.same_machine = request.param == "one machine"
        yield hosts


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    """A file of 9 MB: more than one chunk."""
    path = tmp_path / "payload.bin"
    path.write_bytes(os.urandom(9_000_001))
    return path


def digest(path: Path) -> str:
    """As the carrier notes it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def leftovers(*hosts: Host) -> list[str]:
    """Files that hosts keep for paglets."""
    return [path.name for host in hosts for path in (host.data_dir / "files").rglob("*") if path.is_file()]


@pytest.mark.parametrize("cls", [Carrier, DurableCarrier])
def test_files_are_there_before_the_arrival_hook(hosts: list[Host], payload: Path, cls: type[Carrier]) -> None:
    """Dispatch and retract bring every file into the work folder, whole; moved sources go, copied ones stay."""
    alpha, beta, _gamma = hosts
    moved = payload.with_name("moved")
    moved.write_bytes(b"moved")
    checks = [digest(moved), digest(payload)]
    proxy = alpha.create(cls)
    proxy.send("register", {"path": str(payload)})
    proxy.send("register", {"path": str(moved), "name": "m", "mode": "move"})
    proxy.send("make", {"name": "scratch", "text": "not registered"})
    proxy.dispatch("beta")
    assert payload.exists()
    assert not moved.exists()
    assert leftovers(alpha) == []
    assert sorted(leftovers(beta)) == ["m", "payload.bin", "registered.json"]
    alpha.retract(proxy)
    assert leftovers(beta) == []
    wanted = [
        f"{host} arrival {name} {check} work"
        for host in ("beta", "alpha")
        for name, check in zip(("m", "payload.bin"), checks, strict=True)
    ]
    assert alpha.get_state(proxy.agent_id).seen == wanted


def test_clones_have_copies_of_their_own(hosts: list[Host], payload: Path) -> None:
    """A clone, here or elsewhere, has each file; the original and the source keep theirs."""
    alpha, beta, _gamma = hosts
    proxy = alpha.create(Carrier)
    proxy.send("register", {"path": str(payload), "name": "p", "mode": "move"})
    for host, clone in ((beta, proxy.clone("beta")), (alpha, proxy.clone())):
        assert host.get_state(clone.agent_id).seen == [f"{host.name} clone p {digest(payload)} work"]
        Path(clone.send("files")[0][2]).write_bytes(b"changed")
    assert payload.stat().st_size == 9_000_001
    assert proxy.send("files") == [["p", "move", str(payload)]]


def test_files_follow_a_paglet_that_goes_by_itself(hosts: list[Host], payload: Path) -> None:
    """Through twelve hops from its own thread the files are right at each arrival and left nowhere."""
    alpha, _beta, gamma = hosts
    route = ["beta", "gamma", "alpha"] * 4
    check = digest(payload)
    proxy = alpha.create(Carrier)
    proxy.send("register", {"path": str(payload), "name": "p", "mode": "move"})
    alpha.residents.require(proxy.agent_id).paglet.state.route = [*route[1:], "gamma"]
    proxy.send_oneway("go", {"target": "beta"})
    wait_until(lambda: len(gamma.get_proxies()) and len(gamma.get_state(proxy.agent_id).seen) == 13, 30)
    assert gamma.get_state(proxy.agent_id).seen == [f"{host} arrival p {check} work" for host in [*route, "gamma"]]
    assert leftovers(*hosts[:2]) == []
    assert not payload.exists()


def test_a_file_that_is_gone_keeps_the_paglet_here(hosts: list[Host], payload: Path) -> None:
    """The movement is refused by name, nothing is lost, and after unregistering the paglet can go."""
    alpha, beta, _gamma = hosts
    other = payload.with_name("other")
    other.write_text("other")
    proxy = alpha.create(Carrier)
    proxy.send("register", {"path": str(payload), "mode": "move"})
    proxy.send("register", {"path": str(other)})
    other.unlink()
    with pytest.raises(TransferError, match="registered file 'other' is gone"):
        proxy.dispatch("beta")
    assert payload.exists()
    assert proxy.host_url == alpha.address
    assert leftovers(beta) == []
    proxy.send("unregister", {"name": "other"})
    proxy.dispatch("beta")
    assert len(proxy.send("files")) == 1


def test_a_refused_arrival_leaves_source_and_target_clean(hosts: list[Host], payload: Path) -> None:
    """A target that cannot take the files says so; the source has paglet and files as before."""
    alpha, beta, _gamma = hosts
    proxy = alpha.create(Carrier)
    proxy.send("register", {"path": str(payload), "mode": "move"})
    beta.data_dir.joinpath("files").write_text("in the way")
    with pytest.raises(TransferError, match="beta"):
        proxy.dispatch("beta")
    beta.data_dir.joinpath("files").unlink()
    assert payload.stat().st_size == 9_000_001
    assert proxy.send("files") == [["payload.bin", "move", str(payload)]]
    proxy.dispatch("beta")
    assert len(proxy.send("files")) == 1


def test_the_scratch_folder_goes_with_the_paglets_end(hosts: list[Host]) -> None:
    """Disposal clears the work folder; another paglet's is another."""
    alpha = hosts[0]
    first, second = alpha.create(Carrier), alpha.create(Carrier)
    folders = {Path(proxy.send("make", {"name": "x", "text": "y"})) for proxy in (first, second)}
    assert len(folders) == 2
    first.dispose()
    assert [folder.exists() for folder in folders].count(True) == 1
    second.deactivate()
    second.dispose()
    assert leftovers(alpha) == []


def test_storage_is_of_the_class_and_stays(hosts: list[Host]) -> None:
    """Paglets of a class share a storage per host, whatever happens to each of them; its bounds are typed errors."""
    alpha, beta, _gamma = hosts
    proxy = alpha.create(Carrier)
    assert proxy.send("keep", {"name": "notes/day", "text": "12345"}) == 5
    with pytest.raises(StorageQuotaError, match="past its quota of 8"):
        proxy.send("keep", {"name": "more", "text": "6789", "quota": 8})
    with pytest.raises(StorageQuotaError, match="past its quota of 10485760"):
        proxy.send("keep", {"name": "more", "text": "x" * (10 << 20)})
    for name in ("../out", "/abs", "a/../../b", "nul\0", ""):
        with pytest.raises(ValueError, match="storage"):
            proxy.send("keep", {"name": name, "text": "x"})
    proxy.dispatch("beta")
    assert proxy.send("kept") == {}
    proxy.dispose()
    assert alpha.create(Carrier).send("kept") == {"notes/day": "12345"}
    assert alpha.create(DurableCarrier).send("kept") == {}
    assert leftovers(beta) == []


def test_artifacts_stay_at_the_host(hosts: list[Host], payload: Path) -> None:
    """What a paglet leaves is listed, fetched and deleted from any host of the mesh."""
    alpha, beta, _gamma = hosts
    proxy = beta.create(Carrier)
    assert proxy.send("send", {"source": str(payload)}) == "payload.bin"
    proxy.dispose()
    assert [info.name for info in alpha.list_artifacts(host="beta")] == ["payload.bin"]
    assert alpha.download_artifact("payload.bin", host="beta") == payload.read_bytes()
    alpha.delete_artifact("payload.bin", host="beta")
    assert beta.list_artifacts() == []


def test_files_want_a_host() -> None:
    """A paglet that lives nowhere has no files to ask for."""
    for call in (Carrier().work_dir, Carrier().registered_files, Carrier().persistent_storage):
        with pytest.raises(LifecycleError, match="lives on no host"):
            call()


@pytest.mark.parametrize("asleep", [False, True])
def test_a_host_that_starts_again_has_its_paglets_files(tmp_path: Path, payload: Path, *, asleep: bool) -> None:
    """Registered files of durable and of sleeping paglets outlive their host; scratch does not."""
    check = digest(payload)
    with Host("alpha", data_dir=tmp_path / "a") as alpha, Host("beta", data_dir=tmp_path / "b") as beta:
        proxy = alpha.create(Carrier if asleep else DurableCarrier)
        proxy.send("register", {"path": str(payload), "name": "p", "mode": "move"})
        proxy.dispatch(beta.address)
        proxy.send("make", {"name": "scratch", "text": "x"})
        if asleep:
            proxy.deactivate()
    with Host("beta", data_dir=tmp_path / "b") as beta:
        again = beta.get_proxy(proxy.agent_id) if not asleep else beta.find(proxy.agent_id)
        ((name, mode, path),) = again.send("files")
        assert (name, mode, digest(Path(path))) == ("p", "move", check)
        assert os.listdir(Path(path).parent) == ["p"]


def test_an_arrival_outlives_its_target(tmp_path: Path, payload: Path) -> None:
    """Files of a prepared paglet are there still when the target starts again and hears of the commit."""
    check = digest(payload)
    with Host("alpha", data_dir=tmp_path / "a") as alpha:
        agent_id = alpha.create(DurableCarrier).agent_id
        alpha.files.register(agent_id, payload, "p", "move", durable=True)
        entries = alpha.files.manifest(agent_id, "dispatch")
        class_name = alpha.residents.require(agent_id).class_name
        arrival = Arrival("op1", "dispatch", "moving", class_name, {}, alpha.address, files=entries)
        with Host("beta", data_dir=tmp_path / "b") as beta:
            alpha.client.ask(beta.address, "@prepare", arrival, Nothing)
            alpha.durability.records.commit_clone("op1", "moving", beta.address)
        (tmp_path / "b/files/.incoming/lost").mkdir()
        with Host("beta", data_dir=tmp_path / "b") as beta:
            assert not (tmp_path / "b/files/.incoming/lost").exists()
            alpha.client.ask(beta.address, "@activate", Settle("op1"), Nothing)
            wait_until(lambda: beta.get_state("moving").seen)
            assert beta.get_state("moving").seen == [f"beta arrival p {check} work"]
            assert os.listdir(tmp_path / "b/files/.incoming") == []
            assert payload.stat().st_nlink == 2
